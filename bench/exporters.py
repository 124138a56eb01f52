"""Trials of the Prometheus exporters that ping, each with the same targets at the same rate as the other probers."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.frame import CannotRun, Figures
from bench.meter import clock, cpu_of, wait
from bench.network import delayed
from bench.pinging import WINDOW, child
from bench.probing import PAYLOAD, TIMEOUT
from bench.programs import located
from bench.web import get
from bench.window import Load, Window
from slamon.model import S

SMOKEPING = "prometheus-smokeping-prober"
BLACKBOX = "prometheus-blackbox-exporter"
PORT = 9109
"""Of whichever exporter runs, in the trial's own network."""
SCRAPE = 15.0
"""Seconds between two scrapes, the usual ones of Prometheus: publishing is part of an exporter's work."""
START = 20.0
"""Seconds within which an exporter must answer."""
CONNECTIONS = 200
"""Scrapes of blackbox_exporter at once: a thousand a second, each of which takes a mean of 28 ms and what it waits."""

BLACKBOX_CONFIG = f"""\
modules:
  ping:
    prober: icmp
    timeout: {TIMEOUT}s
    icmp: {{preferred_ip_protocol: ip4, payload_size: {PAYLOAD}}}
"""


def smokeping_prober(load: Load) -> Figures:
    """On datagram sockets, the cheaper ones for it; scraped once in the window."""
    with delayed(load.targets) as addresses:
        options = [f"--web.listen-address=127.0.0.1:{PORT}", f"--ping.interval={load.interval}s", "--no-privileged"]
        with child(located(SMOKEPING), *options, f"--ping.size={PAYLOAD}", *addresses) as process:
            _await("/metrics")
            wait(load.interval + 2)  # it starts its targets one after the other within an interval
            window = Window(load, lambda: cpu_of(process.pid))
            get(PORT, "/metrics")
            wait(SCRAPE)
            return window.close()


def blackbox_exporter(load: Load) -> Figures:
    """It probes when it is scraped; who scrapes it is not charged."""
    with delayed(load.targets) as addresses, tempfile.TemporaryDirectory() as directory:
        config = Path(directory) / "blackbox.yml"
        config.write_text(BLACKBOX_CONFIG)
        options = [f"--config.file={config}", f"--web.listen-address=127.0.0.1:{PORT}", "--log.level=error"]
        with child(located(BLACKBOX), *options) as process:
            _await("/-/healthy")
            return asyncio.run(_scraping(addresses, load, process.pid))


def _await(path: str) -> None:
    deadline = clock.monotonic() + int(START * S)
    while clock.monotonic() < deadline:
        with contextlib.suppress(OSError):
            get(PORT, path)
            return
        wait(0.1)
    raise CannotRun(f"the exporter does not answer within {START:.0f} s")


async def _scraping(addresses: Sequence[str], load: Load, process: int) -> Figures:
    """Every target once an interval, evenly spread, over connections that stay open as those of Prometheus do."""
    due: asyncio.Queue[str] = asyncio.Queue()
    scrapers = [asyncio.create_task(_scraper(due)) for _ in range(CONNECTIONS)]
    feeding = asyncio.create_task(_feed(due, addresses, load))
    await asyncio.sleep(3)
    window = Window(load, lambda: cpu_of(process))
    await asyncio.sleep(WINDOW)
    figures = window.close()
    for task in (feeding, *scrapers):
        task.cancel()
    for task in (feeding, *scrapers):
        with contextlib.suppress(asyncio.CancelledError):  # what else it raises is a scrape that failed
            await task
    return figures


async def _feed(due: asyncio.Queue[str], addresses: Sequence[str], load: Load) -> None:
    start, sent = clock.monotonic(), 0
    while True:
        wanted = int((clock.monotonic() - start) / S * load.rate)
        for i in range(sent, wanted):
            due.put_nowait(addresses[i % len(addresses)])
        sent = wanted
        await asyncio.sleep(0.002)


async def _scraper(due: asyncio.Queue[str]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
    while True:
        address = await due.get()
        writer.write(f"GET /probe?module=ping&target={address} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        page = await reader.readexactly(length)
        if b"\nprobe_success 1" not in page:
            raise RuntimeError(page.decode())
