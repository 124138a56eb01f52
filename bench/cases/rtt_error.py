"""Error of the round trip by ICMP, idle and while the process is busy 20 of every 50 ms: kernel stamps against a userspace clock."""

from __future__ import annotations

from functools import partial

from bench import accuracy
from bench.frame import Bench, Comparison, Package

BENCH = Bench(
    about=f"error of round trips against the far side's own log, {accuracy.ICMP_LOAD.rate:.0f} probes/s",
    subjects={
        "slamon_busy": partial(accuracy.slamon_icmp, busy=True),
        "slamon_idle": partial(accuracy.slamon_icmp, busy=False),
        "userspace_clock_busy": accuracy.userspace_icmp,
    },
    comparisons=(
        Comparison(ours="slamon_busy", peer="slamon_idle", figure="error_p99", unit="us", goal="<= 1.5"),
        Comparison(ours="slamon_busy", peer="userspace_clock_busy", figure="error_p99", unit="us", goal="<= 0.02"),
    ),
    packages=(Package(program="gcc", package="gcc"),),
    own_network=True,
)
