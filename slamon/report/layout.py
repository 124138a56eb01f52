"""Columns and paragraphs → text that survives a terminal, a pipe and a letter: no frames, nothing behind the last word."""

from __future__ import annotations

from collections.abc import Iterable
from io import StringIO

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

WIDTH = 100
"""Columns where there is no terminal to ask: fits a letter in a fixed font."""


def to_text(parts: Iterable[RenderableType], *, width: int = WIDTH, colour: bool = False) -> str:
    """Lays the parts out one under the other; the text ends in a newline."""
    out = StringIO()
    console = Console(
        file=out,
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        markup=False,
        highlight=False,
        emoji=False,
    )
    for part in parts:
        console.print(part)
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())


def columns(*headings: str) -> Table:
    """A table by its headings; `>` in front aligns to the right, `!` keeps the words of the column whole."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for heading in headings:
        table.add_column(
            heading.lstrip(">!"),
            justify="right" if heading.startswith(">") else "left",
            overflow="fold",
            no_wrap=heading.startswith("!"),
        )
    return table


def figures(rows: Iterable[tuple[str, str, str]]) -> Table:
    """Lines of name, figure, remark."""
    table = Table.grid(padding=(0, 3, 0, 0))
    table.add_column(overflow="fold")
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def hanging(rows: Iterable[tuple[str, str]], gap: int = 2) -> Table:
    """Lines of a head and a text that wraps beside it, not under it."""
    table = Table.grid(padding=(0, gap, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table
