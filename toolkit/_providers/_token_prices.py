"""What models cost that are paid by the token."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

from toolkit._providers._checks import check_number, check_whole
from toolkit._providers.base import NOT_IN_IDENTITY, ServiceProvider
from toolkit.errors import SettingError, Unsolvable

DEFAULT_PROMPT = "Write down the text in this image exactly as it stands there, and nothing else."

_PRICES = ("price_input_per_million_usd", "price_output_per_million_usd")
_MOST_USD = 1e6  # for a million tokens: whatever is more is a slip of the finger


class Declined(Unsolvable):
    """The model was asked, at a price, and gave no text."""

    settled = False


@dataclass(frozen=True)
class TokenPriced(ServiceProvider):
    """A service that charges for tokens in and out, or for answers by the piece."""

    price_input_per_million_usd: float | None = field(default=None, kw_only=True, metadata=NOT_IN_IDENTITY)
    price_output_per_million_usd: float | None = field(default=None, kw_only=True, metadata=NOT_IN_IDENTITY)
    max_input_tokens: int | None = field(default=None, kw_only=True, metadata=NOT_IN_IDENTITY)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_input_tokens is not None:
            check_whole(self, "max_input_tokens", 1)
        given = [name for name in _PRICES if getattr(self, name) is not None]
        for name in given:
            check_number(self, name, 0, _MOST_USD)
        kind = type(self).__name__
        if len(given) == 1:
            raise SettingError(f"{kind}: {given[0]} stands alone; give the prices of input and output both")
        if given and self.price_per_1000_usd is not None:
            raise SettingError(f"{kind}: give a price for tokens or for answers, not both")

    @property
    @abstractmethod
    def most_output_tokens(self) -> int:
        """The most that an answer can be."""

    @property
    def prices(self) -> Mapping[str, float] | None:
        """USD for one token of each direction, or for one answer."""
        if self.price_input_per_million_usd is None or self.price_output_per_million_usd is None:
            return super().prices
        return {
            "input_tokens": self.price_input_per_million_usd / 1e6,
            "output_tokens": self.price_output_per_million_usd / 1e6,
        }

    @property
    def max_cost_usd(self) -> float | None:
        """The most that one reading can cost; None without a price, or when nobody said what an image comes to."""
        prices = self.prices
        if prices is None or "input_tokens" not in prices:
            return super().max_cost_usd
        if self.max_input_tokens is None:
            return None
        return prices["input_tokens"] * self.max_input_tokens + prices["output_tokens"] * self.most_output_tokens
