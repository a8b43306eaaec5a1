"""Benchmark image-to-text providers on your own labelled images.

``import toolkit as tk``: what is listed in `__all__` is the public interface. Each name loads with its first
use, so that importing the package costs next to nothing beside pandas.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toolkit import errors, metrics, plots, stats, testing, widgets
    from toolkit._dataset import Dataset, load_dataset
    from toolkit._dataset.synthesis import synthesize
    from toolkit._engine.limits import Limits
    from toolkit._engine.retry import RetryPolicy
    from toolkit._providers import (
        Anthropic,
        AntiCaptcha,
        AwsRekognition,
        AwsTextract,
        AzureRead,
        CapMonster,
        CapSolver,
        Cascade,
        CommandLine,
        CreateTaskService,
        Ddddocr,
        Function,
        Gemini,
        GoogleVision,
        HTTPService,
        MistralOCR,
        OCRServer,
        OCRSpace,
        OpenAICompatible,
        Prepared,
        RapidOCR,
        Tesseract,
        TwoCaptcha,
        YesCaptcha,
    )
    from toolkit._providers.base import LocalProvider, Provider, ServiceProvider, grid
    from toolkit._report.export import export
    from toolkit._run.benchmark import benchmark
    from toolkit._run.client import TaskClient
    from toolkit._run.dashboard import dashboard
    from toolkit._run.describe import describe
    from toolkit._run.gate.gate import gate
    from toolkit._run.live import LiveRun, start
    from toolkit._run.plan import plan
    from toolkit._run.probe.probe import Probe, probe
    from toolkit._run.providers import providers
    from toolkit._run.read import read
    from toolkit._run.run import Run, open_run
    from toolkit._run.sandbox import sandbox
    from toolkit.metrics import RELAXED, STRICT, Normaliser
    from toolkit.schema import __version__ as __version__
    from toolkit.stats import load_policy
    from toolkit.types import Answer, Call, Compute, Flow, Reply, Sample, Submitted, Wait

_HOMES = {
    "toolkit.schema": ["__version__"],
    "toolkit._run.benchmark": ["benchmark"],
    "toolkit._run.client": ["TaskClient"],
    "toolkit._dataset": ["Dataset", "load_dataset"],
    "toolkit._dataset.synthesis": ["synthesize"],
    "toolkit._engine.limits": ["Limits"],
    "toolkit._engine.retry": ["RetryPolicy"],
    "toolkit._report.export": ["export"],
    "toolkit._run.plan": ["plan"],
    "toolkit._run.describe": ["describe"],
    "toolkit._run.gate.gate": ["gate"],
    "toolkit._run.live": ["LiveRun", "start"],
    "toolkit.stats": ["load_policy"],
    "toolkit.metrics": ["RELAXED", "STRICT", "Normaliser"],
    "toolkit._run.probe.probe": ["Probe", "probe"],
    "toolkit._providers": [
        *("AntiCaptcha", "CreateTaskService", "TwoCaptcha", "YesCaptcha"),
        *(
            "Anthropic",
            "AwsRekognition",
            "AwsTextract",
            "AzureRead",
            "Gemini",
            "GoogleVision",
            "MistralOCR",
            "OCRSpace",
        ),
        *("CapMonster", "CapSolver", "Cascade", "CommandLine", "Ddddocr", "Function", "HTTPService", "OCRServer"),
        *("OpenAICompatible", "Prepared", "RapidOCR", "Tesseract"),
    ],
    "toolkit._providers.base": ["LocalProvider", "Provider", "ServiceProvider", "grid"],
    "toolkit._run.providers": ["providers"],
    "toolkit._run.read": ["read"],
    "toolkit._run.sandbox": ["sandbox"],
    "toolkit._run.run": ["Run", "open_run"],
    "toolkit._run.dashboard": ["dashboard"],
    "toolkit.types": ["Answer", "Call", "Compute", "Flow", "Reply", "Sample", "Submitted", "Wait"],
}
_MODULES = ["errors", "metrics", "plots", "stats", "testing", "widgets"]
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "RELAXED",
    "STRICT",
    "Answer",
    "Anthropic",
    "AntiCaptcha",
    "AwsRekognition",
    "AwsTextract",
    "AzureRead",
    "Call",
    "CapMonster",
    "CapSolver",
    "Cascade",
    "CommandLine",
    "Compute",
    "CreateTaskService",
    "Dataset",
    "Ddddocr",
    "Flow",
    "Function",
    "Gemini",
    "GoogleVision",
    "HTTPService",
    "Limits",
    "LiveRun",
    "LocalProvider",
    "MistralOCR",
    "Normaliser",
    "OCRServer",
    "OCRSpace",
    "OpenAICompatible",
    "Prepared",
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
    "TwoCaptcha",
    "Wait",
    "YesCaptcha",
    "benchmark",
    "dashboard",
    "describe",
    "errors",
    "export",
    "gate",
    "grid",
    "load_dataset",
    "load_policy",
    "metrics",
    "open_run",
    "plan",
    "plots",
    "probe",
    "providers",
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
