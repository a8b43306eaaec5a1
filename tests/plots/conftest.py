"""Figures are drawn without a screen, and closed."""

import matplotlib as mpl
import pytest

mpl.use("Agg")

from matplotlib import pyplot as plt


@pytest.fixture(autouse=True)
def closed_figures():
    """No figure outlives its test."""
    yield
    plt.close("all")
