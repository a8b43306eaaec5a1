"""How far an answer is from its target: pure functions of texts, where None stands for "no answer"."""

from toolkit.metrics.measures import Measures, cer_macro, cer_micro, edits, exact, measure, ned
from toolkit.metrics.normaliser import RELAXED, STRICT, Normaliser, Texts

__all__ = [
    "RELAXED",
    "STRICT",
    "Measures",
    "Normaliser",
    "Texts",
    "cer_macro",
    "cer_micro",
    "edits",
    "exact",
    "measure",
    "ned",
]
