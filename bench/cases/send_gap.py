"""The longest time between two batches of probes at 5000 a second, while the metrics are scraped once a second and contracts judged."""

from __future__ import annotations

from functools import partial

from bench import gaps
from bench.frame import Bench, Comparison, Package

BENCH = Bench(
    about=f"longest of all gaps between send batches in {gaps.SECONDS} s, in ticks; scraped every second, 100 contracts judged",
    subjects={"coarse": partial(gaps.scraped, 5000, 1000), "fine": partial(gaps.scraped, 500, 100)},
    comparisons=(
        Comparison(ours="coarse", peer="tick_of_50ms", figure="gap", by="tick", unit="ms", goal="<= 2"),
        Comparison(ours="fine", peer="tick_of_10ms", figure="gap", by="tick", unit="ms", goal="<= 2"),
        Comparison(ours="coarse", peer="due_at_50ms", figure="sent", by="due", unit="probes", goal=None),
        Comparison(ours="fine", peer="due_at_10ms", figure="sent", by="due", unit="probes", goal=None),
    ),
    packages=(Package(program="gcc", package="gcc"),),
    own_network=True,
)
