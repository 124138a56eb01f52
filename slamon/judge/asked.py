"""Statements that somebody asks for, from scratch: of any contract and period, with the daemon running or not."""

from __future__ import annotations

from slamon.config import Config
from slamon.errors import UsageError
from slamon.judge.bench import Source, declared
from slamon.judge.book import Book
from slamon.judge.revisions import Revisions
from slamon.sla import periods
from slamon.sla.lines import Period
from slamon.sla.statement import Statement
from slamon.sla.terms import Contract
from slamon.store import Declarations


async def judge_once(
    config: Config, contract: Contract, period: Period, *, source: Source, declarations: Declarations, as_of: int
) -> Statement:
    """One contract over one period, from scratch."""
    book = Book(config, contract, declared(contract, declarations, as_of))
    found = await book.statement(source, period, as_of, step=period.end - period.start)
    return await Revisions(contract).of(book, found, source)


def find_period(contract: Contract, name: str, now: int) -> Period:
    """`current`, `previous` or a name such as `2026-10`. Raises UsageError."""
    if name == "current":
        return periods.current(contract, now)
    if name == "previous":
        return periods.previous(contract, now)
    return periods.period(contract, name)


def find_contracts(config: Config, name: str | None) -> tuple[Contract, ...]:
    """The contract of that name, or all. Raises UsageError for an unknown name, saying which there are."""
    if name is None:
        return tuple(config.contracts.values())
    if name not in config.contracts:
        known = ", ".join(config.contracts) or "none"
        raise UsageError(f"there is no contract {name!r}; the contracts are: {known}")
    return (config.contracts[name],)


async def report(
    config: Config, source: Source, *, contract: str | None, period: str, now: int
) -> tuple[Statement, ...]:
    """The statements people ask for, from scratch. Raises UsageError for an unknown contract or period."""
    declarations = await source.declarations()
    statements = []
    for each in find_contracts(config, contract):
        span = find_period(each, period, now)
        statements.append(await judge_once(config, each, span, source=source, declarations=declarations, as_of=now))
    return tuple(statements)
