"""Labelled images made from a seed."""

from toolkit.dataset.synthesis.generator import synthesize

__all__ = ["synthesize"]
