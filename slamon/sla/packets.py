"""Sums over the packets of one target that count for a contract, and the delay and loss figures read from them. They add."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import accumulate, pairwise

from slamon.model import MEANING, Packet, Result
from slamon.record import distribution
from slamon.record.packing import Packed, unpack
from slamon.record.rows import Record, reach
from slamon.sla.timeline import Spans

EXACT_LIMIT = 4096
"""Round trips up to which percentiles are read from the packets themselves: beyond, unpacking costs more than 1 % is worth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packets:
    """Counts are packets, times nanoseconds. A commutative monoid under +."""

    received: int = 0
    lost: int = 0
    rtt_count: int = 0
    rtt_sum: int = 0
    rtt_min: int | None = None
    rtt_max: int | None = None
    buckets: Mapping[int, int] = field(default_factory=dict)
    """Bucket of the logarithmic grid → count."""
    within: Mapping[int, int] = field(default_factory=dict)
    """Latency limit that was in force for all of them → exact count ≤ it."""
    ipdv_sum: int = 0
    ipdv_count: int = 0
    exact: Mapping[int, int] | None = field(default_factory=dict)
    """Round trip → count, as long as all of them are known one by one and there are at most `EXACT_LIMIT`."""

    def __add__(self, other: Packets) -> Packets:
        if other.nothing:
            return self
        if self.nothing:
            return other
        exact = None
        if self.exact is not None and other.exact is not None and self.rtt_count + other.rtt_count <= EXACT_LIMIT:
            exact = _sum(self.exact, other.exact)
        return Packets(
            received=self.received + other.received,
            lost=self.lost + other.lost,
            rtt_count=self.rtt_count + other.rtt_count,
            rtt_sum=self.rtt_sum + other.rtt_sum,
            rtt_min=_best(min, self.rtt_min, other.rtt_min),
            rtt_max=_best(max, self.rtt_max, other.rtt_max),
            buckets=_sum(self.buckets, other.buckets),
            within=_common(self.within, self.rtt_count, other.within, other.rtt_count),
            ipdv_sum=self.ipdv_sum + other.ipdv_sum,
            ipdv_count=self.ipdv_count + other.ipdv_count,
            exact=exact,
        )

    @property
    def nothing(self) -> bool:
        """Adding it changes nothing."""
        return not (self.received or self.lost or self.rtt_count or self.within or self.exact is None)

    @property
    def sent(self) -> int:
        """Packets that count for loss."""
        return self.received + self.lost

    @property
    def loss(self) -> Fraction | None:
        """Lost / (received + lost), pooled; None without packets (RFC 7680, RFC 6673)."""
        return Fraction(self.lost, self.sent) if self.sent else None

    @property
    def mean(self) -> Fraction | None:
        """Mean round trip in nanoseconds, conditional on arrival; None without one."""
        return Fraction(self.rtt_sum, self.rtt_count) if self.rtt_count else None

    def percentile(self, p: Fraction) -> Fraction | None:
        """The smallest x with EDF(x) ≥ p (RFC 2330 §11.3), 0 < p ≤ 1, over the packets that arrived; None without one."""
        return self.ranked(-(-p.numerator * self.rtt_count // p.denominator))

    def ranked(self, rank: int) -> Fraction | None:
        """The round trip of that rank, counted from 1 in ascending order; None where fewer arrived.

        From the packets where they are known one by one, else from the grid, within 1 %. Against a limit that was in force
        the comparison is exact in either case: the value lies on the side of the limit the true one lies on.
        """
        if not 1 <= rank <= self.rtt_count:
            return None
        if self.exact is not None:
            return Fraction(_ranked(self.exact, rank))
        assert self.rtt_min is not None
        assert self.rtt_max is not None
        index = distribution.quantile(self.buckets, self.rtt_count, Fraction(rank, self.rtt_count))
        low, high = max(self.rtt_min, distribution.lower(index)), min(self.rtt_max, distribution.upper(index) - 1)
        for limit, n in self.within.items():
            low, high = (low, min(high, limit)) if n >= rank else (max(low, limit + 1), high)
        if rank == self.rtt_count:
            return Fraction(high)
        return Fraction(low if rank == 1 else (low + high) // 2)

    def at_most(self, limit: int) -> int | None:
        """How many round trips are ≤ `limit`, exactly; None where the sums do not tell, as of a limit that was not in force."""
        if self.exact is not None:
            return sum(n for rtt, n in self.exact.items() if rtt <= limit)
        if limit in self.within:
            return self.within[limit]
        if self.rtt_min is None or self.rtt_max is None or limit < self.rtt_min:
            return 0
        if limit >= self.rtt_max:
            return self.rtt_count
        index = distribution.bucket(limit)
        if index in self.buckets and limit + 1 < distribution.upper(index):
            return None
        return sum(n for bucket, n in self.buckets.items() if bucket <= index)


NOTHING = Packets()


def count(records: Sequence[Record], eligible: Spans, *, spacing: int, one_by_one: bool) -> Packets:
    """The packets sent in `eligible`, from `records` in time order that do not overlap.

    A record wholly inside counts as it is. One that an edge cuts gives its raw packets if it still has them, else it leaves
    the statistics. `one_by_one`: unpack whole records too while they are few, for exact percentiles.
    """
    if not records:
        return NOTHING
    whole, cut = _split(records, eligible)
    total = _sums(whole)
    if (
        one_by_one
        and total.exact is None
        and total.rtt_count <= EXACT_LIMIT
        and all(r.raw is not None for r in whole if r.rtt_count)
    ):
        total = replace(total, exact=Counter(delay for record in whole for delay in _delays(_rows(record))))
    for record, spans in cut:
        if record.raw is not None:
            total += _part(record, spans, spacing)
    return total


def _split(records: Sequence[Record], eligible: Spans) -> tuple[list[Record], list[tuple[Record, Spans]]]:
    """Records wholly inside one span, and those only partly inside with the spans they meet."""
    whole: list[Record] = []
    cut: list[tuple[Record, Spans]] = []
    first = 0
    for record in records:
        start, end = record.start, record.end
        while first < len(eligible) and eligible[first][1] <= start:
            first += 1
        if first < len(eligible) and eligible[first][0] <= start and end <= eligible[first][1]:
            whole.append(record)
            continue
        last = first
        while last < len(eligible) and eligible[last][0] < end:
            last += 1
        if last > first:
            cut.append((record, eligible[first:last]))
    return whole, cut


def _sums(records: Sequence[Record]) -> Packets:
    """One pass; a month has 43 200 minutes a target."""
    received = lost = n = total = ipdv_sum = ipdv_count = 0
    low: int | None = None
    high: int | None = None
    buckets: dict[int, int] = {}
    within: dict[int, int] = {}
    get = buckets.get
    for record in records:
        received += record.received
        lost += record.lost
        ipdv_sum += record.ipdv_sum
        ipdv_count += record.ipdv_count
        if record.rtt_count:
            total += record.rtt_sum
            low, high = _best(min, low, record.rtt_min), _best(max, high, record.rtt_max)
            for index, k in record.buckets.items():
                buckets[index] = get(index, 0) + k
        within = _common(within, n, record.within, record.rtt_count)
        n += record.rtt_count
    return Packets(
        received=received,
        lost=lost,
        rtt_count=n,
        rtt_sum=total,
        rtt_min=low,
        rtt_max=high,
        buckets=buckets,
        within=within,
        ipdv_sum=ipdv_sum,
        ipdv_count=ipdv_count,
        exact=None if n else {},
    )


def _part(record: Record, spans: Spans, spacing: int) -> Packets:
    """The packets of `record` sent in `spans`, from its raw samples."""
    rows = _rows(record)
    places = [tuple(bisect_left(rows, edge, key=lambda row: row.sent) for edge in span) for span in spans]
    inside = [row for low, high in places for row in rows[low:high]]
    kinds = Counter(MEANING[row.result].packet for row in inside)
    delays = _delays(inside)
    steps = _steps(record, rows, spacing)
    pairs = [step for low, high in places for step in steps[low:high] if step is not None]
    return Packets(
        received=kinds[Packet.RECEIVED],
        lost=kinds[Packet.LOST],
        rtt_count=len(delays),
        rtt_sum=sum(delays),
        rtt_min=min(delays, default=None),
        rtt_max=max(delays, default=None),
        buckets=distribution.count(delays),
        within={limit: sum(delay <= limit for delay in delays) for limit in record.within},
        ipdv_sum=sum(pairs),
        ipdv_count=len(pairs),
        exact=Counter(delays),
    )


def _steps(record: Record, rows: Sequence[Packed], spacing: int) -> list[int | None]:
    """|delay − delay before| of each sample that is the later one of a pair: two sent with no slot left out between (RFC 3393).

    The sample before the first one is in another record, but the sums know of that pair: they have it beside those in `rows`.
    """
    longest = reach(spacing)
    later = [
        abs(after.rtt - before.rtt)
        if after.sent - before.sent <= longest
        and before.result is after.result is Result.SUCCESS
        and before.rtt is not None
        and after.rtt is not None
        else None
        for before, after in pairwise(rows)
    ]
    known = [step for step in later if step is not None]
    across = record.ipdv_count == len(known) + 1
    return [record.ipdv_sum - sum(known) if across else None, *later]


def _rows(record: Record) -> list[Packed]:
    return [] if record.raw is None else unpack(record.start, record.raw)


def _delays(rows: Iterable[Packed]) -> list[int]:
    """Delay statistics are over successes: the same choice as the records make."""
    return [row.rtt for row in rows if row.result is Result.SUCCESS and row.rtt is not None]


def _ranked(counts: Mapping[int, int], rank: int) -> int:
    """The value with that rank, counted from 1, in ascending order."""
    values = sorted(counts)
    return values[bisect_left(list(accumulate(counts[value] for value in values)), rank)]


def _best(choose: Callable[[int, int], int], left: int | None, right: int | None) -> int | None:
    if left is None or right is None:
        return right if left is None else left
    return choose(left, right)


def _sum(left: Mapping[int, int], right: Mapping[int, int]) -> dict[int, int]:
    result = dict(left)
    for key, value in right.items():
        result[key] = result.get(key, 0) + value
    return result


def _common(left: Mapping[int, int], left_count: int, right: Mapping[int, int], right_count: int) -> dict[int, int]:
    """Counts of the limits known on both sides; a side without delays knows every limit."""
    if not right_count:
        return dict(left) if left_count else {**left, **right}
    if not left_count:
        return dict(right)
    return {limit: n + right[limit] for limit, n in left.items() if limit in right}
