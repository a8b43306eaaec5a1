"""Where the tests find things and leave their pictures."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
SHOTS = ROOT / "artefacts" / "screenshots"
"""Pictures of what the tests saw, kept for people to look at."""
