"""Processor time of one ICMP echo on loopback: the daemon's probing loop against fping and icmplib.

Loopback answers inside the sender's own system call: everybody's figure includes the kernel's answer, and nobody is woken
up by a reply. That spares the peers what a path costs them; `icmp_cost_delayed` does not.
"""

from __future__ import annotations

from functools import partial

from bench import pinging
from bench.frame import Bench, Comparison, Package
from bench.network import loopback

BENCH = Bench(
    about=f"processor time per ICMP probe, {pinging.TARGETS} targets every {pinging.INTERVAL} s on loopback",
    subjects={
        "slamon": partial(pinging.slamon, loopback),
        "fping": partial(pinging.fping, loopback),
        "icmplib": partial(pinging.icmplib, loopback),
    },
    comparisons=(
        Comparison(peer="fping", figure="cpu", unit="us/probe", goal="<= 0.5"),
        Comparison(peer="icmplib", figure="cpu", unit="us/probe", goal="<= 0.15"),
    ),
    packages=(Package(program="fping", package="fping"),),
    own_network=True,
)
