"""Long work on the event loop, done in pieces: between two of them the sender gets its turn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from slamon.model import S

TURNS = 2
"""Of the loop: in the first a timer that came due during the piece is noticed and runs, before the second begins."""


async def give_way() -> None:
    """Let every timer run whose time has come by now, the sender's tick above all.

    One sleep of no time is not enough: who sleeps for none is queued before the timers that came due meanwhile, so that one more
    piece of work would lie before the tick.
    """
    for _ in range(TURNS):
        await asyncio.sleep(0)


async def border(monotonic: Callable[[], int], period: int, after: int) -> int:
    """Wait for the next multiple of `period` on this clock that is later than `after` and not past; it is returned.

    Whoever waits so with periods that divide each other wakes up together. A loop may wake somebody up a little early: `after` is then
    the border before, so that none is served twice.
    """
    now = monotonic()
    following = (max(after, now) // period + 1) * period
    await asyncio.sleep((following - now) / S)
    return following
