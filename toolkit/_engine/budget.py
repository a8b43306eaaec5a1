"""A bound on money that holds whatever happens. Pure."""


class Budget:
    """What may still be spent, when `spent_usd` went before.

    The most that a reading can cost is reserved before it is sent and settled after; what is spent and what is
    reserved never exceed `limit_usd` together. Without a limit everything is allowed and still counted.
    """

    def __init__(self, limit_usd: float | None = None, spent_usd: float = 0.0) -> None:
        self.limit_usd = limit_usd
        self.spent_usd = spent_usd
        self.reserved_usd = 0.0
        self._reservations = 0

    def __repr__(self) -> str:
        limit = "no limit" if self.limit_usd is None else f"of {self.limit_usd:.4f} USD"
        return f"<Budget {limit}: {self.spent_usd:.4f} spent, {self.reserved_usd:.4f} reserved>"

    def reserve(self, usd: float) -> bool:
        """Set money aside; False, and nothing set aside, when that could overrun the limit."""
        # A hundredth of a millionth of a dollar is rounding, not overspending.
        if self.limit_usd is not None and self.spent_usd + self.reserved_usd + usd > self.limit_usd + 1e-8:
            return False
        self._set_aside(usd)
        return True

    def reopen(self, usd: float) -> None:
        """Set aside again what was counted as spent, because it may turn out to have been less."""
        self.spent_usd -= usd
        self._set_aside(usd)

    def settle(self, reserved_usd: float, spent_usd: float) -> None:
        """Replace a reservation by what was spent; what may have been spent counts as spent."""
        self._reservations -= 1
        # Sums of floats drift; with nothing set aside there is nothing to drift from.
        self.reserved_usd = self.reserved_usd - reserved_usd if self._reservations else 0.0
        self.spent_usd += spent_usd

    @property
    def may_free_up(self) -> bool:
        """Whether readings under way may yet turn out cheaper than was set aside for them."""
        return self._reservations > 0

    def _set_aside(self, usd: float) -> None:
        self.reserved_usd += usd
        self._reservations += 1
