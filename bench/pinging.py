"""Trials of ICMP probers: the same targets at the same rate over the same network, and what a probe costs in processor time.

Everybody is measured in a window of steady running: neither starting up nor ending is charged.
"""

from __future__ import annotations

import asyncio
import resource
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TypeAlias

from icmplib import async_multiping

from bench import probing
from bench.frame import Figures
from bench.meter import cpu, cpu_of, cpu_of_children, wait
from bench.network import CHILD, FAR_FIRST, delayed, loopback
from bench.probing import PAYLOAD, SETTLE, TIMEOUT
from bench.programs import compiled, located
from bench.window import Load, Window

Net: TypeAlias = Callable[[int], AbstractContextManager[list[str]]]
"""How many → their addresses, while somebody answers: `network.loopback`, `network.delayed`."""

WINDOW = 10.0
"""Seconds measured of a prober whose work is the same in every second."""
SATURATED = 3.0
"""Seconds measured of one that goes as fast as it can: more than 20 000 probes of the slowest."""
FPING_NUMBERS = 60_000
"""Probes, of 65 535 that it has numbers for: the better part of a second."""
GROUPS = 20
"""Calls of icmplib, of 50 targets each as is its default, spread over the interval: as the others spread theirs."""


@contextmanager
def child(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A prober as a process: quiet, and gone when the block ends."""
    quiet = subprocess.DEVNULL
    with subprocess.Popen([*CHILD, *command], stdin=quiet, stdout=subprocess.PIPE, stderr=quiet) as process:
        try:
            yield process
        finally:
            process.kill()


def _steadily(process: subprocess.Popen[bytes], load: Load) -> Figures:
    wait(SETTLE)
    window = Window(load, lambda: cpu_of(process.pid))
    wait(WINDOW)
    return window.close()


def engine(load: Load) -> Figures:
    """slamon's probing loop alone."""
    with delayed(load.targets) as addresses:
        return asyncio.run(probing.engine(addresses, load, WINDOW))


def engine_saturated(targets: int) -> Figures:
    with loopback(targets) as addresses:
        return asyncio.run(probing.saturated(addresses, SATURATED))


def fping(load: Load) -> Figures:
    """Counting quietly, so that it keeps sums per target and prints none before it is over. It is on a raw socket."""
    # -i is a lower bound between two packets, and below the even spacing lets it catch up; -p keeps the rate
    spacing = 500 / load.rate
    rounds = int((SETTLE + WINDOW) / load.interval) + 3
    with delayed(load.targets) as addresses, _fping(addresses, spacing, load.interval * 1000, rounds) as process:
        return _steadily(process, load)


def fping_saturated(targets: int) -> Figures:
    """It numbers its probes with 16 bits and waits ten seconds before it takes a number again: one go through most of them."""
    with loopback(targets) as addresses, _fping(addresses, 0, 0, FPING_NUMBERS // targets) as process:
        window = Window(Load(0), cpu_of_children)
        process.wait()
        return window.measured()


@contextmanager
def _fping(addresses: Sequence[str], spacing: float, period: int, rounds: int) -> Iterator[subprocess.Popen[bytes]]:
    """`spacing` and `period` in milliseconds."""
    with tempfile.TemporaryDirectory() as directory:
        listed = Path(directory) / "targets"
        listed.write_text("\n".join(addresses) + "\n")
        options = {"c": rounds, "i": spacing, "p": period, "t": f"{TIMEOUT}000", "b": PAYLOAD, "f": listed}
        words = [word for key, value in options.items() for word in (f"-{key}", str(value))]
        with child(located("fping"), "-q", *words) as process:
            yield process


def _unpaced(process: subprocess.Popen[bytes]) -> Figures:
    wait(SETTLE / 2)
    window = Window(Load(0), lambda: cpu_of(process.pid))
    wait(SATURATED)
    return window.measured()


def floor(load: Load) -> Figures:
    """The program in C of bench/floor.c, at the tick that slamon takes for these targets."""
    words = (FAR_FIRST, load.targets, load.interval * 1_000_000_000, probing.tick(load))
    with delayed(load.targets), child(str(compiled("floor")), *map(str, words)) as process:
        figures = _steadily(process, load)
        _check_floor(process)
        return figures


def floor_saturated(targets: int) -> Figures:
    with loopback(targets) as addresses, child(str(compiled("floor")), addresses[0], str(targets), "1", "0") as process:
        figures = _unpaced(process)
        _check_floor(process)
        return figures


def _check_floor(process: subprocess.Popen[bytes]) -> None:
    """It matched what it sent: a program that did not would be cheap."""
    process.send_signal(signal.SIGTERM)
    sent, answered, _ = map(int, process.communicate()[0].split())
    if answered < 0.99 * sent:
        raise RuntimeError(f"the floor sent {sent} and matched {answered}")


def icmplib(load: Load) -> Figures:
    """`async_multiping` on datagram sockets, the cheaper ones for it."""
    _raise_file_limit()
    with delayed(load.targets) as addresses:
        return asyncio.run(_icmplib(addresses, load))


def icmplib_saturated(targets: int) -> Figures:
    """As many at once as is its default: more make it no faster."""
    _raise_file_limit()
    with loopback(targets) as addresses:
        return asyncio.run(_icmplib_saturated(addresses))


def _raise_file_limit() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # it opens a socket for each target


async def _icmplib(addresses: list[str], load: Load) -> Figures:
    size = len(addresses) // GROUPS
    rounds = int((SETTLE + WINDOW) / load.interval) + 3
    pinging = [
        asyncio.create_task(_call(addresses[i * size : (i + 1) * size], load, rounds, after=i * load.interval / GROUPS))
        for i in range(GROUPS)
    ]
    await asyncio.sleep(SETTLE)
    window = Window(load, cpu)
    await asyncio.sleep(WINDOW)
    figures = window.close()
    for call in pinging:
        call.cancel()
    await asyncio.gather(*pinging, return_exceptions=True)
    return figures


async def _call(addresses: list[str], load: Load, rounds: int, *, after: float) -> None:
    await asyncio.sleep(after)
    await async_multiping(
        addresses,
        count=rounds,
        interval=load.interval,
        timeout=TIMEOUT,
        concurrent_tasks=len(addresses),
        privileged=False,
        payload_size=PAYLOAD,
    )


async def _icmplib_saturated(addresses: list[str]) -> Figures:
    async def again() -> None:
        while True:
            await async_multiping(
                addresses,
                count=10,
                interval=0,
                timeout=TIMEOUT,
                concurrent_tasks=50,
                privileged=False,
                payload_size=PAYLOAD,
            )

    pinging = asyncio.create_task(again())
    await asyncio.sleep(SETTLE)
    window = Window(Load(0), cpu)
    await asyncio.sleep(SATURATED)
    figures = window.measured()
    pinging.cancel()
    await asyncio.gather(pinging, return_exceptions=True)
    return figures
