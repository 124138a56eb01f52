"""Statement → a report for people, made to be pasted into a letter to the other party: plain columns, no decoration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo
from fractions import Fraction

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from slamon.model import MINUTE, S
from slamon.report.layout import WIDTH, columns, figures, hanging, to_text
from slamon.report.sentences import STATUS, arithmetic, category, clause, verdict
from slamon.report.words import duration, instant, level, money, percent, quantity, seconds, share, trimmed
from slamon.sla.calendar import zone
from slamon.sla.lines import PROVIDER_DOWN, UP
from slamon.sla.statement import OutageLine, Statement, Status

MOST_OUTAGES = 40
"""Outages listed one by one; the shorter rest is summed up (JSON has all of them)."""

_COLOURS = {Status.MET: "green", Status.BELOW_TARGET: "yellow", Status.BELOW_MINIMUM: "red", Status.UNKNOWN: "magenta"}


def render(statements: Sequence[Statement], *, width: int = WIDTH, colour: bool = False) -> str:
    """The report of these statements, one after the other, as text ending in a newline; several begin with a table of all."""

    several = len(statements) > 1

    def parts() -> Iterator[RenderableType]:
        if several:
            yield _overview(statements)
        for n, statement in enumerate(statements):
            if n or several:
                yield Text(f"\n{'─' * width}\n")
            yield from _parts(statement)

    return to_text(parts(), width=width, colour=colour)


def _overview(statements: Sequence[Statement]) -> RenderableType:
    table = columns("contract", "period", "status", ">availability", ">coverage", ">credit owed", ">at stake")
    for statement in statements:
        table.add_row(
            Text(statement.contract),
            Text(statement.period.name + (" (open)" if statement.open else "")),
            Text(STATUS[statement.status], style=_COLOURS[statement.status]),
            Text(_percent(statement.availability)),
            Text(_percent(statement.coverage)),
            Text(_amount(statement, statement.credit)),
            Text(_amount(statement, statement.at_stake)),
        )
    return table


def _parts(statement: Statement) -> Iterator[RenderableType]:
    yield _title(statement)
    yield Text()
    yield from map(Text, verdict(statement))
    yield from _section("Objectives", _objectives(statement))
    yield from _section("Availability", _availability(statement))
    yield from _section("Time in scope", _time(statement))
    if statement.outages:
        yield from _section(f"Outages ({len(statement.outages)})", _outages(statement))
    if statement.exclusions:
        yield from _section("Exclusions", _exclusions(statement))
    if statement.credits:
        yield from _section("Credits", _credits(statement))
    if statement.notes:
        yield from _section("Notes", hanging((("-", note) for note in statement.notes), gap=1))
    yield Text()
    yield from _provenance(statement)


def _title(statement: Statement) -> RenderableType:
    where = zone(statement.timezone)
    parties = f"{statement.provider}, service {statement.service}"
    if statement.customer:
        parties += f", for {statement.customer}"
    status = STATUS[statement.status].upper() + (" so far" if statement.open else "")
    start, end = (instant(at, where) for at in (statement.period.start, statement.period.end))
    return Group(
        Text.assemble(
            (f"{statement.contract} {statement.period.name}", "bold"),
            ": ",
            (status, f"bold {_COLOURS[statement.status]}"),
        ),
        Text(f"{parties} ({statement.kind.upper()})"),
        Text(f"{start} to {end}, {statement.timezone}"),
    )


def _section(title: str, body: RenderableType) -> Iterator[RenderableType]:
    yield Text()
    yield Text(title, style="bold")
    yield Padding(body, (0, 0, 0, 2))


def _percent(value: Fraction | None) -> str:
    return "–" if value is None else percent(value)


def _amount(statement: Statement, value: object) -> str:
    return "–" if value is None or statement.currency is None else money(Fraction(str(value)), statement.currency)


def _objectives(statement: Statement) -> RenderableType:
    if not statement.objectives:
        return Text("none")
    so_far = statement.open and any(line.value != line.value_so_far for line in statement.objectives)
    worst = any(line.worst for line in statement.objectives)
    packets = any(line.samples for line in statement.objectives)
    table = columns(
        "objective",
        ">value",
        *((">so far",) if so_far else ()),
        ">target",
        ">minimum",
        "status",
        *((">packets",) if packets else ()),
        *(("worst target",) if worst else ()),
    )
    for line in statement.objectives:
        name = f"{line.name} {line.statistic}" if line.statistic else line.name
        status = STATUS[line.status]
        if line.target is None and line.minimum is None:
            status = "shown only"
        table.add_row(
            Text(name),
            Text(quantity(line.value, line.unit)),
            *((Text(quantity(line.value_so_far, line.unit)),) if so_far else ()),
            *(Text("–" if bound is None else level(bound, line.unit)) for bound in (line.target, line.minimum)),
            Text(status, style=_COLOURS[line.status]),
            *((Text(str(line.samples or "")),) if packets else ()),
            *((Text(line.worst or ""),) if worst else ()),
        )
    return table


def _availability(statement: Statement) -> RenderableType:
    def rows() -> Iterator[tuple[str, str, str]]:
        total = f"of {_span(statement.total)}" if statement.total else "nothing was measured"
        yield "availability", _percent(statement.availability), total
        if statement.open:
            yield "over the elapsed time only", _percent(statement.availability_so_far), ""
        yield "downtime that counts", duration(statement.downtime), _remark(statement.downtime)
        if statement.raw_downtime != statement.downtime:
            yield "before exclusions", _percent(statement.raw_availability), f"downtime {_span(statement.raw_downtime)}"
        if statement.excluded:
            yield "excluded", duration(statement.excluded), _remark(statement.excluded)
        for name, left in statement.budget_remaining.items():
            text = f"left until below the {name}" if left >= 0 else f"more than the {name} allows"
            yield text, duration(abs(left)), _remark(abs(left))
        if statement.to_next_credit is not None:
            yield "left until the next credit", duration(statement.to_next_credit), _remark(statement.to_next_credit)
        if statement.low != statement.high:
            yield "if all unmeasured time was up", _percent(statement.high), ""
            yield "if all unmeasured time was down", _percent(statement.low), ""
        enough = f"of the elapsed time in scope measured ({share(statement.min_coverage)} needed)"
        yield "coverage", _percent(statement.coverage), enough

    return figures(rows())


def _remark(ns: int) -> str:
    """The seconds behind a duration of more than a minute."""
    return f"{trimmed(seconds(ns))} s" if ns >= MINUTE else ""


def _span(ns: int) -> str:
    remark = _remark(ns)
    return f"{duration(ns)} ({remark})" if remark else duration(ns)


def _time(statement: Statement) -> RenderableType:
    table = columns("category", ">duration", ">seconds", ">share", "")
    digits = 0 if all(ns % S == 0 for ns in statement.time.values()) else 3
    for name, ns in statement.time.items():
        if ns or name in (UP, PROVIDER_DOWN):
            part = percent(Fraction(ns, statement.in_scope)) if statement.in_scope else "–"
            table.add_row(*map(Text, (name, duration(ns), seconds(ns, digits), part, category(name))))
    whole = percent(Fraction(1)) if statement.in_scope else "–"
    table.add_row(
        *map(Text, ("in scope", duration(statement.in_scope), seconds(statement.in_scope, digits), whole, ""))
    )
    return table


def _causes(outage: OutageLine, where: tzinfo) -> str:
    causes = {cause: ns for cause, ns in outage.by_cause.items() if ns}
    text = ", ".join(f"{cause} {duration(ns)}" if len(causes) > 1 else cause for cause, ns in causes.items())
    if outage.began is None:
        return text
    return f"{text}; began {instant(outage.began, where)}, counted as an outage of that period"


def _outages(statement: Statement) -> RenderableType:
    where = zone(statement.timezone)
    shown = statement.outages
    if len(shown) > MOST_OUTAGES:
        longest = sorted(shown, key=lambda outage: outage.duration, reverse=True)[:MOST_OUTAGES]
        shown = tuple(sorted(longest, key=lambda outage: outage.start))
    table = columns("from", "to", ">duration", "cause")
    for outage in shown:
        end = "still down" if outage.end is None else instant(outage.end, where)
        table.add_row(
            *map(Text, (instant(outage.start, where), end, duration(outage.duration), _causes(outage, where)))
        )
    if len(shown) == len(statement.outages):
        return table
    rest = sum(outage.duration for outage in statement.outages) - sum(outage.duration for outage in shown)
    count = len(statement.outages) - len(shown)
    return Group(table, Text(f"and {count} shorter ones, together {duration(rest)}; all of them in the JSON report"))


def _exclusions(statement: Statement) -> RenderableType:
    where = zone(statement.timezone)
    table = columns("id", "class", "from", "to", ">time", ">downtime")
    for line in statement.exclusions:
        span = instant(line.start, where), instant(line.end, where)
        table.add_row(*map(Text, (line.id, line.cause, *span, duration(line.applied), duration(line.downtime_removed))))
    remarks = [
        (line.id, ": ".join(part for part in (line.declared_by, line.note) if part))
        for line in statement.exclusions
        if line.declared_by or line.note
    ]
    legend = Text("time: in the period and owned by no earlier class; downtime: what would have counted of it")
    return Group(table, legend, hanging(remarks))


def _credits(statement: Statement) -> RenderableType:
    lines = hanging((line.name, f"{arithmetic(statement, line)} ({clause(line.clause)})") for line in statement.credits)

    def totals() -> Iterator[tuple[str, str, str]]:
        if statement.uncapped is not None and statement.lost_to_cap:
            yield "together", _amount(statement, statement.uncapped), ""
            yield "removed by the cap", _amount(statement, -statement.lost_to_cap), ""
        remark = ""
        if statement.credit_share is not None and statement.charge is not None and statement.currency:
            remark = f"{percent(statement.credit_share)} of the charge of {money(statement.charge, statement.currency)}"
        if statement.credit is not None:
            yield "owed", _amount(statement, statement.credit), remark
        elif statement.credit_share is not None:
            yield "owed", percent(statement.credit_share), "of the charge"
        if statement.at_stake:
            yield "at stake", _amount(statement, statement.at_stake), "owed only if the values so far stay as they are"

    return Group(lines, figures(totals()))


def _provenance(statement: Statement) -> Iterator[RenderableType]:
    where = zone(statement.timezone)
    yield Text(
        f"Judged as of {instant(statement.as_of, where)} on facts settled up to {instant(statement.settled, where)}.",
        style="dim",
    )
    yield Text(f"Terms: sha256 {statement.terms_sha256 or 'none'}.", style="dim")
    yield Text(f"Zone rules: tzdata {statement.tzdata}.", style="dim")
