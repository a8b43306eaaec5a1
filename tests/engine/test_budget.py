"""The bound on money, whatever is reserved and settled in whatever order."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit._engine.budget import Budget

CENTS = st.integers(0, 300).map(lambda cents: cents / 100)


@given(limit=CENTS, before=CENTS, readings=st.lists(st.tuples(CENTS, st.floats(0, 1), st.integers(0, 5)), max_size=50))
def test_what_is_spent_and_reserved_never_exceeds_the_limit(limit, before, readings):
    """Unless more had been spent before; then nothing that costs is allowed at all."""
    budget, open_readings = Budget(limit, before), []
    for most, share, keep in readings:
        if budget.reserve(most):
            open_readings.append((most, most * share))
        while len(open_readings) > keep:
            budget.settle(*open_readings.pop(0))
        assert budget.spent_usd + budget.reserved_usd <= max(limit, before) + 1e-7
        assert budget.may_free_up == bool(open_readings)


@given(prices=st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=200))
def test_nothing_is_left_reserved_by_rounding(prices):
    """A remainder of a billionth would have readings wait for money that never comes."""
    budget = Budget()
    for price in prices:
        budget.reserve(price)
    for price in reversed(prices):
        budget.settle(price, price)

    assert budget.reserved_usd == 0
    assert not budget.may_free_up
    assert budget.spent_usd == pytest.approx(float(sum(map(Fraction, prices))))


def test_exactly_the_limit_may_be_spent():
    """A hundred readings of a tenth of a cent are ten cents, though floats add up to more."""
    budget = Budget(0.1)

    allowed = sum(budget.reserve(0.001) for _ in range(200))

    assert allowed == 100


def test_a_cheaper_reading_frees_the_rest():
    """What was unsolvable is not charged, and its money buys another reading."""
    budget = Budget(1.0)
    assert budget.reserve(1.0)
    assert not budget.reserve(0.5)
    budget.settle(1.0, 0.25)

    assert budget.reserve(0.75)
    assert not budget.reserve(0.01)


def test_what_was_counted_can_be_counted_again():
    """A task that was given up for lost is collected: its most was spent already, and turns out to have been free."""
    budget = Budget(1.0, spent_usd=1.0)
    budget.reopen(0.4)
    assert not budget.reserve(0.1)  # it may still be charged
    budget.settle(0.4, 0.0)

    assert budget.spent_usd == pytest.approx(0.6)
    assert budget.reserve(0.4)


def test_without_a_limit_all_is_allowed_and_counted():
    """The sum is shown all the same."""
    budget = Budget()
    assert budget.reserve(1e9)
    budget.settle(1e9, 5.0)

    assert budget.spent_usd == 5.0
    assert repr(budget) == "<Budget no limit: 5.0000 spent, 0.0000 reserved>"
    assert repr(Budget(2)) == "<Budget of 2.0000 USD: 0.0000 spent, 0.0000 reserved>"
