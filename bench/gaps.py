"""Trials of steadiness: when the far side saw the batches of a daemon that is scraped, judges and records meanwhile."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from itertools import pairwise

from bench import whole
from bench.frame import Disturbed, Figures
from bench.meter import clock, wait
from bench.network import Echo, far_side
from bench.web import get
from slamon.daemon.probing import COARSE, FAST, FINE
from slamon.model import MS, S

SECONDS = 100
SCRAPE = 1.0
"""Seconds between two scrapes."""
REFRESH = "5s"
"""Twenty refreshes in the window. A contract that was judged for the last time before it, at an age of less than `whole.YOUNG`, is
judged at twice that age, or by the next refresh: within the window."""
PAUSE = 10
"""A batch ends with a silence of a tenth of a tick; the longest takes half of one."""
LEAST_SERIES = 20_000

_JUDGED = re.compile(rb"^slamon_evaluation_duration_seconds_count(?:\{.*\})? (\d+)", re.MULTILINE)


def batches(instants: Sequence[int], tick: int) -> list[int]:
    """Instants of packets, ascending → when each batch began. Sending without a pause is a batch a tick."""
    begun = [instants[0]]
    for before, at in pairwise(instants):
        if at - before > tick // PAUSE or at - begun[-1] >= tick:
            begun.append(at)
    return begun


def _gaps(echoes: Sequence[Echo], start: int, end: int, tick: int) -> dict[str, float]:
    """Milliseconds from one batch to the next."""
    begun = batches(sorted(echo.received for echo in echoes if start <= echo.received < end), tick)
    gaps = sorted(after - before for before, after in pairwise([start, *begun, end]))
    return {
        "gap": gaps[-1] / MS,
        "gap_p99": gaps[len(gaps) * 99 // 100] / MS,
        "gap_p50": gaps[len(gaps) // 2] / MS,
        "tick": tick / MS,
    }


class _Scraper(threading.Thread):
    """Once a second, as long as it is let."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.pages = 0
        self.series = 0
        self.judged: list[int] = []
        self.longest = 0.0
        self.stop = threading.Event()
        self.error: OSError | None = None

    def run(self) -> None:
        due = clock.monotonic()
        try:
            while not self.stop.wait(max(due - clock.monotonic(), 0) / S):
                began = clock.monotonic()
                page = get(whole.PORT, "/metrics")
                self.longest = max(self.longest, (clock.monotonic() - began) / S)
                self.pages += 1
                self.series = page.count(b"\n") - page.count(b"\n#")
                self.judged.append(sum(map(int, _JUDGED.findall(page))))
                due = max(due + int(SCRAPE * S), clock.monotonic())
        except OSError as error:
            self.error = error


def scraped(targets: int, interval: int) -> Figures:
    """`interval` in milliseconds. Raises OSError when a scrape was not answered.

    Probes that were not sent are part of what is measured: `sent` and `due`.
    """
    tick = FINE if interval * MS < FAST else COARSE
    with far_side(targets) as far, whole.running(far.addresses, interval=f"{interval}ms", refresh=REFRESH) as daemon:
        wait(whole.YOUNG)
        scraper = _Scraper()
        scraper.start()
        start, spent = clock.monotonic(), daemon.spent()
        wait(SECONDS)
        end, spent = clock.monotonic(), daemon.spent() - spent
        scraper.stop.set()
        scraper.join()
        daemon.stop()
        echoes = far.stop()
    if scraper.error is not None:
        raise scraper.error
    if scraper.series < LEAST_SERIES:
        raise Disturbed(f"a page of {scraper.series} series, not of {LEAST_SERIES}")
    judged = scraper.judged[-1] - scraper.judged[0]
    if judged < whole.SERVICES:
        raise Disturbed(f"{judged} judgements, not {whole.SERVICES}")
    sent = sum(start <= echo.received < end for echo in echoes)
    return _gaps(echoes, start, end, tick) | {
        "sent": sent,
        "due": SECONDS * targets * 1000 / interval,
        "series": scraper.series,
        "scrapes": scraper.pages,
        "longest_scrape": scraper.longest,
        "judgements": judged,
        "core": spent * S / (end - start),
    }
