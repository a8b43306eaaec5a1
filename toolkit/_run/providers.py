"""`tk.providers()`: what can be compared, and what of it this machine and environment are ready for."""

import os
from importlib.util import find_spec

import pandas as pd

from toolkit._providers import REGISTRY, Function, LocalProvider, Provider, ServiceProvider


def providers() -> pd.DataFrame:
    """List all providers: what they give, what they charge by, and whether they could be used now.

    Returns
    -------
    pandas.DataFrame
        One row a provider, indexed by the name under which ``tk`` has it. Columns: `setting` (its name in labels and on
        a command line), `kind` (``engine`` or ``service``), `confidence` (what it is; missing without one), `charged_by`
        (the unit that a price is for; missing for engines), `extra` (what to install, as in
        ``pip install image-to-text-toolkit[extra]``), `installed`, `key_variable`, `key_set` (both missing where no key
        is needed), and `tested_against`. No key is shown.

    Examples
    --------
    >>> import toolkit as tk
    >>> tk.providers().loc["Tesseract", "kind"]
    'engine'
    """
    known: list[type[Provider]] = [*REGISTRY.values(), Function]
    classes = sorted(known, key=lambda kind: (issubclass(kind, ServiceProvider), kind.__name__))
    return pd.DataFrame([_row(kind) for kind in classes]).set_index("provider")


def _row(kind: type[Provider]) -> dict[str, object]:
    variable = getattr(kind, "key_variable", None) if issubclass(kind, ServiceProvider) else None
    return {
        "provider": kind.__name__,
        "setting": kind.name,
        "kind": "engine" if issubclass(kind, LocalProvider) else "service",
        "confidence": kind.confidence_is,
        "charged_by": kind.charged_by,
        "extra": kind.extra,
        "installed": all(find_spec(module) is not None for module in kind.needs),
        "key_variable": variable,
        "key_set": None if variable is None else bool(os.environ.get(variable)),
        "tested_against": kind.tested_against,
    }
