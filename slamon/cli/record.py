"""`slamon record`: what people know and no probe measures (tickets, claims, payments, …), stated beside a live daemon."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import click
from rich.text import Text

from slamon.cases.scope import Scope
from slamon.cli.declaring import who, words
from slamon.cli.options import config_option, format_option, load_config, open_store, state_option
from slamon.clock import Clock
from slamon.config import Config
from slamon.errors import UsageError
from slamon.judge import find_contracts
from slamon.report.layout import WIDTH, hanging, to_text
from slamon.report.words import event_fields
from slamon.report.words import instant as in_words
from slamon.sla import calendar, periods
from slamon.sla.facts import EVENTS, Breach, Charged, Closed, Event, Recorded, Ticket, kind
from slamon.sla.terms import Contract


class _Field(NamedTuple):
    """One option: a field of the event."""

    name: str
    """Of the field."""
    metavar: str
    """INSTANT, PERIOD, …: how it is read."""
    help: str
    option: str = ""
    """Where the field is called something else."""
    needed: bool = False
    now: bool = False
    """Not given means now."""
    past: bool = False
    """It cannot lie in the future."""

    @property
    def flag(self) -> str:
        return f"--{self.option or self.name}"


_COMMANDS: dict[str, tuple[str, str, tuple[_Field, ...]]] = {
    "ticket": (
        "A ticket about the service.",
        "A ticket about the service. It belongs to the outage it overlaps; without --closed it is open.",
        (
            _Field("opened", "INSTANT", "When it was opened.", needed=True, past=True),
            _Field("closed", "INSTANT", "When it was closed.", past=True),
        ),
    ),
    "claim": (
        "A claim for the credit of a period.",
        "A claim for the credit of a period.",
        (
            _Field("period", "PERIOD", "The period, for example 2026-10.", needed=True),
            _Field("at", "INSTANT", "When it was lodged; default now.", option="lodged", now=True, past=True),
        ),
    ),
    "payment": (
        "A bill that is due, or was paid.",
        "A bill that is due; without --paid it is not paid yet.",
        (
            _Field("due", "INSTANT", "When it is due.", needed=True),
            _Field("paid", "INSTANT", "When it was paid.", past=True),
        ),
    ),
    "breach": (
        "Time in which the customer did not do a duty.",
        "Time in which the customer did not do a duty the contract speaks of.",
        (
            _Field("duty", "DUTY", "The duty.", needed=True),
            _Field("start", "INSTANT", "When it began.", option="from", needed=True, past=True),
            _Field("end", "INSTANT", "The first instant it was done again.", option="to", needed=True),
        ),
    ),
    "notice": (
        "Notice given of a right to terminate.",
        "Notice given of a right to terminate.",
        (
            _Field("right", "RIGHT", "The right, as the contract names it.", needed=True),
            _Field("at", "INSTANT", "When it was given; default now.", now=True, past=True),
        ),
    ),
    "charge": (
        "What a period was billed, paid or used.",
        "What a period was billed, paid or used, instead of what the contract's price says.",
        (
            _Field("period", "PERIOD", "The period, for example 2026-10.", needed=True),
            _Field("billed", "MONEY", "What was billed, for example '980.50 USD'."),
            _Field("paid", "MONEY", "What was paid of it."),
            _Field("usage", "MONEY", "What the use alone came to."),
        ),
    ),
    "statement": (
        "That the statement of a period was closed.",
        "That the statement of a period was closed: sent to the other party. What changes it later makes a new revision of it.",
        (
            _Field("period", "PERIOD", "The period, for example 2026-10.", needed=True),
            _Field("at", "INSTANT", "When it was closed; default now.", now=True, past=True),
        ),
    ),
}


@click.group(short_help="Record tickets, claims, payments and the like.")
def record() -> None:
    """What people know and no probe measures. Stated with who and when, never edited; it can be replaced and taken back.

    A running daemon takes a change up at its next refresh.
    """


def _command(word: str, short: str, text: str, fields: tuple[_Field, ...]) -> click.Command:
    def run(config: Path, state: Path, contract: str, note: str, replaces: str | None, **given: str | None) -> None:
        loaded = load_config(config)
        (terms,) = find_contracts(loaded, contract)
        scope = Scope(contract=terms, others=tuple(each for each in loaded.contracts.values() if each is not terms))
        with closing(open_store(loaded, state)) as store:
            now = Clock().now()
            before = {} if replaces is None else _fields_of(store.events(contract), replaces, word)
            event = EVENTS[word]._make(_read(fields, given, before, scope, now))
            _check(event, terms)
            made = store.record(contract, event, at=now, by=who(), note=note, replaces=replaces)
        replaced = f" in place of {replaces}" if replaces is not None else ""
        click.echo(f"{made.id}: {word} of {contract}: {_sentence(made, loaded)}, by {made.declared_by}{replaced}")

    function: Callable[..., Any] = run
    for option in (
        click.option("--replaces", metavar="ID", help=f"The {word} this replaces; what is not given stays as it was."),
        click.option("--note", default="", callback=words, help="What else there is to say."),
        *(
            click.option(each.flag, each.name, metavar=each.metavar, callback=words, help=each.help)
            for each in reversed(fields)
        ),
        click.option("--contract", required=True, metavar="NAME", help="The contract it is about."),
        state_option,
        config_option,
    ):
        function = option(function)
    return click.command(word, short_help=short, help=text)(function)


for _word, _about in _COMMANDS.items():
    record.add_command(_command(_word, *_about))


@record.command("list", short_help="List all.")
@config_option
@state_option
@click.option("--contract", metavar="NAME", help="Of one contract; default all.")
@format_option
def list_(config: Path, state: Path, contract: str | None, form: str) -> None:
    """Everything recorded, also what was replaced or taken back."""
    loaded = load_config(config)
    find_contracts(loaded, contract)
    with closing(open_store(loaded, state)) as store:
        found = store.events(contract)
    if form == "json":
        click.echo(json.dumps([_document(each) for each in found], indent=2))
        return
    if not found:
        click.echo("nothing recorded")
        return
    width = min(shutil.get_terminal_size().columns, WIDTH) if sys.stdout.isatty() else WIDTH
    for each in found:
        gone = ", taken back" if each.revoked_at is not None else ""
        head = Text(f"{each.id}  {kind(each.event)} of {each.contract}{gone}")
        click.echo(to_text([head, hanging(_lines(each, loaded), gap=1)], width=width), nl=False)


@record.command(short_help="Take one back.")
@config_option
@state_option
@click.argument("id")
def revoke(config: Path, state: Path, id: str) -> None:  # noqa: A002 - the word of the command line
    """Take the event ID back; it stays in the record."""
    loaded = load_config(config)
    with closing(open_store(loaded, state)) as store:
        made = store.retract(id, at=Clock().now(), by=who())
    click.echo(f"{kind(made.event)} {made.id} taken back by {made.revoked_by}")


def _fields_of(known: tuple[Recorded, ...], id_: str, word: str) -> dict[str, Any]:
    """What the event to be replaced says; nothing where the store will refuse to replace it."""
    found = next((each.event for each in known if each.id == id_), None)
    return found._asdict() if found is not None and kind(found) == word else {}


def _read(
    fields: tuple[_Field, ...], given: Mapping[str, str | None], before: Mapping[str, Any], scope: Scope, now: int
) -> list[Any]:
    """The value of each field. Raises UsageError with all mistakes."""
    values: list[Any] = []
    mistakes: list[str] = []
    for field in fields:
        written = given[field.name]
        value = before.get(field.name, now if field.now else None)
        if written is not None:
            try:
                value = _parse(field.metavar, written, scope)
            except ValueError as error:
                mistakes.append(f"{field.flag}: {error} (got {written!r})")
        elif value is None and field.needed:
            mistakes.append(f"{field.flag} {field.metavar} is missing")
        if field.past and isinstance(value, int) and value > now:
            mistakes.append(f"{field.flag}: that is still to come (got {written!r})")
        values.append(value)
    if mistakes:
        raise UsageError("\n".join(mistakes))
    return values


def _parse(metavar: str, written: str, scope: Scope) -> Any:
    """Raises ValueError."""
    if metavar == "PERIOD":
        period = scope.period(written)
        assert period is not None  # only the facts of a whole file may be about another contract
        return period.name
    read: dict[str, Callable[[str], Any]] = {
        "INSTANT": scope.instant,
        "MONEY": scope.amount,
        "RIGHT": scope.right,
        "DUTY": scope.duty,
    }
    return read[metavar](written)


def _check(event: Event, contract: Contract) -> None:
    """What one field cannot tell. Raises UsageError."""
    match event:
        case Ticket(opened, closed) if closed is not None and closed < opened:
            raise UsageError("--closed: the ticket is closed before it is opened; exchange the two")
        case Breach(_, start, end) if end <= start:
            raise UsageError("--to: the breach has to end after it begins")
        case Charged(_, None, None, None):
            raise UsageError("say at least one of --billed, --paid and --usage")
        case Closed(period, at) if at < periods.period(contract, period).end:
            raise UsageError(f"--at: {period} had not ended by then; close a statement when its period is over")


def _sentence(each: Recorded, config: Config) -> str:
    return ", ".join(f"{name} {value}" for name, value in _words(each, config))


def _words(each: Recorded, config: Config) -> list[tuple[str, str]]:
    contract = config.contracts.get(each.contract)
    where = calendar.zone(contract.timezone if contract else "UTC")
    return event_fields(each.event, where, (contract and contract.currency) or "")


def _lines(each: Recorded, config: Config) -> list[tuple[str, str]]:
    """A line a fact, so that no instant is broken however narrow the terminal."""
    contract = config.contracts.get(each.contract)
    where = calendar.zone(contract.timezone if contract else "UTC")
    lines = [(f" {name}", value) for name, value in _words(each, config)]
    lines.append((" recorded", f"{in_words(each.declared_at, where)} by {each.declared_by}"))
    if each.revoked_at is not None:
        lines.append((" taken back", f"{in_words(each.revoked_at, where)} by {each.revoked_by}"))
    return [*lines, (" note", each.note)] if each.note else lines


def _document(each: Recorded) -> dict[str, object]:
    """See `docs/json.md`."""
    return {
        "id": each.id,
        "contract": each.contract,
        "kind": kind(each.event),
        "event": {name: None if value is None else str(value) for name, value in each.event._asdict().items()},
        "recorded_at": str(each.declared_at),
        "recorded_by": each.declared_by,
        "note": each.note,
        "revoked_at": None if each.revoked_at is None else str(each.revoked_at),
        "revoked_by": each.revoked_by,
    }
