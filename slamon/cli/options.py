"""Options that several commands share, and where configuration and state are found."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from slamon.config import Config, Secrets, load
from slamon.daemon import database
from slamon.errors import UsageError
from slamon.ledger import TamperedError
from slamon.store import Store, StoreError, found, locked

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_CONFIG = Path("/etc/slamon/slamon.yml")


def default_state() -> Path:
    """systemd's $STATE_DIRECTORY, /var/lib/slamon for root, $XDG_STATE_HOME/slamon for anybody else."""
    env = os.environ  # noqa: TID251 - the command line is where the environment becomes arguments
    if env.get("STATE_DIRECTORY"):
        return Path(env["STATE_DIRECTORY"].partition(":")[0])
    if os.geteuid() == 0:
        return Path("/var/lib/slamon")
    home = env.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(home) / "slamon"


def config_option(function: F) -> F:
    return click.option(
        "--config",
        "-c",
        type=click.Path(path_type=Path, dir_okay=False),
        default=DEFAULT_CONFIG,
        envvar="SLAMON_CONFIG",
        show_default=True,
        help="The configuration file ($SLAMON_CONFIG).",
    )(function)


def state_option(function: F) -> F:
    return click.option(
        "--state",
        "-s",
        type=click.Path(path_type=Path, file_okay=False),
        default=default_state,
        envvar="SLAMON_STATE",
        show_default="/var/lib/slamon as root, else $XDG_STATE_HOME/slamon",
        help="The state directory ($SLAMON_STATE).",
    )(function)


def format_option(function: F) -> F:
    return click.option(
        "--format",
        "form",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="For people or for programs.",
    )(function)


def load_config(path: Path, *, warn: bool = False, secrets: Secrets = Secrets.UNREAD) -> Config:
    """Loads the file. `warn`: its warnings go to standard error, so that figures on standard output stay clean.

    `secrets`: nobody but who probes needs them.
    """
    config = load(path, secrets=secrets)
    for warning in config.warnings if warn else ():
        click.echo(f"warning: {warning}", err=True)
    return config


def open_store(config: Config, state: Path) -> Store:
    """The facts, beside a live daemon or without one, with a warning where somebody changed a declaration unseen.

    Raises UsageError when there are none yet.
    """
    path = database(config, state)
    if not found(path):
        raise UsageError(
            f"{path}: no facts yet; start the daemon with `slamon run --state {state}` or name its --state"
        )
    store = Store.open(path, write=False)
    try:
        store.verify()
    except TamperedError as error:
        click.echo(f"warning: the declarations in {path} cannot be relied on: {error}", err=True)
    except StoreError:
        store.close()
        raise
    return store


def is_running(config: Config, state: Path) -> bool:
    """Whether a daemon holds the store."""
    return locked(database(config, state))
