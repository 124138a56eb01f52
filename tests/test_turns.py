"""Long work in pieces: what has come due meanwhile runs between any two of them."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from slamon.model import MS, US, S
from slamon.turns import border, give_way
from tests.conftest import VirtualLoop

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


@pytest.mark.parametrize("early", [0, 1, 900 * US], ids=str)
def test_each_border_is_met_once_also_by_who_is_woken_up_a_little_early(virtual_loop: VirtualLoop, early: int) -> None:
    """`early`: nanoseconds that are still to go by the clock when the loop takes a border to be reached."""
    met: list[int] = []

    def clock() -> int:
        now = round(virtual_loop.time() * S)
        return now - early if now and now % S == 0 else now

    async def wait() -> None:
        reached = clock()
        for work in (0, 0, 20 * MS, 999 * MS, 1200 * MS):
            await asyncio.sleep(work / S)
            reached = await border(clock, S, reached)
            met.append(reached)

    virtual_loop.run_until_complete(wait())
    assert all(reached % S == 0 for reached in met)
    assert [after - before for before, after in pairwise(met)] == [S, S, S, 2 * S]
