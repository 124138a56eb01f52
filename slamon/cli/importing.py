"""A calendar and what was declared of it before → what is new, changed and cancelled, by UID and start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from slamon.cli.calendar_file import Calendar, Occurrence
from slamon.cli.declaring import Particulars, span_words
from slamon.sla.facts import Agreement, Exclusion
from slamon.sla.terms import Contract
from slamon.store import Act, Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the next import would do. Changes and cancellations of what was declared wait until somebody asks for them."""

    new: tuple[Occurrence, ...]
    known: int
    """Occurrences declared before and still the same."""
    taken_back: tuple[tuple[Exclusion, Occurrence], ...]
    """Declared before and revoked by somebody: that stands."""
    changed: tuple[tuple[Exclusion, Occurrence], ...]
    cancelled: tuple[Exclusion, ...]

    def revoking(self, *, update: bool) -> tuple[str, ...]:
        """Ids of what is taken back."""
        return tuple(each.id for each in (*(old for old, _ in self.changed), *self.cancelled)) if update else ()


def plan(
    calendar: Calendar,
    declared: Sequence[Exclusion],
    histories: Mapping[str, Sequence[Act]],
    *,
    cause: str,
    now: int,
    before: int | None,
) -> Plan:
    """`declared`: all of the contract, revoked ones too. `before`: occurrences from then on were not read.

    What is neither the same nor in the file any more is paired, event by event and in the order of time, with what is new of the
    same event: that is an event that moved. An event that is missing as a whole was cancelled if it was read from a file of this
    name and has not begun; calendars are exported without their past.
    """
    standing = {_key(each): each for each in declared if each.uid and each.revoked_at is None}
    revoked = {_key(each): each for each in declared if each.uid and _by_hand(each, histories)}
    known = 0
    new: list[Occurrence] = []
    taken_back: list[tuple[Exclusion, Occurrence]] = []
    changed: list[tuple[Exclusion, Occurrence]] = []
    for occurrence in calendar.occurrences:
        key = (occurrence.uid, occurrence.original)
        before_it = standing.pop(key, None)
        if before_it is not None and _same(before_it, occurrence, cause):
            known += 1
        elif before_it is not None:
            changed.append((before_it, occurrence))
        elif key in revoked and _same(revoked[key], occurrence, cause):
            taken_back.append((revoked[key], occurrence))
        else:
            new.append(occurrence)
    gone = [each for each in standing.values() if _mentioned(each, calendar, now, before)]
    moved, new, gone = _moved(new, gone)
    return Plan(
        new=tuple(new),
        known=known,
        taken_back=tuple(taken_back),
        changed=tuple(sorted([*changed, *moved], key=lambda pair: pair[0].start)),
        cancelled=tuple(gone),
    )


def _key(each: Exclusion) -> tuple[str, int]:
    return each.uid, each.start if each.occurrence is None else each.occurrence


def _by_hand(each: Exclusion, histories: Mapping[str, Sequence[Act]]) -> bool:
    return each.revoked_at is not None and not histories[each.id][-1].source


def _same(each: Exclusion, occurrence: Occurrence, cause: str) -> bool:
    return (each.start, each.end, each.cause) == (occurrence.start, occurrence.end, cause)


def _mentioned(each: Exclusion, calendar: Calendar, now: int, before: int | None) -> bool:
    """Whether the file would hold it if it still took place."""
    if before is not None and each.start >= before:
        return False
    if each.uid in calendar.uids or _key(each) in calendar.parts:
        return True
    elsewhere = any(uid == each.uid for uid, _ in calendar.parts)
    return not elsewhere and each.source == calendar.name and each.start > now


def _moved(
    new: Iterable[Occurrence], gone: Iterable[Exclusion]
) -> tuple[list[tuple[Exclusion, Occurrence]], list[Occurrence], list[Exclusion]]:
    waiting: dict[str, list[Exclusion]] = {}
    for each in sorted(gone, key=lambda each: each.start):
        waiting.setdefault(each.uid, []).append(each)
    moved: list[tuple[Exclusion, Occurrence]] = []
    rest: list[Occurrence] = []
    for occurrence in new:
        if waiting.get(occurrence.uid):
            moved.append((waiting[occurrence.uid].pop(0), occurrence))
        else:
            rest.append(occurrence)
    return moved, rest, [each for left in waiting.values() for each in left]


def drafts(
    todo: Plan,
    given: Particulars,
    terms: Contract,
    cause: str,
    times: Mapping[str, int],
    events: Calendar,
    *,
    update: bool,
) -> list[Draft]:
    """What is declared. A change does not settle what is disputed: what the other party had not accepted stays in that state."""

    def draft(each: Occurrence, before: Exclusion | None) -> Draft:
        made = given.draft(terms, cause, (each.start, each.end), times)
        return replace(
            made,
            state=made.state if before is None or before.state is Agreement.ACCEPTED else before.state,
            note=made.note or each.summary,
            evidence=(*made.evidence, *([each.url] if each.url else ()), f"{events.name}, SHA-256 {events.sha256}"),
            series=each.uid if each.repeated else "",
            source=events.name,
            uid=each.uid,
            occurrence=each.original,
        )

    changed = [draft(occurrence, old) for old, occurrence in todo.changed] if update else []
    return [*(draft(each, None) for each in todo.new), *changed]


def report(todo: Plan, file: Path, terms: Contract, *, update: bool, dry_run: bool) -> None:
    """Says what the file has, compared with what was declared of it."""
    zone = terms.timezone
    would = "would be " if dry_run else ""
    click.echo(
        f"{file}: {len(todo.new)} new, {todo.known} known, {len(todo.changed)} changed, {len(todo.cancelled)} cancelled"
        + (f", {len(todo.taken_back)} taken back by hand and left so" if todo.taken_back else "")
    )
    for old, now in todo.changed:
        click.echo(
            f"changed: exclusion {old.id} {span_words(old.start, old.end, zone)} is now {span_words(now.start, now.end, zone)}"
            + (f"; {would}revoked and declared anew" if update else "")
        )
    for old in todo.cancelled:
        click.echo(
            f"cancelled: exclusion {old.id} {span_words(old.start, old.end, zone)}"
            + (f"; {would}revoked" if update else "")
        )
    if (todo.changed or todo.cancelled) and not update:
        click.echo("left as declared; import again with --update to revoke what changed and declare it anew")
