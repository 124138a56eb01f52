"""The cost of a probe at 5000 a second: what the rest of the daemon adds to the engine, and the engine to a program in C."""

from __future__ import annotations

from functools import partial

from bench import host, pinging, whole
from bench.frame import Bench, Comparison, Package
from bench.window import Load

LOAD = Load(5000)

BENCH = Bench(
    about=f"processor time per ICMP probe, {LOAD.targets} targets every {LOAD.interval} s, replies after 5 to 50 ms",
    subjects={
        "slamon": partial(whole.slamon, LOAD),
        "engine": partial(pinging.engine, LOAD),
        "fping": partial(pinging.fping, LOAD),
        "floor": partial(pinging.floor, LOAD),
        "memory": host.memory,
    },
    comparisons=(
        Comparison(peer="engine", figure="cpu", unit="us/probe", goal="<= 3"),
        Comparison(ours="engine", peer="floor", figure="cpu", unit="us/probe", goal="<= 3"),
        Comparison(peer="fping", figure="cpu", unit="us/probe", goal=None),
        Comparison(ours="memory", peer="just_used", figure="cold", by="warm", unit="ns/page", goal=None),
    ),
    packages=(Package(program="fping", package="fping"), Package(program="gcc", package="gcc")),
    own_network=True,
)
