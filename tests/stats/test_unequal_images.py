"""Rows that stand on different numbers of images are each tested on their own."""

import pandas as pd

from toolkit.stats import pick_threshold


def test_each_row_of_a_curve_has_its_own_number_of_images():
    """9 wrong of 100 images are too many for 5 %, however many images another row has."""
    curve = pd.DataFrame({"threshold": [0.5, 0.9], "images": [100, 1000], "accepted": [90, 300], "wrong": [9, 2]})
    choice = pick_threshold(curve, 0.05, method="generalized")

    assert choice.threshold == 0.9
    assert choice.p < 0.05
