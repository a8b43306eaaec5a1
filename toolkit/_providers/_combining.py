"""From the confidences of pieces to that of an answer."""

from collections.abc import Callable, Mapping, Sequence
from math import prod

COMBINED: Mapping[str, Callable[[Sequence[float]], float]] = {
    "min": min,
    "mean": lambda pieces: sum(pieces) / len(pieces),
    "product": prod,
}
"""The least certain piece, their mean, or all of them at once as if they were independent."""
