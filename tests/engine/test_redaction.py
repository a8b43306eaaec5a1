"""Keys out of what services say."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from toolkit._engine.redaction import redact, redacted
from toolkit.errors import AuthenticationError

KEYS = st.text("ABCDEFGHabcdefgh01234567-_", min_size=6, max_size=40)


@given(
    key=KEYS,
    before=st.text(max_size=20),
    after=st.text(max_size=20),
    cut=st.tuples(st.integers(0, 40), st.integers(0, 40)),
)
@example(key="aaaaaaa", before="a", after="aaaa", cut=(0, 40))
@example(key="CAP-0123456789", before="key ", after=" is bad", cut=(0, 12))
def test_no_six_characters_of_a_key_are_left(key, before, after, cut):
    """Wherever a piece of it stands, and whatever stands beside it."""
    piece = key[min(cut) : max(cut)]

    cleaned = redacted(f"{before}{piece}{after}", key)

    unmarked = cleaned.replace("[key]", "\0")
    assert not any(key[start : start + 6] in unmarked for start in range(len(key) - 5))


@given(key=KEYS, text=st.text("xyz .,:", max_size=60))
def test_what_is_no_part_of_the_key_stays(key, text):
    """Word for word."""
    assert redacted(text, key) == text


def test_what_a_live_service_says_reads_well_without_the_key():
    """It quotes the beginning of the key."""
    said = "the key CAP-01234567 is not accepted (CAP-0123456789ABCDEF)"

    assert redacted(said, "CAP-0123456789ABCDEF") == "the key [key] is not accepted ([key])"


@pytest.mark.parametrize("key", ["x", "demo"])
def test_a_short_key_goes_whole(key):
    """Pieces of it are no secret, the whole is."""
    assert redacted(f"<{key}>", key) == "<[key]>"


def test_every_text_of_an_error_is_cleaned():
    """Its words, its code and the task's id."""
    key = "CAP-0123456789ABCDEF"
    error = AuthenticationError(f"bad key {key}", code=f"BAD_{key}", status=401, task_id=f"task-{key}")

    redact(error, key)

    assert str(error) == "bad key [key]"
    assert (error.code, error.status, error.task_id) == ("BAD_[key]", 401, "task-[key]")
    assert key not in repr(error)


def test_a_number_and_nothing_are_left_alone():
    """A task's id may be a number, and an error may have no code."""
    error = AuthenticationError("no", task_id=123456789)

    redact(error, "123456789")

    assert (error.code, error.task_id) == (None, 123456789)
