"""Statement → sentences: the verdict in words, what is owed and to whom, what is provisional and why."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from slamon.report.words import due, duration, instant, level, percent, promise, quantity, share, unit_of
from slamon.sla.calendar import zone
from slamon.sla.lines import (
    DEGRADED,
    LOCAL_FAULT,
    NOT_ELAPSED,
    PROVIDER_DOWN,
    UNKNOWN,
    UP,
    ClaimState,
    RightLine,
    RightState,
)
from slamon.sla.statement import CreditLine, ObjectiveLine, Statement, Status
from slamon.sla.terms.clause import Clause
from slamon.sla.terms.measures import SAMPLED, Measure, Side

STATUS = {
    Status.MET: "met",
    Status.BELOW_TARGET: "below target",
    Status.BELOW_MINIMUM: "below minimum",
    Status.UNKNOWN: "unknown",
}

CATEGORIES = {
    UP: "service up",
    DEGRADED: "service up, but degraded",
    PROVIDER_DOWN: "service down, counts",
    LOCAL_FAULT: "fault on the customer's side, does not count",
    UNKNOWN: "not measured",
    NOT_ELAPSED: "not elapsed yet",
}
"""The categories every contract has; any other is a class of its exclusions."""

STANDING = (RightState.OPEN, RightState.CURING)
"""Of a right that has neither lapsed nor been cured."""


def category(name: str) -> str:
    """What a category of time means."""
    return CATEGORIES.get(name, f"excluded: {name.replace('_', ' ')}")


def clause(where: Clause) -> str:
    """`contracts.hq.credits.availability, slamon.yml:42`."""
    return f"{where.path}, {where.place}" if where.place else where.path


def amount(statement: Statement, value: Decimal | None) -> str:
    """Money that is paid, with the digits the statement has; a dash where there is none."""
    return "–" if value is None or statement.currency is None else f"{value:f} {statement.currency}"


def too_little(statement: Statement) -> bool:
    """The status is unknown because less was measured than the contract asks for."""
    counted = statement.counted_coverage
    return statement.status is Status.UNKNOWN and counted is not None and counted < statement.min_coverage


def something_owed(statement: Statement) -> bool:
    return bool(statement.credit if statement.credit is not None else statement.credit_share or statement.points)


def verdict(statement: Statement) -> Iterator[str]:
    """The outcome in a few sentences: what failed, what is owed, what may still change."""
    if statement.status is Status.UNKNOWN:
        yield _why_unknown(statement)
    else:
        failed = [line for line in statement.objectives if line.status in (Status.BELOW_TARGET, Status.BELOW_MINIMUM)]
        yield from (_failed(statement, line) for line in failed)
        if not failed:
            yield _met(statement)
        yield from _stricter(statement)
    yield from _owed(statement)
    yield from _straddled(statement)
    yield from _claim(statement)
    yield from (_right(statement, right) for right in statement.rights if right.state in STANDING)
    if statement.open:
        yield from _open(statement)


# --- the verdict --------------------------------------------------------------------------------------------------------------


def _why_unknown(statement: Statement) -> str:
    if statement.coverage is None:
        return "Nothing can be said: no time in scope of this period has elapsed."
    if not statement.coverage:
        return "Nothing can be said: no time of this period was measured."
    if too_little(statement):
        what = "" if statement.counted_coverage == statement.coverage else " that counts"
        assert statement.counted_coverage is not None, "it is too little"
        return (
            f"Nothing can be said: {percent(statement.counted_coverage)} of the elapsed time{what} "
            f"was measured, the contract asks for {share(statement.min_coverage)}."
        )
    silent = ", ".join(line.name for line in statement.objectives if _promises(line) and line.status is Status.UNKNOWN)
    return f"Nothing can be said about {silent}: not measured." if silent else "Nothing can be said."


def _promises(line: ObjectiveLine) -> bool:
    return line.target is not None or line.minimum is not None


def _failed(statement: Statement, line: ObjectiveLine) -> str:
    missed = "minimum" if line.status is Status.BELOW_MINIMUM else "target"
    bound, side = (line.minimum, line.minimum_side) if missed == "minimum" else (line.target, line.target_side)
    assert bound is not None, "the level that was missed"
    name = line.name[:1].upper() + line.name[1:]
    statistic = f" ({line.statistic})" if line.statistic else ""
    rising = side in (Side.AT_LEAST, Side.OVER)
    worse = "below" if rising else "above"
    if line.value == bound:
        worse = "not above" if rising else "not below"
    text = f"{name}{statistic} {quantity(line.value, unit_of(line), bound)} is {worse} the {missed}"
    text += f" of {promise(bound, None, line)}"
    if line.worst:
        text += f", at {line.worst}"
    left = statement.budget_remaining.get(missed)
    if left is not None and left < 0 and line is primary(statement):
        text += f": {duration(statement.downtime)} of downtime, {duration(-left)} more than the {missed} allows"
    return text + (" (may still change)." if line.provisional else ".")


def primary(statement: Statement) -> ObjectiveLine | None:
    """The availability that the statement's head figures are of."""
    found = [
        line
        for line in statement.objectives
        if line.measure == Measure.AVAILABILITY and line.value == statement.availability
    ]
    return next((line for line in found if line.name == Measure.AVAILABILITY), found[0] if found else None)


def _met(statement: Statement) -> str:
    """Every objective is met; how much downtime that leaves."""
    if not any(map(_promises, statement.objectives)):
        return "The contract names no target and no minimum."
    left = statement.budget_remaining.get("target")
    silent = ", ".join(line.name for line in statement.objectives if _promises(line) and line.status is Status.UNKNOWN)
    text = f"Nothing can be said about {silent}; every other" if silent else "Every"
    text += " objective is met" + (" so far" if statement.open else "")
    if left is None or left < 0:
        return text + "."
    if statement.open:
        return f"{text}; {duration(left)} of downtime left before availability falls below its target."
    less = f"{duration(left)} less than" if left else "as much as"
    return f"{text}: {duration(statement.downtime)} of downtime, {less} the target allows."


def _stricter(statement: Statement) -> Iterator[str]:
    """Credits that give though the objective they compare is met: their thresholds ask for more than it does."""
    met = {line.name: line for line in statement.objectives if line.status is Status.MET}
    for credit in statement.credits:
        line = met.get(credit.objective or "")
        if line is None or not credit.applied or credit.threshold is None or not (credit.exact or credit.points):
            continue
        value = quantity(credit.value, unit_of(credit), credit.threshold)
        side = "" if credit.side is None else credit.side.replace("_", " ")
        asks = (
            f"the target of {promise(line.target, line.target_side, line)}" if line.target is not None else "any target"
        )
        yield (
            f"The credit {credit.name} is given all the same: {line.name} {value} is {side} its threshold of "
            f"{level(credit.threshold, unit_of(credit))}, which is stricter than {asks}."
        )


# --- what is owed -------------------------------------------------------------------------------------------------------------


def _owed(statement: Statement) -> Iterator[str]:
    if not statement.credits and not something_owed(statement):
        yield from _bonus(statement)
        return
    doubt = ""
    if too_little(statement) and statement.counted_coverage is not None:
        measured = f"{percent(statement.counted_coverage)}, {share(statement.min_coverage)} needed"
        doubt = f", computed from too little measured time ({measured})"
    elif statement.open and something_owed(statement):
        doubt = ", certain already"
    if statement.credit is not None:
        capped = f" ({amount(statement, statement.lost_to_cap)} removed by caps)" if statement.lost_to_cap else ""
        yield f"Credit owed: {amount(statement, statement.credit)}{capped}{doubt}."
    elif statement.credit_share:
        yield f"Credit owed: {percent(statement.credit_share)} of the charge{doubt}."
    if statement.points:
        yield f"Points: {statement.points}{'' if statement.credit is not None else doubt}."
    if statement.at_stake:
        yield f"At stake: {amount(statement, statement.at_stake)} more, if the values so far stay as they are."
    yield from _not_paid(statement)
    yield from _bonus(statement)
    if statement.adjustment:
        since = "more" if statement.adjustment > 0 else "less"
        yield f"That is {amount(statement, abs(statement.adjustment))} {since} than when the statement was closed."


def _not_paid(statement: Statement) -> Iterator[str]:
    payable = amount(statement, statement.payable)
    if statement.withheld is not None and statement.credit:
        yield f"Payable: {payable}; the credit is withheld ({clause(statement.withheld)})."
    elif statement.earned_back:
        yield f"Payable: {payable}; {amount(statement, statement.earned_back)} were earned back."


def _bonus(statement: Statement) -> Iterator[str]:
    if statement.bonus:
        yield f"Bonus for the provider: {amount(statement, statement.bonus)}."


def _straddled(statement: Statement) -> Iterator[str]:
    """Whether unmeasured time alone decides which threshold of an availability or downtime credit is reached."""
    unmeasured = statement.time.get(UNKNOWN, 0) + statement.time.get(LOCAL_FAULT, 0)
    if not unmeasured or not statement.credits:
        return
    less = any(
        _less_if_up(statement, line) for line in statement.credits if line.applied and line.threshold is not None
    )
    further = statement.to_next_credit
    more = False
    if further is not None and further <= unmeasured and statement.low is not None and statement.total:
        more = statement.low <= (statement.total - statement.downtime - further) / statement.total
    if less or more:
        then = (["had it been up, less would be owed"] if less else []) + (
            ["had it been down, more would be owed"] if more else []
        )
        yield f"{duration(unmeasured)} of the period were not measured: {'; '.join(then)}."


def _less_if_up(statement: Statement, line: CreditLine) -> bool:
    main = primary(statement)
    if main is None or line.objective != main.name or line.side is None or line.threshold is None:
        return False
    return statement.high is not None and not Side(line.side).reached(statement.high, line.threshold)


# --- what has to be done ------------------------------------------------------------------------------------------------------


def _claim(statement: Statement) -> Iterator[str]:
    claim, where = statement.claim, zone(statement.timezone)
    if claim is None or not something_owed(statement):
        return
    last = "" if claim.claim_by is None else due(claim.claim_by, where)
    if claim.lodged is not None:
        word = "in time" if claim.state is ClaimState.IN_TIME else "too late"
        had = f" (it had to be {last})" if last else ""
        yield f"It was claimed {word}, on {instant(claim.lodged, where)}{had}."
    elif claim.state is ClaimState.LATE:
        yield f"It had to be claimed {last} and was not ({clause(claim.clause)})."
    else:
        report = "" if claim.report_by is None else f"; the fault has to be reported {due(claim.report_by, where)}"
        yield f"It has to be claimed{f' {last}' if last else ''}{report} ({clause(claim.clause)})."


def _right(statement: Statement, right: RightLine) -> str:
    return f"The {right.party} may terminate the {right.scope} since {right.arises}: {right.name}{_step(statement, right)}."


def _step(statement: Statement, right: RightLine) -> str:
    """The next thing to be done about a right."""
    where = zone(statement.timezone)
    if right.state is RightState.CURING:
        return f", unless it is cured {due(right.cure_ends, where)}" if right.cure_ends is not None else ""
    if right.notice_given is None and right.notice_by is not None:
        return f", notice to be given {due(right.notice_by, where)}"
    return f", to be exercised {due(right.exercise_by, where)}" if right.exercise_by is not None else ""


def _open(statement: Statement) -> Iterator[str]:
    settled = instant(statement.settled, zone(statement.timezone))
    yield f"The period is open: it is judged as if every second after {settled} were up."
    if any(line.measure in SAMPLED and line.samples for line in statement.objectives):
        yield "Figures read from packets may lag up to a minute behind that instant."
