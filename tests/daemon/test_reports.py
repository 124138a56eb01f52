"""Statements asked for over the web: free where they are judged already, one at a time where not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from slamon.daemon.reports import Reports
from slamon.errors import UnavailableError, UsageError
from slamon.judge import Judge, report
from slamon.model import DAY
from tests.test_judge import World


async def test_what_is_judged_already_is_not_judged_for_who_asks(tmp_path: Path) -> None:
    world = World(tmp_path, 1)
    judge = Judge(clock=world.clock, stats=world.stats, source=world.source, config=world.config)
    reports = Reports(judge, world.source)
    for _ in range(30):
        world.probe()
    at_first = await reports.of(world.config, None, "current", world.now)  # nothing has been judged yet
    await judge.refresh()
    found = await reports.of(world.config, None, "current", world.now)
    assert found == at_first
    assert all(mine is view.current for mine, view in zip(found, judge.views, strict=True))
    (named,) = await reports.of(world.config, "lan", found[0].period.name, world.now)
    assert named is judge.views[1].current
    with pytest.raises(UsageError):
        await reports.of(world.config, "none", "current", world.now)
    with pytest.raises(UsageError):
        await reports.of(world.config, None, "yesterday", world.now)
    world.now += 10 * DAY
    world.probe()
    await judge.refresh()
    (previous,) = await reports.of(world.config, "hq", "previous", world.now)
    assert previous is judge.views[0].previous
    assert await world.thread.close()


async def test_others_are_computed_one_at_a_time(tmp_path: Path) -> None:
    world = World(tmp_path, 1)
    judge = Judge(clock=world.clock, stats=world.stats, source=world.source, config=world.config)
    reports = Reports(judge, world.source)
    for _ in range(30):
        world.probe()
    await judge.refresh()

    async def ask() -> object:
        return await reports.of(world.config, "hq", "2026-10", world.now)

    first, second = await asyncio.gather(ask(), ask(), return_exceptions=True)
    assert isinstance(second, UnavailableError)
    assert first == await report(world.config, world.source, contract="hq", period="2026-10", now=world.now)
    assert await ask() == first
    assert await world.thread.close()
