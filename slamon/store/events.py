"""What people know and no probe measures (tickets, claims, payments, …), as entries of the chain of declarations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from fractions import Fraction

from sqlalchemy import Connection

from slamon import ledger
from slamon.errors import UsageError
from slamon.sla.facts import EVENTS, Charged, Event, Recorded, kind
from slamon.store import chain
from slamon.store.schema import writing

RECORD, RETRACT = "record", "retract"
"""Kinds of entry."""

_TEXTS = {"period", "duty", "right"}
_AMOUNTS = {(Charged, "billed"), (Charged, "paid"), (Charged, "usage")}


def record(
    connection: Connection, contract: str, event: Event, *, at: int, by: str, note: str, replaces: str | None
) -> Recorded:
    """See `Store.record`."""
    with writing(connection):  # the head is read under the write lock: two writers cannot follow the same entry
        entries = chain.entries(connection)
        head = entries[-1] if entries else None
        made: list[ledger.Entry] = []
        if replaces is not None:
            stood = _standing(_fold(entries), replaces)
            if (stood.contract, kind(stood.event)) != (contract, kind(event)):
                raise UsageError(f"{replaces} is a {kind(stood.event)} of contract {stood.contract}")
            made.append(_retraction(made, head, replaces, at=at, by=by))
        body: dict[str, ledger.Value] = {
            "version": chain.FORMAT,
            "contract": contract,
            "event": kind(event),
            "note": note,
        }
        made.append(chain.following(made, head, at=at, by=by, kind=RECORD, body={**body, **_body(event)}))
        chain.insert(connection, made)
    return _recorded(made[-1])


def retract(connection: Connection, id_: str, *, at: int, by: str) -> Recorded:
    """See `Store.retract`."""
    with writing(connection):
        entries = chain.entries(connection)
        stood = _standing(_fold(entries), id_)
        chain.insert(connection, [_retraction((), entries[-1], id_, at=at, by=by)])
    return replace(stood, revoked_at=at, revoked_by=by)


def events(entries: Iterable[ledger.Entry], contract: str | None) -> tuple[Recorded, ...]:
    """See `Store.events`."""
    known = _fold(entries).values()
    return tuple(each for each in known if contract is None or each.contract == contract)


def _standing(known: Mapping[str, Recorded], id_: str) -> Recorded:
    if id_ not in known:
        there = f"there are {', '.join(known)}" if known else "there are none"
        raise UsageError(f"nothing was recorded under {id_}; {there}")
    found = known[id_]
    if found.revoked_at is not None:
        raise UsageError(f"the {kind(found.event)} {id_} was taken back already, by {found.revoked_by}")
    return found


def _retraction(made: Iterable[ledger.Entry], head: ledger.Entry | None, id_: str, *, at: int, by: str) -> ledger.Entry:
    return chain.following(tuple(made), head, at=at, by=by, kind=RETRACT, body={"version": chain.FORMAT, "id": id_})


def _fold(entries: Iterable[ledger.Entry]) -> dict[str, Recorded]:
    """Entries in order → events by id as they stand now."""
    known: dict[str, Recorded] = {}
    for entry in entries:
        take(known, entry)
    return known


def take(known: dict[str, Recorded], entry: ledger.Entry) -> None:
    """What stands with one entry more; not every entry is about an event."""
    if entry.kind not in {RECORD, RETRACT}:
        return
    chain.check_version(entry)
    if entry.kind == RECORD:
        known[str(entry.number)] = _recorded(entry)
    else:
        one = chain.text(entry.body, "id")
        if one not in known:
            raise ledger.TamperedError(
                f"declaration {entry.number} is not what was written: it is about {one}, which is none"
            )
        known[one] = replace(known[one], revoked_at=entry.at, revoked_by=entry.by)


def _body(event: Event) -> dict[str, ledger.Value]:
    """Its fields: instants and texts as they are, amounts as exact fractions."""
    return {name: str(value) if isinstance(value, Fraction) else value for name, value in event._asdict().items()}


def _recorded(entry: ledger.Entry) -> Recorded:
    body = entry.body
    try:
        type_ = EVENTS[chain.text(body, "event")]
        event = type_._make(_value(type_, name, body.get(name)) for name in type_._fields)
        return Recorded(
            id=str(entry.number),
            contract=str(body["contract"]),
            event=event,
            declared_at=entry.at,
            declared_by=entry.by,
            note=chain.text(body, "note"),
        )
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise ledger.TamperedError(f"declaration {entry.number} is not what was written: {error}") from error


def _value(type_: type[Event], name: str, written: ledger.Value) -> int | str | Fraction | None:
    if written is None:
        if name in type_._field_defaults:
            return None
        raise TypeError(f"it says no {name}")
    if name in _TEXTS:
        return str(written)
    if (type_, name) in _AMOUNTS:
        return Fraction(str(written))
    return chain.instant(written)
