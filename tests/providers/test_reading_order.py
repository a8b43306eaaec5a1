"""Pieces of text are put together as a reader would."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit._providers._reading_order import in_reading_order


def box(left: float, top: float, width: float, height: float, rise: float = 0) -> list[list[float]]:
    """Corners from the top left clockwise; the right side is `rise` px higher than the left."""
    right = left + width
    return [[left, top], [right, top - rise], [right, top - rise + height], [left, top + height]]


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        ({"one": box(0, 0, 50, 20)}, "one"),
        ({"below": box(0, 40, 50, 20), "above": box(0, 0, 50, 20)}, "above\nbelow"),
        ({"right": box(80, 0, 50, 20), "left": box(0, 3, 50, 20)}, "left right"),
        ({"d": box(60, 41, 9, 20), "a": box(0, 2, 9, 20), "c": box(0, 38, 9, 20), "b": box(60, 0, 9, 20)}, "a b\nc d"),
        ({"high": box(0, 0, 90, 60), "small": box(100, 25, 20, 12)}, "high small"),
        ({"rising": box(0, 10, 90, 20, rise=8), "on": box(95, 3, 20, 20)}, "rising on"),
    ],
    ids=["one", "two lines", "two pieces", "two by two", "of two heights", "slanted"],
)
def test_pieces_are_read_in_lines_from_the_left(pieces, text):
    """What stands beside one another is a line, whatever the detector's order."""
    assert in_reading_order(list(pieces), np.array(list(pieces.values()))) == text


@given(st.integers(1, 4), st.integers(1, 4), st.floats(0.1, 50), st.randoms())
def test_a_table_is_read_row_by_row_at_any_scale(rows, columns, scale, random):
    """No distance in pixels is presupposed, nor any order."""
    cells = [(row, column) for row in range(rows) for column in range(columns)]
    random.shuffle(cells)
    texts = [f"r{row}c{column}" for row, column in cells]
    boxes = np.array([box(column * 100, row * 30, 80, 20) for row, column in cells]) * scale

    expected = "\n".join(" ".join(f"r{row}c{column}" for column in range(columns)) for row in range(rows))

    assert in_reading_order(texts, boxes) == expected
