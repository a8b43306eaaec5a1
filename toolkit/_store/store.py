"""Where a run is kept: a folder of plain text that survives a crash, a full disk and a second reader.

::

    runs/first/
        manifest.json     the plan, the machine, the versions; written once, by rename
        samples.jsonl     id, target, tags and SHA-256 of every image; written once, before the manifest
        attempts.jsonl    one line per event, appended; the truth from which every figure is derived
        columns.parquet   a long log once more, in columns; derived, and safe to delete (`toolkit._store.column_cache`)
        lock              held by the one process that writes, with its pid inside

An event is a JSON object whose ``event`` says what it is: ``session`` (a process began to write; with the
machine it ran on), ``submitted`` (a service holds a task), ``finished`` (an attempt ended). A reader may meet a
log whose last line is still being written, or was cut by a crash: an incomplete last line is no event. A
damaged line anywhere else is `StoreCorrupt`, because somebody's paid answer stood there.

Schema history: 1, the first.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from io import FileIO
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

from toolkit._store.durable_files import claim, release, sync_names, write_whole
from toolkit._store.json_lines import (
    BLOCK_BYTES,
    INDENTED,
    Record,
    is_object,
    json_of,
    line_of,
    read_lines,
    whole_lines,
)
from toolkit.errors import ManifestMismatch, StoreCorrupt, StoreError, StoreLocked

SCHEMA = 1


class Store(Protocol):
    """What a run writes to and is read from: implement these methods to keep runs elsewhere than in a folder.

    One writer; any number of readers. Events are dictionaries that JSON can hold, and come back equal to what went in.

    Raises
    ------
    StoreError
        By every method, for whatever makes it impossible; the run then ends, and says so.
    StoreLocked, ManifestMismatch, StoreCorrupt
        By `open`, when somebody else writes, when the store holds another plan, and when it is damaged.

    Examples
    --------
    >>> from toolkit._store.store import MemoryStore
    >>> store = MemoryStore()
    >>> store.open({"plan": {}}, [{"id": "a.png", "target": "A7K2", "tags": {}}])
    >>> store.append({"event": "session"})
    >>> list(store.blocks())
    [([{'event': 'session'}], 1)]
    """

    def open(self, manifest: Mapping[str, Any], samples: Iterable[Mapping[str, Any]]) -> None:
        """Begin to write: claim the store, check that it holds this plan or none, cut a torn last line."""
        ...

    def append(self, *records: Mapping[str, Any]) -> None:
        """Add events, in order. Each is whole or absent afterwards, never half."""
        ...

    def sync(self) -> None:
        """Return once everything appended so far would survive a power cut."""
        ...

    def close(self) -> None:
        """Stop writing and let another writer in."""
        ...

    def manifest(self) -> Record:
        """The plan and its provenance."""
        ...

    def samples(self) -> Iterator[Record]:
        """The labelled images of the plan, in order."""
        ...

    def blocks(self, offset: int = 0) -> Iterator[tuple[list[Record], int]]:
        """Events from `offset` on, some thousands at a time, each with the offset at which to go on."""
        ...


class MemoryStore:
    """A store for runs that need not outlive their process."""

    def __init__(self) -> None:
        self._manifest: Record | None = None
        self._samples: list[Record] = []
        self._records: list[Record] = []
        self._writing = False

    def __repr__(self) -> str:
        return f"<MemoryStore, {len(self._records)} events>"

    # What goes in is copied through JSON, so that it comes out as it would from a file.

    def open(self, manifest: Mapping[str, Any], samples: Iterable[Mapping[str, Any]]) -> None:
        if self._writing:
            raise StoreLocked("this store is being written by another run; wait for it, or use another store")
        if self._manifest is None:
            self._samples = [json.loads(line_of(sample)) for sample in samples]
            self._manifest = json.loads(line_of(manifest))
        else:
            _same_plan("this store", self._manifest, manifest)
        self._writing = True

    def append(self, *records: Mapping[str, Any]) -> None:
        if not self._writing:
            raise StoreError("this store is not open for writing")
        self._records += [json.loads(line_of(record)) for record in records]

    def sync(self) -> None:
        return

    def close(self) -> None:
        self._writing = False

    def manifest(self) -> Record:
        if self._manifest is None:
            raise StoreError("this store holds no run: nothing was written to it yet")
        return self._manifest

    def samples(self) -> Iterator[Record]:
        self.manifest()
        return iter(self._samples)

    def blocks(self, offset: int = 0) -> Iterator[tuple[list[Record], int]]:
        if len(self._records) > offset:
            yield self._records[offset:], len(self._records)


class FileStore:
    """A store in a folder."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).absolute()  # whoever changes the working directory still means this place
        self._named = str(path)
        self.torn_bytes = 0
        self.log = self.path / "attempts.jsonl"
        # Files rather than their numbers: one that is lost to an interrupt as it is opened closes itself.
        self._file: FileIO | None = None
        self._lock: FileIO | None = None
        self._end = 0

    def __repr__(self) -> str:
        return f"FileStore({self._named!r})"

    # ── writing ──────────────────────────────────────────────────────────────────────────────────────────

    def open(self, manifest: Mapping[str, Any], samples: Iterable[Mapping[str, Any]]) -> None:
        """Begin to write; creates the folder.

        `StoreLocked` when another run writes here, `ManifestMismatch` when the folder holds another plan,
        `StoreCorrupt` when its log is damaged, `StoreError` when it cannot be written.
        """
        if self._file is not None:  # before the clean-up below, which would close it under the run that writes
            raise StoreLocked(f"{self.path} is being written by another run of this process; wait for it")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = claim(self.path / "lock")
            if (self.path / "manifest.json").exists():
                _same_plan(str(self.path), self.manifest(), manifest)
            elif self.log.exists():
                raise StoreCorrupt(f"{self.path}: attempts.jsonl is here without its manifest.json; restore that file")
            else:
                lines = (line_of(sample) for sample in samples)
                write_whole(self.path / "samples.jsonl", lines)
                write_whole(self.path / "manifest.json", [json_of(manifest, INDENTED)])
            self._file = FileIO(self.log, "a+")
            sync_names(self.path)
            sync_names(self.path.parent)
            self._end = self._mend(self._file.fileno())
        except OSError as error:
            self.close()
            raise _refused(self.path, error) from error
        except BaseException:
            self.close()
            raise

    def append(self, *records: Mapping[str, Any]) -> None:
        """Add events with a single write; on failure the log is cut back to the last whole one."""
        if self._file is None:
            raise StoreError(f"{self.path} is not open for writing")
        lines = b"".join(map(line_of, records))
        written = 0
        try:
            while written < len(lines):  # a second round only when the disk filled up within them
                written += os.write(self._file.fileno(), lines[written:])
        except OSError as error:
            self._end += lines.rfind(b"\n", 0, written) + 1
            os.ftruncate(self._file.fileno(), self._end)
            raise _refused(self.path, error) from error
        self._end += written

    def sync(self) -> None:
        if self._file is None:
            return
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise _refused(self.path, error) from error

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        if self._lock is not None:  # last: nobody may write before the log is closed
            release(self._lock)
        self._file = self._lock = None

    def _mend(self, fd: int) -> int:
        """Cut a torn last line, or end a whole one that lacks only its newline; give the log's length.

        Only the tail is looked at: whoever resumes reads the whole log anyway, and meets other damage there.
        """
        size = os.fstat(fd).st_size
        tail = b""
        start = size
        while start and b"\n" not in tail:
            start = max(0, start - BLOCK_BYTES)
            with self.log.open("rb") as file:
                file.seek(start)
                tail = file.read(size - start)
        last = tail.rpartition(b"\n")[2]
        if is_object(last):
            return size + os.write(fd, b"\n")
        self.torn_bytes = len(last)
        os.ftruncate(fd, size - len(last))
        return size - len(last)

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────

    def manifest(self) -> Record:
        path = self.path / "manifest.json"
        try:
            manifest: Record = json.loads(path.read_bytes())
        except FileNotFoundError as error:
            raise StoreError(f"{self.path} holds no run: there is no manifest.json in it") from error
        except OSError as error:
            raise StoreError(f"{path} cannot be read: {error.strerror}") from error
        except (ValueError, RecursionError) as error:
            raise StoreCorrupt(f"{path} is not JSON ({error}); restore it from a copy") from error
        schema = manifest.get("schema") if isinstance(manifest, dict) else None
        if schema != SCHEMA:
            raise StoreError(f"{path} has schema {schema!r}; this version reads {SCHEMA}")
        return manifest

    def samples(self) -> Iterator[Record]:
        self.manifest()
        for records, _ in read_lines(self.path / "samples.jsonl"):
            yield from records

    def blocks(self, offset: int = 0) -> Iterator[tuple[list[Record], int]]:
        if self.log.exists():
            yield from read_lines(self.log, offset)

    def lines(self, offset: int = 0) -> Iterator[tuple[bytes, int]]:
        """Whole lines of the log from `offset` on, not yet understood, each block with the offset at which to go on."""
        if self.log.exists():
            yield from whole_lines(self.log, offset)


def _refused(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{path} cannot be written: {error.strerror}. Everything recorded so far is kept; "
        "make room or choose a writable folder, and call again to resume"
    )


# ── is it the same plan? ─────────────────────────────────────────────────────────────────────────────────


def _same_plan(where: str, stored: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    differing = list(_differences(stored.get("plan"), json.loads(line_of(asked["plan"]))))
    if differing:
        listed = "; ".join(differing)
        raise ManifestMismatch(f"{where} holds a run of another plan: {listed}. Choose another store for this one")


def _differences(stored: Any, asked: Any, name: str = "") -> Iterator[str]:
    """Each leaf in which two plans differ, by its dotted name."""
    if isinstance(stored, dict) and isinstance(asked, dict):
        for key in chain(stored, (key for key in asked if key not in stored)):
            path = f"{name}.{key}" if name else key
            if key not in asked:
                yield f"{path} is only in the store"
            elif key not in stored:
                yield f"{path} is not in the store"
            else:
                yield from _differences(stored[key], asked[key], path)
    elif stored != asked:
        yield f"{name} is {stored!r} in the store and {asked!r} now"
