"""`slamon exclude`: time that does not count, declared by somebody, beside a live daemon."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import socket
import sys
from contextlib import closing
from pathlib import Path

import click
from rich.text import Text

from slamon.cli.options import config_option, format_option, load_config, open_store, state_option
from slamon.clock import Clock
from slamon.config import Config
from slamon.errors import UsageError
from slamon.judge import find_contracts
from slamon.report.layout import WIDTH, hanging, to_text
from slamon.report.words import duration
from slamon.report.words import instant as in_words
from slamon.sla import calendar
from slamon.sla.facts import Exclusion
from slamon.units import duration as parse_duration


def _who() -> str:
    """`user@host`; behind sudo the user who asked for it."""
    user = os.environ.get("SUDO_USER") or getpass.getuser()  # noqa: TID251 - who declares is part of the declaration
    return f"{user}@{socket.gethostname()}"


@click.group(short_help="Declare time that does not count.")
def exclude() -> None:
    """Maintenance, the customer's own doing, force majeure: declared with who and when, never edited, revocable.

    A running daemon takes a change up at its next refresh.
    """


@exclude.command(short_help="Declare one.")
@config_option
@state_option
@click.option("--contract", required=True, metavar="NAME", help="The contract it is about.")
@click.option("--class", "cause", required=True, metavar="CLASS", help="A class of the contract's `exclusions`.")
@click.option(
    "--from",
    "start",
    required=True,
    metavar="INSTANT",
    help="2026-11-24 02:00 or 2026-11-24T02:00:00.5, in the contract's zone, or with Z or +01:00.",
)
@click.option("--to", "end", metavar="INSTANT", help="The first instant that counts again.")
@click.option("--for", "length", metavar="DURATION", help="Instead of --to, for example 2h30m.")
@click.option("--note", default="", help="Why; printed in every report.")
def add(
    config: Path, state: Path, contract: str, cause: str, start: str, end: str | None, length: str | None, note: str
) -> None:
    """Declare that a span does not count for a contract. Prints the declaration's id."""
    loaded = load_config(config)
    (terms,) = find_contracts(loaded, contract)
    classes = [each.name for each in terms.exclusions]
    if cause not in classes:
        known = ", ".join(classes) or "none; add `exclusions: [{class: maintenance}]` to the contract"
        raise UsageError(f"contract {contract} excludes no {cause!r}; its classes are: {known}")
    first = _instant("--from", start, terms.timezone)
    if (end is None) == (length is None):
        raise UsageError("say the end once: --to INSTANT or --for DURATION")
    last = _instant("--to", end, terms.timezone) if end is not None else _after(first, length or "")
    with closing(open_store(loaded, state)) as store:
        made = store.declare(
            contract=contract, cause=cause, start=first, end=last, at=Clock().now(), by=_who(), note=note
        )
    where = calendar.zone(terms.timezone)
    click.echo(
        f"exclusion {made.id}: {cause} of {contract} from {in_words(made.start, where)} to {in_words(made.end, where)} "
        f"({duration(made.end - made.start)}), by {made.declared_by}"
    )


@exclude.command("list", short_help="List all.")
@config_option
@state_option
@click.option("--contract", metavar="NAME", help="Of one contract; default all.")
@format_option
def list_(config: Path, state: Path, contract: str | None, form: str) -> None:
    """Every declaration, revoked ones too."""
    loaded = load_config(config)
    find_contracts(loaded, contract)
    with closing(open_store(loaded, state)) as store:
        found = store.exclusions(contract)
    if form == "json":
        click.echo(json.dumps([_document(each) for each in found], indent=2))
        return
    if not found:
        click.echo("no exclusions")
        return
    width = min(shutil.get_terminal_size().columns, WIDTH) if sys.stdout.isatty() else WIDTH
    for each in found:
        click.echo(to_text([_head(each), hanging(_lines(each, loaded), gap=1)], width=width), nl=False)


@exclude.command(short_help="Take one back.")
@config_option
@state_option
@click.argument("id")
def revoke(config: Path, state: Path, id: str) -> None:  # noqa: A002 - the word of the command line
    """Take the declaration ID back; it stays in the record as revoked."""
    loaded = load_config(config)
    with closing(open_store(loaded, state)) as store:
        made = store.revoke(id, at=Clock().now(), by=_who())
    click.echo(f"exclusion {made.id} revoked by {made.revoked_by}")


def _instant(option: str, text: str, timezone: str) -> int:
    try:
        return calendar.instant(text, timezone)
    except ValueError as error:
        raise UsageError(f"{option}: {error} (got {text!r})") from error


def _after(start: int, length: str) -> int:
    try:
        return calendar.checked(start + parse_duration(length))
    except ValueError as error:
        raise UsageError(f"--for: {error} (got {length!r})") from error


def _head(each: Exclusion) -> Text:
    taken_back = ", revoked" if each.revoked_at is not None else ""
    return Text(f"{each.id}  {each.cause} of {each.contract}{taken_back}")


def _lines(each: Exclusion, config: Config) -> list[tuple[str, str]]:
    """A line a fact, so that no instant is broken however narrow the terminal."""
    contract = config.contracts.get(each.contract)
    where = calendar.zone(contract.timezone if contract else "UTC")
    lines = [
        (" from", in_words(each.start, where)),
        (" to", f"{in_words(each.end, where)} ({duration(each.end - each.start)})"),
        (" declared", f"{in_words(each.declared_at, where)} by {each.declared_by}"),
    ]
    if each.revoked_at is not None:
        lines.append((" revoked", f"{in_words(each.revoked_at, where)} by {each.revoked_by or 'nobody named'}"))
    return [*lines, (" note", each.note)] if each.note else lines


def _document(each: Exclusion) -> dict[str, object]:
    return {
        "id": each.id,
        "contract": each.contract,
        "class": each.cause,
        "start": str(each.start),
        "end": str(each.end),
        "declared_at": str(each.declared_at),
        "declared_by": each.declared_by,
        "note": each.note,
        "revoked_at": None if each.revoked_at is None else str(each.revoked_at),
        "revoked_by": each.revoked_by,
    }
