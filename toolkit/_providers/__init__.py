"""Adapters: one class a service or engine, one file a class."""

from toolkit._providers.base import LocalProvider, Provider, ServiceProvider, grid
from toolkit._providers.capmonster import CapMonster
from toolkit._providers.capsolver import CapSolver
from toolkit._providers.cascade import Cascade
from toolkit._providers.command_line import CommandLine
from toolkit._providers.ddddocr import Ddddocr
from toolkit._providers.function import Function
from toolkit._providers.http_service import HTTPService
from toolkit._providers.ocr_server import OCRServer
from toolkit._providers.openai_compatible import OpenAICompatible
from toolkit._providers.prepared import Prepared
from toolkit._providers.rapidocr import RapidOCR
from toolkit._providers.tesseract import Tesseract

REGISTRY: dict[str, type[Provider]] = {
    provider.name: provider
    for provider in (
        CapMonster,
        CapSolver,
        CommandLine,
        Ddddocr,
        HTTPService,
        OCRServer,
        OpenAICompatible,
        RapidOCR,
        Tesseract,
    )
}
"""Every provider that a command line can name, by its name."""

__all__ = [
    "REGISTRY",
    "CapMonster",
    "CapSolver",
    "Cascade",
    "CommandLine",
    "Ddddocr",
    "Function",
    "HTTPService",
    "LocalProvider",
    "OCRServer",
    "OpenAICompatible",
    "Prepared",
    "Provider",
    "RapidOCR",
    "ServiceProvider",
    "Tesseract",
    "grid",
]
