"""Whether probes are being decided: what the service manager's watchdog is told, and what it is not."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from slamon.model import S, Target
from slamon.record.series import Series

PATIENCE = 5 * S
"""On top of the shortest spacing + timeout: how late the next decision may come before something is wrong."""


class Watch:
    """`alive` is asked regularly; it stops saying yes when nothing was decided for longer than anything should take.

    What a reload brings is waited for from then on: a target that is new, or less patience than there was.
    """

    def __init__(self, now: int) -> None:
        self._decided: dict[Series, int] = {}
        self._patience = 0
        self._at = now

    def alive(self, targets: Collection[Target], series: Mapping[str, Series], now: int) -> bool:
        """`now` is monotonic nanoseconds."""
        decided = {each: each.decided for each in series.values()}
        patience = min((target.spacing + target.timeout for target in targets), default=0) + PATIENCE
        if decided != self._decided or patience < self._patience or not targets:
            self._at = now
        self._decided, self._patience = decided, patience
        return now - self._at <= patience
