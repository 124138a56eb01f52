"""Long work on the event loop, done in pieces: between two of them the sender gets its turn."""

from __future__ import annotations

import asyncio

TURNS = 3
"""Of the loop: in the first a timer that came due during the piece is noticed, in the second its task runs, before the third begins."""


async def give_way() -> None:
    """Let every task run whose time has come by now.

    One sleep of no time is not enough: who sleeps for none is queued before the timers that came due meanwhile, and before
    the tasks these wake, so that up to two more pieces of work would lie before the sender's tick.
    """
    for _ in range(TURNS):
        await asyncio.sleep(0)
