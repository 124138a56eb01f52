"""Statements to report on, judged by the real `evaluate` from facts stated by hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

import pytest

from slamon.model import DAY, HOUR, MS, S
from slamon.sla import periods
from slamon.sla.facts import DeclaredSpan, Exclusion, Facts, Sample, SampleSeries, State
from slamon.sla.statement import Statement, evaluate
from slamon.sla.terms import Contract, Price, UnknownTime
from slamon.sla.terms.clause import Clause
from slamon.sla.terms.credits import Cap, Combine, Credit, Give, Tier
from slamon.sla.terms.measures import Measure, Side, Subject
from slamon.sla.terms.objectives import Form, Level, Objective, Statistic
from slamon.sla.terms.outages import ExclusionClass
from slamon.sla.terms.times import Span

Judge = Callable[..., Statement]


def clause(path: str, line: int) -> Clause:
    return Clause(path=f"contracts.hq-internet.{path}", place=f"slamon.yml:{line}")


def tier(threshold: Fraction, share: Fraction) -> Tier:
    return Tier(threshold=threshold, give=Give(share=share))


CONTRACT = Contract(
    name="hq-internet",
    service="hq-dia",
    provider="Acme Telecom",
    customer="Example Corp",
    timezone="America/New_York",
    clause=clause("", 30),
    currency="USD",
    prices=(Price(amount=Fraction(1000)),),
    exclusions=(
        ExclusionClass(name="customer", clause=clause("exclusions[0]", 44)),
        ExclusionClass(name="maintenance", clause=clause("exclusions[1]", 45)),
    ),
    objectives=(
        Objective(
            name="availability",
            measure=Measure.AVAILABILITY,
            clause=clause("objectives.availability", 38),
            target=Level(value=Fraction(999, 1000), side=Side.AT_LEAST),
            minimum=Level(value=Fraction(995, 1000), side=Side.AT_LEAST),
        ),
        Objective(
            name="latency",
            measure=Measure.LATENCY,
            clause=clause("objectives.latency", 39),
            statistic=Statistic(form=Form.PERCENTILE, text="p95", p=Fraction(95, 100)),
            target=Level(value=Fraction(40 * MS), side=Side.AT_MOST),
        ),
    ),
    credits=(
        Credit(
            name="availability",
            subject=Subject(measure=Measure.AVAILABILITY, objective="availability"),
            clause=clause("credits.availability", 41),
            side=Side.BELOW,
            tiers=(
                tier(Fraction(999, 1000), Fraction(1, 10)),
                tier(Fraction(995, 1000), Fraction(1, 4)),
            ),
        ),
        Credit(
            name="latency",
            subject=Subject(measure=Measure.LATENCY, objective="latency"),
            clause=clause("credits.latency", 42),
            side=Side.OVER,
            tiers=(tier(Fraction(40 * MS), Fraction(1, 30)),),
        ),
    ),
    combine=Combine.SUM,
    notes=("'Month' is read as the calendar month in New York.",),
    text_sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
)

JUNE = periods.period(CONTRACT, "2026-06")
NOON = JUNE.start + 10 * DAY + 12 * HOUR
"""An instant for an outage to begin: 2026-06-11 12:00 in New York."""


@pytest.fixture
def judged() -> Judge:
    """`judged(down=[(start, seconds)], …)` → the statement of June 2026, in which everything not mentioned was up.

    `latency` is given; `sampled` is measured instead, so that an open period may still improve it. `limit`: the
    cap of the `span`, a share of its charges.
    """

    def judge(
        *,
        down: Sequence[tuple[int, int]] = (),
        unknown: Sequence[tuple[int, int]] = (),
        excluded: Sequence[tuple[str, int, int]] = (),
        latency: int | None = 23_412_345,
        sampled: int | None = None,
        limit: Fraction | None = Fraction(1, 2),
        span: Span = Span.MONTH,
        facts: Mapping[str, object] | None = None,
        as_of: int = JUNE.end + DAY,
        unknown_time: UnknownTime = UnknownTime.EXCLUDED,
        **terms: object,
    ) -> Statement:
        spans = [DeclaredSpan(start=at, end=at + n * S, state=State.DOWN) for at, n in down]
        spans += [DeclaredSpan(start=at, end=at + n * S, state=State.UNKNOWN) for at, n in unknown]
        exclusions = tuple(
            Exclusion(
                id=str(n),
                contract=CONTRACT.name,
                cause=cause,
                start=at,
                end=at + length * S,
                declared_at=JUNE.start,
                notified=at - 3 * DAY,
                declared_by="anna",
                note="router swap, ticket ACME-1234",
            )
            for n, (cause, at, length) in enumerate(excluded, 1)
        )
        given = dict(facts or {})
        if sampled is not None:
            every = 6 * HOUR
            times = range(JUNE.start, min(as_of, JUNE.end), every)
            readings = tuple(Sample(at=at, sent=1, lost=Fraction(0), delay=sampled) for at in times)
            given |= {"readings": {}, "samples": {"": (SampleSeries(start=JUNE.start, every=every, samples=readings),)}}
        given.setdefault("readings", {} if latency is None else {JUNE.name: {"latency": Fraction(latency)}})
        known = Facts(
            declared={"hq-dia": tuple(spans)},
            exclusions=exclusions,
            **given,  # type: ignore[arg-type]  # any field
        )
        cap = Cap(span=span, clause=clause(f"caps.{span}", 43), share=limit)
        caps = () if limit is None else (cap,)
        contract = dataclasses.replace(CONTRACT, caps=caps, unknown=unknown_time, **terms)  # type: ignore[arg-type]  # any field
        return evaluate(contract, known, JUNE, as_of)

    return judge
