"""Quantities in words, for people."""


def duration(seconds: float) -> str:
    """A time span: ``2 h 5 min``, ``3 min 20 s``, ``7 s``."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
