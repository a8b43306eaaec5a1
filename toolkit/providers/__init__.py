"""Adapters: one class a service or engine, one file a class."""

from toolkit.providers.base import LocalProvider, Provider, grid
from toolkit.providers.rapidocr import RapidOCR
from toolkit.providers.tesseract import Tesseract

__all__ = ["LocalProvider", "Provider", "RapidOCR", "Tesseract", "grid"]
