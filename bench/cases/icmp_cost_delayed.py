"""Processor time of one ICMP echo whose reply comes by itself after 5 to 50 ms, as on a real path: against fping and icmplib."""

from __future__ import annotations

from functools import partial

from bench import pinging
from bench.frame import Bench, Comparison, Package
from bench.network import delayed

BENCH = Bench(
    about=f"processor time per ICMP probe, {pinging.TARGETS} targets every {pinging.INTERVAL} s, replies after 5 to 50 ms",
    subjects={
        "slamon": partial(pinging.slamon, delayed),
        "fping": partial(pinging.fping, delayed),
        "icmplib": partial(pinging.icmplib, delayed),
    },
    comparisons=(
        Comparison(peer="fping", figure="cpu", unit="us/probe", goal="<= 0.5"),
        Comparison(peer="icmplib", figure="cpu", unit="us/probe", goal="<= 0.15"),
    ),
    packages=(Package(program="fping", package="fping"), Package(program="ip", package="iproute2")),
    own_network=True,
)
