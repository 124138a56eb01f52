"""The paths that were traced for the outages of statements: shown with them, and no part of any verdict."""

from __future__ import annotations

from collections.abc import Iterable

from slamon.config import Config
from slamon.judge.bench import Source
from slamon.path import Evidence, of_outage, shown
from slamon.sla.reach import services
from slamon.sla.statement import Statement
from slamon.sla.terms.composition import names


async def evidence(config: Config, source: Source, statements: Iterable[Statement]) -> tuple[Evidence, ...]:
    """What is known of the paths in the outages of these statements, in their order. `config` is the one they were judged by."""
    found: list[Evidence] = []
    for statement in statements:
        if not statement.outages:
            continue
        leaves = dict.fromkeys(
            leaf for service in services(config.contracts[statement.contract]) for leaf in names(service)
        )
        demarcation = {
            target: config.services[leaf].demarcation for leaf in leaves for target in config.services[leaf].targets
        }
        spans = [(line.start, line.start if line.began is None else line.began, line.end) for line in statement.outages]
        first = min(began for _, began, _ in spans)
        last = max(statement.as_of if end is None else end for _, _, end in spans)
        traced = await source.paths(tuple(demarcation), first, last)
        for start, began, end in spans if traced else ():
            found += shown(statement.contract, start, of_outage(traced, began, end), demarcation)
    return tuple(found)
