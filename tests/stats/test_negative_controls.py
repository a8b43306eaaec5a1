"""Images without text: an engine that finds nothing is right, one that gives text has made it up."""

import pandas as pd
import pytest
from scipy.stats import norm

import toolkit as tk
from toolkit import stats


def controls(*outcomes):
    """One reading of each of several images without text."""
    return pd.DataFrame(
        {
            "setting": "a()",
            "sample": [f"s{i}" for i in range(len(outcomes))],
            "repeat": 0,
            "target": "",
            "target_length": 0,
            "outcome": list(outcomes),
        }
    )


def test_fabrication_rate_is_the_share_of_images_without_text_that_were_given_one():
    """One of four gave text; the interval is Wilson's, computed here by its formula."""
    row = stats.summary(controls("correct", "wrong", "correct", "correct")).iloc[0]

    z, n, p = norm.ppf(0.975), 4, 0.25
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * (p * (1 - p) / n + z**2 / (4 * n**2)) ** 0.5
    assert row["fabrication_rate"] == 0.25
    assert row["fabrication_rate_low"] == pytest.approx(middle - half, abs=1e-3)
    assert row["fabrication_rate_high"] == pytest.approx(middle + half, abs=1e-3)


def test_without_such_images_the_rate_is_missing():
    """A share of nothing is missing, not zero."""
    frame = controls("correct", "wrong").assign(target="ab", target_length=2)

    assert pd.isna(stats.summary(frame).iloc[0]["fabrication_rate"])


def test_line_ends_are_one():
    """The same lines are the same text, whatever ends them."""
    assert tk.metrics.Normaliser()("a\r\nb\rc") == "a\nb\nc"
