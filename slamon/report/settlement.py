"""Statement → what is owed and what follows from it, as tables: credits with their arithmetic, caps, the claim, rights to terminate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo

from rich.console import Group, RenderableType
from rich.text import Text

from slamon.report.arithmetic import arithmetic, cap_arithmetic, cap_name
from slamon.report.layout import figures, hanging
from slamon.report.sentences import amount, clause, too_little
from slamon.report.words import due, exact_money, instant, percent
from slamon.sla.calendar import zone
from slamon.sla.lines import RightLine
from slamon.sla.statement import CreditLine, Statement


def lines(statement: Statement, clauses: Sequence[CreditLine], *, noun: str = "credit") -> RenderableType:
    def rows() -> Iterator[tuple[str, str]]:
        for line in clauses:
            texts = list(arithmetic(statement, line, noun))
            texts[-1] += f" ({clause(line.clause)})"
            yield from ((line.name if not n else "", text) for n, text in enumerate(texts))

    return hanging(rows())


def owed(statement: Statement) -> RenderableType:
    parts = [lines(statement, statement.credits)] if statement.credits else []
    if not statement.credits:
        parts.append(Text("The sum of the periods in it; their statements have the arithmetic."))
    return Group(*parts, figures(_totals(statement)))


def _totals(statement: Statement) -> Iterator[tuple[str, str, str]]:
    if statement.uncapped is not None and statement.lost_to_cap:
        yield "together", amount(statement, statement.uncapped), ""
    if statement.uncapped and statement.currency is not None:
        for cap in (cap for cap in statement.caps if cap.removed or cap.spent):
            removed = amount(statement, -cap.removed) if cap.removed else "–"
            yield cap_name(cap), removed, f"{cap_arithmetic(cap, statement.currency)} ({clause(cap.clause)})"
    if statement.lost_to_cap and not statement.caps:
        yield "removed by caps", amount(statement, -statement.lost_to_cap), ""
    if statement.credit is not None:
        yield "owed", amount(statement, statement.credit), _share_of_base(statement)
    elif statement.credit_share is not None:
        yield "owed", percent(statement.credit_share), "of the charge"
    if statement.points:
        yield "points", str(statement.points), ""
    yield from _payable(statement)


def _payable(statement: Statement) -> Iterator[tuple[str, str, str]]:
    """What may still come to it, and what of it is to be paid."""
    if statement.at_stake:
        yield "at stake", amount(statement, statement.at_stake), "owed only if the values so far stay as they are"
    if statement.earned_back:
        yield "earned back", amount(statement, -statement.earned_back), ""
    if statement.withheld is not None:
        yield "withheld", "", f"shown and not payable ({clause(statement.withheld)})"
    if statement.payable != statement.credit:
        yield "payable", amount(statement, statement.payable), ""
    if statement.revision > 1:
        yield "since it was closed", amount(statement, statement.adjustment), f"revision {statement.revision}"


def _share_of_base(statement: Statement) -> str:
    doubt = "; computed from too little measured time" if too_little(statement) else ""
    if statement.credit_share is None or statement.base is None or statement.currency is None:
        return doubt.removeprefix("; ")
    text = f"{percent(statement.credit_share)} of "
    if statement.base == statement.charge:
        return f"{text}the charge of {exact_money(statement.base, statement.currency)}{doubt}"
    charge = "" if statement.charge is None else f" (charge {exact_money(statement.charge, statement.currency)})"
    return f"{text}{exact_money(statement.base, statement.currency)}{charge}{doubt}"


def claim(statement: Statement) -> RenderableType:
    claim, where = statement.claim, zone(statement.timezone)
    assert claim is not None, "there is a section only where there is a claim"

    def rows() -> Iterator[tuple[str, str]]:
        if claim.report_by is not None:
            yield "to be reported", due(claim.report_by, where)
        yield "to be claimed", "" if claim.claim_by is None else due(claim.claim_by, where)
        yield "claimed", "not yet" if claim.lodged is None else instant(claim.lodged, where)
        yield "state", f"{claim.state.replace('_', ' ')} ({clause(claim.clause)})"

    return hanging(rows())


def rights(statement: Statement) -> RenderableType:
    where = zone(statement.timezone)
    return hanging((right.name, _right(right, where)) for right in statement.rights)


def _right(right: RightLine, where: tzinfo) -> str:
    """Whose right, why, since when, what has to be done by when, and how it stands."""
    parts = [f"{right.state}: {right.party} may terminate the {right.scope}; {right.because}", f"arose {right.arises}"]
    if right.notice_by is not None:
        parts.append(f"notice {due(right.notice_by, where)}")
    if right.notice_given is not None:
        parts.append(f"notice given {instant(right.notice_given, where)}")
    if right.cure_ends is not None:
        parts.append(f"cure {due(right.cure_ends, where)}")
    if right.exercise_by is not None:
        parts.append(f"exercise {due(right.exercise_by, where)}")
    return f"{'; '.join(parts)} ({clause(right.clause)})"
