"""Instants of a Poisson process (RFC 2330, section 11.1) that are the same at every start: a pure function of name and time.

Nobody can foresee them from the instants before, so that nothing periodic on the path is always met or always missed; and yet they are
reproducible, because they are drawn from a hash of the target's name, not from a generator with a state.
"""

from __future__ import annotations

from bisect import bisect_right
from hashlib import blake2b
from math import log

from slamon.model import SPACING

BLOCK = 64
"""Mean intervals to a block. A Poisson process has no memory: it may begin anew at the start of every block and is still the same one."""

LONGEST = SPACING // 2
"""A wait is cut off at so many mean intervals, which befalls one in 1100. Two of them, to the end of a block and from the start of the
next, make the longest distance."""


class Poisson:
    """The instants of one target, each `later` nanoseconds after one of the process; mean distance `interval`."""

    __slots__ = ("_block", "_interval", "_later", "_name", "_points")

    def __init__(self, name: str, interval: int, later: int = 0) -> None:
        self._name = name
        self._interval = interval
        self._later = later
        self._block = -1
        self._points: list[int] = []

    def after(self, instant: int) -> int:
        """The first instant after `instant`, nanoseconds UTC."""
        instant -= self._later
        block = instant // (BLOCK * self._interval)
        while True:
            if block != self._block:
                self._block, self._points = block, self._draw(block)
            place = bisect_right(self._points, instant)
            if place < len(self._points):
                return self._points[place] + self._later
            block += 1

    def _draw(self, block: int) -> list[int]:
        points: list[int] = []
        begun = at = block * BLOCK * self._interval
        end = begun + BLOCK * self._interval
        while True:
            seed = blake2b(f"{self._name}\0{block}\0{len(points)}".encode(), digest_size=8).digest()
            uniform = (int.from_bytes(seed, "big") + 1) / (1 << 64)
            at += max(round(min(-log(uniform), LONGEST) * self._interval), 1)
            if at >= end:
                return points
            points.append(at)
