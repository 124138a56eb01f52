"""Long work in pieces: what has come due meanwhile runs between any two of them."""

from __future__ import annotations

import asyncio

from slamon.turns import give_way

PIECE = 0.003
"""Seconds."""


async def test_a_timer_that_came_due_runs_between_two_pieces() -> None:
    loop = asyncio.get_running_loop()
    done: list[str] = []

    async def ticking() -> None:
        for _ in range(3):
            await asyncio.sleep(PIECE / 2)
            done.append("tick")

    ticks = asyncio.create_task(ticking())
    await asyncio.sleep(0)
    for _ in range(3):
        end = loop.time() + PIECE
        while loop.time() < end:
            pass  # a piece of work: whatever was due in half of it is due now
        done.append("piece")
        await give_way()
    await ticks
    assert done == ["piece", "tick"] * 3
