"""What all widgets promise: a face without a kernel, labelled controls, names to find them by."""

import base64

import ipywidgets
import pytest
from doubles import Echo, SlowToLoad

import toolkit as tk
from toolkit.errors import DatasetError


@pytest.fixture(scope="module")
def shown(run, dataset, thread):
    """One of each, by its name."""
    live = tk.start(dataset, Echo(), executor=thread)
    live.wait()
    return {
        "progress": tk.widgets.progress(live),
        "explorer": tk.widgets.explore(run, dataset),
        "comparison": tk.widgets.compare(run),
        "tuner": tk.widgets.tune(run),
        "dashboard": tk.dashboard(run.store.path),
    }


NAMES = ["progress", "explorer", "comparison", "tuner", "dashboard"]


def within(widget):
    """A widget and all that is in it."""
    yield widget
    for child in getattr(widget, "children", ()):
        yield from within(child)


@pytest.mark.parametrize("name", NAMES)
def test_a_saved_notebook_has_something_to_show(shown, name):
    """Beside the live view there is HTML with a table, and a picture of what has a figure."""
    bundle = shown[name]._repr_mimebundle_()

    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == shown[name].root.model_id
    assert "<table" in bundle["text/html"]
    assert bundle["text/plain"].startswith("<")
    if name in ("comparison", "tuner"):
        assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
        assert bundle["image/png"] in bundle["text/html"]


@pytest.mark.parametrize("name", NAMES)
def test_it_is_found_by_its_class(shown, name):
    """Style sheets and tests of others find each widget by a name that stays."""
    assert {"toolkit-widget", f"toolkit-{name}"} <= set(shown[name].root._dom_classes)


@pytest.mark.parametrize("name", NAMES)
def test_every_control_is_labelled(shown, name):
    """Whoever cannot see a control is told what it is, by its description or its title."""
    controls = (
        ipywidgets.Dropdown, ipywidgets.FloatSlider, ipywidgets.SelectionSlider, ipywidgets.Text, ipywidgets.Textarea,
        ipywidgets.Button, ipywidgets.BoundedIntText, ipywidgets.BoundedFloatText, ipywidgets.FloatProgress,
        ipywidgets.Image,
    )  # fmt: skip
    found = [widget for widget in within(shown[name].root) if isinstance(widget, controls)]

    assert found
    for control in found:
        assert control.description or control.tooltip, control


@pytest.mark.parametrize("name", NAMES)
def test_no_choice_is_shown_as_a_blank(shown, name):
    """A list whose value is None shows nothing in a browser, so none has it."""
    lists = [widget for widget in within(shown[name].root) if isinstance(widget, ipywidgets.Dropdown)]

    assert all(one.value is not None for one in lists)


def test_the_dashboard_opens_every_run_of_a_folder(run, engine):
    """Tabs are filled when they are looked at, and another run brings its own."""
    dashboard = tk.dashboard(run.store.path.parent)
    assert "normalised" in dashboard.tabs.children[0].value
    assert [len(tab.children) for tab in dashboard.tabs.children[1:]] == [0, 0, 0]
    for place, name in enumerate(("comparison", "tuner", "explorer"), 1):
        dashboard.tabs.selected_index = place
        assert f"toolkit-{name}" in dashboard.tabs.children[place].children[0]._dom_classes
    dashboard.again.click()
    assert dashboard.tabs.selected_index == 3
    assert "toolkit-explorer" in dashboard.tabs.children[3].children[0]._dom_classes


def test_a_dashboard_says_why_a_tab_is_empty(thread, dataset, tmp_path):
    """A run without confidences has no threshold; the tab says so, and the others work."""
    tk.benchmark(dataset, SlowToLoad(0), executor=thread, store=tmp_path / "one")
    (tmp_path / "two").mkdir()
    (tmp_path / "two/manifest.json").write_text("{")
    dashboard = tk.dashboard(tmp_path)
    dashboard.tabs.selected_index = 2
    assert "no setting here has a threshold" in dashboard.tabs.children[2].children[0].value
    dashboard.choice.value = tmp_path / "two"
    assert dashboard.run is None
    assert "manifest.json" in dashboard.tabs.children[0].value


def test_a_folder_without_a_run_is_refused(tmp_path):
    """The error says how to make one."""
    with pytest.raises(DatasetError, match=r"make one with tk\.benchmark"):
        tk.dashboard(tmp_path)
