"""Probes a second of one process that never waits, on loopback: the engine with its record against fping, icmplib and C."""

from __future__ import annotations

from functools import partial

from bench import pinging
from bench.frame import Bench, Comparison, Package

TARGETS = 1000

BENCH = Bench(
    about=f"probes per second as fast as each can, {TARGETS} targets on loopback",
    subjects={
        "slamon": partial(pinging.engine_saturated, TARGETS),
        "fping": partial(pinging.fping_saturated, TARGETS),
        "icmplib": partial(pinging.icmplib_saturated, TARGETS),
        "floor": partial(pinging.floor_saturated, TARGETS),
    },
    comparisons=(
        Comparison(peer="fping", figure="rate", unit="probes/s", goal=">= 0.7"),
        Comparison(peer="icmplib", figure="rate", unit="probes/s", goal=">= 5"),
        Comparison(peer="floor", figure="rate", unit="probes/s", goal=None),
    ),
    packages=(Package(program="fping", package="fping"), Package(program="gcc", package="gcc")),
    own_network=True,
)
