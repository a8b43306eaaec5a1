"""Whether a new run may take the place of an old one, and whether these images can tell."""

from toolkit.gating.finding import EXIT_STATUS, Gate
from toolkit.gating.held_to import gate

__all__ = ["EXIT_STATUS", "Gate", "gate"]
