from importlib import import_module
from pathlib import Path

import pytest

from toolkit import stats


def test_every_name_is_there_and_stays():
    """Each public name gives the thing of that name, and the same one again."""
    for name in stats.__all__:
        found = getattr(stats, name)
        assert found.__name__ == name
        import_module(found.__module__)
        assert getattr(stats, name) is found
    assert set(stats.__all__) <= set(dir(stats))
    with pytest.raises(AttributeError, match="no attribute 'sumary'"):
        stats.sumary  # noqa: B018 -- the look is the test


def test_no_file_hides_a_function():
    """A file named as a public name would take its place in the package as soon as it is imported."""
    files = {path.stem for path in Path(stats.__file__).parent.glob("*.py")}
    assert not files & set(stats.__all__)
