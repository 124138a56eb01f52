"""Statements → the JSON document that machines and the other party read: exact figures, each with its text for people."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from slamon.sla.statement import SCHEMA_VERSION, Statement, to_json


def document(statements: Sequence[Statement], *, as_of: int) -> dict[str, object]:
    """`{schema, as_of, statements}`; `as_of` is the instant the report was asked for, in nanoseconds, as a string."""
    return {
        "schema": SCHEMA_VERSION,
        "as_of": str(as_of),
        "statements": [to_json(statement) for statement in statements],
    }


def dumps(document: Mapping[str, object]) -> str:
    """The text of a document: the order of its keys is kept, one a line, ending in a newline."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
