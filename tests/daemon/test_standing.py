"""`slamon status` with the daemon running and stopped."""

from __future__ import annotations

from pathlib import Path

from slamon.daemon.standing import status
from slamon.model import DAY, HOUR, MINUTE
from slamon.report.status import render
from slamon.sla.facts import State
from tests.test_judge import World


async def test_of_a_stopped_daemon_nothing_is_up(tmp_path: Path) -> None:
    world = World(tmp_path, 1)
    for _ in range(60):
        world.bad = dict.fromkeys(world.bad, 0)
        world.random.random = lambda: 0.5  # type: ignore[method-assign]  # nothing fails
        world.probe()
    end = world.now
    running = await status(world.config, world.source, now=end, running=True)
    assert {service.state for service in running.services} == {State.UP}
    assert {target.state for service in running.services for target in service.targets} == {State.UP}
    for later in (MINUTE, HOUR, 3 * DAY):
        found = await status(world.config, world.source, now=end + later, running=False)
        assert {service.state for service in found.services} == {State.UNKNOWN}
        for target in (target for service in found.services for target in service.targets):
            assert target.state is State.UNKNOWN
            assert target.since is not None
            assert end - MINUTE < target.since <= end
        assert found.settled is not None
        assert end - MINUTE < found.settled <= end
        text = render(found)
        assert "nothing measured since 2026-11-29 23:30:00Z" in text
        rows = text.splitlines()[4:]
        assert len(rows) == 5
        assert all(" unknown " in row for row in rows)
    assert await world.thread.close()
