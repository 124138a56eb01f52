"""`probe.each`: one decision per probe whatever happens, errno → result, overruns, places, our own standstill."""

from __future__ import annotations

import asyncio
import errno
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from slamon.model import MEANING, MS, Effect, Packet, Reading, Result, S, Target
from slamon.probe import GATEWAY, Context, Ended, Run, Shot, each, unresolved
from slamon.verdict import OUTCOMES, failure
from tests.probes.shots import Desk, Range, Watched, make_target

TARGET = make_target("tcp", timeout=400 * MS)


async def shoot(run: Run, target: Target = TARGET, desk: Desk | None = None) -> Reading:
    desk = desk or Desk()
    async with each(run, desk.context) as prober:
        return await Range(prober, desk).shoot(target)


@pytest.mark.parametrize(
    ("code", "result"),
    [
        (errno.ECONNREFUSED, Result.CONNECT_ERROR),
        (errno.ECONNRESET, Result.CONNECT_ERROR),
        (errno.ECONNABORTED, Result.CONNECT_ERROR),
        (errno.EPIPE, Result.CONNECT_ERROR),
        (errno.ETIMEDOUT, Result.TIMEOUT),
        (errno.EAGAIN, Result.SEND_ERROR),
        (errno.ENOBUFS, Result.SEND_ERROR),
        (errno.ENOMEM, Result.SEND_ERROR),
        (errno.EMSGSIZE, Result.SEND_ERROR),
        (errno.ENETUNREACH, Result.LOCAL_ERROR),
        (errno.EHOSTUNREACH, Result.LOCAL_ERROR),
        (errno.ENETDOWN, Result.LOCAL_ERROR),
        (errno.EPERM, Result.LOCAL_ERROR),
        (errno.EACCES, Result.LOCAL_ERROR),
        (errno.EADDRNOTAVAIL, Result.LOCAL_ERROR),
        (errno.EADDRINUSE, Result.LOCAL_ERROR),
        (errno.ENODEV, Result.LOCAL_ERROR),
        (errno.EMFILE, Result.LOCAL_ERROR),
        (errno.ENFILE, Result.LOCAL_ERROR),
        (errno.EIO, Result.LOCAL_ERROR),  # not in the table: ours until somebody proves otherwise
    ],
)
async def test_errno_decides_the_result(code: int, result: Result) -> None:
    async def run(_target: Target, _address: str, _context: Context) -> Reading:
        raise OSError(code, "from the kernel")

    desk = Desk()
    reading = await shoot(run, desk=desk)
    assert reading.result is result
    assert reading == failure(OSError(code, ""))
    assert errno.errorcode[code] in reading.detail
    ours = MEANING[result].packet is Packet.OURS
    assert ours == (MEANING[result].effect is Effect.UNMEASURED)
    assert desk.stats.send_errors == ({errno.errorcode[code]: 1} if ours else {})


def test_every_listed_errno_is_tested() -> None:
    (marker,) = [mark for mark in test_errno_decides_the_result.pytestmark if mark.name == "parametrize"]  # type: ignore[attr-defined]
    assert {code for code, _ in marker.args[1]} == {*OUTCOMES, errno.EIO}


async def test_any_other_exception_is_ours_and_the_target_lives_on(caplog: pytest.LogCaptureFixture) -> None:
    calls = 0

    async def run(_target: Target, _address: str, _context: Context) -> Reading:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ZeroDivisionError("a bug in a kind")
        return Reading(Result.SUCCESS, rtt=1)

    desk = Desk()
    async with each(run, desk.context) as prober:
        gun = Range(prober, desk)
        series = gun.fire(TARGET)
        await gun.settle(series)
        gun.fire(TARGET, series=series)
        await gun.settle(series, decisions=2)
    assert series.decisions[0] == Reading(Result.LOCAL_ERROR, detail="ZeroDivisionError: a bug in a kind")
    assert series.decisions[1].result is Result.SUCCESS
    assert "test/tcp" in caplog.text
    assert "Traceback" in caplog.text


async def test_a_coroutine_may_end_early() -> None:
    early = Reading(Result.ICMP_ERROR, detail="seen on the way", icmp_error=(3, 1, "remote"))

    async def run(_target: Target, _address: str, _context: Context) -> Reading:
        raise Ended(early)

    assert await shoot(run) == early


async def test_timeout_is_the_targets_own() -> None:
    async def run(_target: Target, _address: str, _context: Context) -> Reading:
        await asyncio.sleep(60)
        raise AssertionError("never reached")

    began = time.monotonic()  # noqa: TID251 - the test's own watch
    reading = await shoot(run, make_target("tcp", timeout=1 * S))
    assert reading == Reading(Result.TIMEOUT, detail="no answer within 1s")
    assert 1 <= time.monotonic() - began < 4  # noqa: TID251


async def test_a_standstill_of_our_own_is_not_a_timeout_of_theirs() -> None:
    """The loop is blocked while the answer is there: as when the process is stopped, or the machine too busy."""

    async def run(_target: Target, _address: str, _context: Context) -> Reading:
        await asyncio.sleep(0.05)
        time.sleep(0.5)  # noqa: ASYNC251, TID251 - the fault under test
        await asyncio.sleep(0.05)
        return Reading(Result.SUCCESS, rtt=1)

    reading = await shoot(run)
    assert reading.result is Result.LOCAL_ERROR
    assert "stood still for" in reading.detail


async def test_an_earlier_standstill_excuses_nobody() -> None:
    async def run(_target: Target, _address: str, _context: Context) -> Reading:
        await asyncio.sleep(60)
        raise AssertionError("never reached")

    desk = Desk()
    async with each(run, desk.context) as prober:
        time.sleep(0.3)  # noqa: ASYNC251, TID251 - before the probe
        await asyncio.sleep(0)
        reading = await Range(prober, desk).shoot(make_target("tcp", timeout=1 * S))
    assert reading.result is Result.TIMEOUT


async def test_a_slot_is_skipped_while_the_target_is_in_flight() -> None:
    gate = asyncio.Event()

    async def run(_target: Target, _address: str, _context: Context) -> Reading:
        await gate.wait()
        return Reading(Result.SUCCESS, rtt=1)

    desk = Desk()
    async with each(run, desk.context) as prober:
        gun = Range(prober, desk)
        series = gun.fire(make_target("tcp"))
        for _ in range(3):
            await asyncio.sleep(0)
            gun.fire(series.target, series=series)
        other = gun.fire(make_target("tcp"))  # the same name, changed by a reload: another series
        gate.set()
        await gun.settle(series)
        await gun.settle(other)
        assert (series.attempts, series.skipped["overrun"], other.skipped["overrun"]) == (1, 3, 0)
        await asyncio.sleep(0)
        gun.fire(series.target, series=series)
        await gun.settle(series, decisions=2)
    assert (series.attempts, series.skipped["overrun"], len(series.decisions)) == (2, 3, 2)


@contextmanager
def file_limit(soft: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize(("files", "at_once"), [(1, 64), (2, 32), (0, 200)])
async def test_open_files_bound_what_is_in_flight(files: int, at_once: int) -> None:
    flying = most = 0

    async def run(_target: Target, _address: str, context: Context) -> Reading:
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        await asyncio.sleep(0.02)
        flying -= 1
        return Reading(Result.SUCCESS, rtt=1)

    desk = Desk()
    with file_limit(64 + 3 * 64):
        async with each(run, desk.context, files=files) as prober:
            gun = Range(prober, desk)
            shots = [Shot(TARGET, "127.0.0.1", Watched(TARGET)) for _ in range(200)]
            prober.fire(shots)
            for shot in shots:
                assert isinstance(shot.series, Watched)
                await gun.settle(shot.series)
    assert most == at_once
    assert all(shot.series.results[0] == 1 for shot in shots)


async def test_waiting_for_a_place_is_not_waiting_for_the_target() -> None:
    """The attempt begins when the probe does: neither its send instant nor its timeout includes the queue."""

    async def run(_target: Target, _address: str, _context: Context) -> Reading:
        await asyncio.sleep(0.15)
        return Reading(Result.SUCCESS, rtt=1)

    desk = Desk()
    with file_limit(64 + 3):
        async with each(run, desk.context) as prober:
            gun = Range(prober, desk)
            first, second = gun.fire(TARGET), gun.fire(TARGET)
            await asyncio.sleep(0.05)
            assert (first.in_flight, second.in_flight, second.attempts) == (1, 0, 0)
            await gun.settle(second)
    assert second.decisions[0].result is Result.SUCCESS
    assert second.sends[0] - first.sends[0] >= 140 * MS


async def test_leaving_decides_what_is_in_flight_and_forgets_what_waits() -> None:
    async def run(_target: Target, _address: str, _context: Context) -> Reading:
        await asyncio.sleep(60)
        raise AssertionError("never reached")

    desk = Desk()
    with file_limit(64 + 3):
        async with each(run, desk.context) as prober:
            gun = Range(prober, desk)
            flying, waiting, unborn = gun.fire(TARGET), gun.fire(TARGET), None
            await asyncio.sleep(0.01)
            unborn = gun.fire(TARGET)
    assert [reading.result for reading in flying.decisions] == [Result.LOCAL_ERROR]
    assert "stopped" in flying.decisions[0].detail
    assert waiting.attempts == unborn.attempts == 0
    assert not waiting.decisions
    assert not unborn.decisions


async def test_an_operator_is_told_what_mends_it() -> None:
    async def run(_target: Target, _address: str, _context: Context) -> Reading:
        raise OSError(errno.EMFILE, "too many")

    desk = Desk()
    async with each(run, desk.context) as prober:
        for _ in range(3):
            await Range(prober, desk).shoot(TARGET)
    assert len(desk.warnings) == 1
    assert "EMFILE" in desk.warnings[0]
    assert "LimitNOFILE=" in desk.warnings[0]


async def test_a_bug_in_the_record_is_a_crash() -> None:
    class Broken(Watched):
        def decide(self, pending: object, reading: Reading) -> None:
            raise KeyError("a bug in the record")

    async def run(_target: Target, _address: str, _context: Context) -> Reading:
        return Reading(Result.SUCCESS, rtt=1)

    desk = Desk()
    async with each(run, desk.context) as prober:
        gun = Range(prober, desk)
        gun.fire(TARGET, series=Broken(TARGET))
        with pytest.raises(KeyError, match="a bug in the record"):
            await gun.settle(Watched(TARGET))


@pytest.mark.parametrize(
    ("probe", "address", "result"),
    [
        ("icmp", "www.example.com", Result.DNS_ERROR),
        ("http", "www.example.com", Result.DNS_ERROR),
        ("dns", "ns.example.com", Result.DNS_ERROR),
        ("icmp", GATEWAY, Result.LOCAL_ERROR),
    ],
)
def test_a_target_without_address_is_unmeasured(probe: str, address: str, result: Result) -> None:
    reading = unresolved(make_target(probe, address=address, timeout=1 * S), "no such name")
    assert reading == Reading(result, detail="no such name")
