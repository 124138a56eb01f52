"""Path evidence on the lab's routers: what answers, what is silent, what refuses; limits of time, number and privilege."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator

import pytest

from slamon import trace
from slamon.clock import Clock, Sources
from slamon.model import MS, S, Via
from slamon.path import Hop, Moment, Trace
from slamon.trace import AGAIN, NO_PRIVILEGE, Tracer
from tests.netlab.namespace import inside, nobody
from tests.netlab.rig import ROOT, Lab

pytestmark = pytest.mark.system

ROUTERS = ["10.66.200.1", "10.66.200.2", "10.66.200.3"]
TARGETS: dict[str, dict[str, object]] = {
    "10.66.1.1": {"delay": 3, "hops": ROUTERS},
    "10.66.1.2": {"delay": 3, "hops": [ROUTERS[0], None, ROUTERS[2]]},
    "10.66.1.3": {"delay": 3, "hops": ROUTERS, "silent": True},
    "10.66.1.4": {"delay": 3, "hops": ROUTERS[:2], "error": "host", "error_from": ROUTERS[1]},
    "10.66.1.5": {},
    "10.66.1.6": {"hops": [None] * 40},
    "fd66::1:1": {"delay": 3, "hops": ["fd66::c8:1", "fd66::c8:2"]},
    "fd66::1:4": {"delay": 3, "hops": ["fd66::c8:1"], "error": "admin", "error_from": "fd66::c8:1"},
}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab(tmp_path_factory.mktemp("lab"), TARGETS) as lab:
        yield lab


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "PATIENCE", 100 * MS)


class Time:
    """The machine's clocks, which a test may push forward."""

    def __init__(self) -> None:
        self.ahead = 0
        system = Sources()
        self.clock = Clock(
            Sources(
                realtime=lambda: system.realtime() + self.ahead,
                monotonic=lambda: system.monotonic() + self.ahead,
            )
        )


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def tracer(lab: Lab, time: Time, impatient: None) -> AsyncIterator[Tracer]:
    """Its thread is born in the lab's namespace, with the first trace; so the loop's thread has to be there then."""
    with inside(lab.namespace):
        tracer = Tracer(time.clock)
        try:
            yield tracer
        finally:
            tracer.close()


async def walk(tracer: Tracer, address: str, via: Via = trace.ANY_WAY) -> Trace:
    found = await tracer.trace(address, address, family=6 if ":" in address else 4, via=via)
    assert found is not None
    return found


def path(found: Trace) -> list[str | None]:
    assert [hop.distance for hop in found.hops] == list(range(1, len(found.hops) + 1))
    return [hop.address for hop in found.hops]


async def test_every_router_on_the_way_is_named(tracer: Tracer, time: Time) -> None:
    found = await walk(tracer, "10.66.1.1")
    assert path(found) == [*ROUTERS, "10.66.1.1"]
    assert found.reached
    assert found.ended == ""
    assert all(len(hop.rtts) == 2 and all(3 * MS <= rtt < 50 * MS for rtt in hop.rtts) for hop in found.hops)
    assert 0 <= time.clock.now() - found.started - found.duration < 1 * S


async def test_ipv6(tracer: Tracer) -> None:
    found = await walk(tracer, "fd66::1:1")
    assert path(found) == ["fd66::c8:1", "fd66::c8:2", "fd66::1:1"]
    assert found.reached


async def test_a_neighbour_is_one_hop(tracer: Tracer) -> None:
    assert path(await walk(tracer, "10.66.1.5")) == ["10.66.1.5"]


async def test_a_silent_router_leaves_a_hole_and_no_more(tracer: Tracer) -> None:
    found = await walk(tracer, "10.66.1.2")
    assert path(found) == [ROUTERS[0], None, ROUTERS[2], "10.66.1.2"]
    assert found.reached


async def test_a_dead_target_shows_how_far_the_path_is_alive(tracer: Tracer) -> None:
    found = await walk(tracer, "10.66.1.3")
    assert path(found) == [*ROUTERS, *[None] * trace.SILENCE]
    assert not found.reached
    assert found.ended == "nobody answered at 4 hops in a row"
    assert str(found) == (
        "1 10.66.200.1, 2 10.66.200.2, 3 10.66.200.3, 4 *, 5 *, 6 *, 7 *; nobody answered at 4 hops in a row"
    )


@pytest.mark.parametrize(
    ("address", "ended"),
    [
        ("10.66.1.4", "destination host unreachable, says 10.66.200.2"),
        ("fd66::1:4", "communication with destination administratively prohibited, says fd66::c8:1"),
    ],
)
async def test_a_router_that_refuses_ends_the_path(tracer: Tracer, address: str, ended: str) -> None:
    found = await walk(tracer, address)
    assert not found.reached
    assert found.ended == ended
    assert found.hops[-1].address == ended.rpartition(" ")[2]


async def test_no_route_is_said(tracer: Tracer) -> None:
    found = await walk(tracer, "203.0.113.7")
    assert found.hops == ()
    assert "unreachable" in found.ended.lower()


async def test_it_leaves_by_the_way_of_the_target(tracer: Tracer) -> None:
    assert path(await walk(tracer, "10.66.1.1", Via(interface="lab0", source="10.66.0.1", mark=5)))[0] == ROUTERS[0]
    wrong = await walk(tracer, "10.66.1.5", Via(interface="lo"))
    assert not wrong.reached
    missing = await walk(tracer, "10.66.1.6", Via(interface="nowhere"))
    assert missing.ended.startswith("no path: ")
    foreign = await walk(tracer, "10.66.1.7", Via(source="192.0.2.9"))
    assert "192.0.2.9" in foreign.ended


async def test_a_target_is_traced_again_only_after_a_while(tracer: Tracer, time: Time) -> None:
    assert await tracer.trace("service/a", "10.66.1.5", family=4) is not None
    assert await tracer.trace("service/a", "10.66.1.5", family=4) is None
    assert await tracer.trace("service/a", "10.66.1.5", family=4, moment=Moment.ENDED) is not None
    assert await tracer.trace("service/a", "10.66.1.5", family=4, moment=Moment.ENDED) is None
    assert await tracer.trace("service/b", "10.66.1.5", family=4) is not None
    time.ahead += AGAIN
    assert await tracer.trace("service/a", "10.66.1.5", family=4) is not None


async def test_one_at_a_time_and_the_loop_goes_on(tracer: Tracer) -> None:
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0.01)
            beats += 1

    heart = asyncio.create_task(beat())
    found = await asyncio.gather(
        *(tracer.trace(f"service/{n}", "10.66.1.3", family=4) for n in range(2)),
    )
    heart.cancel()
    first, second = found
    assert first is not None
    assert second is not None
    assert second.started >= first.started + first.duration
    assert beats > (first.duration + second.duration) // (30 * MS)


async def test_a_crowd_is_turned_away(tracer: Tracer) -> None:
    found = await asyncio.gather(*(tracer.trace(f"service/{n}", "10.66.1.5", family=4) for n in range(40)))
    assert sum(one is not None for one in found) == trace.WAITING + 1


async def test_a_trace_ends_in_time(tracer: Tracer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "SILENCE", 1000)
    monkeypatch.setattr(trace, "LONGEST", 1 * S)
    found = await walk(tracer, "10.66.1.6")
    assert found.ended == "1 s were over"
    assert found.duration < 1300 * MS


async def test_closing_ends_the_running_one_and_drops_the_waiting(lab: Lab, impatient: None) -> None:
    with inside(lab.namespace):
        tracer = Tracer(Clock())
        running = asyncio.create_task(tracer.trace("a", "10.66.1.6", family=4))
        waiting = asyncio.create_task(tracer.trace("b", "10.66.1.6", family=4))
        await asyncio.sleep(0.1)
        tracer.close()
        found = await running
        assert found is not None
        assert found.ended == "stopped"
        with pytest.raises(asyncio.CancelledError):
            await waiting


def test_without_the_privilege_it_says_so(lab: Lab) -> None:
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "import asyncio\nfrom slamon.clock import Clock\nfrom slamon.trace import Tracer\n"
        "tracer = Tracer(Clock())\n"
        "found = asyncio.run(tracer.trace('a', '10.66.1.1', family=4))\n"
        "print(found.reached, found.hops, found.ended)\n"
    )
    done = lab.namespace.run(*nobody(), sys.executable, "-c", script, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"False () {NO_PRIVILEGE}\n"


def test_a_trace_is_json() -> None:
    found = Trace(
        address="192.0.2.1",
        family=4,
        started=1_800_000_000_000_000_001,
        duration=7,
        hops=(Hop(distance=1, address="192.0.2.254", rtts=(1, 2)), Hop(distance=2, address=None)),
        reached=False,
        ended="20 s were over",
    )
    assert Trace.from_json(json.loads(json.dumps(found.as_json()))) == found
    assert json.loads(json.dumps(found.as_json())) == {
        "address": "192.0.2.1",
        "family": 4,
        "started": "1800000000000000001",
        "duration": "7",
        "hops": [
            {"distance": 1, "address": "192.0.2.254", "rtts": ["1", "2"]},
            {"distance": 2, "address": None, "rtts": []},
        ],
        "reached": False,
        "ended": "20 s were over",
    }
