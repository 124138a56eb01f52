"""Loss that is ours: 5000 targets probed in one burst, and live targets beside 200 dead neighbours, against what the far side saw."""

from __future__ import annotations

from bench import counting
from bench.frame import Bench, Comparison, Package

BENCH = Bench(
    about=f"{counting.BURST} targets in one burst; {counting.LIVE} live targets beside {counting.DEAD} dead on-link neighbours",
    subjects={"burst": counting.burst, "neighbours": counting.neighbours},
    comparisons=(
        Comparison(ours="burst", peer="burst_truth", figure="answered", by="truly_answered", unit="probes", goal="= 1"),
        Comparison(ours="burst", peer="burst_targets", figure="exact", by="targets", unit="targets", goal="= 1"),
        Comparison(ours="neighbours", peer="beside_dead", figure="answered", by="attempts", unit="probes", goal="= 1"),
        Comparison(
            ours="neighbours", peer="beside_dead_targets", figure="exact", by="targets", unit="targets", goal="= 1"
        ),
    ),
    packages=(Package(program="gcc", package="gcc"), Package(program="ip", package="iproute2")),
    own_network=True,
)
