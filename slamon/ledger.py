"""Entries that nobody can change unseen: each carries the hash of itself and of the entry before it. Pure; the store keeps them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from slamon.errors import SlamonError

GENESIS = "0" * 64
"""What the first entry is linked to."""

Value = str | int | bool | None | list[str] | tuple[str, ...]
"""What a body may hold: values with one way of writing them. A float has several."""


class Entry(NamedTuple):
    """One thing somebody stated."""

    number: int
    """1, 2, 3, … without a hole."""
    at: int
    """Instant it was written, nanoseconds UTC."""
    by: str
    """Who wrote it."""
    kind: str
    body: Mapping[str, Value]
    link: str
    """Hex SHA-256 over the entry before and this one."""


class TamperedError(SlamonError):
    """The chain does not hold: an entry was changed, removed or put in."""


def canonical(number: int, at: int, by: str, kind: str, body: Mapping[str, Value]) -> bytes:
    """The one byte string an entry is hashed as: JSON with sorted keys, no spaces, UTF-8.

    Raises TypeError for a float, ValueError for text that is no UTF-8.
    """
    for key, value in body.items():
        texts = isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)
        if not texts and not isinstance(value, str | int | None):
            raise TypeError(
                f"{key} of a ledger entry is a {type(value).__name__}; only text, lists of texts, whole numbers, true, false and null"
            )
    entry = {"at": at, "body": dict(body), "by": by, "kind": kind, "number": number}
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def link(previous: str, entry: bytes) -> str:
    """The hash that ties `entry` (canonical bytes) to the link of the entry before it."""
    return hashlib.sha256(previous.encode() + b"\n" + entry).hexdigest()


def append(last: Entry | None, *, at: int, by: str, kind: str, body: Mapping[str, Value]) -> Entry:
    """The entry that follows `last`."""
    number = last.number + 1 if last else 1
    previous = last.link if last else GENESIS
    return Entry(number, at, by, kind, body, link(previous, canonical(number, at, by, kind, body)))


def verify(entries: Iterable[Entry]) -> str:
    """Check a whole chain, first entry first; the link of its last entry (GENESIS for none).

    Raises TamperedError naming the first entry that does not fit. Entries cut off at the end leave a shorter chain that
    holds, so whoever wants to notice that has to remember the link this returns.
    """
    previous = GENESIS
    for expected, entry in enumerate(entries, 1):
        if entry.number != expected:
            raise TamperedError(f"declaration {expected} is missing: the next one found is {entry.number}")
        if not _fits(previous, entry):
            raise TamperedError(
                f"declaration {entry.number} ({entry.kind}, by {entry.by or 'nobody'}) is not what was written: its hash does not fit"
            )
        previous = entry.link
    return previous


def _fits(previous: str, entry: Entry) -> bool:
    try:
        return link(previous, canonical(entry.number, entry.at, entry.by, entry.kind, entry.body)) == entry.link
    except (TypeError, ValueError):  # the latter: half of a surrogate pair, or a number that is none
        return False  # holds what no entry can hold, so it was not written by us
