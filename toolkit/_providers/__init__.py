"""Adapters: one class a service or engine, one file a class."""

from toolkit._providers.anthropic import Anthropic
from toolkit._providers.aws import AwsRekognition, AwsTextract
from toolkit._providers.azure_read import AzureRead
from toolkit._providers.base import LocalProvider, Provider, ServiceProvider, grid
from toolkit._providers.capmonster import CapMonster
from toolkit._providers.capsolver import CapSolver
from toolkit._providers.cascade import Cascade
from toolkit._providers.command_line import CommandLine
from toolkit._providers.create_task import AntiCaptcha, CreateTaskService, TwoCaptcha, YesCaptcha
from toolkit._providers.ddddocr import Ddddocr
from toolkit._providers.function import Function
from toolkit._providers.gemini import Gemini
from toolkit._providers.google_vision import GoogleVision
from toolkit._providers.http_service import HTTPService
from toolkit._providers.mistral_ocr import MistralOCR
from toolkit._providers.ocr_server import OCRServer
from toolkit._providers.ocr_space import OCRSpace
from toolkit._providers.openai_compatible import OpenAICompatible
from toolkit._providers.prepared import Prepared
from toolkit._providers.rapidocr import RapidOCR
from toolkit._providers.tesseract import Tesseract

REGISTRY: dict[str, type[Provider]] = {
    provider.name: provider
    for provider in (
        AntiCaptcha,
        TwoCaptcha,
        YesCaptcha,
        Anthropic,
        AwsRekognition,
        AwsTextract,
        AzureRead,
        Gemini,
        GoogleVision,
        MistralOCR,
        OCRSpace,
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
    "Anthropic",
    "AntiCaptcha",
    "AwsRekognition",
    "AwsTextract",
    "AzureRead",
    "CapMonster",
    "CapSolver",
    "Cascade",
    "CommandLine",
    "CreateTaskService",
    "Ddddocr",
    "Function",
    "Gemini",
    "GoogleVision",
    "HTTPService",
    "LocalProvider",
    "MistralOCR",
    "OCRServer",
    "OCRSpace",
    "OpenAICompatible",
    "Prepared",
    "Provider",
    "RapidOCR",
    "ServiceProvider",
    "Tesseract",
    "TwoCaptcha",
    "YesCaptcha",
    "grid",
]
