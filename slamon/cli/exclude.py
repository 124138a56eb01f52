"""`slamon exclude`: time that does not count, declared by somebody and agreed to by the other party, beside a live daemon."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import click

from slamon.cli import calendar_file, declaring, importing, recurring
from slamon.cli.counting import Count, counts
from slamon.cli.declaring import (
    DONE,
    Particulars,
    announced,
    check_class,
    document,
    draft_options,
    head,
    instants,
    length_of,
    lines,
    person_options,
    refuse,
    who,
)
from slamon.cli.options import config_option, format_option, load_config, open_store, state_option
from slamon.clock import Clock
from slamon.config import Config
from slamon.errors import UsageError
from slamon.judge import find_contracts
from slamon.report.layout import WIDTH, hanging, to_text
from slamon.sla.calendar import checked
from slamon.sla.facts import Exclusion
from slamon.sla.terms import Contract
from slamon.store import Store

F = TypeVar("F", bound=Callable[..., Any])


def _terms_options(function: F) -> F:
    contract = click.option("--contract", required=True, metavar="NAME", help="The contract it is about.")
    cause = click.option(
        "--class", "cause", required=True, metavar="CLASS", help="A class of the contract's `exclusions`."
    )
    return config_option(state_option(contract(cause(function))))


def _ids_options(*, person: bool) -> Callable[[F], F]:
    def add(function: F) -> F:
        ids = click.argument("ids", metavar="ID...", nargs=-1, required=True)
        series = click.option("--series", is_flag=True, help="Also all that were declared in one series with them.")
        people = person_options(required=person, note="Why; `list --history` shows it.")
        return config_option(state_option(ids(series(people(function)))))

    return add


_dry_run = click.option("--dry-run", is_flag=True, help="Only say what would be done.")


@click.group(short_help="Declare time that does not count.")
def exclude() -> None:
    """Maintenance, the customer's own doing, force majeure: declared with who and when, never edited, revocable.

    A running daemon takes a change up at its next refresh.
    """


@exclude.command(short_help="Declare one, or a series.")
@_terms_options
@click.option(
    "--from",
    "start",
    required=True,
    metavar="INSTANT",
    help="2026-11-24 02:00 or 2026-11-24T02:00:00.5, in the contract's zone, or with Z or +01:00.",
)
@click.option("--to", "end", metavar="INSTANT", help="The first instant that counts again.")
@click.option("--for", "length", metavar="DURATION", help="Instead of --to, for example 2h30m.")
@click.option(
    "--repeat",
    metavar="RRULE",
    help="Every occurrence of a rule (RFC 5545) on the contract's wall clock: 'FREQ=WEEKLY;BYDAY=SU;COUNT=12'.",
)
@_dry_run
@draft_options
def add(
    config: Path,
    state: Path,
    contract: str,
    cause: str,
    start: str,
    end: str | None,
    length: str | None,
    repeat: str | None,
    dry_run: bool,
    **particulars: Any,
) -> None:
    """Declare that a span does not count for a contract. Prints its id, and whether it counts by the contract's rules."""
    loaded = load_config(config)
    (terms,) = find_contracts(loaded, contract)
    given, now = Particulars(**particulars), Clock().now()
    mistakes: list[str] = []
    check_class(terms, cause, mistakes)
    times = instants({"--from": start, "--to": end, **given.times()}, terms.timezone, now, mistakes)
    lasts = length_of(length, mistakes)
    if (end is None) == (length is None):
        mistakes.append("say the end once: --to INSTANT or --for DURATION")
    elif end is not None and "--to" in times and times["--to"] <= times.get("--from", -1):
        mistakes.append(f"--to: an exclusion has to end after it starts (got {start!r} to {end!r}); write a later end")
    refuse(mistakes)
    first = times["--from"]
    try:
        last = times["--to"] if lasts is None else checked(first + lasts)
    except ValueError as error:
        raise UsageError(f"--for: {error} (got {length!r})") from error
    spans = (
        [(first, last)]
        if repeat is None
        else recurring.spans(repeat, first, last, terms.timezone, by_clock=end is not None)
    )
    drafts = [given.draft(terms, cause, span, times) for span in spans]
    with closing(open_store(loaded, state)) as store:
        made = store.declare_all(drafts, at=now, by=who(), one_series=repeat is not None, dry_run=dry_run) or ()
        judged = _judged(loaded, store, made)
    if repeat is not None:
        click.echo(f"{'a series of' if dry_run else f'series {made[0].series}:'} {len(made)} exclusions")
    _announce(made, terms, judged, dry_run=dry_run)


@exclude.command("list", short_help="List all.")
@config_option
@state_option
@click.option("--contract", metavar="NAME", help="Of one contract; default all.")
@click.option("--history", is_flag=True, help="Also who agreed, disputed and revoked when; always in JSON.")
@format_option
def list_(config: Path, state: Path, contract: str | None, history: bool, form: str) -> None:
    """Every declaration, revoked ones too."""
    loaded = load_config(config)
    find_contracts(loaded, contract)
    with closing(open_store(loaded, state)) as store:
        found, acts = store.exclusions(contract), store.histories()
        judged = _judged(loaded, store, found)
    if form == "json":
        click.echo(json.dumps([document(each, judged, acts.get(each.id, ())) for each in found], indent=2))
        return
    if not found:
        click.echo("no exclusions")
        return
    width = min(shutil.get_terminal_size().columns, WIDTH) if sys.stdout.isatty() else WIDTH
    for each in found:
        rows = lines(each, loaded, judged.get(each.id), acts.get(each.id, ()) if history else ())
        click.echo(to_text([head(each), hanging(rows, gap=1)], width=width), nl=False)
    if history:
        last = max((act for done in acts.values() for act in done), key=lambda act: act.number)
        click.echo(f"{last.number} entries of all contracts, the last link is {last.link}")


@exclude.command(short_help="Agree to some.")
@_ids_options(person=True)
def accept(config: Path, state: Path, **given: Any) -> None:
    """Agree to the declarations: they exclude as far as the contract's rules allow."""
    _settle(config, state, "accept", **given)


@exclude.command(short_help="Dispute some.")
@_ids_options(person=True)
def dispute(config: Path, state: Path, **given: Any) -> None:
    """Dispute the declarations: they exclude nothing until somebody accepts them."""
    _settle(config, state, "dispute", **given)


@exclude.command(short_help="Reject some.")
@_ids_options(person=True)
def reject(config: Path, state: Path, **given: Any) -> None:
    """Reject the declarations: they exclude nothing."""
    _settle(config, state, "reject", **given)


@exclude.command(short_help="Take some back.")
@_ids_options(person=False)
def revoke(config: Path, state: Path, **given: Any) -> None:
    """Take the declarations back; they stay in the record as revoked."""
    _settle(config, state, "revoke", **given)


@exclude.command("import", short_help="Declare the events of a calendar.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), callback=declaring.file)
@_terms_options
@click.option(
    "--until", metavar="INSTANT", help="Only events that begin before it: the end of those that repeat for ever."
)
@click.option("--update", is_flag=True, help="Revoke what was changed or cancelled since, and declare it anew.")
@_dry_run
@draft_options
def import_(
    config: Path,
    state: Path,
    file: Path,
    contract: str,
    cause: str,
    until: str | None,
    update: bool,
    dry_run: bool,
    **particulars: Any,
) -> None:
    """Declare every event of a calendar file (.ics), each once however often it is imported: UID and start tell them apart.

    What is new is declared. What changed or was cancelled since is reported, and left as it is without --update.
    """
    loaded = load_config(config)
    (terms,) = find_contracts(loaded, contract)
    given, now = Particulars(**particulars), Clock().now()
    mistakes: list[str] = []
    check_class(terms, cause, mistakes)
    times = instants({"--until": until, **given.times()}, terms.timezone, now, mistakes)
    events = None
    try:
        events = calendar_file.read(file, terms.timezone, before=times.get("--until"))
    except UsageError as error:
        mistakes.append(str(error))
    refuse(mistakes)
    assert events is not None
    with closing(open_store(loaded, state)) as store:
        made: tuple[Exclusion, ...] | None = None
        while made is None:  # as often as somebody else declares something between reading and writing
            number = store.last_declaration()
            declared = store.exclusions(contract)
            todo = importing.plan(
                events, declared, store.histories(), cause=cause, now=now, before=times.get("--until")
            )
            drafts = importing.drafts(todo, given, terms, cause, times, events, update=update)
            made = store.declare_all(
                drafts,
                at=now,
                by=who(),
                revoking=todo.revoking(update=update),
                source=events.name,
                after=number,
                dry_run=dry_run,
            )
        judged = _judged(loaded, store, made, without=todo.revoking(update=update))
    importing.report(todo, file, terms, update=update, dry_run=dry_run)
    _announce(made, terms, judged, dry_run=dry_run)


def _settle(
    config: Path,
    state: Path,
    kind: str,
    *,
    ids: tuple[str, ...],
    series: bool,
    name: str | None,
    role: str | None,
    note: str,
    evidence: tuple[str, ...],
) -> None:
    loaded = load_config(config)
    with closing(open_store(loaded, state)) as store:
        made = store.settle(
            ids,
            kind,
            at=Clock().now(),
            by=who(),
            name=name or "",
            role=role or "",
            note=note,
            evidence=evidence,
            whole_series=series,
        )
        judged = _judged(loaded, store, made)
    for each in made:
        count = judged.get(each.id)
        by = each.revoked_by if kind == "revoke" else name
        click.echo(f"exclusion {each.id} {DONE[kind]} by {by}" + (f": {count.words}" if count else ""))


def _judged(config: Config, store: Store, of: Iterable[Exclusion], *, without: Iterable[str] = ()) -> dict[str, Count]:
    """What the rules make of some of the declarations, in the company of all; `of` may have some that are not recorded."""
    wanted = {each.id: each for each in of}
    found: dict[str, Count] = {}
    for name in dict.fromkeys(each.contract for each in wanted.values()):
        if name in config.contracts:
            declarations = store.declarations(name)
            known = {each.id: each for each in declarations.exclusions if each.id not in set(without)}
            own = {id_: each for id_, each in wanted.items() if each.contract == name}
            company = declarations._replace(exclusions=tuple({**known, **own}.values()))
            found |= counts(config.contracts[name], company, own, Clock().now())
    return found


def _announce(made: Iterable[Exclusion], terms: Contract, judged: dict[str, Count], *, dry_run: bool) -> None:
    for each in made:
        click.echo(announced(each, terms.timezone, dry_run=dry_run))
        if each.id in judged:
            click.echo(f"  {judged[each.id].words}")
