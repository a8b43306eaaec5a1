"""A damaged manifest is told by what is wrong with it."""

import pytest

from toolkit._store.checks import check_manifest
from toolkit.errors import StoreCorrupt


def manifest(**changes):
    """A manifest of one setting."""
    plan = {"dataset": {"name": "d", "samples": 1, "fingerprint": "f"}, "settings": {"one": {"account": None}}}
    sound = {
        "created_at": "2026-01-01",
        "plan": {**plan, "repeats": 1},
        "prices_usd": {"one": None},
        "max_cost_usd": {"one": 0.5},
    }
    return sound | changes


def test_a_sound_manifest_comes_back():
    """With whatever else it says."""
    told = manifest(machine={"cores": 2})

    assert check_manifest(told, "here") is told


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"created_at": 7}, "its created_at: Expected `str`, got `int`"),
        ({"plan": []}, "its plan: Expected `object`, got `array`"),
        ({"prices_usd": {}}, "prices_usd has no 'one'"),
        ({"max_cost_usd": {"one": -1}}, "max_cost_usd"),
    ],
)
def test_what_is_missing_or_of_another_kind_is_named(changes, words):
    """And so is the file that has to be restored."""
    with pytest.raises(StoreCorrupt, match=r"here: .*restore the file") as told:
        check_manifest(manifest(**changes), "here")

    assert words in str(told.value)
