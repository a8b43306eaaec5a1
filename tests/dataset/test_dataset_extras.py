"""Formats whose library is optional name the extra that brings it."""

import sys

import pytest

from toolkit._dataset import load_dataset
from toolkit._dataset.synthesis import synthesize
from toolkit.errors import MissingExtra


@pytest.fixture
def without(monkeypatch):
    """Makes a library look as if it were not installed."""
    return lambda module: monkeypatch.setitem(sys.modules, module, None)


@pytest.mark.parametrize(
    ("module", "file", "extra"), [("lmdb", "data.mdb", "lmdb"), ("pyarrow.parquet", "a.parquet", "parquet")]
)
def test_missing_format_library(tmp_path, without, module, file, extra):
    """The message is the command to type."""
    without(module)
    (tmp_path / file).touch()

    with pytest.raises(MissingExtra, match=rf'pip install "image-to-text-toolkit\[{extra}\]"'):
        load_dataset(tmp_path)


def test_missing_captcha_library(tmp_path, without):
    """Distorted images need it, and printed ones do not."""
    without("captcha.image")

    with pytest.raises(MissingExtra, match=r'distorted images: pip install "image-to-text-toolkit\[synthesize\]"'):
        synthesize(tmp_path / "a", 2, style="distorted", fonts=["DejaVuSans"])
    assert not (tmp_path / "a").exists()
    assert len(synthesize(tmp_path / "b", 2)) == 2
