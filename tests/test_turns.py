"""Long work in pieces: what has come due meanwhile runs between any two of them."""

from __future__ import annotations

import asyncio

from slamon.turns import give_way

PIECE = 0.003
"""Seconds."""


async def test_a_timer_that_came_due_runs_between_two_pieces() -> None:
    loop = asyncio.get_running_loop()
    done: list[str] = []

    def tick() -> None:
        done.append("tick")
        if done.count("tick") < 3:
            loop.call_later(PIECE / 2, tick)

    loop.call_later(PIECE / 2, tick)
    for _ in range(3):
        end = loop.time() + PIECE
        while loop.time() < end:
            pass  # a piece of work: whatever was due in half of it is due now
        done.append("piece")
        await give_way()
    assert done == ["piece", "tick"] * 3
