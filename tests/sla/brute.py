"""The contract core once more, the slow way: an array with one entry a second for everything. Only for comparison in tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from math import ceil

from slamon.model import DAY, Effect, S, meaning
from slamon.sla.facts import Exclusion, State
from slamon.sla.terms import Combine, Contract, Measure, Total, UnknownTime
from tests.sla.build import Shot

CATEGORY = {
    State.UP: "up",
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
    seen = [shot for shot in sent if not any(a <= shot.second < b for a, b in gaps)]
    tape = Tape(start, max([start, *(shot.second for shot in seen), *(b for a, b in gaps)]))
    before = start
    for shot in seen:
        end = min([until[shot], *(a for a, _ in gaps if shot.second < a)])
        if shot.second != before:  # nobody looked in between
            tape.drop()
        before = end
        effect = meaning(shot.result, "icmp").effect
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
        elif len(states) - states.count(DOWN) < needed:
            result.append(DOWN)
        else:
            result.append(UNKNOWN if UNKNOWN in states else OURS)
    return result


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
    ) -> None:
        """`states` and `raw` (before attribution) by second; a second not in them is unknown."""
        self.time: Counter[str] = Counter()
        self.applied: Counter[str] = Counter()
        self.removed: Counter[str] = Counter()
        self.good: set[int] = set()
        self.outages: list[tuple[int, int, Counter[str]]] = []
        raw_down = raw_unmeasured = elapsed = ahead = 0
        for second in range(start, end):
            state = states.get(second, UNKNOWN) if second < settled else None
            owner = self.owner(contract, exclusions, second)
            category = owner.cause if owner else CATEGORY[state]
            self.time[category] += 1
            elapsed += state is not None
            raw_down += state is DOWN
            raw_unmeasured += state in (OURS, UNKNOWN)
            if owner:
                self.applied[owner.id] += 1
                self.removed[owner.id] += state is DOWN
                ahead += state is None
            elif state is UP:
                self.good.add(second)
            if state is not None and raw.get(second, UNKNOWN) is DOWN:
                if self.outages and self.outages[-1][1] == second:
                    first, _, causes = self.outages.pop()
                else:
                    first, causes = second, Counter()
                causes[category] += 1
                self.outages.append((first, second + 1, causes))
        classes = sum(self.time[entry.name] for entry in contract.exclusions)
        down, unmeasured = self.time["provider_down"], self.time["unknown"] + self.time["local_fault"]
        counted = elapsed - (classes - ahead)
        measured = counted > unmeasured or (counted == 0 < elapsed)
        total = next((o.total for o in contract.objectives if o.measure is Measure.AVAILABILITY), Total.IN_SCOPE)

        def denominator(scope: int, excluded: int, left_out: int) -> int:
            if isinstance(total, int):
                return total // S
            scope -= left_out if contract.unknown is UnknownTime.EXCLUDED else 0
            return scope - (excluded if total is Total.NET else 0)

        more = unmeasured if contract.unknown is UnknownTime.DOWN else 0
        self.total, self.downtime = denominator(end - start, classes, unmeasured), down + more
        self.availability = ratio(self.total, self.downtime) if measured else None
        whole = denominator(end - start, classes, 0)
        self.low = ratio(whole, down + unmeasured) if elapsed else None
        self.high = ratio(whole, down) if elapsed else None
        self.coverage = Fraction(elapsed - unmeasured, elapsed) if elapsed else None
        raw_more = raw_unmeasured if contract.unknown is UnknownTime.DOWN else 0
        self.raw_downtime = raw_down + raw_more
        self.raw = (
            ratio(denominator(end - start, 0, raw_unmeasured), self.raw_downtime) if elapsed > raw_unmeasured else None
        )
        self.received = {name: [shot for shot in sent if shot.second in self.good] for name, sent in shots.items()}

    @staticmethod
    def owner(contract: Contract, exclusions: Sequence[Exclusion], second: int) -> Exclusion | None:
        for entry in contract.exclusions:
            covering = [
                e
                for e in exclusions
                if e.cause == entry.name and e.start <= second * S < e.end and e.contract == contract.name
            ]
            if covering:
                return min(covering, key=lambda e: (e.start, e.end, e.declared_at, e.id))
        return None

    def percentile(self, target: str, p: Fraction) -> int | None:
        delays = sorted(shot.rtt for shot in self.received[target] if shot.rtt is not None)
        return delays[ceil(p * len(delays)) - 1] if delays else None

    def loss(self, target: str) -> Fraction | None:
        packets = [meaning(shot.result, "icmp").packet for shot in self.received[target]]
        lost, received = packets.count("lost"), packets.count("received")  # type: ignore[arg-type]
        return Fraction(lost, lost + received) if lost + received else None


def ratio(total: int, downtime: int) -> Fraction | None:
    return Fraction(total - downtime, total) if total > 0 else None


def credit(contract: Contract, value: Fraction | None) -> Fraction:
    """What the availability credits of a contract give, exact up to the rounding of the lines, after the cap."""
    assert contract.price is not None
    lines = []
    for line in contract.credits:
        gives = Fraction(0)
        for tier in line.tiers:
            if value is not None and value < tier.threshold:
                gives = tier.amount if tier.amount is not None else (tier.share or 0) * contract.price
        lines.append(gives)
    lines = [max(lines, default=Fraction(0))] if contract.combine is Combine.HIGHEST else lines
    least = contract.minimum_credit
    if least is not None and (sum(lines) <= least if contract.minimum_credit_exclusive else sum(lines) < least):
        return Fraction(0)
    cents = [Fraction((2 * line * 100 + 1) // 2, 100) for line in lines]
    owed = sum(cents, start=Fraction(0))
    limits = [contract.cap * contract.price] if contract.cap is not None else []
    limits += [contract.cap_amount] if contract.cap_amount is not None else []
    return min([owed, *(Fraction(limit * 100 // 1, 100) for limit in limits)])
