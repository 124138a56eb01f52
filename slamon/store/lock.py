"""One daemon per store: an advisory lock beside the file, held by the kernel for as long as the process lives."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from threading import Event

from slamon.errors import UnavailableError

TRIES = 5
PAUSE = 0.02
"""Seconds between tries: `locked` holds the lock for microseconds while it looks, and must not turn a daemon away."""


class Lock:
    """`flock` on `<path>.lock`. A killed daemon leaves the file but not the lock; the pid in it is for the message only."""

    def __init__(self, path: Path) -> None:
        """Raises UnavailableError naming the process that holds it."""
        self.path = path.with_name(path.name + ".lock")
        try:
            self._file = os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o640)
        except OSError as error:
            raise UnavailableError(f"cannot write {self.path}: {error.strerror}") from error
        if not self._taken():
            holder = os.read(self._file, 32).decode(errors="replace").strip()
            os.close(self._file)
            raise UnavailableError(
                f"the store {path} is in use by another slamon (pid {holder or 'unknown'}); stop that one, or give this one its own --state"
            )
        os.ftruncate(self._file, 0)
        os.write(self._file, f"{os.getpid()}\n".encode())

    def _taken(self) -> bool:
        for _ in range(TRIES):
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                Event().wait(PAUSE)
            else:
                return True
        return False

    def release(self) -> None:
        os.close(self._file)


def locked(path: Path) -> bool:
    """Whether some process holds the store `path` now."""
    try:
        file = os.open(path.with_name(path.name + ".lock"), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(file)
    return False
