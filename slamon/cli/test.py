"""`slamon test FILE…`: unit tests of contracts."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from slamon.cases import run as run_cases
from slamon.errors import UnavailableError


@click.command(short_help="Test contracts against declared facts.")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), help="Also write the outcome as JUnit XML.")
def test(files: tuple[Path, ...], junit: Path | None) -> None:
    """Judge the declared facts of FILES by their contracts and compare with the figures expected there.

    Exit code 0 all as expected, 1 a figure differs, 2 a file does not load.
    """
    outcome = run_cases(files)
    click.echo(outcome.text(), nl=False)
    if junit is not None:
        try:
            junit.write_text(outcome.junit(), encoding="utf-8")
        except OSError as error:
            raise UnavailableError(f"cannot write {junit}: {error.strerror}") from error
    sys.exit(outcome.exit_code)
