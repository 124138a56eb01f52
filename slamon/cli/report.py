"""`slamon report`: the statement of every contract over a period, with its arithmetic."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import click

from slamon.cli.asking import ask
from slamon.cli.options import config_option, format_option, state_option
from slamon.config import Config
from slamon.judge import Source
from slamon.judge import evidence as evidence_of
from slamon.judge import report as statements_of
from slamon.path import Evidence
from slamon.report import json as report_json
from slamon.report import text as report_text
from slamon.report.layout import WIDTH
from slamon.sla.statement import Statement


@click.command(short_help="Was the SLA kept, and what is owed.")
@config_option
@state_option
@click.option("--contract", metavar="NAME", help="One contract; default all.")
@click.option(
    "--period",
    default="current",
    show_default=True,
    metavar="PERIOD",
    help="current, previous, or a month such as 2026-10.",
)
@format_option
def report(config: Path, state: Path, contract: str | None, period: str, form: str) -> None:
    """Judge the stored facts by the contracts, with the daemon running or stopped."""

    async def question(
        loaded: Config, source: Source, now: int
    ) -> tuple[tuple[Statement, ...], tuple[Evidence, ...], int]:
        found = await statements_of(loaded, source, contract=contract, period=period, now=now)
        return found, await evidence_of(loaded, source, found), now

    statements, evidence, as_of = ask(config, state, question)
    if form == "json":
        click.echo(report_json.dumps(report_json.document(statements, evidence, as_of=as_of)), nl=False)
        return
    terminal = sys.stdout.isatty()
    width = min(shutil.get_terminal_size().columns, WIDTH) if terminal else WIDTH
    click.echo(report_text.render(statements, evidence, width=width, colour=terminal), nl=False)
