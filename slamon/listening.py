"""How long the event loop was deaf while a probe waited, so that silence is not charged to the target when nobody listened.

The loop hears what arrives when it turns: between two turns it sees nothing, whether a callback takes long, the process is stopped or the
machine is busy with others. While anything waits, a beat proves again and again that it turned. A span between two proofs in which the loop
can have stood still for long is held to be a standstill from end to end, wherever in it the standstill may lie; a shorter one is ordinary
lateness. So every standstill of more than a sixteenth of a timeout (2 ms at least, 0.1 s at most) counts in full, with at most one beat
that was none, and several add up. Whoever's timeout passed with less than a quarter of it counted was listened to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from slamon.model import MS, S

BEATS = 64
"""In one timeout."""

CLOSEST = 1 * MS
"""Between two beats: timers of the loop are no finer. In a timeout of less than five of these, silence cannot be told from deafness."""

WIDEST = 50 * MS
"""Between two beats; enough for a timeout of any length, since what goes unseen does not grow with it."""

UNSEEN_SHARE = 16
"""A sixteenth of a timeout is no standstill: busy as machines are, a beat late by less is ordinary."""

LONGEST_UNSEEN = 100 * MS
"""Nor is this, in a timeout of any length."""

DEAF_SHARE = 4
"""A timeout counts against the target only if we were listening. A loop that stood still for a quarter of it or more may have missed
an answer that came within the other three; then the fault is ours."""


def beat(timeout: int) -> int:
    """Nanoseconds from one beat to the next while something waits with this timeout."""
    return min(max(timeout // BEATS, CLOSEST), WIDEST)


def standstill(timeout: int) -> int:
    """The shortest span between two proofs that is one. Two beats are none, since timers round up; a quarter of the timeout always is."""
    return min(max(timeout // UNSEEN_SHARE, 2 * beat(timeout)), LONGEST_UNSEEN, timeout // DEAF_SHARE)


class Wait:
    """One probe's waiting."""

    __slots__ = ("began", "counted", "deaf", "timeout")

    def __init__(self, timeout: int, began: int) -> None:
        self.timeout = timeout
        self.began = began
        self.counted = began
        """End of the last standstill that is in `deaf`."""
        self.deaf = 0

    def count(self, heard: int, now: int) -> None:
        """Nothing proves that the loop turned after `heard`. What was before this wait is no part of it, however long."""
        since = max(heard, self.began)
        if now - since >= standstill(self.timeout):
            self.deaf += now - max(since, self.counted)
            self.counted = now


class Listening:
    """The beats of one event loop, as close as the shortest timeout asks that is waited for; none while nothing waits."""

    def __init__(self, monotonic: Callable[[], int]) -> None:
        self._monotonic = monotonic
        self._loop = asyncio.get_running_loop()
        self._waits: dict[int, set[Wait]] = {}
        """By timeout."""
        self._heard = 0
        """After this instant the loop turned; whether it did so again is not proved yet."""
        self._handle: asyncio.Handle | None = None
        """Of the next beat; None while there is none."""
        self._due = 0
        """When that is."""

    def begin(self, timeout: int) -> Wait:
        """To be called before anything is sent, and before the timer of the timeout is set."""
        now = self._monotonic()
        wait = Wait(timeout, now)
        self._waits.setdefault(timeout, set()).add(wait)
        if self._handle is None or now + beat(timeout) < self._due:
            self._plan(now, beat(timeout))
        return wait

    def deaf(self, wait: Wait) -> int:
        """Nanoseconds for which nobody may have listened since the wait began, a standstill that is only just over included."""
        wait.count(self._heard, self._monotonic())
        return wait.deaf

    def end(self, wait: Wait) -> None:
        waits = self._waits[wait.timeout]
        waits.remove(wait)
        if not waits:
            del self._waits[wait.timeout]

    def close(self) -> None:
        if self._handle is not None:
            self._handle.cancel()

    def _plan(self, now: int, after: int) -> None:
        if self._handle is not None:
            self._handle.cancel()
        self._due = now + after
        self._handle = self._loop.call_later(after / S, self._beat)

    def _beat(self) -> None:
        """What runs before and after this in the same turn is one standstill. Only the next turn proves that the loop looked in between."""
        self._handle = self._loop.call_soon(self._turned, self._monotonic())

    def _turned(self, before: int) -> None:
        now = self._monotonic()
        span = now - self._heard
        for timeout, waits in self._waits.items():
            if span >= standstill(timeout):
                for wait in waits:
                    wait.count(self._heard, now)
        self._heard = before
        self._handle = None
        if not self._waits:
            return
        if now - before < CLOSEST:
            self._plan(now, beat(min(self._waits)))
        else:  # it looked somewhere in a long turn; the one that begins says more exactly when
            self._handle = self._loop.call_soon(self._turned, now)
