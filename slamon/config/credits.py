"""Credit and bonus clauses → terms: tables in order of severity, or so much per unit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from slamon.config.clauses import Credit as CreditKeys
from slamon.config.deadlines import Calendar
from slamon.config.edge import Report, locate, written
from slamon.config.gives import EXAMPLE, Money
from slamon.config.grammar import Amount
from slamon.config.nodes import Mapping, Scalar
from slamon.config.objectives import clause, parsed
from slamon.config.subjects import Comparison, Subjects
from slamon.sla.terms.credits import Count, Credit, Give, Per, Tier
from slamon.sla.terms.measures import Dimension, Side

LOW_SIDES = (Side.BELOW, Side.AT_MOST)
HIGH_SIDES = (Side.OVER, Side.AT_LEAST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What reading the entries of one contract needs."""

    subjects: Subjects
    money: Money
    calendar: Calendar


def credit(name: str, own: CreditKeys, report: Report, reading: Reading, *, bonus: bool = False) -> Credit | None:
    """The credit (or bonus) at the report's node; None after reporting what is wrong with it."""
    comparison = reading.subjects.find(name, own.measure, report)
    if comparison is None:
        return None
    before = len(report.problems)
    entry = _Entry(own, comparison, report, reading, bonus=bonus)
    made = entry.per_unit(name) if written(report) & {"per", "give"} else entry.table(name)
    return made if len(report.problems) == before else None


class _Entry:
    """One credit or bonus being read."""

    def __init__(
        self, own: CreditKeys, comparison: Comparison, report: Report, reading: Reading, *, bonus: bool
    ) -> None:
        self.own = own
        self.subject = comparison.subject
        self.scale = comparison.scale
        self.report = report
        self.money = reading.money
        self.calendar = reading.calendar
        self.bonus = bonus
        self.word = "bonus" if bonus else "credit"
        self.falls = comparison.scale.falls != bonus
        """What is given grows as the value falls."""
        self.at = f"write for example {{{comparison.scale.example}: 10%}}"

    def table(self, name: str) -> Credit | None:
        side = self._side(required=True)
        if side is None:
            return None
        table = self.report.below(side)
        if isinstance(table.node, Scalar) and table.node.text:
            table.say((), f"one threshold without a table gives nothing: a {self.word} says what", fix=self.at)
            return None
        tiers = self._tiers(table)
        return Credit(
            name=name,
            subject=self.subject,
            clause=clause(self.report),
            side=side,
            tiers=tiers,
            cap=self._cap([tier.give for tier in tiers]),
        )

    def per_unit(self, name: str) -> Credit | None:
        said = written(self.report)
        side = self._side(required=False)
        for key, other in (("give", "per"), ("per", "give")):
            if key not in said:
                self.report.missing((), key, f"`{other}` is written, and one needs the other")
        threshold = None
        if side is not None:
            below = self.report.below(side)
            if not isinstance(below.node, Scalar):
                reason = "a table and `per` in one entry: a table says itself what it gives"
                below.say((), reason, fix="write one threshold, or leave out `per` and `give`", show=False)
            else:
                found = parsed(below.node.text, self.scale.quantity, self.report, side)
                threshold = None if found is None else found.value
                if found is not None and found.business:
                    self.report.say(
                        (side,), "units are counted in days of the calendar", fix="write for example 3 days"
                    )
        elif self.scale.falls and not said & set(Side):
            self.report.missing(
                (), "below", f"{self.scale.name} falls as it gets worse: units are counted from a threshold"
            )
        per = parsed(self.own.per, self._per, self.report, "per")
        value = None if self.own.give is None else self.money.give(self.own.give, self.report, "give")
        cap = self._cap([] if value is None else [value])
        return Credit(
            name=name,
            subject=self.subject,
            clause=clause(self.report),
            side=side,
            per=per,
            threshold=threshold,
            give=value,
            cap=cap,
        )

    def _side(self, *, required: bool) -> Side | None:
        sides = [side for side in Side if side in written(self.report)]
        allowed = LOW_SIDES if self.falls else HIGH_SIDES
        if len(sides) > 1:
            reason = f"two sides in one {self.word}: {' and '.join(sides)}"
            self.report.say((sides[1],), reason, fix="write two", show=False, at_key=True)
            return None
        if not sides:
            if required:
                self.report.missing((), allowed[0], f"a {self.word} says from where it gives")
            return None
        if sides[0] not in allowed:
            better, way = ("better", not self.scale.falls) if self.bonus else ("worse", self.scale.falls)
            reason = (
                f"{self.scale.name} gets {better} as it {'falls' if way else 'rises'}: {sides[0]} has the wrong side"
            )
            self.report.say((sides[0],), reason, fix=f"write {' or '.join(allowed)}", show=False, at_key=True)
            return None
        return sides[0]

    def _tiers(self, table: Report) -> tuple[Tier, ...]:
        if not isinstance(table.node, Mapping) or not table.node.items:
            table.say((), "this must be a table of thresholds and what they give", fix=self.at)
            return ()
        tiers: list[Tier] = []
        for key, _ in table.node.items:
            value = self._given(table, key.text)
            threshold = self._threshold(table, key.text)
            if threshold is None:
                continue
            tier = Tier(threshold=threshold.value, give=value or Give(), business=threshold.business)
            if tiers:
                self._severity(tiers[-1], tier, table, key.text)
            if threshold.value in {earlier.threshold for earlier in tiers}:
                table.say((key.text,), "a threshold written twice", fix="keep one", at_key=True)
            tiers.append(tier)
        if len({tier.business for tier in tiers}) > 1:
            table.say((), "days and business days in one table", fix="write two", show=False)
        if len({tier.give.money for tier in tiers}) > 1:
            table.say((), "points and money in one table", fix="write two", show=False)
        return tuple(tiers)

    def _given(self, table: Report, key: str) -> Give | None:
        node = locate(table.node, (key,))[1]
        if not isinstance(node, Scalar):
            table.say((key,), "this must be one value", fix="write for example 10%")
            return None
        return self.money.give(node.text, table, key)

    def _threshold(self, table: Report, key: str) -> Amount | None:
        try:
            found = self.scale.quantity(key)
        except ValueError as error:
            reason, _, fix = str(error).partition("; ")
            table.say((key,), reason, fix=fix or None, at_key=True)
            return None
        self.calendar.business(found.business, table, key, at_key=True)
        return found

    def _severity(self, last: Tier, tier: Tier, table: Report, key: str) -> None:
        """A table goes from mild to severe, and gives no less as it gets worse."""
        order = "merit" if self.bonus else "severity"
        if last.threshold < tier.threshold if self.falls else last.threshold > tier.threshold:
            way = "from high to low" if self.falls else "from low to high"
            reason = f"the thresholds are not in order of {order}: {way}"
            table.say((key,), reason, fix="reorder the table", at_key=True)
        elif self.money.shrinks(last.give, tier.give):
            better = "better" if self.bonus else "worse"
            reason = f"this gives less than the tier before it, although it is {better}"
            table.say((key,), reason, fix="correct the amounts")

    def _per(self, text: str) -> Per:
        word, _, rest = text.partition(" ")
        example = f"write for example started {self.scale.example}, completed, exact or nearest 0.01 of it"
        counts = self.scale.dimension is Dimension.COUNT
        if counts:
            example = "write each, or for example started 3"
        if text == Count.EACH:
            if not counts:
                raise ValueError(f"`each` is for counts, and {self.scale.name} is none; {example}")
            return Per(count=Count.EACH, text=text)
        if word not in {Count.STARTED, Count.COMPLETED, Count.EXACT, Count.NEAREST} or not rest:
            raise ValueError(f"how a fraction of a unit counts is not said; {example}")
        step = None
        if word == Count.NEAREST:
            match = re.fullmatch(r"(\d+(?:\.\d+)?) of (.+)", rest)
            if not match or Fraction(match[1]) == 0:
                raise ValueError("nearest what is not said; write for example nearest 0.01 of 720h")
            step, rest = Fraction(match[1]), match[2]
        unit = self.scale.quantity(rest)
        if unit.value == 0 or unit.business:
            raise ValueError(f"a unit is more than nothing, and no business days; {example}")
        return Per(count=Count(word), unit=unit.value, step=step, text=text)

    def _cap(self, gives: list[Give]) -> Give | None:
        if self.own.cap is None:
            return None
        cap = self.money.give(self.own.cap, self.report, "cap")
        if cap is not None and any(cap.money != value.money for value in gives):
            self.report.say(("cap",), "a cap in points of money, or in money of points", fix=EXAMPLE)
        return cap
