"""Trials of ICMP probers: the same targets at the same rate over the same network, and what a probe costs in processor time.

Everybody is measured in a window of steady running: neither starting up nor ending is charged.
"""

from __future__ import annotations

import asyncio
import gc
import resource
import signal
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeAlias

from icmplib import async_multiping

from bench import network
from bench.frame import CannotRun, Figures
from bench.meter import clock, cpu, cpu_of, wait
from slamon.daemon.probing import Probing
from slamon.model import RESULT_CODE, Result, S, Target
from slamon.probe import Context
from slamon.probes.icmp import PROBE, Icmp
from slamon.record.recorder import Recorder
from slamon.resolve import Addresses
from slamon.stats import RTT_EDGES, Stats

Net: TypeAlias = Callable[[int], AbstractContextManager[list[str]]]
"""How many → their addresses, while somebody answers: `network.loopback`, `network.delayed`."""

TARGETS = 1000
INTERVAL = 1
"""Seconds between two probes of a target."""
SETTLE = 2.0
"""Seconds until the sockets are open and every target has been probed at least once."""
WINDOW = 3.0
"""Seconds measured: 3000 probes."""
ROUNDS = int((SETTLE + WINDOW) / INTERVAL) + 3
"""Probes of each target before a peer ends by itself, so that nobody goes on when its trial was killed."""
PAYLOAD = 56
"""Bytes, everybody's default."""
TIMEOUT = 2
"""Seconds; nothing is lost here."""
TOLERANCE = 0.2
"""How far from the agreed rate a trial may be, and how many answers may miss, before it measured something else."""
GROUPS = 20
"""Calls of icmplib, of 50 targets each as is its default, spread over the interval: as the others spread theirs."""


class _Window:
    """From its making to `close`: the processor time of one process and the echoes of this namespace.

    It begins after a full collection: Python makes one soon after start anyway, and 50 ms of it in some windows and not in
    others would be most of their difference. Afterwards they are rare (slamon: one in about 20 s, 2 us a probe).
    """

    def __init__(self, spent: Callable[[], float]) -> None:
        gc.collect()
        self._spent = spent
        self._started = clock.monotonic()
        self._echoes = network.echoes()
        self._cpu = spent()

    def close(self) -> Figures:
        """Raises CannotRun when the probes were not sent at the agreed rate, or not answered."""
        used = self._spent() - self._cpu
        now = network.echoes()
        sent, answered = now.sent - self._echoes.sent, now.answered - self._echoes.answered
        rate, agreed = sent / ((clock.monotonic() - self._started) / S), TARGETS / INTERVAL
        if abs(rate - agreed) > TOLERANCE * agreed:
            raise CannotRun(f"{rate:.0f} probes/s instead of {agreed:.0f}: is the machine overloaded?")
        if abs(answered - sent) > TOLERANCE * sent:
            raise CannotRun(f"{sent} probes sent, {answered} answers")
        return {"cpu": used / sent * 1e6, "rate": rate}


def slamon(net: Net) -> Figures:
    """The engine through its kind, real series, the daemon's own tick; without store, judge and web."""
    with net(TARGETS) as addresses:
        return asyncio.run(_slamon(addresses))


async def _slamon(addresses: list[str]) -> Figures:
    stats = Stats()
    warnings: list[str] = []
    recorder = Recorder("bench")
    names = Addresses(stats=stats, changed=lambda *_: None)
    targets = [_target(address) for address in addresses]
    names.set(targets)
    series = [recorder.open(target, limits=(), edges=RTT_EDGES) for target in targets]
    async with PROBE.open(Context(clock=clock, stats=stats, warn=warnings.append)) as prober:
        probing = Probing(clock=clock, stats=stats, recorder=recorder, addresses=names, probers={"icmp": prober})
        probing.set(targets)
        ticking = asyncio.create_task(probing.run())
        await asyncio.sleep(SETTLE)
        window = _Window(cpu)
        await asyncio.sleep(WINDOW)
        figures = window.close()
        ticking.cancel()
        await asyncio.gather(ticking, return_exceptions=True)
        decided = sum(each.attempts - each.in_flight for each in series)
        successes = sum(each.results[RESULT_CODE[Result.SUCCESS]] for each in series)
    if warnings or successes != decided:
        raise RuntimeError(f"{decided} probes decided, {successes} of them successes; {warnings}")
    return figures


def _target(address: str) -> Target:
    return Target(
        name=f"bench/{address}",
        service="bench",
        probe="icmp",
        address=address,
        family=4,
        interval=INTERVAL * S,
        timeout=TIMEOUT * S,
        down_after=3,
        up_after=1,
        settings=Icmp(payload=PAYLOAD),
    )


def fping(net: Net) -> Figures:
    """Counting quietly, so that it keeps sums per target and prints none before it is over. It is on a raw socket."""
    with net(TARGETS) as addresses, tempfile.TemporaryDirectory() as directory:
        listed = Path(directory) / "targets"
        listed.write_text("\n".join(addresses) + "\n")
        # -i is a lower bound between two packets, and below the even spacing lets it catch up; -p keeps the rate
        options = [
            "-q",
            "-c",
            str(ROUNDS),
            "-i",
            "0.5",
            "-p",
            f"{INTERVAL}000",
            "-t",
            f"{TIMEOUT}000",
            "-b",
            str(PAYLOAD),
        ]
        process = subprocess.Popen(
            ["fping", *options, "-f", str(listed)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait(SETTLE)
            window = _Window(lambda: cpu_of(process.pid))
            wait(WINDOW)
            return window.close()
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()


def icmplib(net: Net) -> Figures:
    """`async_multiping` on datagram sockets, the cheaper ones for it."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # it opens a socket for each target
    with net(TARGETS) as addresses:
        return asyncio.run(_icmplib(addresses))


async def _icmplib(addresses: list[str]) -> Figures:
    size = len(addresses) // GROUPS
    pinging = [
        asyncio.create_task(_call(addresses[i * size : (i + 1) * size], after=i * INTERVAL / GROUPS))
        for i in range(GROUPS)
    ]
    await asyncio.sleep(SETTLE)
    window = _Window(cpu)
    await asyncio.sleep(WINDOW)
    figures = window.close()
    for call in pinging:
        call.cancel()
    await asyncio.gather(*pinging, return_exceptions=True)
    return figures


async def _call(addresses: list[str], *, after: float) -> None:
    await asyncio.sleep(after)
    await async_multiping(
        addresses,
        count=ROUNDS,
        interval=INTERVAL,
        timeout=TIMEOUT,
        concurrent_tasks=len(addresses),
        privileged=False,
        payload_size=PAYLOAD,
    )
