"""The explorer: filters, pages, thumbnails, and the selection as a dataset."""

import re

import pandas as pd
import pytest
from doubles import Echo, picture, picture_folder, pictures

import toolkit as tk
from toolkit.errors import DatasetError, SettingError
from toolkit.types import Sample
from toolkit.widgets.selection import Filter, Gallery


@pytest.fixture
def explorer(run, dataset):
    return tk.widgets.explore(run, dataset)


def expected(run, keep):
    """Ids of the images of which a row of the outcomes is kept, in the order of the dataset."""
    outcomes = run.outcomes
    ids = set(outcomes.loc[[bool(keep(row)) for row in outcomes.to_dict("records")], "sample"])
    return [id for id in run.samples.index if id in ids]


def test_all_images_come_first_in_the_order_of_the_dataset(explorer, dataset):
    """Without a filter everything is let through."""
    assert explorer.ids == list(dataset.ids)
    assert "60 of 60 images" in explorer.count.value
    assert explorer.body.value.count("<tbody>") == 10
    assert explorer.body.value.count('src="data:image/png;base64,') == 10


def test_each_filter_lets_through_what_it_says(explorer, run):
    """Setting, outcome, tag and text hold of one and the same answer."""
    first, second = run.settings
    explorer.outcome.value = "no_answer"
    assert explorer.ids == expected(run, lambda row: row["outcome"] == "no_answer")
    explorer.setting.value = first
    assert explorer.ids == []
    assert "No image matches" in explorer.body.value
    explorer.setting.value = second
    explorer.tag.value = "parity"
    explorer.value.value = "odd"
    assert explorer.ids == expected(run, lambda row: row["outcome"] == "no_answer" and row["parity"] == "odd")
    explorer.outcome.value = "any"
    explorer.text.value = "WORD001"
    assert explorer.ids == expected(run, lambda row: row["parity"] == "odd" and "word001" in row["target"])


def test_disagreement_is_found(explorer, run):
    """An image is let through when one setting is right about it and the other is not."""
    explorer.outcome.value = "disagreement"

    right = run.outcomes.assign(right=run.outcomes["outcome"] == "correct").groupby("sample")["right"].sum()
    assert explorer.ids == [id for id in run.samples.index if right[id] == 1]


def test_pages_follow_one_another(explorer):
    """The buttons and the number turn pages, stop at both ends, and a filter goes back to the first page."""
    seen = re.findall(r"(\d{6})\.png</bdi>", explorer.body.value)
    while not explorer.next.disabled:
        explorer.next.click()
        seen += re.findall(r"(\d{6})\.png</bdi>", explorer.body.value)
    assert [f"{id}.png" for id in seen] == explorer.ids
    assert (explorer.page.value, explorer.previous.disabled) == (6, False)
    explorer.page.value = 99
    assert explorer.page.value == 6
    explorer.page_size.value = 50
    assert (explorer.page.value, explorer.pages) == (1, 2)
    assert explorer.body.value.count("<tbody>") == 50


def test_only_the_chosen_setting_is_shown(explorer, run):
    """Choosing a setting leaves one line an image."""
    assert explorer.body.value.count("<td") == 10 * 2 * 5
    explorer.setting.value = run.settings[0]
    assert explorer.body.value.count("<td") == 10 * 1 * 5


def test_the_selection_is_a_dataset_that_can_be_kept(explorer, run, tmp_path):
    """What is let through is exported with its labels and tags, and loads again; a folder with something in it is refused."""
    explorer.outcome.value = "no_answer"
    assert [sample.id for sample in explorer.selection] == explorer.ids
    explorer.folder.value = str(tmp_path / "hard")
    explorer.export_button.click()
    assert f"{len(explorer.ids)} images copied" in explorer.exported.value

    kept = tk.load_dataset(tmp_path / "hard")
    wanted = explorer.selection
    assert [(s.id, s.target, s.image, s.tags["parity"]) for s in kept] == [
        (s.id, s.target, s.image, s.tags["parity"]) for s in wanted
    ]
    explorer.export_button.click()
    assert "Not exported" in explorer.exported.value


def test_images_are_found_where_the_run_was_made(thread, tmp_path):
    """A run on a folder shows its images without being told where they are, but none that has changed since."""
    folder = picture_folder(tmp_path / "images", 3)
    run = tk.benchmark(folder, Echo(), executor=thread)
    (folder / "000001.png").write_bytes(picture(77))

    page = tk.widgets.explore(run).body.value
    assert page.count('src="data:image/png;base64,') == 2
    assert page.count("the image here is not the one that was read") == 1


def test_without_images_the_answers_are_still_there(run):
    """A run whose dataset was in memory is explored without pictures, and says how to bring them."""
    explorer = tk.widgets.explore(run)

    assert "the images are not available" in explorer.body.value
    assert explorer.export_button.disabled
    with pytest.raises(DatasetError, match="dataset=…"):
        explorer.selection  # noqa: B018 -- the look is what fails


def test_hostile_words_are_shown_and_not_obeyed():
    """Ids, targets, answers, messages and tags of a frame become no element of the page."""
    bad = "<script>alert(1)</script>\u202e"
    outcomes = pd.DataFrame(
        {
            "setting": [f"{bad}a", f"{bad}b"], "sample": bad, "outcome": ["wrong", "error"], "target": bad,
            "text": [f"{bad}!", None], "error": [None, bad], "error_message": [None, bad], "tag": [bad, "plain"],
        }
    )  # fmt: skip
    dataset = tk.Dataset.from_samples([Sample.from_bytes(b"no image", bad, id=bad)])
    explorer = tk.widgets.explore(outcomes, dataset)

    for html in (explorer.body.value, explorer.as_html(), explorer.count.value):
        assert "<script" not in html
        assert "\u202e" not in html
    assert "U+202E" in explorer.body.value


def test_a_saved_page_says_which_it_is(run, dataset):
    """Where no kernel runs, its number stands before the number of pages."""
    explorer = tk.widgets.explore(run, dataset, page_size=5)
    explorer.next.click()

    assert f"page 2 of {explorer.pages} · " in explorer.as_html()


def test_repeats_are_told_apart(thread, dataset, run):
    """Several readings of an image have a line each, in their order."""
    repeated = tk.benchmark(dataset[:2], Echo(), executor=thread, repeats=3)

    assert re.findall(r"<small>#(\d)</small>", tk.widgets.explore(repeated, dataset).body.value) == list("123123")


def test_what_there_is_none_of_is_refused(run):
    """Unknown settings, outcomes and tags are errors that list what there is."""
    with pytest.raises(SettingError, match="the outcomes hold oracle"):
        tk.widgets.explore(run, setting="nobody()")
    with pytest.raises(SettingError, match="correct, wrong, no_answer, error, disagreement"):
        tk.widgets.explore(run, outcome="bad")
    with pytest.raises(SettingError, match=r"tag='colour'.*parity"):
        tk.widgets.explore(run, tag="colour", value="red")


def test_it_can_begin_anywhere(run, dataset):
    """Filters given in the call are what the controls say."""
    explorer = tk.widgets.explore(
        run, dataset, setting=run.settings[1], outcome="wrong", tag="parity", value="even", page_size=3
    )

    assert explorer.chosen == Filter((run.settings[1],), "wrong", "parity", "even", "")
    assert explorer.page_size.value == 3
    assert explorer.ids == [
        id
        for id in expected(run, lambda row: row["setting"] == run.settings[1] and row["outcome"] == "wrong")
        if int(id[:6]) % 2 == 0
    ]


def test_a_gallery_needs_no_widget(run):
    """What the explorer shows can be asked for in code."""
    gallery = Gallery(run.outcomes, list(run.samples.index))

    assert gallery.matching(Filter(text="word0007")).tolist() == [7]
    assert [row["setting"] for row in gallery.rows_of(7)] == run.settings


def test_saved_names_are_safe(tmp_path):
    """An id is a file's name only where it is a plain one; the others are numbered and keep their id as a tag."""
    ids = ["plain.png", "../../outside.png", "a/b.png", "con\x00trol", "PLAIN.png", "no suffix"]
    samples = [Sample.from_bytes(picture(n), f"text {n}", id=id, size=n) for n, id in enumerate(ids)]
    folder = tk.Dataset.from_samples(samples).save(tmp_path / "kept")

    files = sorted(path.name for path in folder.iterdir())
    assert files == [
        *("image-000001.png", "image-000002.png", "image-000003.png", "image-000004.png"),
        *("metadata.jsonl", "no suffix.png", "plain.png"),
    ]
    again = tk.load_dataset(folder)
    assert [(s.target, s.image, s.tags["size"]) for s in again] == [
        (s.target, s.image, s.tags["size"]) for s in samples
    ]
    assert [s.tags["saved_id"] or s.id for s in again] == ids
    assert sorted(tmp_path.iterdir()) == [folder]
    with pytest.raises(DatasetError, match="not an empty folder"):
        pictures(1).save(folder)
