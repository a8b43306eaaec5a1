"""What a docstring shows is what comes out."""

import doctest

import pytest

from toolkit._store import store
from toolkit.metrics import measures, normaliser


@pytest.mark.parametrize("module", [measures, normaliser, store], ids=lambda module: module.__name__)
def test_examples_come_out_as_shown(module):
    """Each of them, and there are some."""
    found = doctest.testmod(module)

    assert found.attempted > 0
    assert found.failed == 0
