"""What people state about time: exclusions declared and revoked, in an append-only chain that shows tampering."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, func, select

from slamon import ledger
from slamon.errors import UsageError
from slamon.sla.facts import Exclusion
from slamon.store.schema import declaration, reading, writing

EXCLUDE, REVOKE = "exclude", "revoke"
"""Kinds of entry."""


def declare(
    connection: Connection, *, contract: str, cause: str, start: int, end: int, at: int, by: str, note: str = ""
) -> Exclusion:
    """See `Store.declare`."""
    if end <= start:
        raise UsageError("an exclusion has to end after it starts")
    body: dict[str, ledger.Value] = {"contract": contract, "cause": cause, "start": start, "end": end, "note": note}
    return _exclusion(_append(connection, at=at, by=by, kind=EXCLUDE, body=body))


def revoke(connection: Connection, id: str, *, at: int, by: str) -> Exclusion:  # noqa: A002  the word of the command line
    """See `Store.revoke`."""
    with writing(connection):
        entries = _entries(connection)
        known = _fold(entries)
        if id not in known:
            raise UsageError(
                f"there is no exclusion {id}" + (f"; there are {', '.join(known)}" if known else " (there are none)")
            )
        if known[id].revoked_at is not None:
            raise UsageError(f"exclusion {id} was revoked already, by {known[id].revoked_by or 'nobody named'}")
        entry = ledger.append(entries[-1], at=at, by=by, kind=REVOKE, body={"id": id})
        _insert(connection, entry)
        return _fold([*entries, entry])[id]


def exclusions(connection: Connection, contract: str | None) -> tuple[Exclusion, ...]:
    """See `Store.exclusions`."""
    with reading(connection):
        known = _fold(_entries(connection)).values()
    return tuple(one for one in known if contract is None or one.contract == contract)


def last(connection: Connection) -> int:
    """See `Store.last_declaration`."""
    with reading(connection):
        return connection.scalar(select(func.max(declaration.c.number))) or 0


def verify(connection: Connection) -> str:
    """See `Store.verify`."""
    with reading(connection):
        entries = _entries(connection)
    return ledger.verify(entries)


def _append(connection: Connection, *, at: int, by: str, kind: str, body: dict[str, ledger.Value]) -> ledger.Entry:
    with writing(connection):  # the head is read under the write lock: two writers cannot follow the same entry
        row = connection.execute(select(declaration).order_by(declaration.c.number.desc()).limit(1)).one_or_none()
        entry = ledger.append(None if row is None else _entry(row), at=at, by=by, kind=kind, body=body)
        _insert(connection, entry)
    return entry


def _insert(connection: Connection, entry: ledger.Entry) -> None:
    body = json.dumps(dict(entry.body), sort_keys=True, ensure_ascii=False)
    connection.execute(declaration.insert(), [{**entry._asdict(), "body": body}])


def _entries(connection: Connection) -> list[ledger.Entry]:
    rows = connection.execute(select(declaration).order_by(declaration.c.number))
    return [_entry(row) for row in rows]


def _entry(row: Row[Any]) -> ledger.Entry:
    try:
        body = json.loads(row.body)
    except ValueError as error:
        raise ledger.TamperedError(f"declaration {row.number} is not what was written: its body is no JSON") from error
    if not isinstance(body, dict):
        raise ledger.TamperedError(f"declaration {row.number} is not what was written: its body is no JSON object")
    return ledger.Entry(row.number, row.at, row.by, row.kind, body, row.link)


def _fold(entries: list[ledger.Entry]) -> dict[str, Exclusion]:
    """Entries in order → exclusions by id, as they stand now."""
    known: dict[str, Exclusion] = {}
    for entry in entries:
        if entry.kind == EXCLUDE:
            known[str(entry.number)] = _exclusion(entry)
        elif entry.kind == REVOKE:
            one = str(entry.body.get("id"))
            if one not in known:
                raise ledger.TamperedError(
                    f"declaration {entry.number} is not what was written: it revokes {one}, which is none"
                )
            known[one] = replace(known[one], revoked_at=entry.at, revoked_by=entry.by)
    return known


def _exclusion(entry: ledger.Entry) -> Exclusion:
    body = entry.body
    try:
        return Exclusion(
            id=str(entry.number),
            contract=str(body["contract"]),
            cause=str(body["cause"]),
            start=int(body["start"] or 0),
            end=int(body["end"] or 0),
            declared_at=entry.at,
            declared_by=entry.by,
            note=str(body["note"]),
        )
    except (KeyError, ValueError) as error:
        raise ledger.TamperedError(f"declaration {entry.number} is not what was written: {error}") from error
