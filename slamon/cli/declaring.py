"""What the `slamon exclude` commands share: who declares, how particulars are read (every mistake at once) and declarations shown."""

from __future__ import annotations

import getpass
import os
import socket
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.text import Text

from slamon.cli.counting import Count
from slamon.config import Config
from slamon.errors import UsageError
from slamon.report.words import duration
from slamon.report.words import instant as in_words
from slamon.sla import calendar
from slamon.sla.facts import Agreement, Exclusion
from slamon.sla.terms import Contract
from slamon.store import Act, Draft
from slamon.units import duration as parse_duration

F = TypeVar("F", bound=Callable[..., Any])

ROLES = ("customer", "provider")
PAST = ("--notified", "--lodged")
"""Options about what was done: an instant still to come is a slip of the pen."""
DONE = {"exclude": "declared", "accept": "accepted", "dispute": "disputed", "reject": "rejected", "revoke": "revoked"}
"""Kind of entry → the word for people."""


def _plain(text: str) -> bool:
    """Whether it is UTF-8 in one line, and nothing that moves a terminal's cursor."""
    return not any(unicodedata.category(each) in {"Cc", "Cs"} for each in text)


def words(_: click.Context, __: click.Parameter, value: str | tuple[str, ...] | None) -> str | tuple[str, ...] | None:
    """Text for a record that is printed and hashed: plain text in one line.

    Raises click.BadParameter.
    """
    for text in value if isinstance(value, tuple) else () if value is None else (value,):
        if not _plain(text):
            raise click.BadParameter(f"{text!r} has a line break or is no plain text (UTF-8); write it in one line")
    return value


def file(_: click.Context, __: click.Parameter, value: Path) -> Path:
    """A file whose name goes into the record: as `words`."""
    if not _plain(str(value)):
        raise click.BadParameter(f"{str(value)!r} has a line break or is no plain text (UTF-8); rename the file")
    return value


def name(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """As `words`, and not empty."""
    words(context, option, value)
    if value is not None and not value.strip():
        raise click.BadParameter(f"{value!r} is nobody; write a name")
    return value


def who() -> str:
    """`user@host`; behind sudo the user who asked for it. Raises UsageError for a name that cannot be recorded."""
    user = os.environ.get("SUDO_USER") or getpass.getuser()  # noqa: TID251 - who declares is part of the declaration
    found = f"{user}@{socket.gethostname()}"
    if not _plain(found):
        raise UsageError(f"{found!r} has a line break or is no plain text (UTF-8); mend $SUDO_USER, $LOGNAME or $USER")
    return found


def person_options(*, required: bool, note: str) -> Callable[[F], F]:
    """`--by`, `--role`, `--note`, `--evidence`. `note`: help of that option."""

    def add(function: F) -> F:
        for option in (
            click.option(
                "--evidence",
                multiple=True,
                callback=words,
                metavar="TEXT",
                help="What shows it, or its URL; may be repeated.",
            ),
            click.option("--note", default="", callback=words, metavar="TEXT", help=note),
            click.option("--role", type=click.Choice(ROLES), default=None, help="Which party that is."),
            click.option(
                "--by",
                "name",
                required=required,
                callback=name,
                metavar="NAME",
                help="Who." if required else "Who; default user@host.",
            ),
        ):
            function = option(function)
        return function

    return add


def draft_options(function: F) -> F:
    """What a declaration says besides its class and its time."""
    for option in (
        click.option(
            "--as",
            "agreement",
            type=click.Choice([each.value for each in Agreement]),
            default=Agreement.ACCEPTED.value,
            show_default=True,
            help="How far the parties agree; only what is accepted excludes anything.",
        ),
        click.option("--ticket", default="", callback=words, metavar="ID", help="Number of the ticket or change."),
        click.option("--lodged", metavar="INSTANT", help="When it was lodged; default now."),
        click.option("--notified", metavar="INSTANT", help="When the other party was told; default now."),
        person_options(required=False, note="Why; printed in every report."),
    ):
        function = option(function)
    return function


@dataclass(frozen=True, slots=True, kw_only=True)
class Particulars:
    """The options of `draft_options`, as typed."""

    name: str | None
    role: str | None
    note: str
    evidence: tuple[str, ...]
    notified: str | None
    lodged: str | None
    ticket: str
    agreement: str

    def times(self) -> dict[str, str | None]:
        """Of the instants among them: option → as typed."""
        return {"--notified": self.notified, "--lodged": self.lodged}

    def draft(self, contract: Contract, cause: str, span: tuple[int, int], times: Mapping[str, int]) -> Draft:
        """`times`: what `instants` made of `times()`."""
        return Draft(
            contract=contract.name,
            cause=cause,
            start=span[0],
            end=span[1],
            note=self.note,
            notified=times.get("--notified"),
            lodged=times.get("--lodged"),
            state=Agreement(self.agreement),
            name=self.name or "",
            role=self.role or "",
            evidence=self.evidence,
            ticket=self.ticket,
        )


def check_class(contract: Contract, cause: str, mistakes: list[str]) -> None:
    """A class that no version of the terms has is a mistake; one that was not in force then is recorded, and does not count."""
    classes = dict.fromkeys(entry.name for each in (contract, *contract.amendments) for entry in each.exclusions)
    if cause not in classes:
        known = ", ".join(classes) or "none; add `exclusions: [{class: maintenance}]` to the contract"
        mistakes.append(f"--class: contract {contract.name} excludes no {cause!r}; its classes are: {known}")


def instants(texts: Mapping[str, str | None], timezone: str, now: int, mistakes: list[str]) -> dict[str, int]:
    """Options as typed → the instants of those that were given and can be read."""
    found: dict[str, int] = {}
    for option, text in texts.items():
        if text is None:
            continue
        try:
            found[option] = calendar.instant(text, timezone)
        except ValueError as error:
            mistakes.append(f"{option}: {error} (got {text!r})")
            continue
        if option in PAST and found[option] > now:
            mistakes.append(f"{option}: this is still to come (got {text!r}); write when it was done")
    return found


def length_of(text: str | None, mistakes: list[str]) -> int | None:
    """The option `--for`: nanoseconds; None where it was not given or cannot be read."""
    if text is None:
        return None
    try:
        found = parse_duration(text)
    except ValueError as error:
        mistakes.append(f"--for: {error} (got {text!r})")
        return None
    if found <= 0:
        mistakes.append(f"--for: an exclusion takes some time (got {text!r}); write for example 2h30m")
        return None
    return found


def refuse(mistakes: Sequence[str]) -> None:
    """Raises UsageError with all of them, where there are any."""
    if mistakes:
        raise UsageError("\n".join(mistakes))


def span_words(start: int, end: int, timezone: str) -> str:
    where = calendar.zone(timezone)
    return f"from {in_words(start, where)} to {in_words(end, where)} ({duration(end - start)})"


def announced(each: Exclusion, timezone: str, *, dry_run: bool = False) -> str:
    """The line that says a declaration was made, or would be."""
    named = f"{each.declared_by}{f' ({each.role})' if each.role else ''}"
    what = "would be declared" if dry_run else f"exclusion {each.id}"
    note = f": {each.note}" if dry_run and each.note else ""
    return f"{what}: {each.cause} of {each.contract} {span_words(each.start, each.end, timezone)}, by {named}{note}"


def head(each: Exclusion) -> Text:
    state = "" if each.state is Agreement.ACCEPTED else f", {each.state}"
    return Text(
        f"{each.id}  {each.cause} of {each.contract}{state}{', revoked' if each.revoked_at is not None else ''}"
    )


def lines(each: Exclusion, config: Config, count: Count | None, acts: Sequence[Act]) -> list[tuple[str, str]]:
    """A line a fact, so that no instant is broken however narrow the terminal. `acts`: the history, where it is asked for."""
    contract = config.contracts.get(each.contract)
    where = calendar.zone(contract.timezone if contract else "UTC")
    named = f"{each.declared_by}{f' ({each.role})' if each.role else ''}"
    found = [
        (" from", in_words(each.start, where)),
        (" to", f"{in_words(each.end, where)} ({duration(each.end - each.start)})"),
        (" declared", f"{in_words(each.declared_at, where)} by {named}"),
    ]
    found += [
        (f" {word}", in_words(at, where))
        for word, at in (("notified", each.notified), ("lodged", each.lodged))
        if at is not None
    ]
    if each.revoked_at is not None:
        found.append((" revoked", f"{in_words(each.revoked_at, where)} by {each.revoked_by or 'nobody named'}"))
    found += [
        (f" {word}", text)
        for word, text in (
            ("note", each.note),
            ("ticket", each.ticket),
            ("series", each.series),
            ("source", each.source),
        )
        if text
    ]
    found += [(" evidence", text) for text in each.evidence]
    if count is not None:
        found.append((" counts", count.words))
    return found + [(" history", _act_words(act, in_words(act.at, where))) for act in acts]


def _act_words(act: Act, at: str) -> str:
    by = act.by + (f" ({act.role})" if act.role else "")
    entered = f", entered by {act.entered_by}" if act.entered_by != act.by else ""
    state = f" as {act.state}" if act.kind == "exclude" and act.state is not Agreement.ACCEPTED else ""
    return f"{at} {DONE[act.kind]}{state} by {by}{entered}{f': {act.note}' if act.note else ''}"


def document(each: Exclusion, counts: Mapping[str, Count], acts: Sequence[Act]) -> dict[str, object]:
    """See `docs/json.md`."""
    count = counts.get(each.id)
    return {
        "id": each.id,
        "contract": each.contract,
        "class": each.cause,
        "start": str(each.start),
        "end": str(each.end),
        "declared_at": str(each.declared_at),
        "declared_by": each.declared_by,
        "role": each.role,
        "note": each.note,
        "notified": _text(each.notified),
        "lodged": _text(each.lodged),
        "evidence": list(each.evidence),
        "ticket": each.ticket,
        "state": str(each.state),
        "revoked_at": _text(each.revoked_at),
        "revoked_by": each.revoked_by,
        "series": each.series,
        "source": each.source,
        "uid": each.uid,
        "occurrence": _text(each.occurrence),
        "accepted": None if count is None else count.accepted,
        "reason": "" if count is None else count.reason,
        "excludes": None if count is None else str(count.excludes),
        "history": [_act_document(act) for act in acts],
    }


def _act_document(act: Act) -> dict[str, object]:
    return {
        "number": act.number,
        "at": str(act.at),
        "kind": act.kind,
        "by": act.by,
        "role": act.role,
        "entered_by": act.entered_by,
        "note": act.note,
        "evidence": list(act.evidence),
        "state": None if act.state is None else str(act.state),
        "source": act.source,
        "link": act.link,
    }


def _text(instant: int | None) -> str | None:
    return None if instant is None else str(instant)
