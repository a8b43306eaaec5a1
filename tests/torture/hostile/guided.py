"""Feeds one decoder, or the log reader, what a coverage-guided fuzzer finds: ``guided.py TARGET RUNS SEED FOLDER``.

With no runs, only the inputs from which the search begins are tried, and the fuzzer need not be there.
"""

import contextlib
import json
import sys
from collections.abc import Callable
from pathlib import Path

TARGET, RUNS, SEED, FOLDER = sys.argv[1], int(sys.argv[2]), sys.argv[3], Path(sys.argv[4])

if RUNS:
    import atheris

    instrumented = atheris.instrument_imports(include=["json", "toolkit"])
else:
    instrumented = contextlib.nullcontext()

with instrumented:
    from toolkit._providers import _replies, _tasks, capmonster, capsolver, openai_compatible  # noqa: F401
    from toolkit._store import log_reader  # noqa: F401 -- the reader loads it on first use
    from toolkit.types import Reply

from decoders import DECODERS, complaints  # noqa: E402 -- after what is instrumented
from logs import STORE_FILES, made_store, reading_complaints  # noqa: E402 -- as above

_STATUSES = (200, 200, 200, 201, 204, 302, 400, 401, 403, 404, 422, 429, 500, 503)


def reply_checker(name: str) -> Callable[[bytes], None]:
    """The first byte chooses the exchange and the status of its last reply, the others are that reply's body."""
    decoder = DECODERS[name]

    def check(data: bytes) -> None:
        choice, body = data[0] if data else 0, data[1:]
        before = decoder.exchanges[choice % len(decoder.exchanges)][:-1]
        last = Reply(_STATUSES[choice // 8 % len(_STATUSES)], body)
        found = complaints(decoder, [*(Reply(200, said) for said in before), last])
        assert not found, found

    return check


def log_checker() -> Callable[[bytes], None]:
    """The bytes are the whole of one of a store's files."""
    store = made_store(FOLDER / "store")

    def check(data: bytes) -> None:
        name = STORE_FILES[(data[0] if data else 0) % len(STORE_FILES)]
        path = store / name
        sound = path.read_bytes()
        try:
            path.write_bytes(data[1:])
            found = reading_complaints(store, figures=False)
        finally:
            path.write_bytes(sound)
        assert not found, found

    return check


def seeds() -> list[bytes]:
    """Real replies, or a real store's files."""
    if TARGET == "log":
        store = made_store(FOLDER / "seeds")
        return [bytes([number]) + (store / name).read_bytes() for number, name in enumerate(STORE_FILES)]
    return [bytes([n]) + bodies[-1] for n, bodies in enumerate(DECODERS[TARGET].exchanges)]


def main() -> None:
    """Try the seeds, and then what grows out of them."""
    corpus = FOLDER / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    check = log_checker() if TARGET == "log" else reply_checker(TARGET)
    for number, seed in enumerate(seeds()):
        (corpus / str(number)).write_bytes(seed)
        check(seed)
    if not RUNS:
        print(f"Done {len(seeds())} seeds")  # noqa: T201 -- to whoever started it
        return
    words = {json.dumps(word) for body in seeds() for word in _words(body)}
    dictionary = FOLDER / "words.dict"
    dictionary.write_text("".join(f"{word}\n" for word in sorted(words)), encoding="ascii")
    options = [
        f"-runs={RUNS}",
        f"-seed={SEED}",
        "-max_len=4096",
        "-len_control=0",
        "-timeout=20",
        f"-dict={dictionary}",
        str(corpus),
    ]
    atheris.Setup([sys.argv[0], *options], check)
    atheris.Fuzz()


def _words(body: bytes) -> set[str]:
    import re

    return {word.decode() for word in re.findall(rb"[A-Za-z_]{3,40}", body)}


main()
