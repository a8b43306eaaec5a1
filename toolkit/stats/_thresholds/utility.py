"""What an answer is worth: value, harm and price in one number an image."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from toolkit.errors import SettingError
from toolkit.stats._core.intervals import FloatArray

Charge = Literal["answered", "always", "correct"]
"""What is paid for: answers, every call, or answers that are not reported as wrong."""


@dataclass(frozen=True)
class Utility:
    """Worth of an image's outcome, in any one unit; only differences matter.

    `value_correct` is what a right answer brings, `cost_wrong` the harm of a wrong one, `cost_no_answer` that of
    none (or the price of whoever is asked next), `cost_per_second` that of waiting, `price` what a charged call
    costs under the rule `charge`.
    """

    value_correct: float = 1.0
    cost_wrong: float = 0.0
    cost_no_answer: float = 0.0
    cost_per_second: float = 0.0
    price: float = 0.0
    charge: Charge = "answered"

    def __post_init__(self) -> None:
        if self.charge not in ("answered", "always", "correct"):
            raise SettingError(f"charge={self.charge!r} is not one of answered, always, correct")

    def spent(self, right: FloatArray, wrong: FloatArray) -> FloatArray:
        """Charge an image from the shares accepted right and accepted wrong."""
        paid = {"answered": right + wrong, "always": np.ones_like(right), "correct": right}[self.charge]
        return self.price * paid

    def of(self, right: FloatArray, wrong: FloatArray, seconds: FloatArray | float = 0.0) -> FloatArray:
        """Mean worth an image from the shares accepted right and accepted wrong, and the mean seconds."""
        unanswered = 1 - right - wrong
        worth = self.value_correct * right - self.cost_wrong * wrong - self.cost_no_answer * unanswered
        return np.asarray(worth - self.spent(right, wrong) - self.cost_per_second * np.asarray(seconds))

    @property
    def break_even(self) -> float:
        """The chance of being right at which an answer is worth as much as none (Chow's rule).

        Not above 0: accept all. Above 1: accept none. With calibrated confidence the best threshold is here, so
        a best threshold elsewhere tells that the confidence is no probability.
        """
        refunded, rejected = float(self.charge == "correct"), float(self.charge == "always")
        gain = self.cost_wrong + self.price * (1 - refunded) - self.cost_no_answer - rejected * self.price
        scale = self.value_correct + self.cost_wrong - refunded * self.price
        if scale == 0:
            return float("-inf") if gain <= 0 else float("inf")
        return gain / scale
