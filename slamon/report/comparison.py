"""Pairs of statements over the same facts → a table of what two contracts would owe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction

from rich.console import Group, RenderableType
from rich.text import Text

from slamon.report.layout import WIDTH, columns, to_text
from slamon.report.sentences import STATUS
from slamon.report.words import money, percent
from slamon.sla.statement import Statement


def compared(pairs: Sequence[tuple[Statement, Statement]], *, width: int = WIDTH, colour: bool = False) -> str:
    """One line a period and contract, and the sums; ends in a newline."""
    return to_text([_table(pairs)], width=width, colour=colour)


def _table(pairs: Sequence[tuple[Statement, Statement]]) -> RenderableType:
    table = columns("period", "contract", "status", ">availability", ">credit", ">payable")
    for pair in pairs:
        for statement in pair:
            table.add_row(
                Text(statement.period.name + (" (open)" if statement.open else "")),
                Text(statement.contract),
                Text(STATUS[statement.status]),
                Text("–" if statement.availability is None else percent(statement.availability)),
                Text(_amount(statement, statement.credit)),
                Text(_amount(statement, statement.payable)),
            )
    sums = [_sum(statements) for statements in zip(*pairs, strict=True)]
    return Group(table, Text(), *(Text(line) for line in sums))


def _amount(statement: Statement, value: Decimal | None) -> str:
    return "–" if value is None or statement.currency is None else money(Fraction(value), statement.currency)


def _sum(statements: Iterable[Statement]) -> str:
    """`hq would have paid 300.00 USD in 3 periods.`"""
    every = list(statements)
    first = every[0]
    if first.currency is None:
        return f"{first.contract} gives no money."
    total = sum((statement.payable or Decimal(0) for statement in every), start=Decimal(0))
    count = f"{len(every)} period{'' if len(every) == 1 else 's'}"
    return f"{first.contract}: {money(Fraction(total), first.currency)} payable in {count}."
