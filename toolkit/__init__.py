"""Benchmark image-to-text providers on your own labelled images.

``import toolkit as tk``: what is listed in `__all__` is the public interface. Each name loads with its first
use, so that importing the package costs next to nothing beside pandas.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toolkit import errors, metrics, plots, stats, testing, widgets
    from toolkit.benchmarking import benchmark
    from toolkit.client import TaskClient
    from toolkit.dataset import Dataset, load_dataset
    from toolkit.dataset.synthesis import synthesize
    from toolkit.engine.limits import Limits
    from toolkit.engine.retry import RetryPolicy
    from toolkit.exporting import export
    from toolkit.forecast import plan
    from toolkit.gating import gate
    from toolkit.live import LiveRun, start
    from toolkit.metrics import RELAXED, STRICT, Normaliser
    from toolkit.probing import Probe, probe
    from toolkit.providers import CapMonster, CapSolver, Cascade, OpenAICompatible, RapidOCR, Tesseract
    from toolkit.providers.base import LocalProvider, Provider, ServiceProvider, grid
    from toolkit.reading import read
    from toolkit.rehearsal import sandbox
    from toolkit.run import Run, open_run
    from toolkit.types import Answer, Call, Compute, Flow, Reply, Sample, Submitted, Wait

__version__ = "0.1.0"

_HOMES = {
    "toolkit.benchmarking": ["benchmark"],
    "toolkit.client": ["TaskClient"],
    "toolkit.dataset": ["Dataset", "load_dataset"],
    "toolkit.dataset.synthesis": ["synthesize"],
    "toolkit.engine.limits": ["Limits"],
    "toolkit.engine.retry": ["RetryPolicy"],
    "toolkit.exporting": ["export"],
    "toolkit.forecast": ["plan"],
    "toolkit.gating": ["gate"],
    "toolkit.live": ["LiveRun", "start"],
    "toolkit.metrics": ["RELAXED", "STRICT", "Normaliser"],
    "toolkit.probing": ["Probe", "probe"],
    "toolkit.providers": ["CapMonster", "CapSolver", "Cascade", "OpenAICompatible", "RapidOCR", "Tesseract"],
    "toolkit.providers.base": ["LocalProvider", "Provider", "ServiceProvider", "grid"],
    "toolkit.reading": ["read"],
    "toolkit.rehearsal": ["sandbox"],
    "toolkit.run": ["Run", "open_run"],
    "toolkit.types": ["Answer", "Call", "Compute", "Flow", "Reply", "Sample", "Submitted", "Wait"],
}
PROVIDERS = ("CapMonster", "CapSolver", "OpenAICompatible", "RapidOCR", "Tesseract")
"""Names of the provider classes above."""

_MODULES = ["errors", "metrics", "plots", "stats", "testing", "widgets"]
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "RELAXED",
    "STRICT",
    "Answer",
    "Call",
    "CapMonster",
    "CapSolver",
    "Cascade",
    "Compute",
    "Dataset",
    "Flow",
    "Limits",
    "LiveRun",
    "LocalProvider",
    "Normaliser",
    "OpenAICompatible",
    "Probe",
    "Provider",
    "RapidOCR",
    "Reply",
    "RetryPolicy",
    "Run",
    "Sample",
    "ServiceProvider",
    "Submitted",
    "TaskClient",
    "Tesseract",
    "Wait",
    "benchmark",
    "errors",
    "export",
    "gate",
    "grid",
    "load_dataset",
    "metrics",
    "open_run",
    "plan",
    "plots",
    "probe",
    "read",
    "sandbox",
    "start",
    "stats",
    "synthesize",
    "testing",
    "widgets",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"toolkit.{name}")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'toolkit' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOME_OF[name]), name)
    return value


def __dir__() -> list[str]:
    return __all__
