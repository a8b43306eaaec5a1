"""Controls over frames and plots that exist without them. ipywidgets loads with the first one made."""

from toolkit.widgets.progress import progress

__all__ = ["progress"]
