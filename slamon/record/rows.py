"""The rows of fact that leave `record`: outcome runs, gaps, and records that add up. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from slamon.model import MS, Result

LATENESS = 100 * MS
"""A probe sent so late fills its slot all the same: a loaded host delays the loop by tens of milliseconds, whatever the interval."""


def reach(interval: int) -> int:
    """How long after a probe the next one must follow for no slot to count as missed."""
    return interval + max(interval // 2, LATENESS)


class Run(NamedTuple):
    """Consecutive samples of one series with the same result; a healthy day is one row.

    The samples speak for `[first_sent, until)`. `until` is the send instant of the next sample when no slot was missed between
    the two; after a missed slot it is `last_sent + interval` at most; while the run is open, or when the daemon died, it is
    `last_sent`. Time between `until` and the `first_sent` of the next run is not measured.
    """

    first_sent: int
    last_sent: int
    until: int
    samples: int
    result: Result


Growth: TypeAlias = tuple[int, int, int]
"""How far an open run has come that was handed out before: `first_sent`, by which it is known, `last_sent`, `samples`."""


def extended(run: Run, growth: Growth | None) -> Run:
    """The open run as far as it has come; the same where the growth is another one's, or of earlier."""
    if growth is None:
        return run
    first, last, samples = growth
    return Run(first, last, last, samples, run.result) if first == run.first_sent and samples > run.samples else run


class Gap(NamedTuple):
    """`[start, end)` in which this slamon could not observe anything: stopped, suspended, clock stepped."""

    start: int
    end: int
    reason: str


@dataclass(slots=True, kw_only=True)
class Record:
    """Sums over the samples *sent* in `[start, start + length)`: a minute, a quarter hour or a day. Records add.

    Counts are packets; times are nanoseconds. Late, duplicate, reordered and corrupt replies are events beside the counts,
    in the minute that was open when they came: a late reply stays `lost`.
    """

    start: int
    length: int
    received: int = 0
    """Success or bad_response."""
    lost: int = 0
    """Timeout or remote ICMP error. Loss ratio = lost / (received + lost)."""
    refused: int = 0
    ours: int = 0
    """Our own failures: not part of any statistic."""
    late: int = 0
    duplicate: int = 0
    reordered: int = 0
    corrupt: int = 0
    rtt_count: int = 0
    rtt_sum: int = 0
    rtt_min: int | None = None
    rtt_max: int | None = None
    buckets: dict[int, int] = field(default_factory=dict)
    """Bucket of the fixed logarithmic grid (`record.distribution`) → count."""
    within: dict[int, int] = field(default_factory=dict)
    """Latency limit in force → exact count of round trips ≤ it; a limit not listed was not in force, or not all the time."""
    ipdv_sum: int = 0
    """Σ |delay(i) − delay(i−1)| over consecutive received packets (RFC 3393); a pair belongs to the later packet's record."""
    ipdv_count: int = 0
    raw: bytes | None = None
    """The packed samples themselves (`record.packing`): of minutes only, while they are kept and where they were asked for."""

    @property
    def end(self) -> int:
        return self.start + self.length

    @property
    def sent(self) -> int:
        """Packets that count for loss: received + lost."""
        return self.received + self.lost
