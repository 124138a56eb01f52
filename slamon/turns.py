"""Long work on the event loop, done in pieces: between two of them the sender gets its turn."""

from __future__ import annotations

import asyncio


async def give_way() -> None:
    """Let everything run that is due by now.

    A task that sleeps for no time is queued before the timers that have come due meanwhile, so that two pieces of work would lie
    between two ticks of the sender. After a second sleep it is queued behind them.
    """
    await asyncio.sleep(0)
    await asyncio.sleep(0)
