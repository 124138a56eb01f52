"""What slamon counts about itself: plain integers, written by the parts, read by `metrics`. One `Stats` per daemon."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from slamon.model import MS, S

LAG_EDGES: tuple[int, ...] = (
    1 * MS,
    5 * MS,
    10 * MS,
    25 * MS,
    50 * MS,
    100 * MS,
    250 * MS,
    500 * MS,
    1 * S,
    2500 * MS,
    5 * S,
)
"""Buckets of our own delays: from one timer tick of asyncio to what must never happen."""

RTT_EDGES: tuple[int, ...] = tuple(
    n * unit
    for unit, ns in (
        (MS // 10, (1, 2, 5)),
        (MS, (1, 2, 5, 10, 20, 30, 50, 75, 100, 150, 200, 300, 500)),
        (S, (1, 2, 5)),
    )
    for n in ns
)
"""Default buckets of `slamon_probe_rtt_seconds`; the latency limits of all contracts are added to them."""


class Histogram:
    """Counts of nanosecond values by upper edge (inclusive, as Prometheus `le`), with sum. Edges ascend."""

    __slots__ = ("counts", "edges", "total")

    def __init__(self, edges: tuple[int, ...] = LAG_EDGES) -> None:
        self.edges = edges
        self.counts = [0] * (len(edges) + 1)
        self.total = 0

    def observe(self, value: int) -> None:
        self.counts[bisect_left(self.edges, value)] += 1
        self.total += value

    def observe_ages(self, now: int, instants: Sequence[int], total: int) -> None:
        """How old the ascending `instants`, `total` in all, are: the work follows the edges and not the values."""
        counts, left = self.counts, len(instants)
        for i, edge in enumerate(self.edges):
            older = bisect_left(instants, now - edge, 0, left)
            counts[i] += left - older
            left = older
            if not left:
                break
        counts[-1] += left
        self.total += len(instants) * now - total

    @property
    def count(self) -> int:
        return sum(self.counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketInfo:
    """One shared probing socket as it was really got: `type` dgram | raw, `timestamps` kernel | userspace, bytes of buffers."""

    family: int
    via: str
    type: str
    timestamps: str
    receive_buffer: int
    send_buffer: int


@dataclass(slots=True, kw_only=True)
class Stats:
    scheduler_lag: Histogram = field(default_factory=Histogram)
    event_loop_lag: Histogram = field(default_factory=Histogram)
    missed_slots: int = 0
    receive_drops: Counter[int] = field(default_factory=Counter)
    """Family → packets the kernel dropped because our buffer was full (SO_RXQ_OVFL)."""
    send_errors: Counter[str] = field(default_factory=Counter)
    """errno name → failed sends."""
    unexpected_replies: int = 0
    checksum_errors: Counter[int] = field(default_factory=Counter)
    """Family → ICMP messages with a wrong checksum that this host received, whoever they were for, as the kernel counts them."""
    sockets: list[SocketInfo] = field(default_factory=list)
    clock_steps: int = 0
    clock_synchronized: bool | None = None
    clock_max_error: int | None = None
    """Nanoseconds, from adjtimex; None where it cannot be asked."""
    dns_resolutions: Counter[str] = field(default_factory=Counter)
    """success | failure → look-ups of target names."""
    address_changes: Counter[str] = field(default_factory=Counter)
    """Target name → how often its address changed."""
    last_reload_ok: bool = True
    last_reload_at: int = 0
    store_write_errors: int = 0
    store_last_write: int = 0
    store_pending: int = 0
    store_verify_errors: int = 0
    """Times the declarations were found to be other than what was written."""
    evaluation: Histogram = field(default_factory=Histogram)
    evaluation_mismatches: int = 0
    evaluation_due: int = 0
    """When the contracts are to be judged next; it is in the past while they cannot be."""
