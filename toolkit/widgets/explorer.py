"""The explorer: images with what every setting read, filtered, a page at a time."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets

from toolkit._store.run_like import is_run
from toolkit.errors import DatasetError
from toolkit.widgets.base import NOTHING, WIDE, WRAPPED, WidgetView, offer
from toolkit.widgets.gallery_page import page_html
from toolkit.widgets.selection import OUTCOMES, Filter, Gallery
from toolkit.widgets.sources import Source, dataset_of, outcomes_of

if TYPE_CHECKING:
    from toolkit._dataset import Dataset

_SIZES = (5, 10, 20, 50)
_STYLE = {"description_width": "70px"}
_NARROW = {"width": "300px", "max_width": "100%"}
_OUTCOME_WORDS = {
    "any": "any", "correct": "correct", "wrong": "wrong", "no_answer": "no answer", "error": "error",
    "disagreement": "settings disagree",
}  # fmt: skip


class Explorer(WidgetView):
    """Images and answers. `chosen` is the filter its controls say, `ids` the images it lets through."""

    def __init__(self, source: Source, dataset: "Dataset | None", chosen: Filter, page_size: int) -> None:
        self.dataset = dataset
        self._gallery = Gallery(outcomes_of(source), _order(source, dataset))
        self._checksums = _checksums(source)
        self._make_controls(chosen, page_size)
        super().__init__(
            "explorer",
            [
                ipywidgets.HBox([self.setting, self.outcome], layout=WRAPPED),
                ipywidgets.HBox([self.tag, self.value, self.text], layout=WRAPPED),
                ipywidgets.HBox([self.previous, self.page, self.next, self.page_size, self.count], layout=WRAPPED),
                self.body,
                ipywidgets.HBox([self.folder, self.export_button, self.exported], layout=WRAPPED),
            ],
        )
        for control in (self.setting, self.outcome, self.value, self.text, self.page_size):
            control.observe(self._on_filter, "value")
        self.tag.observe(self._on_tag, "value")
        self.page.observe(self._on_page, "value")
        self.previous.on_click(lambda _: self._turn(-1))
        self.next.on_click(lambda _: self._turn(+1))
        self.export_button.on_click(self._on_export)
        if chosen.tag is not None:
            self._offer_values(chosen.value)
        self._search()

    def __repr__(self) -> str:
        return f"<Explorer: {len(self.found):,} of {len(self._gallery):,} images>"

    @property
    def chosen(self) -> Filter:
        """What the controls say."""
        settings = (self.setting.value,) if self.setting.value else ()
        return Filter(settings, self.outcome.value, self.tag.value or None, self.value.value, self.text.value)

    @property
    def ids(self) -> list[str]:
        """Ids of the images that are let through, in order."""
        return [str(id) for id in self._gallery.ids[self.found]]

    @property
    def pages(self) -> int:
        """How many pages they fill, one at least."""
        return max(1, -(-len(self.found) // int(self.page_size.value)))

    @property
    def selection(self) -> "Dataset":
        """The images that are let through, as a dataset. `DatasetError` when the images are not at hand."""
        if self.dataset is None:
            raise DatasetError("the images are not available: pass them with explore(run, dataset=…)")
        wanted = set(self.ids)
        return self.dataset.filter(lambda sample: sample.id in wanted)

    def export(self, folder: str | Path) -> Path:
        """Copy the images that are let through, with labels and tags, into a new folder."""
        return self.selection.save(folder)

    def as_html(self) -> str:
        return f"<div>page {self.page.value:,} {self.count.value}</div>{self.body.value}"

    # ── controls ─────────────────────────────────────────────────────────────────────────────────────────

    def _make_controls(self, chosen: Filter, page_size: int) -> None:
        gallery = self._gallery
        self.setting = ipywidgets.Dropdown(
            options=[("all", NOTHING), *((label, label) for label in gallery.settings)],
            value=chosen.settings[0] if chosen.settings else NOTHING,
            description="Setting", style=_STYLE, layout={"width": "420px", "max_width": "100%"},
        )  # fmt: skip
        self.outcome = ipywidgets.Dropdown(
            options=[(_OUTCOME_WORDS[name], name) for name in OUTCOMES],
            value=chosen.outcome, description="Outcome", style=_STYLE, layout=_NARROW,
        )  # fmt: skip
        self.tag = ipywidgets.Dropdown(
            options=[("any", NOTHING), *((name, name) for name in gallery.tags)],
            value=chosen.tag or NOTHING, description="Tag", style=_STYLE, layout=_NARROW,
        )  # fmt: skip
        self.value = ipywidgets.Dropdown(
            options=[("–", NOTHING)], value=NOTHING, description="is", disabled=True, style={"description_width": "20px"},
            layout={"width": "200px"},
        )  # fmt: skip
        self.text = ipywidgets.Text(
            value=chosen.text, description="Text", placeholder="in id, target, answer, error", continuous_update=False,
            style=_STYLE, layout=_NARROW,
        )  # fmt: skip
        self.previous = ipywidgets.Button(description="Previous", icon="chevron-left", layout={"width": "110px"})
        self.next = ipywidgets.Button(description="Next", icon="chevron-right", layout={"width": "110px"})
        self.page = ipywidgets.BoundedIntText(
            value=1, min=1, max=1, description="Page", style={"description_width": "40px"},
            layout={"width": "130px"},
        )  # fmt: skip
        self.page_size = ipywidgets.Dropdown(
            options=sorted({*_SIZES, page_size}), value=page_size, description="Images a page",
            style={"description_width": "100px"}, layout={"width": "170px"},
        )  # fmt: skip
        self.count = ipywidgets.HTML()
        self.count.add_class("toolkit-count")
        self.body = ipywidgets.HTML(layout=WIDE)
        self.body.add_class("toolkit-page")
        self.folder = ipywidgets.Text(
            description="Folder",
            placeholder="a new folder",
            style=_STYLE,
            layout=_NARROW,
            disabled=self.dataset is None,
        )
        self.export_button = ipywidgets.Button(
            description="Export as dataset", icon="download", disabled=self.dataset is None,
            tooltip="Copy these images, with labels and tags, into a new folder", layout={"width": "170px"},
        )  # fmt: skip
        self.exported = ipywidgets.HTML()

    def _on_tag(self, _: object) -> None:
        values = self._gallery.tags.get(self.tag.value, [])
        self._offer_values(values[0] if values else NOTHING)
        self._search()

    def _offer_values(self, value: Any) -> None:
        values = self._gallery.tags.get(self.tag.value, [])
        offer(self.value, values, value, self._on_filter)

    def _on_filter(self, _: object) -> None:
        self._search()

    def _on_page(self, _: object) -> None:
        self._show()

    def _turn(self, by: int) -> None:
        self.page.value = min(max(self.page.value + by, 1), self.pages)

    def _search(self) -> None:
        """Find what the filter lets through and go to its first page."""
        self.found = self._gallery.matching(self.chosen)
        self.page.unobserve(self._on_page, "value")
        self.page.max = self.pages
        self.page.value = 1
        self.page.observe(self._on_page, "value")
        self._show()

    def _show(self) -> None:
        size, page = int(self.page_size.value), int(self.page.value)
        shown = self.found[(page - 1) * size : page * size]
        self.count.value = f"of {self.pages:,} · {len(self.found):,} of {len(self._gallery):,} images"
        self.previous.disabled, self.next.disabled = page <= 1, page >= self.pages
        self.body.value = page_html(self._gallery, shown.tolist(), self.chosen.settings, self.dataset, self._checksums)

    def _on_export(self, _: object) -> None:
        from toolkit.metrics.markup import visible

        try:
            if not self.folder.value.strip():
                raise DatasetError("type the name of a new folder first")
            folder = self.export(self.folder.value.strip())
            self.exported.value = f"{len(self.found):,} images copied to {visible(str(folder))}"
        except (DatasetError, OSError) as error:
            self.exported.value = f"Not exported: {visible(str(error))}"


def _order(source: Source, dataset: "Dataset | None") -> list[str] | None:
    if is_run(source):
        return [str(id) for id in source.samples.index]
    return None if dataset is None else list(dataset.ids)


def _checksums(source: Source) -> dict[str, str]:
    """SHA-256 of the images that were read in the run, by id; nothing is known of a frame's."""
    if not is_run(source):
        return {}
    return {sample["id"]: sample["sha256"] for sample in source.store.samples() if sample.get("sha256")}


def explore(
    source: Source,
    dataset: "Dataset | None" = None,
    *,
    setting: str | None = None,
    outcome: str = "any",
    tag: str | None = None,
    value: Any = None,
    text: str = "",
    page_size: int = 10,
) -> Explorer:
    """Look at images with what every setting read, filtered, a page at a time.

    Each image comes with its target and every answer, whose differing characters are marked, with confidence, latency and
    error. An image that has changed since the run is not shown as the one that was read.

    Parameters
    ----------
    source : Run or DataFrame
        A run, or its outcomes.
    dataset : Dataset, optional
        Where the images are. Default: the folder that the run was made on, if it is still there.
    setting : str, optional
        Label of the only setting to show. Default: all.
    outcome : str, default "any"
        ``"correct"``, ``"wrong"``, ``"no_answer"``, ``"error"``, ``"disagreement"`` (some settings are correct, some are not), or
        ``"any"``.
    tag : str, optional
        A tag of the images to filter by, with `value`.
    value : optional
        The value that `tag` must have.
    text : str, optional
        Must occur in id, target, answer or error message; case is ignored.
    page_size : int, default 10
        Images per page.

    Returns
    -------
    Explorer
        Displayed by being the last line of a cell. `ids` are the images that match, `selection` is a dataset of them, and
        ``export(folder)`` copies them with labels and tags.

    Raises
    ------
    SettingError
        For an unknown setting, outcome or tag.

    Examples
    --------
    >>> import pandas as pd
    >>> import toolkit as tk
    >>> outcomes = pd.DataFrame({"setting": "a()", "sample": ["x", "y"], "target": ["7", "8"], "text": ["7", "3"],
    ...                          "outcome": ["correct", "wrong"]})
    >>> tk.widgets.explore(outcomes, outcome="wrong").ids
    ['y']
    """
    chosen = Filter(() if setting is None else (setting,), outcome, tag, value, text)
    Gallery(outcomes_of(source)).matching(chosen)  # refuses what there is none of, before any control is made
    return Explorer(source, dataset_of(source) if dataset is None else dataset, chosen, page_size)
