"""The families of the contract: objectives, availability, time by cause; for the current and the previous period."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from math import floor

from slamon.metrics.family import Family, Lines, Page, per_statement
from slamon.metrics.text import escape, number, pairs, ratio, ratio_seconds, seconds
from slamon.sla import periods
from slamon.sla.lines import DEGRADED, NOT_ELAPSED, PROVIDER_DOWN, UNKNOWN, UP
from slamon.sla.statement import ObjectiveLine, OutageLine, Statement, Status
from slamon.sla.terms.composition import described, names
from slamon.sla.terms.measures import Dimension

PERIOD_LABELS = ("contract", "period")
"""Of every judged series; period is `current` or `previous`."""

NOT_CAUSES = frozenset({UP, DEGRADED, UNKNOWN, NOT_ELAPSED})
"""Categories of time that are no cause of an outage."""

UNITS = {
    Dimension.RATIO: ("ratio", ratio),
    Dimension.DURATION: ("seconds", ratio_seconds),
    Dimension.COUNT: ("count", number),
    Dimension.DAYS: ("days", number),
}
"""What an objective's value is in → the `unit` label, and how it is written."""


def _info(name: str, page: Page) -> Iterator[str]:
    for view in page.view.contracts:
        contract = view.contract
        labels = pairs(
            (
                ("contract", contract.name),
                ("service", described(contract.service)),
                ("kind", contract.kind),
                ("provider", contract.provider),
                ("currency", contract.currency or ""),
            )
        )
        yield f"{name}{{{labels}}} 1\n"


def _services(name: str, page: Page) -> Iterator[str]:
    """By the terms the current period is judged by."""
    for view in page.view.contracts:
        terms = periods.version(view.contract, view.current.period.start)
        judged = [terms.service, *(one.service for one in terms.objectives if one.service is not None)]
        for service in dict.fromkeys(leaf for one in judged for leaf in names(one)):
            yield f"{name}{{{pairs((('contract', view.contract.name), ('service', service)))}}} 1\n"


def _objective(read: Callable[[ObjectiveLine], Fraction | None]) -> Lines:
    def lines(name: str, page: Page) -> Iterator[str]:
        for labels, _, statement in page.judged:
            for objective in statement.objectives:
                value = read(objective)
                if value is not None:
                    unit, written = UNITS[objective.dimension]
                    own = f'objective="{escape(objective.name)}",unit="{unit}"'
                    yield f"{name}{{{labels},{own}}} {written(value)}\n"

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


def _budget(read: Callable[[Statement, int], int]) -> Lines:
    """`read(statement, what is left)`: nanoseconds, of each level."""

    def lines(name: str, page: Page) -> Iterator[str]:
        for labels, _, statement in page.judged:
            for level, left in statement.budget_remaining.items():
                yield f'{name}{{{labels},level="{escape(level)}"}} {seconds(read(statement, left))}\n'

    return lines


def ratio_of(read: Callable[[Statement], Fraction | None]) -> Lines:
    def text(statement: Statement) -> str | None:
        value = read(statement)
        return None if value is None else ratio(value)

    return per_statement(text)


def gauge(name: str, text: str, lines: Lines, *labels: str) -> Family:
    return Family(name=f"slamon_sla_{name}", type="gauge", help=text, labels=(*PERIOD_LABELS, *labels), lines=lines)


AGREEMENT: tuple[Family, ...] = (
    Family(
        name="slamon_contract_info",
        type="gauge",
        help="What a contract is; always 1. Join on contract to get these labels.",
        labels=("contract", "service", "kind", "provider", "currency"),
        lines=_info,
    ),
    Family(
        name="slamon_contract_service",
        type="gauge",
        help="A service the contract judges, those of a composition one by one; always 1. Join on contract to get from one to the other.",
        labels=("contract", "service"),
        lines=_services,
    ),
    gauge(
        "objective_value",
        "Value of the objective in the period, as judged; absent while nothing was measured.",
        _objective(lambda line: line.value),
        "objective",
        "unit",
    ),
    gauge(
        "objective_target", "Value the contract asks for.", _objective(lambda line: line.target), "objective", "unit"
    ),
    gauge(
        "objective_minimum",
        "Lowest acceptable value the contract names.",
        _objective(lambda line: line.minimum),
        "objective",
        "unit",
    ),
    gauge(
        "availability_ratio",
        "Availability of the period; an open period is judged as if the rest of it were up.",
        ratio_of(lambda statement: statement.availability),
    ),
    gauge(
        "availability_so_far_ratio",
        "Availability over the elapsed part of the period only.",
        ratio_of(lambda statement: statement.availability_so_far),
    ),
    gauge(
        "availability_if_unknown_up_ratio",
        "Availability if all unmeasured time had been up: the highest it can be.",
        ratio_of(lambda statement: statement.high),
    ),
    gauge(
        "availability_if_unknown_down_ratio",
        "Availability if all unmeasured time had been down: the lowest it can be.",
        ratio_of(lambda statement: statement.low),
    ),
    gauge(
        "coverage_ratio",
        "Measured or excluded share of the elapsed time in scope.",
        ratio_of(lambda statement: statement.coverage),
    ),
    gauge(
        "coverage_counted_ratio",
        "The same of the time that counts, excluded time left out: what is compared with the least coverage.",
        ratio_of(lambda statement: statement.counted_coverage),
    ),
    gauge(
        "coverage_minimum_ratio",
        "Counted coverage below which the contract's status is unknown.",
        ratio_of(lambda statement: statement.min_coverage),
    ),
    gauge(
        "compliant",
        "1 while the objective meets its target, 0 when not; absent while nothing can be said.",
        _compliant,
        "objective",
    ),
    gauge("status", "1 for the contract's status, 0 for the others.", _status, "status"),
    gauge("time_seconds", "Time in scope by category; adds up to the time in scope.", _time, "category"),
    gauge(
        "outages",
        "Outages in the period by cause; provider_down as soon as any part of one counts, else whoever owns most of it.",
        _outages,
        "cause",
    ),
    Family(
        name="slamon_exclusion_active",
        type="gauge",
        help="1 while the present instant does not count, by an exclusion of the class that the contract's rules accept; inhibits alerts.",
        labels=("contract", "class"),
        lines=_exclusions,
    ),
    gauge(
        "downtime_budget_seconds",
        "Downtime the target or minimum of availability allows in the period: what is left of it and what has counted so far.",
        _budget(lambda statement, left: left + floor(statement.downtime)),
        "level",
    ),
    gauge(
        "downtime_budget_remaining_seconds",
        "Downtime left in the period before availability falls below target or minimum; negative when overrun.",
        _budget(lambda _, left: left),
        "level",
    ),
    gauge(
        "downtime_to_next_credit_seconds",
        "Further downtime until the next availability or downtime credit; absent when no further one exists.",
        per_statement(
            lambda statement: None if statement.to_next_credit is None else seconds(statement.to_next_credit)
        ),
    ),
    gauge(
        "period_start_timestamp_seconds",
        "Start of the period.",
        per_statement(lambda statement: seconds(statement.period.start)),
    ),
    gauge(
        "period_end_timestamp_seconds",
        "End of the period, exclusive.",
        per_statement(lambda statement: seconds(statement.period.end)),
    ),
)
