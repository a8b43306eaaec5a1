"""Controls over frames and figures that exist without them. ipywidgets loads with the first one made.

`progress` shows how a run goes, `explore` the images with what was read, `compare` which setting is better, `tune`
where to draw the line on confidence. What each shows is an object: its state
can be read and set from code, and it is displayed by being the last line of a cell. Where no kernel runs, a saved
notebook shows it as a picture and a table.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toolkit.widgets.comparison import ComparisonView as ComparisonView
    from toolkit.widgets.comparison import compare as compare
    from toolkit.widgets.explorer import Explorer as Explorer
    from toolkit.widgets.explorer import explore as explore
    from toolkit.widgets.live_progress import ProgressView as ProgressView
    from toolkit.widgets.live_progress import progress as progress
    from toolkit.widgets.tuner import Tuner as Tuner
    from toolkit.widgets.tuner import tune as tune

_FILE_OF = {
    "ComparisonView": "comparison",
    "Explorer": "explorer",
    "ProgressView": "live_progress",
    "Tuner": "tuner",
    "compare": "comparison",
    "explore": "explorer",
    "progress": "live_progress",
    "tune": "tuner",
}

__all__ = sorted(_FILE_OF)  # noqa: PLE0605 -- built from the table above, so that a name stands there only


def __getattr__(name: str) -> Any:
    if name not in _FILE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_FILE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
