"""The whole daemon with 10 000 targets at one probe a second for five minutes: loss that is ours, and the share of a core."""

from __future__ import annotations

from bench import lengths, whole
from bench.frame import Bench, Comparison, Figures, Package
from bench.meter import clock, wait
from bench.network import far_side
from bench.web import get
from slamon.model import S

TARGETS = 10_000
SCRAPE = 15
"""Seconds between two scrapes."""


def slamon() -> Figures:
    """From when the daemon probes: starting and stopping are not part of it. The far side answers every probe it sees.

    `lost` would be the network's fault; a probe that slamon calls unmeasured is neither lost nor succeeded.
    """
    with far_side(TARGETS) as far, whole.running(far.addresses, until="/-/healthy") as daemon:
        wait(whole.YOUNG)
        start, spent = clock.monotonic(), daemon.spent()
        end = start + lengths.soak * S
        while (left := end - clock.monotonic()) > 0:
            wait(min(left / S, SCRAPE))
            get(whole.PORT, "/metrics")
        seconds, spent = (clock.monotonic() - start) / S, daemon.spent() - spent
        ended = whole.results(get(whole.PORT, "/metrics"))
        daemon.stop()
        echoes = far.stop()
        rss = daemon.largest
    sent = sum(start <= echo.received < start + seconds * S for echo in echoes)
    lost = ended.get("timeout", 0) + ended.get("icmp_error", 0)
    return {
        "not_lost": sum(ended.values()) - lost,
        "succeeded": ended.get("success", 0),
        "decided": sum(ended.values()),
        "cpu_seconds": spent,
        "seconds": seconds,
        "sent": sent,
        "due": TARGETS * seconds,
        "memory": rss,
        **{f"ended_{result}": count for result, count in ended.items()},
    }


BENCH = Bench(
    about=f"{TARGETS} targets every second, the whole daemon: probes that failed although all were answered; share of a core",
    subjects={"slamon": slamon},
    comparisons=(
        Comparison(peer="decided", figure="not_lost", by="decided", unit="probes", goal="= 1"),
        Comparison(peer="decided", figure="succeeded", by="decided", unit="probes", goal=None),
        Comparison(peer="due", figure="sent", by="due", unit="probes", goal=None),
        Comparison(peer="one_core", figure="cpu_seconds", by="seconds", unit="s", goal=None),
    ),
    packages=(Package(program="gcc", package="gcc"),),
    own_network=True,
    repeats=1,
)
