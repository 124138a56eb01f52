"""Failures in rows too short to be an outage: a target that loses every second probe is never down by its rule, and not well either."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from slamon.model import MEANING, MINUTE, Effect
from slamon.record.rows import Run

WINDOW = 5 * MINUTE
"""Over which failures are counted: thirty probes at the default interval."""

LOSSY = Fraction(1, 10)
"""Share of failures from which on a target that is up is called lossy: nothing that waits for answers works well over such a line."""

FEW = 3
"""Failures below which nothing is concluded: one of five is no rate."""


class Failing(NamedTuple):
    """The probes of the window that say whether the target was up, without those of its outages."""

    failed: int
    decided: int

    @property
    def ratio(self) -> Fraction | None:
        """None when nothing was decided outside outages."""
        return Fraction(self.failed, self.decided) if self.decided else None

    @property
    def lossy(self) -> bool:
        return self.failed >= FEW and self.failed >= LOSSY * self.decided


NOTHING = Failing(0, 0)


def failing(runs: Iterable[Run], down_after: int, until: int) -> Failing:
    """Of the probes sent in `[until - WINDOW, until)`. `runs`: in send order, those that began before the window as well.

    An outage is `down_after` or more failures in a row; what failed on our side says nothing, and parts rows as in detection.
    """
    start = until - WINDOW
    failed = answered = row = inside = 0
    for run in runs:
        effect = MEANING[run.result].effect
        if effect is Effect.DOWN:
            row += run.samples
            inside += _sent_since(run, start)
            continue
        failed += inside if row < down_after else 0
        row = inside = 0
        if effect is Effect.UP:
            answered += _sent_since(run, start)
    failed += inside if row < down_after else 0
    return Failing(failed, failed + answered)


def _sent_since(run: Run, start: int) -> int:
    """How many of its evenly spaced probes were sent at `start` or later."""
    if run.first_sent >= start:
        return run.samples
    if run.last_sent < start:
        return 0
    length, steps = run.last_sent - run.first_sent, run.samples - 1
    return run.samples - -(-(start - run.first_sent) * steps // length)
