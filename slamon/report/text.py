"""Statement → a report for people, made to be pasted into a letter to the other party: plain columns, no decoration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo
from fractions import Fraction

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from slamon.model import MINUTE, S
from slamon.path import Evidence
from slamon.report import paths, settlement
from slamon.report.layout import WIDTH, columns, figures, hanging, to_text
from slamon.report.sentences import STATUS, amount, category, clause, something_owed, too_little, verdict
from slamon.report.words import (
    duration,
    instant,
    level,
    percent,
    promise,
    quantity,
    seconds,
    share,
    trimmed,
    unit_of,
)
from slamon.sla.calendar import zone
from slamon.sla.lines import LOCAL_FAULT, PROVIDER_DOWN, UNKNOWN, UP, ExclusionLine
from slamon.sla.statement import ObjectiveLine, OutageLine, Statement, Status

BLIND = {
    LOCAL_FAULT: "fault on the customer's side, counts as unmeasured time does: down",
    UNKNOWN: "not measured, counts as down",
}
"""What is unmeasured by the contract, in the words for one in which it counts as down."""

MOST_OUTAGES = 40
"""Outages listed one by one; the shorter rest is summed up (JSON has all of them)."""

_COLOURS = {Status.MET: "green", Status.BELOW_TARGET: "yellow", Status.BELOW_MINIMUM: "red", Status.UNKNOWN: "magenta"}


def render(
    statements: Sequence[Statement], evidence: Sequence[Evidence] = (), *, width: int = WIDTH, colour: bool = False
) -> str:
    """The report of these statements, one after the other, as text ending in a newline; several begin with a table of all."""

    several = len(statements) > 1

    def parts() -> Iterator[RenderableType]:
        if several:
            yield _overview(statements)
        for n, statement in enumerate(statements):
            if n or several:
                yield Text(f"\n{'─' * width}\n")
            yield from _parts(statement, [each for each in evidence if each.contract == statement.contract])

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
            Text(amount(statement, statement.credit) + ("*" if too_little(statement) else "")),
            Text(amount(statement, statement.at_stake)),
        )
    doubtful = any(too_little(statement) and statement.credit is not None for statement in statements)
    return Group(table, *([Text("* computed from too little measured time")] if doubtful else []))


def _parts(statement: Statement, evidence: Sequence[Evidence]) -> Iterator[RenderableType]:
    yield _title(statement)
    yield Text()
    yield from map(Text, verdict(statement))
    yield from _section("Objectives", _objectives(statement))
    yield from _section("Availability", _availability(statement))
    yield from _section("Time in scope", _time(statement))
    if statement.outages:
        yield from _section(f"Outages ({len(statement.outages)})", _outages(statement))
    if evidence:
        yield from _section(
            f"Paths in outages ({len(evidence)})", hanging(paths.lines(evidence, zone(statement.timezone)))
        )
    if statement.bad_slots:
        yield from _section(f"Bad slots ({len(statement.bad_slots)})", _bad_slots(statement))
    if statement.exclusions:
        yield from _section("Exclusions", _exclusions(statement))
    if statement.credits or something_owed(statement):
        yield from _section("Credits", settlement.owed(statement))
    if statement.bonuses:
        yield from _section("Bonuses", settlement.lines(statement, statement.bonuses, noun="bonus"))
    if statement.claim is not None and (something_owed(statement) or statement.claim.lodged is not None):
        yield from _section("Claim", settlement.claim(statement))
    if statement.rights:
        yield from _section("Rights to terminate", settlement.rights(statement))
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


def _objectives(statement: Statement) -> RenderableType:
    if not statement.objectives:
        return Text("none")
    so_far = statement.open and any(line.value != line.value_so_far for line in statement.objectives)
    worst = any(line.worst for line in statement.objectives)
    samples = any(line.samples for line in statement.objectives)
    table = columns(
        "objective",
        ">value",
        *((">so far",) if so_far else ()),
        ">target",
        ">minimum",
        "status",
        *((">samples",) if samples else ()),
        *(("worst target",) if worst else ()),
    )
    for line in statement.objectives:
        unit, status = unit_of(line), STATUS[line.status]
        if line.target is None and line.minimum is None:
            status = "shown only"
        levels = (line.target, line.target_side), (line.minimum, line.minimum_side)
        table.add_row(
            Text(line.name if line.statistic in (None, line.name) else f"{line.name} {line.statistic}"),
            Text(quantity(line.value, unit, line.minimum if line.status is Status.BELOW_MINIMUM else line.target)),
            *((Text(quantity(line.value_so_far, unit)),) if so_far else ()),
            *(Text("–" if bound is None else promise(bound, side, line)) for bound, side in levels),
            Text(status, style=_COLOURS[line.status]),
            *((Text(str(line.samples or "")),) if samples else ()),
            *((Text(line.worst or ""),) if worst else ()),
        )
    remarks = [(line.name, remark) for line in statement.objectives if (remark := _rounding(line))]
    return Group(table, hanging(remarks)) if remarks else table


def _rounding(line: ObjectiveLine) -> str:
    """What the contract's own rounding and display make of the value, where one could see it."""
    unit = unit_of(line)
    parts = []
    if line.exact is not None and line.exact != line.value:
        parts.append(f"rounded by the contract from {quantity(line.exact, unit, line.value)}")
    if line.shown is not None and quantity(line.shown, unit) != quantity(line.value, unit):
        parts.append(f"printed by the contract as {level(line.shown, unit)}")
    return "; ".join(parts)


def _availability(statement: Statement) -> RenderableType:
    def rows() -> Iterator[tuple[str, str, str]]:
        total = f"of {_span(statement.total)}" if statement.total else "nothing was measured"
        yield "availability", _percent(statement.availability), total
        if statement.open:
            yield "over the elapsed time only", _percent(statement.availability_so_far), ""
        yield "downtime that counts", duration(statement.downtime), _counting(statement)
        if statement.raw_downtime != statement.downtime:
            yield "before exclusions", _percent(statement.raw_availability), f"downtime {_span(statement.raw_downtime)}"
        if statement.excluded:
            yield "excluded", duration(statement.excluded), _remark(statement.excluded)
        yield from _clocks(statement)
        yield from _left(statement)
        if statement.low != statement.high:
            yield "if all unmeasured time was up", _percent(statement.high), ""
            yield "if all unmeasured time was down", _percent(statement.low), ""
        yield from _coverage(statement)
        if statement.supportable is not None:
            word = {True: "as much as is promised here", False: "less than is promised here", None: ""}[
                statement.promise
            ]
            yield "supported by other contracts", _percent(statement.supportable), word

    return figures(rows())


def _counting(statement: Statement) -> str:
    """Why the downtime that counts is not simply the time down."""
    parts = [_remark(statement.downtime)]
    if statement.downtime != statement.time.get(PROVIDER_DOWN, 0):
        parts.append("unmeasured time counts as down" if _blind_is_down(statement) else "weighed")
    return "; ".join(filter(None, parts))


def _blind_is_down(statement: Statement) -> bool:
    """By the contract (`unknown: down`), and there was some."""
    blind = sum(statement.time.get(each, 0) for each in BLIND)
    return blind > 0 and statement.downtime == statement.time.get(PROVIDER_DOWN, 0) + blind


def _clocks(statement: Statement) -> Iterator[tuple[str, str, str]]:
    """The time of outages by each clock, where there is a choice."""
    measured, ticket = (statement.clocks.get(clock, 0) for clock in ("measured", "ticket"))
    if ticket and ticket != measured:
        yield "outages as measured", duration(measured), _remark(measured)
        yield "outages by their tickets", duration(ticket), _remark(ticket)


def _left(statement: Statement) -> Iterator[tuple[str, str, str]]:
    """What is left of the budget as long as the period goes on; what was overrun in any case."""
    for name, left in statement.budget_remaining.items():
        if left < 0:
            yield f"more than the {name} allows", duration(-left), _remark(-left)
        elif statement.open:
            yield f"left until below the {name}", duration(left), _remark(left)
    if statement.open and statement.to_next_credit is not None:
        yield "left until the next credit", duration(statement.to_next_credit), _remark(statement.to_next_credit)


def _coverage(statement: Statement) -> Iterator[tuple[str, str, str]]:
    needed = f"({share(statement.min_coverage)} needed)"
    if statement.counted_coverage in (None, statement.coverage):
        yield "coverage", _percent(statement.coverage), f"of the elapsed time in scope measured {needed}"
        return
    yield "coverage", _percent(statement.coverage), "of the elapsed time in scope measured or excluded"
    yield "coverage of what counts", _percent(statement.counted_coverage), f"excluded time left out {needed}"


def _remark(ns: Fraction | int) -> str:
    """The seconds behind a duration of more than a minute."""
    return f"{trimmed(seconds(ns))} s" if ns >= MINUTE else ""


def _span(ns: Fraction | int) -> str:
    remark = _remark(ns)
    return f"{duration(ns)} ({remark})" if remark else duration(ns)


def _time(statement: Statement) -> RenderableType:
    table = columns("!category", ">duration", ">seconds", ">share", "")
    down = BLIND if _blind_is_down(statement) else {}
    digits = 0 if all(ns % S == 0 for ns in statement.time.values()) else 3
    for name, ns in statement.time.items():
        if ns or name in (UP, PROVIDER_DOWN):
            part = percent(Fraction(ns, statement.in_scope)) if statement.in_scope else "–"
            table.add_row(*map(Text, (name, duration(ns), seconds(ns, digits), part, down.get(name) or category(name))))
    whole = percent(Fraction(1)) if statement.in_scope else "–"
    table.add_row(
        *map(Text, ("in scope", duration(statement.in_scope), seconds(statement.in_scope, digits), whole, ""))
    )
    return table


def _causes(outage: OutageLine, statement: Statement, where: tzinfo) -> str:
    causes = {cause: ns for cause, ns in outage.by_cause.items() if ns}
    parts = [", ".join(f"{cause} {duration(ns)}" if len(causes) > 1 else cause for cause, ns in causes.items())]
    straddles = outage.began is not None or outage.end == statement.period.end
    down = causes.get(PROVIDER_DOWN, 0)
    if outage.began is not None:
        parts.append(f"began {instant(outage.began, where)}")
    if down and straddles and outage.charged != down:
        parts.append(f"counts as {duration(outage.charged)} in all")
    elif down and outage.charged != down:
        parts.append(f"counts as {duration(outage.charged)}")
    if down and outage.charged and not outage.counted:
        parts.append(
            "an outage of the period it began in" if outage.began is not None else "an outage of the next period"
        )
    return "; ".join(parts)


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
            *map(
                Text, (instant(outage.start, where), end, duration(outage.duration), _causes(outage, statement, where))
            )
        )
    if len(shown) == len(statement.outages):
        return table
    rest = sum(outage.duration for outage in statement.outages) - sum(outage.duration for outage in shown)
    count = len(statement.outages) - len(shown)
    shorter = f"1 shorter one of {duration(rest)}" if count == 1 else f"{count} shorter ones, together {duration(rest)}"
    return Group(table, Text(f"and {shorter}; all of them in the JSON report"))


def _bad_slots(statement: Statement) -> RenderableType:
    where = zone(statement.timezone)
    lines = [f"{instant(start, where)} to {instant(end, where)}" for start, end in statement.bad_slots[:MOST_OUTAGES]]
    if len(statement.bad_slots) > MOST_OUTAGES:
        lines.append(f"and {len(statement.bad_slots) - MOST_OUTAGES} more; all of them in the JSON report")
    return Group(*map(Text, lines))


def _exclusions(statement: Statement) -> RenderableType:
    where = zone(statement.timezone)
    table = columns("id", "!class", "from", "to", ">time", ">downtime", "")
    for line in statement.exclusions:
        table.add_row(
            Text(line.id),
            Text(line.cause),
            Text(instant(line.start, where)),
            Text(instant(line.end, where)),
            Text(duration(line.applied)),
            Text(duration(line.downtime_removed)),
            Text("" if line.accepted else "refused", style="bold"),
        )
    legend = Text("time: in the period and owned by no earlier class; downtime: what would have counted of it")
    return Group(table, legend, hanging((line.id, _declaration(line, where)) for line in statement.exclusions))


def _declaration(line: ExclusionLine, where: tzinfo) -> str:
    """When and by whom it was declared, on what notice, what the contract says to that, and what shows it."""
    declared = [f"declared {instant(line.declared_at, where)}"] if line.declared_at else []
    role = f" ({line.role})" if line.role else ""
    parts = [" ".join(declared + ([f"by {line.declared_by}{role}"] if line.declared_by else []))]
    if line.notice_given is not None:
        late = line.notice_given < 0
        text = duration(abs(line.notice_given))
        parts.append(f"announced {text} {'after its start' if late else 'ahead'}")
    if line.reason:
        parts.append(line.reason if line.accepted else f"refused: {line.reason}")
    parts.append(line.note)
    if line.ticket:
        parts.append(f"ticket {line.ticket}")
    if line.evidence:
        parts.append(f"evidence: {', '.join(line.evidence)}")
    text = "; ".join(filter(None, parts))
    return f"{text} ({clause(line.clause)})" if text else clause(line.clause)


def _provenance(statement: Statement) -> Iterator[RenderableType]:
    where = zone(statement.timezone)
    revision = f" Revision {statement.revision}." if statement.revision > 1 else ""
    settled = instant(statement.settled, where)
    yield Text(
        f"Judged as of {instant(statement.as_of, where)} on facts settled up to {settled}.{revision}", style="dim"
    )
    yield Text(f"Terms: sha256 {statement.terms_sha256 or 'none'}.", style="dim")
    yield Text(f"Zone rules: tzdata {statement.tzdata}.", style="dim")
