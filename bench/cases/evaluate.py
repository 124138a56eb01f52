"""Time to judge a month with very many outages and exclusions, and how it grows when there are twice as many."""

from __future__ import annotations

from fractions import Fraction

from bench.frame import Bench, Comparison, Figures
from bench.meter import cpu
from slamon.model import DAY
from slamon.sla import calendar
from slamon.sla.facts import DeclaredSpan, Exclusion, Facts, State
from slamon.sla.statement import evaluate
from slamon.sla.terms import Clause, Contract, Credit, ExclusionClass, Measure, Objective, Tier

OUTAGES = 10_000
"""More than a bad line has in a year: one every 268 s of the month."""
EXCLUSIONS = 1_000
LENGTHS = 16
"""Of outages: from a 32nd to a half of the time from one to the next."""

CLAUSE = Clause(path="contracts.bench")
CLASSES = ("maintenance", "customer", "force_majeure")
CONTRACT = Contract(
    name="bench",
    service="line",
    provider="Example",
    timezone="America/New_York",
    clause=CLAUSE,
    currency="USD",
    price=Fraction(1000),
    exclusions=tuple(ExclusionClass(name=name, clause=CLAUSE) for name in CLASSES),
    objectives=(
        Objective(
            name="availability",
            measure=Measure.AVAILABILITY,
            clause=CLAUSE,
            target=Fraction(999, 1000),
            minimum=Fraction(995, 1000),
        ),
    ),
    credits=(
        Credit(
            name="availability",
            objective="availability",
            clause=CLAUSE,
            tiers=(Tier(threshold=Fraction(999, 1000), share=Fraction(1, 10)),),
        ),
    ),
    cap=Fraction(1, 2),
)
MONTH = calendar.period(CONTRACT, "2026-07")


def _facts(outages: int, exclusions: int) -> Facts:
    """Outages of many lengths, evenly spread; every exclusion covers some whole, some in part and some not."""
    length = MONTH.end - MONTH.start
    step, share = length // outages, length // exclusions
    spans = []
    for i in range(outages):
        start = MONTH.start + i * step
        spans.append(
            DeclaredSpan(start=start, end=start + step * (1 + i * 7 % LENGTHS) // (2 * LENGTHS), state=State.DOWN)
        )
    declared = []
    for i in range(exclusions):
        start = MONTH.start + i * share + step * (i % 5) // 7
        declared.append(
            Exclusion(
                id=f"E{i}",
                contract=CONTRACT.name,
                cause=CLASSES[i % len(CLASSES)],
                start=start,
                end=start + share // 3,
                declared_at=MONTH.start - DAY,
            )
        )
    return Facts(declared={CONTRACT.service: tuple(spans)}, exclusions=tuple(declared))


def _judge(outages: int, exclusions: int) -> Figures:
    facts = _facts(outages, exclusions)
    before = cpu()
    statement = evaluate(CONTRACT, facts, MONTH, MONTH.end + DAY)
    seconds = cpu() - before
    if len(statement.outages) != outages or len(statement.exclusions) != exclusions or not statement.excluded:
        raise RuntimeError(f"{len(statement.outages)} outages, {len(statement.exclusions)} exclusions in the statement")
    return {"cpu": seconds, "outages_per_second": outages / seconds}


def once() -> Figures:
    return _judge(OUTAGES, EXCLUSIONS)


def twice() -> Figures:
    return _judge(2 * OUTAGES, 2 * EXCLUSIONS)


BENCH = Bench(
    about=f"processor time of one evaluation: {OUTAGES} outages and {EXCLUSIONS} exclusions against twice as many of both",
    subjects={"once": once, "twice": twice},
    comparisons=(Comparison(ours="twice", peer="once", figure="cpu", unit="s", goal="<= 2.5"),),
)
