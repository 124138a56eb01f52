"""The round trip of a TCP handshake: the kernel's, unless a SYN had to be repeated."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator

import pytest

from slamon.model import MS, Result, S
from slamon.probes.tcp import PROBE
from tests.netlab import instants
from tests.netlab.namespace import Namespace, inside
from tests.netlab.rig import Lab
from tests.probes.servers import tcp
from tests.probes.shots import make_target, opened, settings_of

pytestmark = pytest.mark.system

DELAYED = {"10.66.1.1": 20, "fd66::1:1": 35}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    targets = {address: {"delay": delay, "tcp": {"443": "open"}} for address, delay in DELAYED.items()}
    with Lab(tmp_path_factory.mktemp("lab"), targets) as lab:
        yield lab


async def busy(until: asyncio.Event) -> None:
    """The event loop stands still for 20 of every 25 ms."""
    while not until.is_set():
        instants.pause(0.02)
        await asyncio.sleep(0.005)


@pytest.mark.parametrize("address", DELAYED)
async def test_our_own_load_does_not_bend_the_round_trip(lab: Lab, address: str) -> None:
    settings = settings_of(PROBE, {"port": "443"})
    target = make_target("tcp", settings, address=address, family=6 if ":" in address else 4)
    with inside(lab.namespace):
        async with opened(PROBE) as gun:
            done = asyncio.Event()
            burning = asyncio.create_task(busy(done))
            readings = [await gun.shoot(target) for _ in range(8)]
            done.set()
            await burning
    assert {reading.result for reading in readings} == {Result.SUCCESS}
    assert not any(reading.userspace for reading in readings)
    rtts = sorted(reading.rtt or 0 for reading in readings)
    planned = DELAYED[address] * MS
    assert planned <= rtts[0]
    assert rtts[len(rtts) // 2] < planned + 5 * MS
    walls = [dict(reading.phases)["connect"] for reading in readings]
    assert all(wall >= (reading.rtt or 0) for wall, reading in zip(walls, readings, strict=True))
    assert sorted(walls)[len(walls) // 2] > rtts[len(rtts) // 2] + 2 * MS, "the loop came late to it"


async def test_a_repeated_syn_is_part_of_the_round_trip() -> None:
    """The first SYN is dropped, the kernel sends another one a second later."""
    space = Namespace()
    try:
        with inside(space):
            rule = "tcp flags & (syn | ack) == syn numgen inc mod 2 0 drop"
            table = f"table ip test {{\n chain c {{\n type filter hook input priority 0\n {rule}\n }}\n}}\n"
            subprocess.run(["nft", "-f", "-"], input=table, check=True, text=True)  # noqa: ASYNC221 - nobody waits yet
            async with tcp("127.0.0.1") as bench, opened(PROBE) as gun:
                target = make_target("tcp", settings_of(PROBE, bench.settings), timeout=5 * S)
                reading = await gun.shoot(target)
                again = await gun.shoot(target)
        assert reading.result is Result.SUCCESS
        assert 900 * MS < (reading.rtt or 0) < 3 * S
        assert reading.userspace
        assert dict(reading.phases)["connect"] == reading.rtt
        assert again.result is Result.SUCCESS
    finally:
        space.close()
