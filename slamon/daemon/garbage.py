"""When Python looks for cycles of objects that nobody refers to: where nothing else is under way, and not in the midst of a page."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

TIDY = 5
"""Batches between two looks at what is new: seldom enough to cost next to nothing, often enough to find little."""

PATIENT = 60
"""The same while pages are being made, of which one half made holds more than all else that is new."""


def settle() -> None:
    """What there is stays: no later look walks it. From here on there are looks where they are asked for, at no other time."""
    gc.collect()
    gc.freeze()
    gc.disable()


def look_at_all() -> None:
    """At everything made since `settle`, also what outlived a look: a tenth of a second with thousands of targets."""
    gc.collect()


class Looks:
    """At what was made since the last one, when it is time and no page is half made."""

    def __init__(self) -> None:
        self._batches = 0
        """Since the last look."""
        self._pages = 0
        """Being made."""

    def batch(self) -> None:
        """One was made."""
        self._batches += 1
        self.look()

    @contextmanager
    def page(self) -> Iterator[None]:
        """One is being made."""
        self._pages += 1
        try:
            yield
        finally:
            self._pages -= 1

    def look(self) -> None:
        """If it is time."""
        if self._batches >= (PATIENT if self._pages else TIDY):
            gc.collect(0)
            self._batches = 0
