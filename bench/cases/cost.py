"""Processor time of one ICMP probe whose reply comes by itself after 5 to 50 ms: the whole daemon against its peers."""

from __future__ import annotations

from functools import partial

from bench import exporters, host, pinging, whole
from bench.frame import Bench, Comparison, Package
from bench.window import Load

LOAD = Load(1000)

BENCH = Bench(
    about=f"processor time per ICMP probe, {LOAD.targets} targets every {LOAD.interval} s, replies after 5 to 50 ms",
    subjects={
        "slamon": partial(whole.slamon, LOAD),
        "engine": partial(pinging.engine, LOAD),
        "fping": partial(pinging.fping, LOAD),
        "icmplib": partial(pinging.icmplib, LOAD),
        "smokeping_prober": partial(exporters.smokeping_prober, LOAD),
        "blackbox_exporter": partial(exporters.blackbox_exporter, LOAD),
        "floor": partial(pinging.floor, LOAD),
        "memory": host.memory,
    },
    comparisons=(
        Comparison(peer="fping", figure="cpu", unit="us/probe", goal="<= 0.5"),
        Comparison(peer="icmplib", figure="cpu", unit="us/probe", goal="<= 0.15"),
        Comparison(peer="smokeping_prober", figure="cpu", unit="us/probe", goal="<= 0.15"),
        Comparison(peer="blackbox_exporter", figure="cpu", unit="us/probe", goal="<= 0.06"),
        Comparison(ours="engine", peer="floor", figure="cpu", unit="us/probe", goal="<= 3"),
        Comparison(ours="memory", peer="just_used", figure="cold", by="warm", unit="ns/page", goal=None),
    ),
    packages=(
        Package(program="fping", package="fping"),
        Package(program="gcc", package="gcc"),
        Package(program=exporters.SMOKEPING, package=exporters.SMOKEPING, unpacked=True),
        Package(program=exporters.BLACKBOX, package=exporters.BLACKBOX, unpacked=True),
    ),
    own_network=True,
)
