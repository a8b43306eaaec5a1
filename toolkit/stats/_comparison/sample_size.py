"""How many images it takes to tell two settings apart."""

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from toolkit.errors import SettingError
from toolkit.stats._core.intervals import FloatArray, normal_quantile


def images_needed(
    difference: ArrayLike, discordant: ArrayLike, power: float = 0.8, confidence_level: float = 0.95
) -> FloatArray:
    """Images that both settings must read for a paired test to see a difference of two shares.

    `discordant` is the share of images that exactly one of them reads right; a pilot of 100 images tells it well
    enough. It cannot be below the difference itself: such entries are NaN. Infinite for no difference.
    """
    d, psi = np.abs(np.asarray(difference, np.float64)), np.asarray(discordant, np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        reach = normal_quantile(confidence_level) * np.sqrt(psi) + _power_quantile(power) * np.sqrt(psi - d**2)
        needed = np.ceil(reach**2 / d**2)
    return np.where(d == 0, np.inf, np.where(psi < d, np.nan, needed))


def images_needed_unpaired(
    first: ArrayLike, second: ArrayLike, power: float = 0.8, confidence_level: float = 0.95
) -> FloatArray:
    """Images that each setting must read when they read different ones: what pairing saves is this against the other."""
    p, q = np.asarray(first, np.float64), np.asarray(second, np.float64)
    mean = (p + q) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        reach = normal_quantile(confidence_level) * np.sqrt(2 * mean * (1 - mean))
        reach = reach + _power_quantile(power) * np.sqrt(p * (1 - p) + q * (1 - q))
        needed = np.ceil(reach**2 / (p - q) ** 2)
    return np.where(p == q, np.inf, needed)


def images_needed_for_mean(
    difference: float, deviation: float, power: float = 0.8, confidence_level: float = 0.95
) -> float:
    """Images to tell a mean paired difference from 0, from its standard deviation over images."""
    if difference == 0:
        return float("inf")
    return float(np.ceil(((normal_quantile(confidence_level) + _power_quantile(power)) * deviation / difference) ** 2))


def power(
    differences: Sequence[float] = (0.01, 0.02, 0.03, 0.05),
    discordant: Sequence[float] = (0.05, 0.10, 0.15, 0.20),
    *,
    accuracy: float = 0.9,
    power: float = 0.8,
    confidence_level: float = 0.95,
) -> pd.DataFrame:
    """Images needed, a row a difference and a column a share of images on which only one setting is right.

    The last column, ``unpaired``, is what each setting would have to read if the images were not the same, from
    `accuracy` upwards. NaN where the difference is larger than the discordant share, which cannot be.
    """
    d = np.asarray(differences, np.float64)
    if np.any((d <= 0) | (accuracy + d > 1)):
        raise SettingError(f"differences={list(differences)} must be above 0 and fit on top of accuracy={accuracy}")
    columns = {f"discordant_{share:g}": images_needed(d, share, power, confidence_level) for share in discordant}
    table = pd.DataFrame({"difference": d, **columns})
    table["unpaired"] = images_needed_unpaired(accuracy, accuracy + d, power, confidence_level)
    table.attrs |= {"power": power, "confidence_level": confidence_level, "accuracy": accuracy}
    return table


def _power_quantile(power: float) -> float:
    if not 0 < power < 1:
        raise SettingError(f"power={power!r} is not between 0 and 1; 0.8 is usual")
    return NormalDist().inv_cdf(power)
