"""From pieces of text that lie about on a page to the text as it is read."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def in_reading_order(texts: Sequence[str], boxes: NDArray[np.floating]) -> str:
    """The texts joined: lines from top to bottom, one a line, and their pieces from left to right, a space between.

    `boxes` has shape (n, 4, 2): four corners x, y in pixels for each text, from its top left clockwise. A piece
    belongs to the line whose first piece it has its middle beside, so no distance in pixels is presupposed.
    """
    top, bottom = boxes[:, :, 1].min(axis=1), boxes[:, :, 1].max(axis=1)
    left, middle = boxes[:, :, 0].min(axis=1), (top + bottom) / 2
    lines: list[list[int]] = []
    for piece in np.argsort(middle, kind="stable"):
        first = lines[-1][0] if lines else None
        if first is not None and top[first] <= middle[piece] <= bottom[first]:
            lines[-1].append(int(piece))
        else:
            lines.append([int(piece)])
    return "\n".join(" ".join(texts[piece] for piece in sorted(line, key=lambda i: left[i])) for line in lines)
