"""The chain of declarations as rows: read whole, and added to under the write lock. What an entry says is its kind's business."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, select

from slamon import ledger
from slamon.store.schema import declaration, others, reading

FORMAT = 2
"""Version of the bodies that are written now."""
LATEST_INSTANT = (1 << 63) - 1
"""Nanoseconds: what a column of the store holds."""
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
"""What may be half of a surrogate pair; text from SQLite has none but such escapes."""
_LATEST = "latest declaration"
"""Of a connection: what others had written when it was looked up, and its number."""


def read(connection: Connection) -> list[ledger.Entry]:
    """All entries, as of one instant. Raises TamperedError."""
    with reading(connection):
        return entries(connection)


def entries(connection: Connection) -> list[ledger.Entry]:
    """All of them, oldest first; inside a transaction. Raises TamperedError for one that could not have been written."""
    rows = connection.execute(select(declaration).order_by(declaration.c.number))
    return [_entry(row) for row in rows]


def following(
    made: Sequence[ledger.Entry],
    head: ledger.Entry | None,
    *,
    at: int,
    by: str,
    kind: str,
    body: Mapping[str, ledger.Value],
) -> ledger.Entry:
    """The entry that follows those about to be written, or else the last written."""
    return ledger.append(made[-1] if made else head, at=at, by=by, kind=kind, body=body)


def insert(connection: Connection, made: Sequence[ledger.Entry]) -> None:
    """Inside the transaction that read the head."""
    connection.info.pop(_LATEST, None)
    rows = [
        {**entry._asdict(), "body": json.dumps(dict(entry.body), sort_keys=True, ensure_ascii=False)} for entry in made
    ]
    if rows:
        connection.execute(declaration.insert(), rows)


def last(connection: Connection) -> int:
    """Number of the last entry, 0 where there is none."""
    with reading(connection):
        return connection.scalar(select(func.max(declaration.c.number))) or 0


def latest(connection: Connection) -> int:
    """The same for who asks all the time: looked up when anything was written since, by others or to the chain by this connection."""
    version = others(connection)
    known: tuple[int, int] | None = connection.info.get(_LATEST)
    if known is None or known[0] != version:
        known = connection.info[_LATEST] = version, last(connection)
    return known[1]


def verify(connection: Connection) -> str:
    """The hash of the last link. Raises TamperedError."""
    return ledger.verify(read(connection))


def check_version(entry: ledger.Entry) -> None:
    """Raises TamperedError for a version of which something might go unnoticed here."""
    if (entry.body.get("version") or 1) not in (1, FORMAT):
        raise ledger.TamperedError(f"declaration {entry.number} is of a newer slamon; use the one that wrote it")


def text(body: Mapping[str, ledger.Value], key: str) -> str:
    """Empty where the entry says nothing of it."""
    return str(body.get(key) or "")


def instant(value: ledger.Value) -> int | None:
    """Raises TypeError for what was never written as one."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not -LATEST_INSTANT <= value <= LATEST_INSTANT:
        raise TypeError(f"{value!r} is no instant")
    return value


def _entry(row: Row[Any]) -> ledger.Entry:
    if not isinstance(row.at, int) or not all(isinstance(each, str) for each in (row.by, row.kind, row.body, row.link)):
        raise ledger.TamperedError(
            f"declaration {row.number} is not what was written: a value of it is of the wrong type"
        )
    try:
        body = json.loads(row.body)
        if _SURROGATE.search(row.body):
            json.dumps(body, ensure_ascii=False).encode()  # raises for half of a pair: it can be neither shown nor kept
    except (ValueError, RecursionError) as error:
        raise ledger.TamperedError(f"declaration {row.number} is not what was written: its body is no JSON") from error
    if not isinstance(body, dict):
        raise ledger.TamperedError(f"declaration {row.number} is not what was written: its body is no JSON object")
    return ledger.Entry(row.number, row.at, row.by, row.kind, body, row.link)
