import numpy as np
import pandas as pd
from worlds import WORLDS

from toolkit.stats import thresholds
from toolkit.stats._core.results import ROWS_SHOWN, with_ends_below


def test_an_interval_stands_below_its_figure():
    """Two columns of ends become a small bracket; what lacks, is endless or is text is told apart."""
    table = pd.DataFrame(
        {
            "setting": ["a<b>", "c"],
            "images": [1200, 5],
            "share": [0.5, np.nan],
            "share_low": [0.41234567, np.nan],
            "share_high": [np.nan, np.nan],
            "needed": [np.inf, 3.0],
            "told": [True, False],
        }
    )
    shown = with_ends_below(table)
    assert list(shown.columns) == ["setting", "images", "share", "needed", "told"]
    assert [(cell.content, cell.below) for cell in shown.iloc[0]] == [
        ("a<b>", ""), ("1,200", ""), ("0.5", "[0.4123, –]"), ("∞", ""), ("yes", ""),
    ]  # fmt: skip
    assert [(cell.content, cell.below) for cell in shown.iloc[1]] == [
        ("c", ""), ("5", ""), ("–", ""), ("3", ""), ("no", ""),
    ]  # fmt: skip
    value = pd.DataFrame({"measure": ["x"], "value": [1.0], "low": [0.5], "high": [2.0]})
    assert with_ends_below(value).iloc[0]["value"].below == "[0.5, 2]"


def test_a_long_curve_is_shown_from_end_to_end():
    """Of thousands of thresholds some are shown, the loosest and the strictest among them, and the rest is announced."""
    outcomes = WORLDS["typical"].outcomes(2000, np.random.default_rng(0))
    outcomes["confidence"] += np.random.default_rng(1).random(2000) / 1000
    curve = thresholds(outcomes)
    text, html = repr(curve), curve._repr_html_()
    assert html.count("<tr") == ROWS_SHOWN + 1
    for end in (0, -1):
        assert f"{curve.table['threshold'].iloc[end]:.4g}" in html
    assert f"{len(curve.table) - ROWS_SHOWN:,} more rows are in .table." in text
    assert "95 % intervals; they hold for one threshold at a time" in html
    few = thresholds(outcomes.head(20))
    assert len(few.table) == repr(few).split("\n\n")[1].count("\n")
    assert "more rows" not in repr(few)
