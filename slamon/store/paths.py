"""Traced paths as rows: written one at a time, read for the targets and the time of some outages."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import Connection, inspect, or_, select, update
from sqlalchemy.dialects.sqlite import insert

from slamon.path import Moment, Trace, Traced
from slamon.store.schema import reading, traced, writing
from slamon.store.sums import KEYS_PER_QUERY
from slamon.store.writing import slices


def keep(connection: Connection, path: Traced) -> None:
    """See `Store.keep_path`."""
    row = {
        "target": path.target,
        "started": path.trace.started,
        "moment": str(path.moment),
        "since": path.since,
        "until": path.until,
        "trace": json.dumps(path.trace.as_json()),
    }
    with writing(connection):
        connection.execute(insert(traced).on_conflict_do_nothing(), row)


def over(connection: Connection, target: str, since: int, until: int) -> None:
    """See `Store.silence_over`."""
    with writing(connection):
        connection.execute(update(traced).where(traced.c.target == target, traced.c.since == since).values(until=until))


def load(connection: Connection, targets: Sequence[str], start: int, end: int) -> tuple[Traced, ...]:
    """See `Store.paths`."""
    found: list[Traced] = []
    with reading(connection):
        if not inspect(connection).has_table(traced.name):
            return ()  # an older daemon's store
        for some in slices(targets, KEYS_PER_QUERY):
            rows = connection.execute(
                select(traced)
                .where(
                    traced.c.target.in_(some),
                    traced.c.since < end,
                    or_(traced.c.until.is_(None), traced.c.until > start),
                )
                .order_by(traced.c.target, traced.c.started)
            )
            found += [
                Traced(
                    target=row.target,
                    moment=Moment(row.moment),
                    since=row.since,
                    until=row.until,
                    trace=Trace.from_json(json.loads(row.trace)),
                )
                for row in rows
            ]
    return tuple(found)
