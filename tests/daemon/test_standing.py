"""`slamon status` with the daemon running and stopped."""

from __future__ import annotations

from pathlib import Path

from slamon.daemon.standing import status
from slamon.live import Failing
from slamon.model import DAY, HOUR, MINUTE, S
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
    (span,) = {target.measured.span for service in running.services for target in service.targets}
    assert span is not None
    assert end - 5 * MINUTE <= span[0] < span[1] <= end, "what is covered, not what was asked for"
    assert (span[0] % MINUTE, span[1] % MINUTE) == (0, 0)
    assert {target.measured.received for service in running.services for target in service.targets} == {
        (span[1] - span[0]) // (10 * S)
    }
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
        rows = text.partition("service / target")[2].splitlines()[1:]
        assert len(rows) == 5
        assert all(" unknown " in row for row in rows)
    assert await world.thread.close()


async def test_a_service_that_is_up_by_lossy_targets_is_lossy(tmp_path: Path) -> None:
    world = World(tmp_path, 1)
    world.random.random = lambda: 0.5  # type: ignore[method-assign]  # nothing else happens
    for n in range(60):
        world.bad = dict.fromkeys(world.bad, 1 if n % 3 else 0)
        world.probe()
    found = await status(world.config, world.source, now=world.now + S, running=True)
    assert {(service.state, service.lossy) for service in found.services} == {(State.UP, True)}
    assert {target.lossy for service in found.services for target in service.targets} == {True}
    one = found.services[0].targets[0]
    assert one.failing == Failing(20, 30)
    # one target that is well is enough for a service that needs one
    for n in range(60):
        world.bad = {name: 1 if n % 3 and name != world.config.services["hq"].targets[0] else 0 for name in world.bad}
        world.probe()
    found = await status(world.config, world.source, now=world.now + S, running=True)
    assert {service.name: service.lossy for service in found.services}["hq"] == (world.config.services["hq"].quorum > 1)
    assert await world.thread.close()
