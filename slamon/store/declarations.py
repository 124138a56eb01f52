"""What people state about time: exclusions declared, agreed to and revoked, in an append-only chain that shows tampering."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from sqlalchemy import Connection

from slamon import ledger
from slamon.errors import UsageError
from slamon.sla.facts import Agreement, Exclusion
from slamon.store import chain, events
from slamon.store.schema import writing

EXCLUDE, REVOKE = "exclude", "revoke"
"""Kinds of entry, besides those of `STATES`."""
STATES = {"accept": Agreement.ACCEPTED, "dispute": Agreement.DISPUTED, "reject": Agreement.REJECTED}
"""Kind of entry → what an exclusion is from then on."""
FORMAT = chain.FORMAT
"""Version of the bodies. Those of version 1 carry none: contract, cause, start, end and note, accepted by both parties."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An exclusion about to be declared; see `facts.Exclusion` for its fields."""

    contract: str
    cause: str
    start: int
    end: int
    note: str = ""
    notified: int | None = None
    lodged: int | None = None
    state: Agreement = Agreement.ACCEPTED
    name: str = ""
    """Who declares it, where that is not who enters it."""
    role: str = ""
    evidence: tuple[str, ...] = ()
    ticket: str = ""
    series: str = ""
    source: str = ""
    uid: str = ""
    occurrence: int | None = None


class Act(NamedTuple):
    """One thing that was done about an exclusion: an entry of the ledger."""

    number: int
    at: int
    kind: str
    """`exclude`, `accept`, `dispute`, `reject` or `revoke`."""
    by: str
    """Who did it."""
    entered_by: str
    """`user@host` that entered it."""
    role: str
    note: str
    evidence: tuple[str, ...]
    state: Agreement | None
    """What it made of the exclusion; None where that stayed what it was."""
    source: str
    """The calendar file that made it; empty = a person."""
    link: str
    """Hex SHA-256 over this entry and the one before; see `ledger.Entry`."""


@dataclass(slots=True)
class Known:
    """An exclusion as it stands, and what was done about it."""

    exclusion: Exclusion
    acts: list[Act]


def declare(
    connection: Connection,
    drafts: Sequence[Draft],
    *,
    at: int,
    by: str,
    one_series: bool = False,
    revoking: Iterable[str] = (),
    source: str = "",
    after: int | None = None,
    dry_run: bool = False,
) -> tuple[Exclusion, ...] | None:
    """See `Store.declare_all`."""
    if any(draft.end <= draft.start for draft in drafts):
        raise UsageError("an exclusion has to end after it starts")
    revoking = tuple(revoking)
    with writing(connection):  # the head is read under the write lock: two writers cannot follow the same entry
        entries = chain.entries(connection)
        head = entries[-1] if entries else None
        if after is not None and after != (head.number if head else 0):
            return None
        _check(_fold(entries), revoking, REVOKE)
        made: list[ledger.Entry] = []
        for id_ in revoking:
            made.append(
                chain.following(
                    made, head, at=at, by=by, kind=REVOKE, body={"version": FORMAT, "id": id_, "source": source}
                )
            )
        revoked = len(made)
        series = str((head.number if head else 0) + revoked + 1) if one_series else None
        for draft in drafts:
            body = _body(draft, draft.series if series is None else series)
            made.append(chain.following(made, head, at=at, by=by, kind=EXCLUDE, body=body))
        if not dry_run:
            chain.insert(connection, made)
    return tuple(_exclusion(entry) for entry in made[revoked:])


def settle(
    connection: Connection,
    ids: Sequence[str],
    kind: str,
    *,
    at: int,
    by: str,
    name: str = "",
    role: str = "",
    note: str = "",
    evidence: tuple[str, ...] = (),
    whole_series: bool = False,
) -> tuple[Exclusion, ...]:
    """See `Store.settle` and `Store.revoke`."""
    with writing(connection):
        entries = chain.entries(connection)
        known = _fold(entries)
        ids = tuple(dict.fromkeys(ids))
        _check(known, ids, kind, whole_series=whole_series)
        chosen = _with_series(known, ids, kind) if whole_series else ids
        made: list[ledger.Entry] = []
        for id_ in chosen:
            body: dict[str, ledger.Value] = {"version": FORMAT, "id": id_, "name": name, "role": role, "note": note}
            made.append(
                chain.following(made, entries[-1], at=at, by=by, kind=kind, body={**body, "evidence": evidence})
            )
        chain.insert(connection, made)
        known = _fold([*entries, *made])
    return tuple(known[id_].exclusion for id_ in chosen)


def exclusions(entries: Iterable[ledger.Entry], contract: str | None) -> tuple[Exclusion, ...]:
    """See `Store.exclusions`."""
    known = _fold(entries).values()
    return tuple(one.exclusion for one in known if contract is None or one.exclusion.contract == contract)


def histories(entries: Iterable[ledger.Entry]) -> dict[str, tuple[Act, ...]]:
    """See `Store.histories`."""
    return {id_: tuple(one.acts) for id_, one in _fold(entries).items()}


def _check(known: Mapping[str, Known], ids: Sequence[str], kind: str, *, whole_series: bool = False) -> None:
    """Raises UsageError with everything that keeps these from being settled so."""
    mistakes = []
    if unknown := [id_ for id_ in ids if id_ not in known]:
        there = f"; there are {_ids(known)}" if known else " (there are none)"
        mistakes.append(f"there is no exclusion {', '.join(unknown)}{there}")
    for id_ in ids:
        if id_ not in known:
            continue
        one = known[id_].exclusion
        if one.revoked_at is not None:
            mistakes.append(f"exclusion {id_} was revoked already, by {one.revoked_by or 'nobody named'}")
        elif whole_series and not one.series:
            mistakes.append(f"exclusion {id_} is not part of a series; leave out --series")
        elif STATES.get(kind) is one.state and not whole_series:
            mistakes.append(f"exclusion {id_} is {one.state} already")
    if mistakes:
        raise UsageError("\n".join(mistakes))


def _ids(known: Iterable[str]) -> str:
    """`1, 2, 5 to 9`: a series has many."""
    runs: list[list[int]] = []
    for number in map(int, known):
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    parts = [f"{run[0]} to {run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs]
    return ", ".join(parts)


def _with_series(known: Mapping[str, Known], ids: Sequence[str], kind: str) -> tuple[str, ...]:
    """What was declared in one series with the ids, as far as it stands and the entry would change it."""
    wanted = {_series(known[id_].exclusion) for id_ in ids}
    found = tuple(
        id_
        for id_, one in known.items()
        if _series(one.exclusion) in wanted
        and one.exclusion.revoked_at is None
        and STATES.get(kind) is not one.exclusion.state
    )
    if not found:
        raise UsageError(f"every exclusion in one series with {', '.join(ids)} is {STATES[kind]} already")
    return found


def _series(one: Exclusion) -> tuple[str, str, str]:
    return one.contract, one.series, one.source


def _body(draft: Draft, series: str) -> dict[str, ledger.Value]:
    return {
        "version": FORMAT,
        "contract": draft.contract,
        "cause": draft.cause,
        "start": draft.start,
        "end": draft.end,
        "note": draft.note,
        "notified": draft.notified,
        "lodged": draft.lodged,
        "state": str(draft.state),
        "name": draft.name,
        "role": draft.role,
        "evidence": draft.evidence,
        "ticket": draft.ticket,
        "series": series,
        "source": draft.source,
        "uid": draft.uid,
        "occurrence": draft.occurrence,
    }


def _fold(entries: Iterable[ledger.Entry]) -> dict[str, Known]:
    """Entries in order → exclusions by id as they stand now, each with what was done about it."""
    known: dict[str, Known] = {}
    for entry in entries:
        take(known, entry)
    return known


def take(known: dict[str, Known], entry: ledger.Entry) -> None:
    """What stands with one entry more; not every entry is about an exclusion."""
    if entry.kind in {events.RECORD, events.RETRACT}:
        return
    chain.check_version(entry)
    if entry.kind == EXCLUDE:
        made = _exclusion(entry)
        known[made.id] = Known(made, [_act(entry, made.state)])
        return
    one = str(entry.body.get("id"))
    if one not in known:
        raise ledger.TamperedError(
            f"declaration {entry.number} is not what was written: it is about {one}, which is none"
        )
    act = _act(entry, STATES.get(entry.kind))
    before = known[one].exclusion
    if entry.kind == REVOKE:
        after = replace(before, revoked_at=act.at, revoked_by=act.by)
    elif act.state is not None:
        after = replace(before, state=act.state, evidence=before.evidence + act.evidence)
    else:
        raise ledger.TamperedError(f"declaration {entry.number} is of no kind there is: {entry.kind}")
    known[one].exclusion = after
    known[one].acts.append(act)


def _act(entry: ledger.Entry, state: Agreement | None) -> Act:
    body = entry.body
    return Act(
        number=entry.number,
        at=entry.at,
        kind=entry.kind,
        by=chain.text(body, "name") or entry.by,
        entered_by=entry.by,
        role=chain.text(body, "role"),
        note=chain.text(body, "note"),
        evidence=_texts(body, "evidence"),
        state=state,
        source=chain.text(body, "source"),
        link=entry.link,
    )


def _exclusion(entry: ledger.Entry) -> Exclusion:
    body = entry.body
    try:
        return Exclusion(
            id=str(entry.number),
            contract=str(body["contract"]),
            cause=str(body["cause"]),
            start=chain.instant(body["start"]) or 0,
            end=chain.instant(body["end"]) or 0,
            declared_at=entry.at,
            declared_by=chain.text(body, "name") or entry.by,
            note=str(body["note"]),
            notified=chain.instant(body.get("notified")),
            lodged=chain.instant(body.get("lodged")),
            state=Agreement(chain.text(body, "state") or Agreement.ACCEPTED),
            role=chain.text(body, "role"),
            evidence=_texts(body, "evidence"),
            ticket=chain.text(body, "ticket"),
            series=chain.text(body, "series"),
            source=chain.text(body, "source"),
            uid=chain.text(body, "uid"),
            occurrence=chain.instant(body.get("occurrence")),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ledger.TamperedError(f"declaration {entry.number} is not what was written: {error}") from error


def _texts(body: Mapping[str, ledger.Value], key: str) -> tuple[str, ...]:
    value = body.get(key)
    return tuple(map(str, value)) if isinstance(value, list | tuple) else ()
