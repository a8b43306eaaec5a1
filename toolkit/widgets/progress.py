"""A bar that shows how a run goes."""

from collections.abc import Callable

from toolkit.engine.runner import Progress


def progress() -> Callable[[Progress], None]:
    """Display a bar below the cell and give the function that moves it."""
    import ipywidgets
    from IPython.display import display

    bar = ipywidgets.FloatProgress(min=0.0, max=1.0, layout=ipywidgets.Layout(width="35%"))
    words = ipywidgets.Label()
    display(ipywidgets.HBox([bar, words]))  # type: ignore[no-untyped-call]

    def move(at: Progress) -> None:
        bar.value = 1 - at.left / at.planned
        bar.bar_style = "" if at.left else ("warning" if at.errors else "success")
        words.value = at.sentence

    return move
