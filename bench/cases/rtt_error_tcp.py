"""Error of the round trip by TCP, idle and while the process is busy 20 of every 50 ms: the kind `tcp` against the time of a connect."""

from __future__ import annotations

from functools import partial

from bench import accuracy
from bench.frame import Bench, Comparison, Package

BENCH = Bench(
    about=f"error of the time from SYN to SYN-ACK against the far side's own log, {accuracy.TCP_LOAD.rate:.0f} probes/s",
    subjects={
        "slamon_busy": partial(accuracy.slamon_tcp, busy=True),
        "slamon_idle": partial(accuracy.slamon_tcp, busy=False),
        "connect_busy": accuracy.userspace_tcp,
    },
    comparisons=(
        Comparison(ours="slamon_busy", peer="slamon_idle", figure="error_p99", unit="us", goal="<= 1.5"),
        Comparison(ours="slamon_busy", peer="connect_busy", figure="error_p99", unit="us", goal="<= 0.02"),
    ),
    packages=(Package(program="gcc", package="gcc"),),
    own_network=True,
)
