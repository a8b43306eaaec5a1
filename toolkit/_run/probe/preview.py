"""What a probe is going to ask, in words, before anything is sent."""

import math
from dataclasses import dataclass

from toolkit._engine.limits import Limits
from toolkit.metrics.words import duration
from toolkit.stats import ProbePlan


@dataclass(frozen=True)
class Outlook:
    """Calls that place images, expected and at most, and those that ask again; `price` is USD for a paid one.

    `rests_on` counts the images from which the expectation was learnt.
    """

    images: int
    paid: float
    free: float
    calls_at_most: float
    paid_at_most: float
    again_at_most: int
    rests_on: int
    price: float | None
    limits: Limits

    @classmethod
    def of_plan(
        cls,
        plan: ProbePlan,
        images: int,
        placed: int,
        audited: int,
        max_calls: float,
        price: float | None,
        limits: Limits,
    ) -> "Outlook":
        """That of placing `images` more with a plan that `placed` images taught, and of asking `audited` again."""
        most = plan.table[["calls", "paid"]].max() * images
        within = min(1.0, max_calls / max(plan.calls_per_image * images, 1.0))
        paid, calls = plan.paid_per_image * images * within, plan.calls_per_image * images * within
        calls_at_most = min(max_calls, float(most["calls"]))
        paid_at_most = min(max_calls, float(most["paid"]))
        return cls(images, paid, calls - paid, calls_at_most, paid_at_most, 2 * audited, placed, price, limits)

    @classmethod
    def of_draws(cls, images: int, calls: float, price: float | None, limits: Limits) -> "Outlook":
        """That of calls each of which may be paid or free, as nobody knows beforehand."""
        return cls(images, float("nan"), float("nan"), calls, calls, 0, 0, price, limits)

    def sentences(self) -> list[str]:
        """Calls, money and time, one line each."""
        return [f"calls: {self._calls()}", f"money: {self._money()}", f"time: {self._time()}"]

    def _calls(self) -> str:
        again = f"; then at most {self.again_at_most:,} that ask images again" if self.again_at_most else ""
        if math.isnan(self.paid):
            return f"at most {self.calls_at_most:,.0f}, paid where the service answers{again}"
        why = f"from {self.rests_on:,} images placed before" if self.rests_on else "if all places are as likely"
        return (
            f"about {self.paid:,.0f} paid and {self.free:,.0f} free ({why}), at most {self.calls_at_most:,.0f}{again}"
        )

    def _money(self) -> str:
        if self.price is None:
            return "unknown, as the provider has no price"
        return f"at most {(self.paid_at_most + self.again_at_most) * self.price:.4g} USD"

    def _time(self) -> str:
        calls = self.again_at_most + (self.calls_at_most if math.isnan(self.paid) else self.paid + self.free)
        least_s = 0.0 if self.limits.per_second is None else calls / self.limits.per_second
        each_s = calls / self.limits.in_flight
        rate = f", and {duration(least_s)} at least by the rate limit" if least_s > each_s else ""
        return f"about {duration(each_s)} for each second that a call takes ({self.limits.in_flight} in flight){rate}"
