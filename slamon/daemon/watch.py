"""Whether probes are being decided: what the service manager's watchdog is told, and what it is not."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from slamon.model import S, Target
from slamon.record.series import Series

PATIENCE = 5 * S
"""On top of the shortest spacing + timeout: how late the next decision may come before something is wrong."""


class Watch:
    """`alive` is asked regularly; it stops saying yes when nothing was decided for longer than anything should take."""

    def __init__(self, now: int) -> None:
        self._decided = -1
        self._at = now

    def alive(self, targets: Collection[Target], series: Mapping[str, Series], now: int) -> bool:
        """`now` is monotonic nanoseconds."""
        decided = sum(each.decided for each in series.values())
        if decided != self._decided or not targets:
            self._decided, self._at = decided, now
            return True
        return now - self._at <= min(target.spacing + target.timeout for target in targets) + PATIENCE
