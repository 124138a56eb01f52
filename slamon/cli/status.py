"""`slamon status`: what is up now."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import click

from slamon.cli.asking import ask
from slamon.cli.options import config_option, format_option, is_running, state_option
from slamon.config import Config
from slamon.daemon import status as status_now
from slamon.judge import Source
from slamon.report import status as report_status
from slamon.report.layout import WIDTH


@click.command(short_help="What is up now.")
@config_option
@state_option
@format_option
def status(config: Path, state: Path, form: str) -> None:
    """The state of every service and target, from the stored facts: with the daemon running or stopped."""

    async def question(loaded: Config, source: Source, now: int) -> report_status.Status:
        return await status_now(loaded, source, now=now, running=is_running(loaded, state))

    found = ask(config, state, question)
    if form == "json":
        click.echo(json.dumps(report_status.document(found), indent=2))
        return
    terminal = sys.stdout.isatty()
    width = min(shutil.get_terminal_size().columns, WIDTH) if terminal else WIDTH
    click.echo(report_status.render(found, width=width, colour=terminal), nl=False)
