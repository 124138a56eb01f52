"""Statements → the JSON document that machines and the other party read: exact figures, each with its text for people."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from slamon.path import Evidence
from slamon.report import paths
from slamon.sla.statement import SCHEMA_VERSION, Statement, to_json


def document(statements: Sequence[Statement], evidence: Sequence[Evidence] = (), *, as_of: int) -> dict[str, object]:
    """`{schema, as_of, statements, paths}`; `as_of` is the instant the report was asked for, in nanoseconds, as a string.

    What was traced stands beside the statements, not in them: a statement is what follows from measurements and declarations.
    """
    return {
        "schema": SCHEMA_VERSION,
        "as_of": str(as_of),
        "statements": [to_json(statement) for statement in statements],
        "paths": [paths.document(each) for each in evidence],
    }


def dumps(document: Mapping[str, object]) -> str:
    """The text of a document: the order of its keys is kept, one a line, ending in a newline."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
