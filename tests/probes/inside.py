"""A test's own thread in a namespace: the sockets it opens, and the probers it runs, live there."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

from tests.netlab.namespace import CLONE_NEWNET, LIBC, Namespace


@contextmanager
def inside(namespace: Namespace) -> Iterator[None]:
    """The calling thread, and the loop it runs, is in `namespace` until the block ends."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(namespace.prefix[-1].removeprefix("--net="), os.O_RDONLY)
    try:
        _enter(there)
        try:
            yield
        finally:
            _enter(home)
    finally:
        os.close(home)
        os.close(there)


def _enter(descriptor: int) -> None:
    if LIBC.setns(descriptor, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
