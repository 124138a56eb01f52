"""Where the kernel stamps nothing, or not yet, answers are read as they come."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from slamon.daemon.probing import LAZY, Probing, tick_for
from slamon.icmp import channel, sockets
from slamon.icmp.line import Line
from slamon.model import MINUTE, MS, S
from slamon.probe import Shot
from slamon.probes.icmp import _Pinger
from slamon.record.recorder import Recorder
from slamon.resolve import Addresses
from slamon.stats import RTT_EDGES
from tests.icmp.conftest import Link
from tests.icmp.rig import Pinger, heard

pytestmark = pytest.mark.system


@pytest.fixture(params=["batch", "plain"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How the engine talks to its sockets."""
    monkeypatch.setattr(Pinger, "batched", request.param == "batch")
    return str(request.param)


@pytest.fixture
def unstamped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "SO_TIMESTAMPING_NEW", 9999)  # an option this kernel does not have


def line_of(pinger: Pinger, shot: Shot) -> Line:
    line = pinger.engine._peers[shot.target.name].channel.line
    assert line is not None
    return line


@pytest.mark.usefixtures("way", "unstamped")
def test_a_round_trip_is_not_as_long_as_a_tick(link: Link) -> None:
    link.delay = 0.01
    with Pinger() as pinger:
        target = replace(heard(pinger.shot("10.0.0.2")).target, name="x")
        pinger.series.clear()
        recorder = Recorder("here")
        recorder.open(target, limits=(), edges=RTT_EDGES)
        assert tick_for([target]) == LAZY

        async def main() -> None:
            addresses = Addresses(stats=pinger.stats, changed=lambda *_: None)
            addresses.set([target])
            probing = Probing(
                clock=pinger.clock, stats=pinger.stats, recorder=recorder, addresses=addresses,
                probers={"icmp": _Pinger(pinger.engine)},
            )  # fmt: skip
            probing.set([target])
            ticking = asyncio.create_task(probing.run())
            await asyncio.sleep(5.3)
            ticking.cancel()

        asyncio.run(main())
        counts = recorder.series["x"].counts()
        assert counts.results[0] >= 4
        assert 10 * MS <= counts.rtt_sum / counts.results[0] < 40 * MS


@pytest.mark.usefixtures("way", "unstamped")
def test_each_identifier_is_listened_to_until_it_is_given_up(link: Link, monkeypatch: pytest.MonkeyPatch) -> None:
    link.delay = 0.02
    monkeypatch.setattr(channel, "ROTATION", 0)
    monkeypatch.setattr(channel, "MEMORY", 0)
    with Pinger() as pinger:
        shot = pinger.shot("10.0.0.2")

        async def main() -> None:
            pinger.fire(shot)
            before = line_of(pinger, shot)
            old = before.probe.socket.fileno()
            pinger.fire(shot)
            assert line_of(pinger, shot) is not before
            await asyncio.sleep(0.2)
            assert [reading.userspace for _, reading in heard(shot).readings] == [True, True]
            assert all(20 * MS <= (reading.rtt or 0) < 100 * MS for _, reading in heard(shot).readings)
            pinger.engine.drain()
            assert before.probe.socket.fileno() < 0
            loop = asyncio.get_running_loop()
            assert not loop.remove_reader(old)
            new = line_of(pinger, shot).probe.socket.fileno()
            pinger.engine.close()
            assert not loop.remove_reader(new)

        asyncio.run(main())


@pytest.mark.usefixtures("way")
def test_what_the_kernel_stamps_is_left_to_wait_from_the_first_stamp_on(link: Link) -> None:
    with Pinger() as pinger:
        shot = pinger.shot("10.0.0.2", timeout=1 * MINUTE)

        async def main() -> None:
            for _ in range(50):
                pinger.fire(shot)
                line = line_of(pinger, shot)
                await asyncio.sleep(0.05)
                if line._loop is None:
                    break
                assert heard(shot).in_flight == 0
            assert line._matching.stamped
            assert not asyncio.get_running_loop().remove_reader(line.probe.socket)
            before = heard(shot).decided
            pinger.fire(shot)
            await asyncio.sleep(0.1)
            assert heard(shot).decided == before
            pinger.engine.drain(eager=False)
            assert heard(shot).in_flight == 1
            pinger.engine.drain()
            assert not heard(shot).last.userspace
            assert (heard(shot).last.rtt or S) < 50 * MS

        asyncio.run(main())
        assert link.delay == 0


@pytest.mark.usefixtures("unstamped")
def test_a_bug_in_the_record_comes_up_at_the_next_tick(link: Link, monkeypatch: pytest.MonkeyPatch) -> None:
    with Pinger() as pinger:
        shot = pinger.shot("10.0.0.2")

        async def main() -> None:
            pinger.fire(shot)
            with monkeypatch.context() as patch:
                patch.setattr(Line, "read", lambda _: 1 // 0)
                await asyncio.sleep(0.1)
            with pytest.raises(ZeroDivisionError):
                pinger.engine.drain(eager=False)
            pinger.engine.drain()

        asyncio.run(main())
        pinger.settle()
        assert link.delay == 0
