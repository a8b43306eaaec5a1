"""Labelled images made from a seed."""

from toolkit._dataset.synthesis.generator import synthesize

__all__ = ["synthesize"]
