"""Time to judge a year with very many outages and exclusions, and how it grows when there are twice as many."""

from __future__ import annotations

from fractions import Fraction

from bench.frame import Bench, Comparison, Figures
from bench.meter import cpu
from slamon.model import DAY, HOUR, MINUTE, S
from slamon.sla import periods
from slamon.sla.facts import DeclaredSpan, Exclusion, Facts, State
from slamon.sla.statement import evaluate
from slamon.sla.terms import Contract, PeriodKind, PeriodRule, Price
from slamon.sla.terms.clause import Clause
from slamon.sla.terms.conditions import Condition, Party, Termination, Where, Within
from slamon.sla.terms.credits import Cap, Combine, Credit, Give, Tier
from slamon.sla.terms.measures import Measure, Side, Subject
from slamon.sla.terms.objectives import Level, Objective
from slamon.sla.terms.outages import ExclusionClass, OutageRule
from slamon.sla.terms.times import Lead, Span

OUTAGES = 10_000
"""More than a bad line has in a year: one every 53 minutes."""
EXCLUSIONS = 1_000
LENGTHS = 16
"""Of outages: from a 32nd to a half of the time from one to the next."""

CLAUSE = Clause(path="contracts.bench")
CLASSES = ("maintenance", "customer", "force_majeure")
OUTAGE = Subject(measure=Measure.EACH_OUTAGE)


def _table(name: str, subject: Subject, side: Side, threshold: Fraction, share: Fraction) -> Credit:
    return Credit(
        name=name, subject=subject, clause=CLAUSE, side=side, tiers=(Tier(threshold=threshold, give=Give(share=share)),)
    )


CONTRACT = Contract(
    name="bench",
    service="line",
    provider="Example",
    timezone="America/New_York",
    clause=CLAUSE,
    currency="USD",
    period=PeriodRule(kind=PeriodKind.YEAR),
    prices=(Price(amount=Fraction(1000)),),
    outage=OutageRule(side=Side.AT_LEAST, length=30 * S, merge_within=5 * S),
    exclusions=(
        ExclusionClass(
            name="maintenance", clause=CLAUSE, notice=Lead(elapsed=HOUR), allowance=20 * HOUR, allowance_per=Span.YEAR
        ),
        ExclusionClass(name="customer", clause=CLAUSE),
        ExclusionClass(name="force_majeure", clause=CLAUSE),
    ),
    objectives=(
        Objective(
            name="availability",
            measure=Measure.AVAILABILITY,
            clause=CLAUSE,
            target=Level(value=Fraction(999, 1000), side=Side.AT_LEAST),
            minimum=Level(value=Fraction(995, 1000), side=Side.AT_LEAST),
        ),
    ),
    credits=(
        _table(
            "availability",
            Subject(measure=Measure.AVAILABILITY, objective="availability"),
            Side.BELOW,
            Fraction(999, 1000),
            Fraction(1, 10),
        ),
        _table("each outage", OUTAGE, Side.OVER, Fraction(5 * MINUTE), Fraction(1, 10_000)),
    ),
    combine=Combine.SUM,
    caps=(Cap(span=Span.YEAR, clause=CLAUSE, share=Fraction(1, 2)),),
    terminations=(
        Termination(
            party=Party.CUSTOMER,
            condition=Condition(
                name="chronic",
                subject=Subject(measure=Measure.OUTAGES, side=Side.OVER, length=30 * MINUTE),
                side=Side.AT_LEAST,
                threshold=Fraction(3),
                clause=CLAUSE,
                within=Within(where=Where.ANY, length=30 * DAY, text="any 30d"),
            ),
        ),
    ),
)
YEAR = periods.period(CONTRACT, "2026")


def _facts(outages: int, exclusions: int) -> Facts:
    """Outages of many lengths, evenly spread; every exclusion covers some whole, some in part and some not."""
    length = YEAR.end - YEAR.start
    step, share = length // outages, length // exclusions
    spans = []
    for i in range(outages):
        start = YEAR.start + i * step
        spans.append(
            DeclaredSpan(start=start, end=start + step * (1 + i * 7 % LENGTHS) // (2 * LENGTHS), state=State.DOWN)
        )
    declared = []
    for i in range(exclusions):
        start = YEAR.start + i * share + step * (i % 5) // 7
        declared.append(
            Exclusion(
                id=f"E{i}",
                contract=CONTRACT.name,
                cause=CLASSES[i % len(CLASSES)],
                start=start,
                end=start + share // 3,
                declared_at=YEAR.start - DAY,
                notified=YEAR.start - DAY,
            )
        )
    return Facts(declared={"line": tuple(spans)}, exclusions=tuple(declared))


def _judge(outages: int, exclusions: int) -> Figures:
    facts = _facts(outages, exclusions)
    before = cpu()
    statement = evaluate(CONTRACT, facts, YEAR, YEAR.end + DAY)
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
