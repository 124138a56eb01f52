"""`slamon run`: the daemon in the foreground, as a service manager or a terminal starts it."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from dataclasses import replace
from pathlib import Path

import click

from slamon import __version__
from slamon.cli.options import config_option, load_config, state_option
from slamon.config import Config, Secrets
from slamon.daemon import serve, summary
from slamon.errors import SlamonError, UsageError


def _log(verbose: bool) -> None:
    """To standard error; under systemd with its priority prefixes and without the time, which the journal adds itself."""
    journal = "JOURNAL_STREAM" in os.environ  # noqa: TID251 - says who reads standard error
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Journal() if journal else logging.Formatter("%(asctime)s %(levelname)-7s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("slamon").setLevel(logging.DEBUG if verbose else logging.INFO)


class _Journal(logging.Formatter):
    """`<4>text`: sd-daemon(3) priorities, one per line."""

    def format(self, record: logging.LogRecord) -> str:
        priority = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3}.get(record.levelno, 2)
        return "\n".join(f"<{priority}>{line}" for line in super().format(record).splitlines())


def _listen(config: Config, listen: str | None) -> Config:
    if listen is None:
        return config
    host, colon, port = listen.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"--listen takes host:port (got {listen!r}); write for example 127.0.0.1:9909 or [::1]:9909")
    return replace(config, web=replace(config.web, host=host.strip("[]"), port=int(port)))


def _next_steps(bound: str, config: Config, state: Path) -> str:
    command = sys.argv[0] if sys.argv[0].endswith("slamon") else "python -m slamon"
    where = f"--config {config.path} --state {state}"
    return "\n".join(
        (
            f"slamon {__version__} measures from {config.vantage}: {summary(config)}",
            f"  look at    http://{bound}/metrics   http://{bound}/",
            f"  now        {command} status {where}",
            f"  the SLA    {command} report {where}",
            f"  your line  edit {config.path}, then: {command} check {config.path} && kill -HUP {os.getpid()}",
            "  Ctrl-C stops it; facts stay in " + str(state),
        )
    )


@click.command(short_help="Run the daemon.")
@config_option
@state_option
@click.option("--listen", metavar="HOST:PORT", help="Instead of the configuration's `web`.")
@click.option("--verbose", "-v", is_flag=True, help="Log more.")
def run(config: Path, state: Path, listen: str | None, verbose: bool) -> None:
    """Probe, record, judge and publish until SIGTERM or Ctrl-C; SIGHUP loads the configuration again.

    A configuration with mistakes is refused with every mistake (exit code 78).
    """
    _log(verbose)
    loaded = _listen(load_config(config, warn=True, secrets=Secrets.NEEDED), listen)

    def read() -> Config:
        return _listen(load_config(config, secrets=Secrets.NEEDED), listen)

    def announce(bound: str, running: Config) -> None:
        click.echo(_next_steps(bound, running, state), err=True)

    try:
        asyncio.run(serve(loaded, state, read=read, announce=announce))
    except* SlamonError as group:
        # An error that is the operator's keeps its message and exit code, also out of a group of tasks.
        raise _first(group) from None


def _first(group: BaseExceptionGroup[SlamonError]) -> SlamonError:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, SlamonError)
    return error
