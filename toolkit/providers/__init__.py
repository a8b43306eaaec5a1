"""Adapters: one class a service or engine, one file a class."""

from toolkit.providers.base import LocalProvider, Provider, ServiceProvider, grid
from toolkit.providers.capmonster import CapMonster
from toolkit.providers.capsolver import CapSolver
from toolkit.providers.cascade import Cascade
from toolkit.providers.openai_compatible import OpenAICompatible
from toolkit.providers.rapidocr import RapidOCR
from toolkit.providers.tesseract import Tesseract

__all__ = [
    "CapMonster",
    "CapSolver",
    "Cascade",
    "LocalProvider",
    "OpenAICompatible",
    "Provider",
    "RapidOCR",
    "ServiceProvider",
    "Tesseract",
    "grid",
]
