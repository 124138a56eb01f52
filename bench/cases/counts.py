"""Every count of every target against the truth of the lab: 30 000 packets, 1 % lost, and some of each other misfortune."""

from __future__ import annotations

from bench import counting
from bench.frame import Bench, Comparison, Package

BENCH = Bench(
    about=f"{counting.KINDS * counting.EACH * counting.PACKETS} packets over paths that lose, duplicate, reorder, delay and falsify",
    subjects={"slamon": counting.misbehaving},
    comparisons=(
        Comparison(peer="targets", figure="exact", by="targets", unit="targets", goal="= 1"),
        *(
            Comparison(peer="truth", figure=count, by=f"truly_{count}", unit="packets", goal="= 1")
            for count in counting.COUNTS
        ),
    ),
    packages=(Package(program="ip", package="iproute2"),),
    own_network=True,
)
