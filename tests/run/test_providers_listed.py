"""The table of what can be compared."""

import subprocess
import sys

import pandas as pd

import toolkit as tk
from toolkit._providers import REGISTRY


def test_every_provider_is_listed_with_what_decides():
    """Engines first; whatever a class does not say would show as missing."""
    table = tk.providers()

    assert set(table["setting"]) == {*REGISTRY, "function"}
    assert all(hasattr(tk, name) for name in table.index)
    assert table["tested_against"].notna().all()
    services = table[table["kind"] == "service"]
    assert services["charged_by"].notna().all()
    assert table.loc[table["kind"] == "engine", "charged_by"].isna().all()
    assert pd.isna(table.loc["CommandLine", "confidence"])


def test_it_says_which_keys_are_set_and_shows_none(monkeypatch):
    """By the environment as it is now."""
    monkeypatch.delenv("MISTRAL_API_KEY", raising=False)
    monkeypatch.setenv("GEMINI_API_KEY", "sk-4c1d8e22f0")
    table = tk.providers()

    assert table.loc["Gemini", "key_set"]
    assert not table.loc["MistralOCR", "key_set"]
    assert "sk-4c1d8e22f0" not in table.to_string()


def test_looking_at_the_table_loads_no_engine():
    """What is installed is looked up and not imported."""
    code = "import sys, toolkit as tk; tk.providers(); print({'rapidocr', 'ddddocr', 'tesserocr'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"
