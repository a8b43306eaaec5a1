"""What a run hands out is the reader's own; the usual next steps are methods; a run pickles; columns are described."""

import inspect
import pickle

import pandas as pd
import pytest
from doubles import Echo, picture_folder

import toolkit as tk
from toolkit.errors import SettingError
from toolkit.schema import TABLES


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Two settings on ten images, kept in a folder."""
    place = tmp_path_factory.mktemp("own")
    folder = picture_folder(place / "images", 10)
    return tk.benchmark(folder, [Echo(alias="one"), Echo(alias="two")], store=place / "run", show=False)


def test_an_edit_in_place_changes_no_later_figure(run):
    """Whatever is written into a frame that was handed out, the run's own figures stay."""
    summary = run.summary()
    for frame, column, value in (
        (run.outcomes, "outcome", "correct"),
        (run.attempts, "latency_s", 0.0),
        (run.samples, "target", "nothing"),
    ):
        frame.loc[:, column] = value
        frame.iloc[1:, frame.columns.get_loc(column)] = None if column != "latency_s" else -1.0

    pd.testing.assert_frame_equal(run.summary(), summary)
    assert len(run.outcomes) == 20
    assert (run.attempts["latency_s"] > 0).all()
    assert run.samples["target"].ne("nothing").all()


def test_methods_are_the_functions_of_the_same_name(run):
    """Same result, and every parameter but the frame and `by` in the same place with the same default."""
    pd.testing.assert_frame_equal(run.compare().table, tk.stats.compare(run.outcomes).table)
    setting = run.settings[1]
    pd.testing.assert_frame_equal(run.confusions(setting).table, tk.stats.confusions(run.outcomes, setting).table)
    pd.testing.assert_frame_equal(run.thresholds(setting).table, tk.stats.thresholds(run.outcomes, setting).table)
    for name in ("compare", "thresholds", "confusions"):
        mine = dict(inspect.signature(getattr(tk.Run, name)).parameters)
        theirs = dict(inspect.signature(getattr(tk.stats, name)).parameters)
        mine.pop("self"), theirs.pop("outcomes"), theirs.pop("by", None)
        assert {key: one.default for key, one in mine.items()} == {key: one.default for key, one in theirs.items()}


@pytest.mark.parametrize("kept", [True, False])
def test_a_run_pickles(run, tmp_path, kept):
    """In a folder and in memory; what comes back has the same outcomes."""
    one = run if kept else tk.benchmark(picture_folder(tmp_path / "images", 3), Echo(), show=False)
    assert type(one) is tk.Run
    back = pickle.loads(pickle.dumps(one))  # noqa: S301 -- our own

    pd.testing.assert_frame_equal(back.outcomes, one.outcomes)
    assert back.manifest == one.manifest


def test_every_table_is_described():
    """Each column of a run's tables has a unit and a meaning; a name that is none lists those there are."""
    for table in TABLES:
        described = tk.describe(table.name)
        assert described["column"].tolist() == list(table.names())
        assert described["meaning"].str.len().gt(0).all()
        assert described.attrs["call"] == table.call
    with pytest.raises(SettingError, match="must be one of outcomes, summary"):
        tk.describe("outcome")
