"""A statement that was closed → its revision: judged as it was then, and whenever somebody stated anything after that."""

from __future__ import annotations

from typing import TypeAlias

from slamon.judge.bench import Source, declared
from slamon.judge.book import Book
from slamon.sla.facts import Facts, closings
from slamon.sla.lines import Period
from slamon.sla.statement import Statement, revised
from slamon.sla.terms import Contract

_Stages: TypeAlias = tuple[tuple[int, Facts], ...]
"""Instants, each with what was declared by then."""


class Revisions:
    """Of the statements of one contract; those judged last are remembered until something else was stated.

    All are judged at one time: what the store keeps of old packets differs from one month to another.
    """

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._judged: tuple[Period, _Stages, list[Statement]] | None = None

    async def of(self, book: Book, statement: Statement, source: Source) -> Statement:
        """The statement with its revision; `book`: the one it is from."""
        period = statement.period
        closed = closings(book.declared, period.name, statement.as_of)
        if not closed:
            return statement
        recorded = await source.recorded()
        stages = await self._stages(closed, statement.as_of, source)
        if self._judged is not None and self._judged[:2] == (period, stages):
            return revised(statement, self._judged[2], closed)
        earlier = [
            await Book(book.config, self._contract, facts).statement(source, period, at, step=period.end - period.start)
            for at, facts in stages
        ]
        if recorded > stages[-1][0]:  # until then probes of that time may still be decided
            self._judged = period, stages, earlier
        return revised(statement, earlier, closed)

    async def _stages(self, closed: list[int], as_of: int, source: Source) -> _Stages:
        """When the statement was closed and when anything was stated after that, ascending."""
        history = await source.history(self._contract.name, closed[0])
        instants = sorted({*closed, *(each.since for each in history if each.since <= as_of)})
        stood = {at: [each for each in history if each.since <= at][-1] for at in instants}
        return tuple((at, declared(self._contract, stood[at].declarations, at)) for at in instants)
