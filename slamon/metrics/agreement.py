"""The families of the contract: objectives, availability, time by cause, credit; for the current and the previous period."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction

from slamon.metrics.family import Family, Lines, Page, per_statement
from slamon.metrics.text import escape, pairs, ratio, ratio_seconds, seconds
from slamon.sla.lines import NOT_ELAPSED, PROVIDER_DOWN, UNKNOWN, UP
from slamon.sla.statement import ObjectiveLine, OutageLine, Statement, Status

PERIOD_LABELS = ("contract", "period")
"""Of every judged series; period is `current` or `previous`."""

NOT_CAUSES = frozenset({UP, UNKNOWN, NOT_ELAPSED})
"""Categories of time that are no cause of an outage."""


def _info(name: str, page: Page) -> Iterator[str]:
    for view in page.view.contracts:
        contract = view.contract
        labels = pairs(
            (
                ("contract", contract.name),
                ("service", contract.service),
                ("kind", contract.kind),
                ("provider", contract.provider),
                ("currency", contract.currency or ""),
            )
        )
        yield f"{name}{{{labels}}} 1\n"


def _quantity(value: Fraction | None, unit: str) -> str | None:
    if value is None:
        return None
    return ratio_seconds(value) if unit == "seconds" else ratio(value)


def _objective(read: Callable[[ObjectiveLine], Fraction | None]) -> Lines:
    def lines(name: str, page: Page) -> Iterator[str]:
        for labels, _, statement in page.judged:
            for objective in statement.objectives:
                value = _quantity(read(objective), objective.unit)
                if value is not None:
                    yield f'{name}{{{labels},objective="{escape(objective.name)}",unit="{objective.unit}"}} {value}\n'

    return lines


def _compliant(name: str, page: Page) -> Iterator[str]:
    for labels, _, statement in page.judged:
        for objective in statement.objectives:
            promised = objective.target is not None or objective.minimum is not None
            if promised and objective.status is not Status.UNKNOWN:
                met = 1 if objective.status is Status.MET else 0
                yield f'{name}{{{labels},objective="{escape(objective.name)}"}} {met}\n'


def _status(name: str, page: Page) -> Iterator[str]:
    for labels, _, statement in page.judged:
        for status in Status:
            yield f'{name}{{{labels},status="{status}"}} {1 if status is statement.status else 0}\n'


def _time(name: str, page: Page) -> Iterator[str]:
    for labels, _, statement in page.judged:
        for category, ns in statement.time.items():
            yield f'{name}{{{labels},category="{escape(category)}"}} {seconds(ns)}\n'


def outage_cause(outage: OutageLine) -> str:
    """The one cause an outage is counted under: the provider as soon as any of it counts, else whoever owns most of it."""
    if outage.by_cause.get(PROVIDER_DOWN) or not outage.by_cause:
        return PROVIDER_DOWN
    return max(outage.by_cause, key=lambda cause: outage.by_cause[cause])


def _outages(name: str, page: Page) -> Iterator[str]:
    for labels, _, statement in page.judged:
        counts = dict.fromkeys((category for category in statement.time if category not in NOT_CAUSES), 0)
        for outage in statement.outages:
            cause = outage_cause(outage)
            counts[cause] = counts.get(cause, 0) + 1
        for cause, count in counts.items():
            yield f'{name}{{{labels},cause="{escape(cause)}"}} {count}\n'


def _exclusions(name: str, page: Page) -> Iterator[str]:
    for view in page.view.contracts:
        for exclusion, active in view.active_exclusions.items():
            labels = pairs((("contract", view.contract.name), ("class", exclusion)))
            yield f"{name}{{{labels}}} {1 if active else 0}\n"


def _budget(name: str, page: Page) -> Iterator[str]:
    for labels, _, statement in page.judged:
        for level, ns in statement.budget_remaining.items():
            yield f'{name}{{{labels},level="{escape(level)}"}} {seconds(ns)}\n'


def _money(read: Callable[[Statement], Decimal | None]) -> Lines:
    def lines(name: str, page: Page) -> Iterator[str]:
        for labels, _, statement in page.judged:
            amount = read(statement)
            if amount is not None and statement.currency is not None:
                yield f'{name}{{{labels},currency="{escape(statement.currency)}"}} {amount:f}\n'

    return lines


def _ratio(read: Callable[[Statement], Fraction | None]) -> Lines:
    def text(statement: Statement) -> str | None:
        value = read(statement)
        return None if value is None else ratio(value)

    return per_statement(text)


def _gauge(name: str, text: str, lines: Lines, *labels: str) -> Family:
    return Family(name=f"slamon_sla_{name}", type="gauge", help=text, labels=(*PERIOD_LABELS, *labels), lines=lines)


AGREEMENT: tuple[Family, ...] = (
    Family(
        name="slamon_contract_info",
        type="gauge",
        help="What a contract is; always 1. Join on contract to get these labels.",
        labels=("contract", "service", "kind", "provider", "currency"),
        lines=_info,
    ),
    _gauge(
        "objective_value",
        "Value of the objective in the period, as judged; absent while nothing was measured.",
        _objective(lambda line: line.value),
        "objective",
        "unit",
    ),
    _gauge(
        "objective_target", "Value the contract asks for.", _objective(lambda line: line.target), "objective", "unit"
    ),
    _gauge(
        "objective_minimum",
        "Lowest acceptable value the contract names.",
        _objective(lambda line: line.minimum),
        "objective",
        "unit",
    ),
    _gauge(
        "availability_ratio",
        "Availability of the period; an open period is judged as if the rest of it were up.",
        _ratio(lambda statement: statement.availability),
    ),
    _gauge(
        "availability_so_far_ratio",
        "Availability over the elapsed part of the period only.",
        _ratio(lambda statement: statement.availability_so_far),
    ),
    _gauge(
        "availability_if_unknown_up_ratio",
        "Availability if all unmeasured time had been up: the highest it can be.",
        _ratio(lambda statement: statement.high),
    ),
    _gauge(
        "availability_if_unknown_down_ratio",
        "Availability if all unmeasured time had been down: the lowest it can be.",
        _ratio(lambda statement: statement.low),
    ),
    _gauge(
        "coverage_ratio", "Measured share of the elapsed time in scope.", _ratio(lambda statement: statement.coverage)
    ),
    _gauge(
        "coverage_minimum_ratio",
        "Coverage below which the contract's status is unknown.",
        _ratio(lambda statement: statement.min_coverage),
    ),
    _gauge(
        "compliant",
        "1 while the objective meets its target, 0 when not; absent while nothing can be said.",
        _compliant,
        "objective",
    ),
    _gauge("status", "1 for the contract's status, 0 for the others.", _status, "status"),
    _gauge("time_seconds", "Time in scope by category; adds up to the time in scope.", _time, "category"),
    _gauge(
        "outages",
        "Outages in the period by cause; provider_down as soon as any part of one counts, else whoever owns most of it.",
        _outages,
        "cause",
    ),
    Family(
        name="slamon_exclusion_active",
        type="gauge",
        help="1 while a declared exclusion of the class covers the present instant; inhibits alerts.",
        labels=("contract", "class"),
        lines=_exclusions,
    ),
    _gauge(
        "downtime_budget_remaining_seconds",
        "Downtime left in the period before availability falls below target or minimum; negative when overrun.",
        _budget,
        "level",
    ),
    _gauge(
        "downtime_to_next_credit_seconds",
        "Further downtime until the next availability credit; absent when no further one exists.",
        per_statement(
            lambda statement: None if statement.to_next_credit is None else seconds(statement.to_next_credit)
        ),
    ),
    _gauge(
        "credit_owed",
        "Credit owed for the period after caps; in an open period only what is certain.",
        _money(lambda s: s.credit),
        "currency",
    ),
    _gauge(
        "credit_owed_ratio",
        "Credit owed as a share of the period's charge.",
        _ratio(lambda statement: statement.credit_share),
    ),
    _gauge(
        "credit_lost_to_cap", "Credit the caps removed.", _money(lambda statement: statement.lost_to_cap), "currency"
    ),
    _gauge(
        "credit_at_stake",
        "Credit that will be owed if the values of an open period stay as they are now.",
        _money(lambda statement: statement.at_stake),
        "currency",
    ),
    _gauge(
        "period_start_timestamp_seconds",
        "Start of the period.",
        per_statement(lambda statement: seconds(statement.period.start)),
    ),
    _gauge(
        "period_end_timestamp_seconds",
        "End of the period, exclusive.",
        per_statement(lambda statement: seconds(statement.period.end)),
    ),
)
