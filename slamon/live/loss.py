"""Failures in rows too short to be an outage: a target that loses every second probe is never down by its rule, and not well either."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from slamon.model import MEANING, MINUTE, Effect
from slamon.record.rows import Run
from slamon.sla.detection import sent_before

WINDOW = 5 * MINUTE
"""Over which failures are counted: thirty probes at the default interval."""

LOSSY = Fraction(1, 10)
"""Share of failures from which on a target that is up is called lossy: nothing that waits for answers works well over such a line."""

FEW = 3
"""Failures below which nothing is concluded: one of five is no rate."""


_NONE = Fraction(0)


class Failing(NamedTuple):
    """The probes of the window that say whether the target was up, without those of its outages."""

    failed: int
    decided: int

    @property
    def ratio(self) -> Fraction | None:
        """None when nothing was decided outside outages."""
        if not self.failed:  # of nearly every target
            return _NONE if self.decided else None
        return Fraction(self.failed, self.decided)

    @property
    def lossy(self) -> bool:
        return self.failed >= FEW and self.failed >= LOSSY * self.decided


NOTHING = Failing(0, 0)


def failing(runs: Iterable[Run], down_after: int | None, until: int) -> Failing:
    """Of the probes sent in `[until - WINDOW, until)`. `runs`: in send order, those that began before the window as well.

    An outage is `down_after` or more failures in a row; None = no row is one. What failed on our side says nothing, and parts rows
    as in detection.
    """
    start = until - WINDOW
    failed = answered = row = inside = 0
    for run in runs:
        effect = MEANING[run.result].effect
        if effect is Effect.DOWN:
            row += run.samples
            inside += run.samples - sent_before(run, start)
            continue
        failed += inside if down_after is None or row < down_after else 0
        row = inside = 0
        if effect is Effect.UP:
            answered += run.samples - sent_before(run, start)
    failed += inside if down_after is None or row < down_after else 0
    return Failing(failed, failed + answered)
