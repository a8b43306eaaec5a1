"""The policy of retries: how often, how long, and when no more."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit import errors
from toolkit._engine.retry import RetryPolicy

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.ProviderError)]
POLICIES = st.builds(
    RetryPolicy,
    tries=st.integers(1, 10),
    base_s=st.floats(0.01, 5),
    longest_s=st.floats(0.01, 60),
    total_s=st.floats(0, 300),
)
JITTER = st.integers(0, 1000).map(random.Random)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_only_what_may_pass_is_tried_again(kind):
    """The error's class says whether a second try can help; nothing else does."""
    waits = RetryPolicy().wait_s(kind("failed"), 1, 0.0, random.Random(0))

    assert (waits is not None) == (
        kind in {errors.TransportError, errors.RateLimited, errors.Unavailable} or kind.retry is True
    )
    assert not (kind.retry and kind.fatal)


@given(POLICIES, st.integers(1, 12), st.floats(0, 400), JITTER)
def test_waits_stay_within_every_bound(policy, tried, elapsed_s, jitter):
    """No wait exceeds its doubled ceiling or the longest one, none ends after the total, and tries are counted."""
    wait_s = policy.wait_s(errors.TransportError(), tried, elapsed_s, jitter)

    if tried >= policy.tries:
        assert wait_s is None
    if wait_s is not None:
        assert 0 <= wait_s <= min(policy.longest_s, policy.base_s * 2 ** (tried - 1))
        assert elapsed_s + wait_s <= policy.total_s


@given(POLICIES, st.integers(1, 12), st.floats(0, 400), st.floats(0, 400), JITTER)
def test_a_service_that_says_how_long_is_obeyed(policy, tried, elapsed_s, after_s, jitter):
    """Asked to wait, the wait is that long exactly, or the trial ends where there is no time or try left for it."""
    wait_s = policy.wait_s(errors.RateLimited(after_s=after_s), tried, elapsed_s, jitter)

    allowed = tried < policy.tries and elapsed_s + after_s <= policy.total_s
    assert wait_s == (after_s if allowed else None)


def test_the_whole_range_of_a_wait_is_used():
    """Full jitter: clients that failed together must not come back together."""
    policy, jitter = RetryPolicy(base_s=1.0), random.Random(1)
    waits = [policy.wait_s(errors.Unavailable(), 1, 0.0, jitter) for _ in range(2000)]

    assert min(waits) < 0.01
    assert max(waits) > 0.99
    assert 0.47 < sum(waits) / len(waits) < 0.53  # 0.5 expected, standard deviation 0.0065
