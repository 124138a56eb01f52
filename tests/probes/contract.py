"""What every kind of probe promises, as checks that take any kind. `test_contract` runs them on all kinds of the folder."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest
from pydantic import ValidationError

from slamon.model import MEANING, MS, Effect, Result, S, Via
from slamon.probe import COMMON, Kind
from tests.probes.servers import Bench
from tests.probes.shots import Watched, make_target, opened, settings_of

Serve = Callable[[str], AbstractAsyncContextManager[Bench]]

LOOPBACK = {4: "127.0.0.1", 6: "::1"}


def declares_itself(name: str, kind: Kind) -> None:
    """Settings refuse what they do not know, are values, and say what must be given; results and costs are declared."""
    for key, field in kind.settings.model_fields.items():
        assert not field.is_required() or field.examples, f"{key} must be given: it needs an example"
    settings = settings_of(kind)
    assert settings == settings_of(kind)
    assert hash(settings) == hash(settings_of(kind))
    with pytest.raises(ValidationError, match="Extra inputs"):
        settings_of(kind, {"no_such_key": "1"})
    with pytest.raises(ValidationError, match="frozen"):
        settings.no_such_key = "1"  # type: ignore[attr-defined]
    assert kind.results >= COMMON
    for family in (4, 6):
        packets, size = kind.wire_cost(settings, family)
        assert packets >= 1
        assert size >= packets * 20 * (family // 2 - 1)  # at least an IP header each
    assert kind.default_address(settings) is None or isinstance(kind.default_address(settings), str)
    assert all(key.islower() and text.endswith(".") for key, text in kind.gauges.items())
    assert set(kind.phases) <= {"resolve", "connect", "tls", "first_byte", "transfer"}, name


async def succeeds(name: str, kind: Kind, serve: Serve, family: int = 4) -> None:
    """Against a server that answers: success, with a round trip, in declared phases and gauges only, counted once."""
    host = LOOPBACK[family]
    async with serve(host) as bench, opened(kind) as gun:
        target = make_target(name, settings_of(kind, bench.settings), family=family, address=host)
        before = gun.desk.clock.now()
        series = gun.fire(target)
        await gun.settle(series)
        (reading,) = series.decisions
        assert reading.result is Result.SUCCESS, reading
        assert reading.rtt is not None
        assert 0 < reading.rtt < 2000 * MS
        assert before <= series.sends[0] <= gun.desk.clock.now()
        assert {phase for phase, _ in reading.phases} <= set(kind.phases)
        assert {gauge for gauge, _ in reading.gauges} <= set(kind.gauges)
        assert (series.attempts, series.in_flight, sum(series.results)) == (1, 0, 1)


async def leaves_by_source(name: str, kind: Kind, serve: Serve) -> None:
    """`via: {source}` is the address the server sees."""
    async with serve("127.0.0.1") as bench, opened(kind) as gun:
        target = make_target(name, settings_of(kind, bench.settings), via=Via(source="127.0.0.2"))
        reading = await gun.shoot(target)
        assert reading.result is Result.SUCCESS, reading
        assert bench.peers is None or bench.peers == ["127.0.0.2"]


async def is_refused(name: str, kind: Kind, serve: Serve) -> None:
    """A port nobody listens on is the service's fault, and is told from silence."""
    async with serve("127.0.0.1") as bench, opened(kind) as gun:
        if bench.refused is None:
            assert Result.CONNECT_ERROR not in kind.results
            return
        target = make_target(name, settings_of(kind, bench.refused))
        reading = await gun.shoot(target)
        assert reading.result is Result.CONNECT_ERROR, reading
        assert MEANING[reading.result].effect is Effect.DOWN
        assert reading.detail


async def costs(name: str, kind: Kind, serve: Serve, family: int, carried: Callable[[], tuple[int, int]]) -> None:
    """`wire_cost` is what goes over the wire, within a half and the double. `carried` counts (packets, bytes) of loopback."""
    host = LOOPBACK[family]
    async with serve(host) as bench, opened(kind) as gun:
        target = make_target(name, settings_of(kind, bench.settings), family=family, address=host)
        before = carried()
        for _ in range(5):
            assert (await gun.shoot(target)).result is Result.SUCCESS
        await asyncio.sleep(0.05)  # the last FIN
        after = carried()
    packets, size = kind.wire_cost(target.settings, family)  # type: ignore[arg-type]
    seen_packets, seen_size = ((new - old) / 5 for new, old in zip(after, before, strict=True))
    assert seen_packets / 2 <= packets <= seen_packets * 2, f"{packets} packets said, {seen_packets} seen"
    assert seen_size / 2 <= size <= seen_size * 2, f"{size} bytes said, {seen_size} seen"


LOCAL_FAULTS: dict[str, dict[str, object]] = {
    "an interface that does not exist": {"via": Via(interface="nosuch0")},
    "a source address that is not ours": {"via": Via(source="192.0.2.7")},
}


async def blames_itself(name: str, kind: Kind, fault: dict[str, object]) -> None:
    """A failure of our own host is never the service's: unmeasured, with a reason, by a declared result."""
    async with opened(kind) as gun:
        reading = await gun.shoot(make_target(name, settings_of(kind), **fault))
        assert reading.result in kind.results
        assert MEANING[reading.result].effect is Effect.UNMEASURED, reading
        assert reading.detail


async def keeps_timeout(name: str, kind: Kind, silent: str, family: int) -> None:
    """Silence ends as a timeout, not before its time."""
    async with opened(kind) as gun:
        target = make_target(name, settings_of(kind), address=silent, family=family, timeout=1 * S)
        began = gun.desk.clock.monotonic()
        reading = await gun.shoot(target)
        assert reading.result is Result.TIMEOUT, (name, reading)
        assert gun.desk.clock.monotonic() - began >= 990 * MS


async def ends_with_prober(name: str, kind: Kind, silent: str) -> None:
    """Leaving the prober decides what is in flight, once, as unmeasured."""
    async with opened(kind) as gun:
        target = make_target(name, settings_of(kind), address=silent)
        series = [gun.fire(target, series=Watched(target)) for _ in range(3)]
        gun.prober.drain()
        await gun.settle(series[0], decisions=0)
    for one in series:
        assert len(one.decisions) == len(one.sends)
        assert one.in_flight == 0
        assert all(MEANING[reading.result].effect is Effect.UNMEASURED for reading in one.decisions)
