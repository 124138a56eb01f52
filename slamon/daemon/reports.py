"""Statements for the web: those of the running judgement where it has them, others from scratch, one question at a time."""

from __future__ import annotations

import asyncio

from slamon.config import Config
from slamon.errors import UnavailableError
from slamon.judge import Judge, Source, find_contracts, find_period, report
from slamon.live import ContractView
from slamon.sla.statement import Statement
from slamon.sla.terms import Contract


class Reports:
    """Anybody who reaches the port may ask, so asking must not cost much."""

    def __init__(self, judge: Judge, source: Source) -> None:
        self._judge = judge
        self._source = source
        self._busy = asyncio.Lock()

    async def of(self, config: Config, contract: str | None, period: str, now: int) -> tuple[Statement, ...]:
        """Of one contract or all. Raises UsageError for unknown names, UnavailableError while another is computed."""
        contracts = find_contracts(config, contract)
        views = {view.contract.name: view for view in self._judge.views}
        found = [_running(views.get(each.name), each, period, now) for each in contracts]
        statements = tuple(statement for statement in found if statement is not None)
        if len(statements) == len(contracts):
            return statements
        if self._busy.locked():
            raise UnavailableError("another report is being computed; ask again in a few seconds")
        async with self._busy:
            return await report(config, self._source, contract=contract, period=period, now=now)


def _running(view: ContractView | None, contract: Contract, period: str, now: int) -> Statement | None:
    span = find_period(contract, period, now)
    if view is None or view.contract != contract:
        return None
    return next((each for each in (view.current, view.previous) if each is not None and each.period == span), None)
