"""The keys of `expect`: how each figure is written, and where it stands in what a period was judged to be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any, Generic, TypeAlias, TypeVar

from slamon import units
from slamon.cases import quantities, wanted
from slamon.cases.scope import versions
from slamon.cases.wanted import Grammar, Money, Wanted
from slamon.config import measures
from slamon.config.reader import suggestion
from slamon.sla import calendar, subjects
from slamon.sla.lines import LOCAL_FAULT, UNKNOWN, ClaimLine, ClaimState, Due, RightLine, RightState, Status
from slamon.sla.measured import Measured
from slamon.sla.statement import Statement
from slamon.sla.terms import Contract
from slamon.sla.terms.measures import DIMENSION, Dimension, Measure, Subject

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One period of one contract: its statement, and what that was computed from, for figures it does not print."""

    statement: Statement
    measure: Callable[[], Measured]

    @cached_property
    def measured(self) -> Measured:
        return self.measure()


Get: TypeAlias = Callable[[Judged], T]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A figure as expected: whether the one got is the same, and how that one is written."""

    agrees: Callable[[Judged], bool]
    shows: Callable[[Judged], str]


Reading: TypeAlias = Callable[[str, Contract], Check]
"""One value → check. Raises ValueError (`reason; fix`)."""


def one(grammar: Grammar[T], get: Get[T]) -> Reading:
    def read(text: str, contract: Contract) -> Check:
        expected = grammar(text, contract)
        return Check(agrees=lambda got: expected.agrees(get(got)), shows=lambda got: expected.shows(get(got)))

    return read


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Generic[T]):
    """A list, which must be complete."""

    grammar: Grammar[T]
    """Of one entry."""
    get: Callable[[Judged, Contract], Sequence[T]]
    shows: Callable[[T, Contract], str]
    """An entry nothing was expected for."""
    optional: Callable[[T], bool] = lambda _: False
    """Entries that may be left out, all of them or none."""

    def check(self, expected: Sequence[Wanted[T]], contract: Contract) -> Check:
        def agrees(judged: Judged) -> bool:
            got = self.get(judged, contract)
            return _all_agree(expected, got) or _all_agree(expected, [e for e in got if not self.optional(e)])

        def shows(judged: Judged) -> str:
            got = self.get(judged, contract)
            texts = [
                expected[i].shows(entry) if i < len(expected) else self.shows(entry, contract)
                for i, entry in enumerate(got)
            ]
            return f"[{', '.join(texts)}]"

        return Check(agrees=agrees, shows=shows)


def _all_agree(expected: Sequence[Wanted[T]], got: Sequence[T]) -> bool:
    return len(expected) == len(got) and all(one.agrees(entry) for one, entry in zip(expected, got, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """A map with a value for each of the contract's names."""

    names: Callable[[Contract], Iterable[str]]
    reading: Callable[[str, Contract], Reading]
    """Of the value of a name."""
    open: bool = False
    """There are more names than can be listed; `reading` raises ValueError for one that is none."""


# --- one value ----------------------------------------------------------------------------------------------------------------


def _amount(get: Callable[[Statement], Fraction | Decimal | None], *, nothing: bool = True) -> Reading:
    """An amount; where the statement has none, `nothing` is owed in the contract's currency."""

    def amount(judged: Judged) -> Money:
        value = get(judged.statement)
        return (Fraction(0) if value is None and nothing else value), judged.statement.currency

    return one(wanted.money, amount)


def _share(get: Callable[[Statement], Fraction | None]) -> Reading:
    """A share of the base; nothing owed is a share of 0, whether there is a base or not."""

    def share(judged: Judged) -> Fraction | None:
        value = get(judged.statement)
        return Fraction(0) if value is None and not judged.statement.uncapped else value

    return one(wanted.share, share)


def _of_claim(judged: Judged, get: Callable[[ClaimLine], Due | None]) -> Due | None:
    return None if judged.statement.claim is None else get(judged.statement.claim)


def _claim_state(judged: Judged) -> str:
    return "none" if judged.statement.claim is None else judged.statement.claim.state.value


def _counted_outages(judged: Judged) -> int:
    return sum(outage.counted for outage in judged.statement.outages)


PLAIN: Mapping[str, Reading] = {
    "total": one(wanted.duration, lambda got: got.statement.total),
    "downtime": one(wanted.duration, lambda got: got.statement.downtime),
    "raw_downtime": one(wanted.duration, lambda got: got.statement.raw_downtime),
    "excluded": one(wanted.duration, lambda got: got.statement.excluded),
    "unknown": one(wanted.duration, lambda got: got.statement.time[UNKNOWN] + got.statement.time[LOCAL_FAULT]),
    "availability": one(wanted.percent, lambda got: got.statement.availability),
    "raw_availability": one(wanted.percent, lambda got: got.statement.raw_availability),
    "low": one(wanted.percent, lambda got: got.statement.low),
    "high": one(wanted.percent, lambda got: got.statement.high),
    "coverage": one(wanted.percent, lambda got: got.statement.coverage),
    "outages": one(wanted.whole, _counted_outages),
    "status": one(wanted.word([status.value for status in Status]), lambda got: got.statement.status.value),
    "points": one(wanted.whole, lambda got: got.statement.points),
    "credit_share": _share(lambda statement: statement.credit_share),
    "uncapped_share": _share(lambda statement: statement.uncapped_share),
    "charge": _amount(lambda statement: statement.charge, nothing=False),
    "credit": _amount(lambda statement: statement.credit),
    "lost_to_cap": _amount(lambda statement: statement.lost_to_cap),
    "payable": _amount(lambda statement: statement.payable),
    "bonus": _amount(lambda statement: statement.bonus),
    "earned_back": _amount(lambda statement: statement.earned_back),
    "adjustment": _amount(lambda statement: statement.adjustment),
    "claim": one(wanted.word([state.value for state in ClaimState]), _claim_state),
    "report_by": one(wanted.due, lambda got: _of_claim(got, lambda claim: claim.report_by)),
    "claim_by": one(wanted.due, lambda got: _of_claim(got, lambda claim: claim.claim_by)),
    "revision": one(wanted.whole, lambda got: got.statement.revision),
    "supportable": one(wanted.percent, lambda got: got.statement.supportable),
    "promise": one(
        wanted.word(["supported", "unsupported"]),
        lambda got: {True: "supported", False: "unsupported", None: "none"}[got.statement.promise],
    ),
}
"""Keys with one value."""


# --- lists --------------------------------------------------------------------------------------------------------------------


def _outage_spans(judged: Judged, _contract: Contract) -> list[tuple[int, int]]:
    """All outages of which something counts, in order, clipped to the period."""
    statement = judged.statement
    return [
        (outage.start, statement.settled if outage.end is None else outage.end)
        for outage in statement.outages
        if outage.charged
    ]


def _outage_days(judged: Judged, contract: Contract) -> list[date]:
    """Of the one `days with outage` the contract speaks of, with its `over D`; of the plain one where it speaks of none or several."""
    named = {credit.subject for version in versions(contract) for credit in version.credits}
    named |= {one.condition.subject for version in versions(contract) for one in version.terminations}
    named |= {one.subject for version in versions(contract) for one in version.objectives if one.subject is not None}
    found = [subject for subject in named if subject.measure is Measure.DAYS_WITH_OUTAGE]
    subject = found[0] if len(found) == 1 else Subject(measure=Measure.DAYS_WITH_OUTAGE)
    return list(subjects.outage_days(judged.measured, subject))


def _per_outage(judged: Judged, _contract: Contract) -> list[Fraction | None]:
    """What the credits for each outage give for each that the period counts, as a share of the base."""
    shares: dict[int, Fraction] = {outage.start: Fraction(0) for outage in judged.measured.counted}
    for line in judged.statement.credits:
        if line.measure == Measure.EACH_OUTAGE:
            for part in line.parts:
                shares[part.start] = shares.get(part.start, Fraction(0)) + (part.share or Fraction(0))
    return [shares[start] for start in sorted(shares)]


def _credit_days(judged: Judged, _contract: Contract) -> list[date]:
    """The days `each day out` pays for."""
    zone = judged.statement.timezone
    paid = {
        calendar.civil(part.start, zone).date()
        for line in judged.statement.credits
        if line.measure == Measure.EACH_DAY_OUT
        for part in line.parts
        if part.exact or part.points
    }
    return sorted(paid)


def _notice_given(judged: Judged, _contract: Contract) -> list[Fraction | int | None]:
    return [line.notice_given for line in judged.statement.exclusions]


def _accepted(judged: Judged, _contract: Contract) -> list[str]:
    return ["accepted" if line.accepted else "refused" for line in judged.statement.exclusions]


LISTS: Mapping[str, Listing[Any]] = {
    "outage_spans": Listing(grammar=wanted.span, get=_outage_spans, shows=wanted.shown_span),
    "outage_days": Listing(grammar=wanted.day, get=_outage_days, shows=lambda day, _: str(day)),
    "per_outage": Listing(
        grammar=wanted.share,
        get=_per_outage,
        shows=lambda share, _: units.format_percent(share),
        optional=lambda share: share == 0,
    ),
    "credit_days": Listing(grammar=wanted.day, get=_credit_days, shows=lambda day, _: str(day)),
    "exclusions": Listing(grammar=wanted.word(["accepted", "refused"]), get=_accepted, shows=lambda word, _: str(word)),
    "notice_given": Listing(
        grammar=wanted.lead,
        get=_notice_given,
        shows=lambda lead, _: wanted.shown_duration(lead),
        optional=lambda lead: lead is None,
    ),
}
"""Keys with a list."""


# --- a value for each name ----------------------------------------------------------------------------------------------------


def _classes(contract: Contract) -> list[str]:
    return [entry.name for version in versions(contract) for entry in version.exclusions]


def _objectives(contract: Contract) -> list[str]:
    return [entry.name for version in versions(contract) for entry in version.objectives]


def _credits(contract: Contract) -> list[str]:
    return [entry.name for version in versions(contract) for entry in version.credits]


def _value_of(pick: Callable[..., Fraction | None]) -> Callable[[str, Contract], Reading]:
    def reading(name: str, contract: Contract) -> Reading:
        def get(judged: Judged) -> Fraction | None:
            return next((pick(line) for line in judged.statement.objectives if line.name == name), None)

        return one(wanted.BY_DIMENSION[quantities.dimension(contract.objective(name))], get)

    return reading


def _line(name: str, _contract: Contract) -> Reading:
    """What the credit gives by itself."""
    return _amount(lambda statement: next((line.rounded for line in statement.credits if line.name == name), None))


def _units(name: str, _contract: Contract) -> Reading:
    return one(
        wanted.number, lambda got: next((line.units for line in got.statement.credits if line.name == name), None)
    )


def _samples(name: str, _contract: Contract) -> Reading:
    return one(wanted.samples, lambda got: got.statement.samples.get(name, ()))


def _count(text: str, _contract: Contract) -> Reading:
    """A measure that counts, whether the contract speaks of it or not."""
    subject = measures.measured(text)
    if subject is None or DIMENSION[subject.measure] is not Dimension.COUNT:
        fix = suggestion(text, [word for word in measures.WORDS if _counts(word)])
        raise ValueError(f"not a measure that counts; {fix}")

    def get(judged: Judged) -> int:
        if subject.measure is Measure.POINTS:
            return judged.statement.points
        return int(subjects.value(judged.measured, subject) or 0)

    return one(wanted.whole, get)


def _counts(word: str) -> bool:
    subject = measures.measured(word)
    return subject is not None and subject.dimension is Dimension.COUNT


NAMED: Mapping[str, Naming] = {
    "excluded_by": Naming(
        names=_classes,
        reading=lambda name, _: one(wanted.duration, lambda got: got.statement.time.get(name, 0)),
    ),
    "clocks": Naming(
        names=lambda _: ["measured", "ticket"],
        reading=lambda name, _: one(wanted.duration, lambda got: got.statement.clocks[name]),
    ),
    "counts": Naming(names=lambda _: [], reading=_count, open=True),
    "values": Naming(names=_objectives, reading=_value_of(lambda line: line.value)),
    "shown": Naming(names=_objectives, reading=_value_of(lambda line: line.shown)),
    "samples": Naming(names=_objectives, reading=_samples),
    "units": Naming(names=_credits, reading=_units),
    "lines": Naming(names=_credits, reading=_line),
}
"""Keys with a map."""


# --- rights -------------------------------------------------------------------------------------------------------------------


def right_names(expected: Iterable[str]) -> Check:
    """The rights that arose, all of them."""
    names = sorted(expected)

    def got(judged: Judged) -> list[str]:
        return sorted({line.name for line in judged.statement.rights})

    return Check(agrees=lambda judged: got(judged) == names, shows=lambda judged: shown_names(got(judged)))


def shown_names(names: Iterable[str]) -> str:
    return f"{{{', '.join(sorted(names))}}}"


def right(name: str, grammar: Grammar[T], get: Callable[[RightLine], T]) -> Reading:
    """One date or the state of a right; where both parties have one of that name, of either."""

    def read(text: str, contract: Contract) -> Check:
        expected = grammar(text, contract)

        def got(judged: Judged) -> list[T]:
            return [get(line) for line in judged.statement.rights if line.name == name]

        return Check(
            agrees=lambda judged: any(map(expected.agrees, got(judged))),
            shows=lambda judged: " or ".join(map(expected.shows, got(judged))) or "no such right",
        )

    return read


RIGHT: Mapping[str, Callable[[str], Reading]] = {
    "arises": lambda name: right(name, wanted.day, lambda line: line.arises),
    "notice_by": lambda name: right(name, wanted.due, lambda line: line.notice_by),
    "cure_ends": lambda name: right(name, wanted.due, lambda line: line.cure_ends),
    "exercise_by": lambda name: right(name, wanted.due, lambda line: line.exercise_by),
    "state": lambda name: right(
        name, wanted.word([state.value for state in RightState]), lambda line: line.state.value
    ),
}
"""Keys of one right, by its name."""
