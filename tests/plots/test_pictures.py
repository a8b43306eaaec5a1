"""Every figure looks as it did when somebody last looked at it and found it good.

The drawings stand in `tests/plots/pictures`. After a change that was meant, draw them anew and look at them:
``TOOLKIT_DRAW_PICTURES=1 .venv/bin/pytest tests/plots/test_pictures.py``
"""

import os
from pathlib import Path

import numpy as np
import pytest
from drawing import FIGURES, made_up
from looks import ALIKE, difference, distance, kept, picture_of
from matplotlib import pyplot as plt
from PIL import Image, ImageChops

import toolkit as tk

HERE = Path(__file__).parent
PICTURES = HERE / "pictures"
SEEN = HERE.parents[1] / "artefacts" / "pictures"
DRAW = bool(os.environ.get("TOOLKIT_DRAW_PICTURES"))
FRAME = made_up()
OTHER = made_up(seed=8, images=60)


def drawn(figure, frame=FRAME, dpi=100):
    """A figure as it is drawn now."""
    return picture_of(FIGURES[figure](frame, None), dpi)


@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_looks_as_it_did(figure):
    """Seen from some steps away it is the drawing that was kept."""
    file, now = PICTURES / f"{figure}.png", drawn(figure)
    if DRAW:
        PICTURES.mkdir(exist_ok=True)
        kept(now).save(file, optimize=True)
    with Image.open(file) as opened:
        before = opened.convert("RGB")
    apart = distance(before, now)
    if apart > ALIKE:
        SEEN.mkdir(parents=True, exist_ok=True)
        now.save(SEEN / f"{figure}.png")
        difference(before, now).save(SEEN / f"{figure}-difference.png")

    assert apart <= ALIKE, f"{figure} differs by {apart:.3f}: look at {SEEN / f'{figure}-difference.png'}"


def test_no_picture_is_left_of_a_figure_that_is_gone():
    """Kept drawings are those of the figures there are."""
    assert {file.stem for file in PICTURES.glob("*.png")} == set(FIGURES)


# ── the measure ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("figure", ["accuracy_latency", "threshold_curve", "latency_ecdf", "forest", "confusions"])
def test_what_another_version_may_move_looks_alike(figure):
    """Drawn a pixel aside, with other hinting and at another resolution it is still the same."""
    before = drawn(figure)
    with plt.rc_context({"text.hinting": "none"}):
        unhinted = drawn(figure)

    assert distance(before, before) == 0
    assert distance(before, ImageChops.offset(before, 1, 1)) <= ALIKE
    assert distance(before, unhinted) <= ALIKE
    assert distance(before, drawn(figure, dpi=170)) <= ALIKE
    assert distance(before, kept(before).convert("RGB")) <= ALIKE


def _recoloured(ax):
    for line in ax.lines:
        line.set_color("black")


def _without_bands(ax):
    for band in list(ax.collections):
        band.remove()


def _without_a_line(ax):
    ax.lines[0].remove()


def _with_a_cut_label(ax):
    ax.set_xlabel("")


def _with_other_limits(ax):
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + 0.3 * (high - low))


@pytest.mark.parametrize("spoil", [_recoloured, _without_bands, _without_a_line, _with_a_cut_label, _with_other_limits])
def test_what_a_person_would_notice_is_found(spoil):
    """Another colour, a band, a line or a label that is gone, an axis that is longer: each is a difference."""
    curve = tk.stats.thresholds(FRAME, "slow()")
    before = picture_of(tk.plots.threshold_curve(curve))
    ax = tk.plots.threshold_curve(curve)
    spoil(ax)

    assert distance(before, picture_of(ax)) > ALIKE


@pytest.mark.parametrize(
    "figure", [figure for figure in FIGURES if figure not in ("probe_plans", "concurrency_of_limits")]
)
def test_other_data_look_different(figure):
    """No figure draws the same whatever it is given."""
    with Image.open(PICTURES / f"{figure}.png") as before:
        assert distance(before.convert("RGB"), drawn(figure, OTHER)) > ALIKE


def test_another_shape_is_another_picture():
    """A figure that grew is not stretched until it fits."""
    square, wide = Image.new("RGB", (100, 100)), Image.new("RGB", (100, 60))

    assert distance(square, wide) == 1
    assert np.asarray(difference(square, square)).max() < 255
