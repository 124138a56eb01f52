"""The command line: one file a command. Together with `daemon` the only place where real things are built."""

from __future__ import annotations

import click

from slamon import __version__
from slamon.cli.check import check
from slamon.cli.contract import contract
from slamon.cli.exclude import exclude
from slamon.cli.probe import probe
from slamon.cli.record import record
from slamon.cli.report import report
from slamon.cli.run import run
from slamon.cli.status import status
from slamon.cli.test import test
from slamon.cli.whatif import whatif


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="slamon %(version)s")
def cli() -> None:
    """Was the SLA kept, what credit is owed, and what proves it.

    \b
    Exit codes: 0 ok, 1 a check or test failed, 2 usage, 69 something is in the way
    (lock, port, file), 78 the configuration does not load.
    """


for command in (run, check, report, status, contract, exclude, record, probe, test, whatif):
    cli.add_command(command)
