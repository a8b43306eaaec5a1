"""Files that are whole or absent, names that survive a power cut, and a lock that dies with its process."""

import os
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress
from io import FileIO
from pathlib import Path

from toolkit.errors import StoreLocked


def write_whole(path: Path, lines: Iterable[bytes]) -> None:
    """Write a file that is either absent or complete, whatever interrupts."""
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    sync_names(path.parent)


def sync_names(folder: Path) -> None:
    """Return once what was made or renamed in a folder is there after a power cut: a file's own sync need not say."""
    if os.name != "posix":
        return
    # A folder can be opened by its number only, which an interrupt would lose: it waits until the number is given back.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT,))
        with suppress(PermissionError):  # a folder that may be entered and not listed, as others' homes are
            fd = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def claim(path: Path) -> FileIO:
    """Take the lock, or say who has it. The system drops it with the process, so it is never stale."""
    file = FileIO(path, "a+")
    try:
        file.seek(0)
        _take(file)
        file.truncate(0)
        file.write(f"{os.getpid()}\n".encode())
    except BlockingIOError as error:
        owner = os.pread(file.fileno(), 32, 0).decode(errors="replace").strip() if hasattr(os, "pread") else ""
        file.close()
        raise StoreLocked(
            f"{path.parent} is being written by process {owner or '?'}; wait for it, or choose another store"
        ) from error
    except BaseException:
        file.close()
        raise
    return file


def _take(file: FileIO) -> None:
    """Lock a file for this process; `BlockingIOError` when another one has it."""
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError from error
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def release(lock: FileIO) -> None:
    """Give the lock back. Closing alone would leave it with processes that were forked while it was held."""
    if sys.platform != "win32":
        import fcntl

        fcntl.flock(lock, fcntl.LOCK_UN)
    lock.close()
