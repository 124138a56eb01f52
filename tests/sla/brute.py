"""The contract core once more, the slow way: an array with one entry a second for everything. Only for comparison in tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from math import ceil
from typing import NamedTuple

from slamon.model import DAY, MEANING, Effect, S
from slamon.sla.facts import Agreement, DeclaredSpan, Exclusion, SampleSeries, State
from slamon.sla.terms import Contract, UnknownTime
from slamon.sla.terms.credits import Combine
from slamon.sla.terms.measures import Measure, Side
from slamon.sla.terms.objectives import Total
from slamon.sla.terms.outages import BelongsTo, Clock, ExclusionClass, OutageRule, SlotRule
from slamon.sla.terms.times import Span, Weekly
from tests.sla.build import Shot

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CATEGORY = {
    State.UP: "up",
    State.DEGRADED: "degraded",
    State.DOWN: "provider_down",
    State.LOCAL_FAULT: "local_fault",
    State.UNKNOWN: "unknown",
    None: "not_elapsed",
}
UP, DOWN, OURS, UNKNOWN = State.UP, State.DOWN, State.LOCAL_FAULT, State.UNKNOWN


class Tape:
    """States by second, painted as they are decided."""

    def __init__(self, start: int, end: int) -> None:
        self.start = start
        self.labels = [UNKNOWN] * (end - start)
        self.held: State | None = None
        self.chain: list[tuple[int, int]] = []
        self.effect: Effect | None = None

    def paint(self, spans: Sequence[tuple[int, int]], state: State | None) -> None:
        for a, b in spans:
            for second in range(a, b):
                self.labels[second - self.start] = state or UNKNOWN

    def drop(self) -> None:
        """The undecided chain stays what was held before it."""
        self.paint(self.chain, self.held)
        self.chain, self.effect = [], None

    def shot(self, span: tuple[int, int], effect: Effect, need: int) -> None:
        state = {Effect.UP: UP, Effect.DOWN: DOWN, Effect.UNMEASURED: OURS}[effect]
        if state is OURS or state is self.held:
            self.drop()
            self.paint([span], state)
            return
        if effect is not self.effect:
            self.drop()
        self.effect = effect
        self.chain.append(span)
        if len(self.chain) >= need:
            self.held = state
            self.drop()


def detect(
    sent: Sequence[Shot],
    *,
    interval: int,
    down_after: int,
    up_after: int,
    gaps: Sequence[tuple[int, int]],
    through: int,
) -> list[State]:
    """State at each second from the first shot to the settled second."""
    start = sent[0].second
    until = {shot: min(after.second, shot.second + interval) for shot, after in pairwise([*sent, sent[-1]])}
    gaps = [gap for gap in gaps if gap[0] < through]  # later ones say nothing about what was decided before
    seen = [shot for shot in sent if not any(a <= shot.second < b for a, b in gaps)]
    tape = Tape(start, max([start, *(shot.second for shot in seen), *(b for a, b in gaps)]))
    before = start
    for shot in seen:
        end = min([until[shot], *(a for a, _ in gaps if shot.second < a)])
        if shot.second != before:  # nobody looked in between
            tape.drop()
        before = end
        effect = MEANING[shot.result].effect
        tape.shot((shot.second, end), effect, up_after if effect is Effect.UP else down_after)
    if tape.chain and any(a >= tape.chain[-1][0] for a, _ in gaps):
        tape.drop()
    settled = tape.chain[0][0] if tape.chain else start + len(tape.labels)
    settled = min(settled, until[sent[-1]])  # how long the last shot speaks is not known yet
    return tape.labels[: max(0, min(settled, through) - start)]


def spans(labels: Sequence[State], start: int, value: State) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for i, label in enumerate(labels):
        if label is not value:
            continue
        if found and found[-1][1] == start + i:
            found[-1] = (found[-1][0], start + i + 1)
        else:
            found.append((start + i, start + i + 1))
    return found


def evidence(
    labels: Sequence[State], start: int, answers: Sequence[int], trust: int = DAY // S
) -> list[tuple[int, int]]:
    """Silences of a witness that are believed."""
    found = []
    for a, b in spans(labels, start, DOWN):
        heard = [second for second in answers if second < a]
        if heard and heard[-1] >= a - trust and UNKNOWN not in labels[heard[-1] - start : a - start]:
            found.append((a, min(b, heard[-1] + trust)))
    return found


def attribute(labels: Sequence[State], start: int, silences: Sequence[tuple[int, int]], widen: int) -> list[State]:
    result = list(labels)
    for a, b in spans(labels, start, DOWN):
        for c, d in silences:
            if c < b and a < d:
                for second in range(max(a, c - widen), min(b, d + widen)):
                    result[second - start] = OURS
    return result


def together(targets: Sequence[Mapping[int, State]], quorum: int, start: int, end: int) -> list[State]:
    result = []
    for second in range(start, end):
        states = [labels.get(second, UNKNOWN) for labels in targets if second >= min(labels, default=end)]
        needed = min(quorum, len(states))
        if not states:
            result.append(UNKNOWN)
        elif states.count(UP) >= needed:
            result.append(UP)
        elif sum(state in (UP, State.DEGRADED) for state in states) >= needed:
            result.append(State.DEGRADED)
        elif len(states) - states.count(DOWN) < needed:
            result.append(DOWN)
        else:
            result.append(UNKNOWN if UNKNOWN in states else OURS)
    return result


# -- facts stated by hand ------------------------------------------------------------------------------------------------------


def turned(good: Sequence[bool | None], after: int, until: int) -> list[State]:
    """The state at each of some samples or slots, None = nothing known: it turns at the first of so many alike in a row."""
    result, state = [], UP
    for i, one in enumerate(good):
        if state is UP and list(good[i : i + after]) == [False] * after:
            state = DOWN
        elif state is DOWN and list(good[i : i + until]) == [True] * until:
            state = UP
        result.append(UNKNOWN if one is None else state)
    return result


def seen(
    spans: Sequence[DeclaredSpan], series: Sequence[SampleSeries], rule: OutageRule, first: int, last: int, origin: int
) -> list[State]:
    """What one vantage point saw at each second of `[first, last)`; the series do not overlap and are in order."""
    labels = dict.fromkeys(range(first, last), UNKNOWN if series else UP)
    if rule.slot is not None and rule.bad_slot is not None and rule.bad_slot.rule is SlotRule.LOSS:
        size = rule.slot // S
        sums: dict[int, list[Fraction]] = {}
        for each in series:
            for sample in each.samples:
                number = (sample.at // S - origin) // size
                lost, sent = sums.get(number, [Fraction(0), Fraction(0)])
                sums[number] = [lost + sample.lost * sample.sent, sent + sample.sent]
        numbers = range(min(sums), max(sums) + 1) if sums else range(0)
        good = [
            None if n not in sums else not (sums[n][1] and sums[n][0] / sums[n][1] > rule.bad_slot.threshold)
            for n in numbers
        ]
        for n, state in zip(numbers, turned(good, rule.after or 1, rule.until or 1), strict=True):
            labels.update(dict.fromkeys(range(origin + n * size, origin + (n + 1) * size), state))
    else:
        after, until = (3, 1) if rule.slot is not None else (rule.after or 3, rule.until or 1)
        cells: list[tuple[int, int, bool | None]] = []
        for each in series:
            if cells and cells[-1][1] < each.start // S:
                cells.append((cells[-1][1], each.start // S, None))
            cells += [(s.at // S, (s.at + each.every) // S, s.lost < 1) for s in each.samples]
        for (a, b, _), state in zip(cells, turned([good for _, _, good in cells], after, until), strict=True):
            labels.update(dict.fromkeys(range(a, b), state))
    for wanted in (State.DEGRADED, DOWN, OURS, UNKNOWN):
        for span in spans:
            if span.state is wanted:
                labels.update(dict.fromkeys(range(span.start // S, span.end // S), wanted))
    return [labels[second] for second in range(first, last)]


def vote(states: Sequence[State], needed: int) -> State:
    down, blind = states.count(DOWN), states.count(UNKNOWN) + states.count(OURS)
    if down >= needed:
        return DOWN
    if blind and down + blind >= needed:
        return UNKNOWN if UNKNOWN in states else OURS
    return State.DEGRADED if down + states.count(State.DEGRADED) >= needed else UP


def slotted(labels: list[State], rule: OutageRule, first: int, origin: int) -> list[State]:
    """By slots of down time; what is not a whole slot at either end is up, if anybody looked."""
    assert rule.slot is not None
    assert rule.bad_slot is not None
    size, bad = rule.slot // S, rule.bad_slot
    start = first + (origin - first) % size
    good: list[bool | None] = []
    slots = [labels[at - first : at - first + size] for at in range(start, first + len(labels) - size + 1, size)]
    for slot in slots:
        down, blind = slot.count(DOWN), slot.count(UNKNOWN) + slot.count(OURS)

        def is_bad(down: int) -> bool:
            if bad.rule is SlotRule.DOWN_WHOLE:
                return down == size
            return down * S > bad.threshold if bad.side is Side.OVER else down * S >= bad.threshold

        good.append(False if is_bad(down) else None if is_bad(down + blind) else True)
    result = [UP] * len(labels)
    for i, state in enumerate(turned(good, rule.after or 1, rule.until or 1)):
        for second in range(start - first + i * size, start - first + (i + 1) * size):
            result[second] = OURS if labels[second] is OURS and state is not DOWN else state
    for second in [*range(min(start - first, len(labels))), *range(start - first + len(slots) * size, len(labels))]:
        result[second] = labels[second] if labels[second] in (OURS, UNKNOWN) else UP
    return result


def ruled(
    labels: Sequence[State], rule: OutageRule, tickets: Sequence[tuple[int, int]], first: int
) -> tuple[list[State], int, int]:
    """After bridging, the clock and the length test. With it the span of seconds the array begins and ends at."""
    last = first + len(labels)
    bridged = list(labels)
    for (_, a), (b, _) in pairwise(spans(labels, first, DOWN)):
        if (b - a) * S < rule.merge_within and set(labels[a - first : b - first]) <= {UP, State.DEGRADED}:
            bridged[a - first : b - first] = [DOWN] * (b - a)
    down = set()
    for a, b in spans(bridged, first, DOWN):
        own = [(c, d) for c, d in tickets if c < b and a < d and c < d]
        start, end = a, b
        if own:
            opened, closed = min(c for c, _ in own), max(d for _, d in own)
            start = {Clock.MEASURED: a, Clock.TICKET: opened, Clock.LATER: max(a, opened)}[rule.starts]
            end = {Clock.MEASURED: b, Clock.TICKET: closed, Clock.SOONER: min(b, closed)}[rule.ends]
        elif rule.starts is not Clock.MEASURED or rule.ends is Clock.TICKET:
            continue
        down.add((start, end))
    marked = [DOWN if any(a <= s < b for a, b in down) else UP for s in range(first, last)]
    result = [
        old if old in (UNKNOWN, OURS) else DOWN if new is DOWN else State.DEGRADED if old is State.DEGRADED else UP
        for old, new in zip(labels, marked, strict=True)
    ]
    for a, b in spans(marked, first, DOWN):
        long = {None: True, Side.OVER: (b - a) * S > rule.length, Side.AT_LEAST: (b - a) * S >= rule.length}[rule.side]
        if not long:
            for second in range(a - first, b - first):
                result[second] = UP if labels[second] is DOWN else labels[second]
    return result, first, last


# -- what does not count -------------------------------------------------------------------------------------------------------


def weekday(second: int) -> int:
    """UTC; 1 January 1970 was a Thursday."""
    return (second // 86400 + 3) % 7


def inside(rule: Weekly, second: int) -> bool:
    return weekday(second) in rule.weekdays and rule.start <= second % 86400 < rule.end


def accepted(entry: ExclusionClass, exclusion: Exclusion) -> bool:
    """UTC, Monday to Friday, no holidays."""
    start, lead = exclusion.start // S, entry.notice
    if exclusion.state is not Agreement.ACCEPTED:
        return False
    if lead is not None:
        if exclusion.notified is None:
            return False
        told = exclusion.notified // S
        if lead.elapsed is not None and start - told < lead.elapsed // S:
            return False
        days = range(told // 86400 + 1, start // 86400 + 1)
        counted = [day for day in days if not lead.business or weekday(day * 86400) < 5]
        if lead.days is not None and len(counted) < lead.days:
            return False
    if entry.lodge is not None:
        assert entry.lodge.elapsed is not None
        lodged = exclusion.declared_at if exclusion.lodged is None else exclusion.lodged
        return lodged <= exclusion.start + entry.lodge.elapsed
    return True


def month(second: int) -> tuple[int, int]:
    day = EPOCH.date() + timedelta(days=second // 86400)
    return day.year, day.month


def owners(contract: Contract, exclusions: Sequence[Exclusion]) -> dict[int, Exclusion]:
    """Second → the declaration that owns it."""
    result: dict[int, Exclusion] = {}
    for entry in contract.exclusions:
        own = [e for e in exclusions if e.cause == entry.name and e.contract == contract.name and accepted(entry, e)]
        spent: Counter[object] = Counter()
        for second in sorted({second for e in own for second in range(e.start // S, e.end // S)}):
            if entry.hours is not None and not inside(entry.hours, second):
                continue
            year, number = month(second)
            span = {Span.MONTH: number, Span.QUARTER: (number - 1) // 3, Span.YEAR: 0, None: 0}[entry.allowance_per]
            spent[year, span] += 1
            if entry.allowance is not None and spent[year, span] * S > entry.allowance:
                continue
            covering = [e for e in own if e.start <= second * S < e.end]
            result.setdefault(second, min(covering, key=lambda e: (e.start, e.end, e.declared_at, e.id)))
    return result


def in_scope(contract: Contract, second: int, *, term: bool = True) -> bool:
    day = EPOCH.date() + timedelta(days=second // 86400)
    if term and contract.term.start is not None and day < contract.term.start:
        return False
    if term and contract.term.end is not None and day > contract.term.end:
        return False
    return not contract.service_hours or any(inside(rule, second) for rule in contract.service_hours)


def weight(contract: Contract, facts: Sequence[DeclaredSpan], second: int) -> Fraction:
    if contract.outage.weigh_by is None:
        return Fraction(1)
    affected = [
        span.affected
        for span in facts
        if span.state is DOWN and span.affected is not None and span.start <= second * S < span.end
    ]
    return min(Fraction(sum(affected), contract.outage.weigh_by), Fraction(1)) if affected else Fraction(1)


class Outage(NamedTuple):
    start: int
    end: int
    causes: Counter[str]
    began: int
    charged: Fraction
    counted: bool


class Figures:
    """A statement by counting seconds."""

    def __init__(
        self,
        contract: Contract,
        states: Mapping[int, State],
        raw: Mapping[int, State],
        exclusions: Sequence[Exclusion],
        start: int,
        end: int,
        settled: int,
        shots: Mapping[str, Sequence[Shot]],
        declared: Sequence[DeclaredSpan] = (),
    ) -> None:
        """`states` and `raw` (before attribution) by second; a second not in them is unknown."""
        self.time: Counter[str] = Counter()
        self.applied: Counter[str] = Counter()
        self.removed: Counter[str] = Counter()
        self.good: set[int] = set()
        self.scope = 0
        degraded = contract.outage.degraded_counts
        owner = owners(contract, exclusions)
        raw_unmeasured = elapsed = ahead = beyond = 0
        down = raw_down = Fraction(0)

        def charge(second: int) -> Fraction:
            """What a second counts, before exclusions."""
            if not in_scope(contract, second):
                return Fraction(0)
            state = states.get(second, UNKNOWN)
            if state is DOWN:
                return weight(contract, declared, second)
            return degraded if state is State.DEGRADED else Fraction(0)

        for second in range(start, end):
            beyond += in_scope(contract, second, term=False) and not in_scope(contract, second)
            if not in_scope(contract, second):
                continue
            self.scope += 1
            state = states.get(second, UNKNOWN) if second < settled else None
            owned = owner.get(second)
            self.time[owned.cause if owned else CATEGORY[state]] += 1
            elapsed += state is not None
            raw_down += charge(second) if state else 0
            raw_unmeasured += state in (OURS, UNKNOWN)
            if owned:
                self.applied[owned.id] += 1
                self.removed[owned.id] += state is DOWN
                ahead += state is None
            else:
                down += charge(second) if state else 0
                if state in (UP, State.DEGRADED):
                    self.good.add(second)
        self.outages = [*self._outages(contract, states, raw, owner, (start, end, settled), charge)]
        classes = sum(self.time[entry.name] for entry in contract.exclusions)
        unmeasured = self.time["unknown"] + self.time["local_fault"]
        counted = elapsed - (classes - ahead)
        measured = counted > unmeasured or (counted == 0 < elapsed)
        total = next((o.total for o in contract.objectives if o.measure is Measure.AVAILABILITY), Total.IN_SCOPE)

        def denominator(scope: int, excluded: int, left_out: int) -> int:
            if isinstance(total, int):
                return total // S
            scope -= left_out if contract.unknown is UnknownTime.EXCLUDED else 0
            scope += beyond if total is Total.WHOLE_PERIOD else 0
            return scope - (excluded if total is Total.NET else 0)

        more = unmeasured if contract.unknown is UnknownTime.DOWN else 0
        self.total, self.downtime = denominator(self.scope, classes, unmeasured), down + more
        self.availability = ratio(self.total, self.downtime) if measured else None
        whole = denominator(self.scope, classes, 0)
        self.low = ratio(whole, down + unmeasured) if elapsed else None
        self.high = ratio(whole, down) if elapsed else None
        self.coverage = Fraction(elapsed - unmeasured, elapsed) if elapsed else None
        self.counted_coverage = Fraction(counted - unmeasured, counted) if counted else None
        self.elapsed = elapsed
        raw_more = raw_unmeasured if contract.unknown is UnknownTime.DOWN else 0
        self.raw_downtime = raw_down + raw_more
        self.raw = (
            ratio(denominator(self.scope, 0, raw_unmeasured), self.raw_downtime) if elapsed > raw_unmeasured else None
        )
        self.received = {name: [shot for shot in sent if shot.second in self.good] for name, sent in shots.items()}

    @staticmethod
    def _outages(
        contract: Contract,
        states: Mapping[int, State],
        raw: Mapping[int, State],
        owner: Mapping[int, Exclusion],
        bounds: tuple[int, int, int],
        charge: Callable[[int], Fraction],
    ) -> Iterator[Outage]:
        start, end, settled = bounds
        for first, last in spans([raw[s] for s in sorted(raw)], min(raw, default=0), DOWN):
            if first >= min(end, settled) or last <= start:
                continue
            causes: Counter[str] = Counter()
            charged = Fraction(0)
            for second in range(first, last):
                if not in_scope(contract, second):
                    continue
                owned = owner.get(second)
                state = states.get(second, UNKNOWN)
                if start <= second < end:
                    causes[owned.cause if owned else CATEGORY[state]] += 1
                charged += charge(second) if state is DOWN and not owned else 0
            by_start = contract.outage.belongs_to is BelongsTo.START
            own = start <= first < end if by_start else start < last <= end
            if last == settled and last != end and not by_start:
                own = False  # it has not ended
            yield Outage(max(first, start), min(last, end), causes, first, charged, own and charged > 0)

    def percentile(self, target: str, p: Fraction) -> int | None:
        delays = sorted(shot.rtt for shot in self.received[target] if shot.rtt is not None)
        return delays[ceil(p * len(delays)) - 1] if delays else None

    def loss(self, target: str) -> Fraction | None:
        packets = [MEANING[shot.result].packet for shot in self.received[target]]
        lost, received = packets.count("lost"), packets.count("received")  # type: ignore[arg-type]
        return Fraction(lost, lost + received) if lost + received else None


def ratio(total: int, downtime: Fraction | int) -> Fraction | None:
    return Fraction(total - downtime) / total if total > 0 else None


def credit(contract: Contract, value: Fraction | None) -> Fraction:
    """What the availability credits of a contract give, exact up to the rounding of the lines, after the caps."""
    (price,) = contract.prices
    lines = []
    for line in contract.credits:
        gives = Fraction(0)
        for tier in line.tiers:
            if value is not None and value < tier.threshold:
                gives = tier.give.amount if tier.give.amount is not None else (tier.give.share or 0) * price.amount
        lines.append(gives)
    lines = lines if contract.combine is Combine.SUM else [max(lines, default=Fraction(0))]
    least = contract.minimum_credit
    if least is not None and (sum(lines) <= least if contract.minimum_credit_exclusive else sum(lines) < least):
        return Fraction(0)
    cents = [Fraction((2 * line * 100 + 1) // 2, 100) for line in lines]
    owed = sum(cents, start=Fraction(0))
    limits = [cap.amount if cap.amount is not None else (cap.share or 0) * price.amount for cap in contract.caps]
    return min([owed, *(Fraction(limit * 100 // 1, 100) for limit in limits)])
