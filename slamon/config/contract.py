"""One contract: nodes → checked clauses → the terms `sla.evaluate` judges by. Used by the configuration and by contract tests."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from fractions import Fraction

from slamon.config.clauses import Contract as Keys
from slamon.config.credits import Money, caps, credits_of
from slamon.config.edge import Report, read
from slamon.config.nodes import Node, canonical
from slamon.config.objectives import clause, objectives
from slamon.config.reader import suggestion
from slamon.errors import Place, Problem
from slamon.sla.terms import Combine, Contract, ExclusionClass, Kind, UnknownTime

CATEGORIES = frozenset({"up", "provider_down", "local_fault", "unknown", "not_elapsed"})
"""Categories of time a statement has anyway: no class of exclusion may have such a name."""


def read_contract(
    name: str,
    node: Node,
    problems: list[Problem],
    *,
    services: Mapping[str, Collection[str]] | None,
    warnings: list[Problem] | None = None,
    place: Place | None = None,
) -> Contract | None:
    """The terms of the contract `name`; None when something is wrong, which is then in `problems`.

    `services`: service → names of its targets, to check references; None = do not (contract tests have no services).
    `warnings` receives what is allowed and rarely meant. `place`: where the contract's name is written.
    """
    before = len(problems)
    report = Report(node, f"contracts.{name}", problems, place=place)
    keys = read(Keys, report)
    if keys is None:
        return None
    if services is not None and keys.service is not None and keys.service not in services:
        report.say(("service",), "there is no such service", fix=suggestion(keys.service, services))
    targets = None if services is None or keys.service is None else services.get(keys.service)
    money = Money(keys, report)
    found = objectives(keys.objectives, report.below("objectives"), keys.service, targets)
    lines, implied = credits_of(keys, found, report, money)
    cap, cap_amount = caps(keys, report, money)
    classes = _exclusions(keys, report)
    if keys.minimum_credit is not None:
        money.amount(keys.minimum_credit[2], report, "minimum_credit")
    if len(problems) > before or keys.service is None or keys.provider is None or keys.timezone is None:
        return None
    _warn(keys, report, warnings)
    exclusive, minimum = keys.minimum_credit[:2] if keys.minimum_credit else (True, None)
    return Contract(
        name=name,
        service=keys.service,
        provider=keys.provider,
        timezone=keys.timezone,
        clause=clause(report),
        kind=Kind(keys.kind),
        customer=keys.customer or "",
        notes=keys.notes,
        currency=money.currency,
        price=money.price,
        down_after=keys.outage.after,
        up_after=keys.outage.until,
        unknown=UnknownTime(keys.unknown),
        min_coverage=keys.min_coverage,
        exclusions=classes,
        objectives=(*found.values(), *implied),
        credits=lines,
        combine=Combine(keys.combine or "sum"),
        cap=cap,
        cap_amount=cap_amount,
        minimum_credit=minimum,
        minimum_credit_exclusive=exclusive,
        text_sha256=hashlib.sha256(canonical(node).encode()).hexdigest(),
    )


def latency_limits(contracts: Collection[Contract]) -> tuple[int, ...]:
    """Every round-trip time any of the contracts compares a latency with, in nanoseconds, ascending."""
    limits: set[Fraction] = set()
    for contract in contracts:
        latencies = {objective.name: objective for objective in contract.objectives if objective.measure == "latency"}
        for objective in latencies.values():
            limits.update(level for level in (objective.target, objective.minimum) if level is not None)
        for credit in contract.credits:
            if credit.objective in latencies:
                limits.update(tier.threshold for tier in credit.tiers)
    return tuple(sorted(int(limit) for limit in limits))


def _exclusions(keys: Keys, report: Report) -> tuple[ExclusionClass, ...]:
    classes: dict[str, ExclusionClass] = {}
    for at, entry in enumerate(keys.exclusions):
        if entry.class_ in classes:
            report.say(("exclusions", at, "class"), "a class listed twice", fix="keep one")
        elif entry.class_ in CATEGORIES:
            report.say(
                ("exclusions", at, "class"), "a statement has a category of this name", fix="choose another name"
            )
        classes[entry.class_] = ExclusionClass(name=entry.class_, clause=clause(report, "exclusions", at))
    return tuple(classes.values())


def _warn(keys: Keys, report: Report, warnings: list[Problem] | None) -> None:
    if warnings is None or not keys.credits:
        return
    warn = Report(report.node, report.path, warnings, place=report.place())
    warn.say((), "no `claim`: every credit is owed without anybody claiming it", show=False)
    if keys.caps is None:
        fix = "write `caps: {period: 100%}` to say so, or `caps: {}` for no cap"
        warn.say((), "no `caps`: the credits of a month are capped at 100% of its charge", fix=fix, show=False)
