"""Statements to report on, judged by the real `evaluate` from facts stated by hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from fractions import Fraction

import pytest

from slamon.model import DAY, HOUR, MS, S
from slamon.sla import calendar
from slamon.sla.facts import DeclaredSpan, Exclusion, Facts, State
from slamon.sla.statement import Statement, evaluate
from slamon.sla.terms import Clause, Contract, Credit, ExclusionClass, Measure, Objective, Side, Tier

Judge = Callable[..., Statement]


def clause(path: str, line: int) -> Clause:
    return Clause(path=f"contracts.hq-internet.{path}", place=f"slamon.yml:{line}")


CONTRACT = Contract(
    name="hq-internet",
    service="hq-dia",
    provider="Acme Telecom",
    customer="Example Corp",
    timezone="America/New_York",
    clause=clause("", 30),
    currency="USD",
    price=Fraction(1000),
    exclusions=(
        ExclusionClass(name="customer", clause=clause("exclusions[0]", 44)),
        ExclusionClass(name="maintenance", clause=clause("exclusions[1]", 45)),
    ),
    objectives=(
        Objective(
            name="availability",
            measure=Measure.AVAILABILITY,
            clause=clause("objectives.availability", 38),
            target=Fraction(999, 1000),
            minimum=Fraction(995, 1000),
        ),
        Objective(
            name="latency",
            measure=Measure.LATENCY,
            clause=clause("objectives.latency", 39),
            statistic="p95",
            target=Fraction(40 * MS),
        ),
    ),
    credits=(
        Credit(
            name="availability",
            objective="availability",
            clause=clause("credits.availability", 41),
            tiers=(
                Tier(threshold=Fraction(999, 1000), share=Fraction(1, 10)),
                Tier(threshold=Fraction(995, 1000), share=Fraction(1, 4)),
            ),
        ),
        Credit(
            name="latency",
            objective="latency",
            clause=clause("credits.latency", 42),
            side=Side.OVER,
            tiers=(Tier(threshold=Fraction(40 * MS), share=Fraction(1, 30)),),
        ),
    ),
    cap=Fraction(1, 2),
    notes=("'Month' is read as the calendar month in New York.",),
    text_sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
)

JUNE = calendar.period(CONTRACT, "2026-06")
NOON = JUNE.start + 10 * DAY + 12 * HOUR
"""An instant for an outage to begin: 2026-06-11 12:00 in New York."""


@pytest.fixture
def judged() -> Judge:
    """`judged(down=[(start, seconds)], …)` → the statement of June 2026, in which everything not mentioned was up."""

    def judge(
        *,
        down: Sequence[tuple[int, int]] = (),
        unknown: Sequence[tuple[int, int]] = (),
        excluded: Sequence[tuple[str, int, int]] = (),
        latency: int | None = 23_412_345,
        as_of: int = JUNE.end + DAY,
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
                declared_by="anna",
                note="router swap, ticket ACME-1234",
            )
            for n, (cause, at, length) in enumerate(excluded, 1)
        )
        facts = Facts(
            declared={CONTRACT.service: tuple(spans)},
            exclusions=exclusions,
            readings={} if latency is None else {"latency": Fraction(latency)},
        )
        contract = dataclasses.replace(CONTRACT, **terms)  # type: ignore[arg-type]  # any field
        return evaluate(contract, facts, JUNE, as_of)

    return judge
