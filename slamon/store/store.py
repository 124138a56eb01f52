"""The store as its users see it: facts written by one daemon, read by anybody, and what people declared.

Every call blocks for a few milliseconds of SQLite and may raise StoreError. The daemon makes them on the store thread, a command
makes them directly; one `Store` belongs to one thread at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, Self

from sqlalchemy import Connection, bindparam, delete, select, update
from sqlalchemy.dialects.sqlite import insert

from slamon.path import Traced
from slamon.record.recorder import Batch, Known
from slamon.record.track import Settled
from slamon.sla.facts import Event, Exclusion, Recorded
from slamon.store import chain, declarations, events, history, paths, reading, schema, writing
from slamon.store.compaction import Compactor
from slamon.store.history import Declarations, Stood
from slamon.store.lock import Lock
from slamon.store.reading import StoredFacts
from slamon.store.rows import open_run
from slamon.store.schema import contract_text, journal, series

PRUNE_ROWS = 50_000
"""Rows one `prune` drops at most, a tenth of a second's work: writing the next batch waits behind it."""


class Answering(NamedTuple):
    """Which targets answer, as the writer knows without reading: equal for some targets while nothing happens to them."""

    recorded: int
    """See `Store.recorded`."""
    runs: dict[str, tuple[int, int]]
    """Target name → first instant and samples of the successes it ends with; who does not end with one is missing."""


class Store:
    """An open store. Use `Store.open`."""

    def __init__(self, path: Path, connection: Connection, lock: Lock | None) -> None:
        self.path = path
        self._connection = connection
        self._lock = lock
        self._present: writing.Present | None = None
        self._pages = reading.Pages()
        self._compactor: Compactor | None = None
        self.declared = 0
        """`last_declaration` as the last `write` found it; for who must not wait for an answer."""

    @classmethod
    def open(cls, path: Path, *, write: bool) -> Store:
        """`write=True` for the one daemon of this store: creates it, and puts in order what a killed one left behind.

        `write=False` for everybody else, beside a running daemon or without one: reads facts, reads and writes declarations.
        Raises UnavailableError: in use by another daemon (naming its pid), missing, not a store, of another version, not ours to open.
        """
        if not write:
            return cls(path, schema.connect(path, create=False), None)
        schema.make_folder(path)
        lock = Lock(path)
        try:
            store = cls(path, schema.connect(path, create=True), lock)
        except BaseException:
            lock.release()
            raise
        try:
            store._recover()
        except BaseException:
            store.close()
            raise
        return store

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give file and lock back; doing so again does nothing."""
        schema.close(self._connection)
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def restore(self) -> dict[str, Known]:
        """Target name → what a `Recorder` needs to go on with it."""
        with schema.reading(self._connection):
            rows = self._connection.execute(select(series)).all()
        return {
            row.target: Known(
                id=row.id,
                known_from=row.known_from,
                through=row.through,
                run=open_run(row),
                span=row.span,
                before=None if row.before_sent is None else (row.before_sent, row.before_rtt),
                upto=row.upto,
            )
            for row in rows
        }

    def write(self, batch: Batch) -> None:
        """Write a batch of the `Recorder` and do a small piece of the summing up that is due.

        Batches come in order. After a StoreError (disk full, for example) nothing is lost and the same batch can be written
        again, as often as it takes.
        """
        assert self._present is not None
        assert self._compactor is not None
        writing.write(self._connection, batch, self._present)
        self._compactor.step(self._present.complete)
        self.declared = chain.latest(self._connection)

    def relieve(self) -> bool:
        """After a write failed: move what the log holds into the file, so that the log can begin anew; True if that worked.

        A log that grew until the disk was full would otherwise keep its own space from itself for ever.
        """
        return schema.checkpoint(self._connection)

    def load(
        self,
        targets: Iterable[str],
        start: int,
        end: int,
        *,
        cuts: Sequence[int] = (),
        minutes: bool = False,
        records: bool = True,
        up_after: int = reading.UP_AFTER,
    ) -> StoredFacts:
        """The facts about the targets of these names in `[start, end)`, of one instant, whatever is written meanwhile.

        Runs: every one that overlaps the span, the open one last, and before them what decides the state at `start`: back to
        a run of `up_after` successes with no gap inside, else to the first there is. `up_after` is the most that any rule
        they are judged by asks for. Naming less than the default spares reading years of a line that loses one packet in a
        hundred, whose runs are short.

        Records: every one that overlaps the span. Days and quarter hours stand for their minutes where they lie wholly
        inside, have no cut inside, and are summed up already; `minutes=True` gives minutes throughout, `records=False` none.
        `cuts` are the instants the caller will split time at, ascending (edges of exclusions and outages): a minute with
        one of them, `start` or `end` strictly inside carries its packed samples in `raw` while they are kept. A minute is
        listed once it is over and settled, or was cut short by a stop.
        """
        with schema.reading(self._connection):
            return reading.load(
                self._connection,
                self._present or self._pages,
                targets,
                start,
                end,
                cuts=sorted(cuts),
                minutes=minutes,
                records=records,
                up_after=up_after,
            )

    def recorded(self) -> int:
        """Every sample sent before this instant is part of a record that `load` gives; 0 where only the daemon would know."""
        return 0 if self._present is None else self._present.complete

    def answering(self, targets: Iterable[str]) -> Answering:
        """Of the targets of these names. Nobody is, where only the daemon would know."""
        if self._present is None:
            return Answering(0, {})
        return Answering(self._present.complete, self._present.answering(targets))

    def prune(self, now: int, keep_raw: int) -> int:
        """Drop the single samples of minutes older than `keep_raw` nanoseconds; how many minutes of series were dropped.

        Those of a folded quarter hour go together, when its last minute is that old. About PRUNE_ROWS at most in one call; the
        sums stay. Call it from time to time.
        """
        return writing.prune(self._connection, now - keep_raw, PRUNE_ROWS)

    def declare(
        self, *, contract: str, cause: str, start: int, end: int, at: int, by: str, note: str = ""
    ) -> Exclusion:
        """Declare that `[start, end)` does not count for `contract` because of `cause`. `at`: now. Raises UsageError."""
        draft = declarations.Draft(contract=contract, cause=cause, start=start, end=end, note=note)
        made = self.declare_all([draft], at=at, by=by)
        assert made is not None
        return made[0]

    def declare_all(
        self,
        drafts: Sequence[declarations.Draft],
        *,
        at: int,
        by: str,
        one_series: bool = False,
        revoking: Iterable[str] = (),
        source: str = "",
        after: int | None = None,
        dry_run: bool = False,
    ) -> tuple[Exclusion, ...] | None:
        """Declare several at once, all or none, and take others back in the same step. Raises UsageError.

        `by`: `user@host` that enters them. `one_series`: they repeat, and get the id of the first as their series. `source`: the
        calendar file that asks for it. `after`: what `last_declaration` said when the drafts were made up; where somebody has
        declared anything since, nothing is done and the answer is None. `dry_run`: nothing is written, the answer is what would be.
        """
        return declarations.declare(
            self._connection,
            drafts,
            at=at,
            by=by,
            one_series=one_series,
            revoking=revoking,
            source=source,
            after=after,
            dry_run=dry_run,
        )

    def settle(
        self,
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
        """Say of declarations that they are agreed to or not: `kind` is `accept`, `dispute`, `reject`, or `revoke`. All or none.

        A state may follow any other; who changed it when stays in the record. `name`: who does it, where that is not who enters
        it. `whole_series`: also of what was declared in one series with them. Raises UsageError for one unknown, revoked already,
        or in that state already.
        """
        return declarations.settle(
            self._connection,
            ids,
            kind,
            at=at,
            by=by,
            name=name,
            role=role,
            note=note,
            evidence=evidence,
            whole_series=whole_series,
        )

    def revoke(self, id: str, *, at: int, by: str) -> Exclusion:  # noqa: A002  the word of the command line
        """Take a declaration back; it stays in the record as revoked. Raises UsageError for one unknown or revoked already."""
        return self.settle([id], declarations.REVOKE, at=at, by=by)[0]

    def histories(self) -> dict[str, tuple[declarations.Act, ...]]:
        """Id of every exclusion → what was done about it, first its declaration."""
        return declarations.histories(chain.read(self._connection))

    def exclusions(self, contract: str | None = None) -> tuple[Exclusion, ...]:
        """Every exclusion ever declared, also revoked ones, in order; of one contract or of all."""
        return declarations.exclusions(chain.read(self._connection), contract)

    def record(
        self, contract: str, event: Event, *, at: int, by: str, note: str = "", replaces: str | None = None
    ) -> Recorded:
        """Record that something happened. `at`: now; `replaces`: the id of an event of the same kind, taken back in the same step.

        Raises UsageError.
        """
        return events.record(self._connection, contract, event, at=at, by=by, note=note, replaces=replaces)

    def retract(self, id: str, *, at: int, by: str) -> Recorded:  # noqa: A002  the word of the command line
        """Take an event back; it stays in the record. Raises UsageError for one unknown or taken back already."""
        return events.retract(self._connection, id, at=at, by=by)

    def events(self, contract: str | None = None) -> tuple[Recorded, ...]:
        """Everything ever recorded, also what was taken back, in order; of one contract or of all."""
        return events.events(chain.read(self._connection), contract)

    def declarations(self, contract: str | None = None) -> Declarations:
        """Exclusions and events, of one instant; of one contract or of all."""
        return history.present(chain.read(self._connection), contract)

    def history(self, contract: str, since: int) -> tuple[Stood, ...]:
        """What was declared of a contract as it stood at `since`, and whenever an entry changed it after that, in order."""
        return history.history(chain.read(self._connection), contract, since)

    def last_declaration(self) -> int:
        """Number of the last declaration, event or revocation; it grows with every one, 0 before the first."""
        return chain.last(self._connection)

    def verify(self) -> str:
        """Check the chain of declarations; the hash of its last link. Raises ledger.TamperedError naming the first bad entry."""
        return chain.verify(self._connection)

    def keep_text(self, sha256: str, text: str) -> None:
        """Keep a contract's canonical text by its hash; keeping it again changes nothing."""
        with schema.writing(self._connection):
            self._connection.execute(insert(contract_text).on_conflict_do_nothing(), {"sha256": sha256, "text": text})

    def keep_path(self, traced: Traced) -> None:
        """Keep a path as evidence. Only the daemon does; keeping it again changes nothing."""
        paths.keep(self._connection, traced)

    def silence_over(self, target: str, since: int, until: int) -> None:
        """The silence of a target that began at `since` has ended: its paths say so from here on."""
        paths.over(self._connection, target, since, until)

    def paths(self, targets: Sequence[str], start: int, end: int) -> tuple[Traced, ...]:
        """The paths traced for silences of these targets that may overlap `[start, end)`, by target in the order they were traced.

        For a silence whose end nobody saw that is every one before `end`: see `path.of_outage`.
        """
        return paths.load(self._connection, targets, start, end)

    def _recover(self) -> None:
        """Move what is left in the journal into the tables, so that the new daemon begins with an empty one."""
        connection = self._connection
        with schema.reading(connection):
            tracks, through = reading.replay_all(connection)
            present = writing.Present(
                upto={row.id: row.upto for row in connection.execute(select(series.c.id, series.c.upto))}
            )
        left: list[Settled] = []
        for track in tracks.values():
            track.flush()
            while track.done:
                left.append(track.settle())
        for part in writing.slices(left, writing.MINUTES_PER_TRANSACTION):
            with schema.writing(connection):
                writing.settle(connection, part, present)
            present.upto.update({one.series: one.upto for one in part})
        with schema.writing(connection):
            if through:
                connection.execute(
                    update(series).where(series.c.id == bindparam("i")).values(live=0, through=bindparam("at")),
                    [{"i": i, "at": at} for i, at in through.items()],
                )
            connection.execute(delete(journal))
        self._present = present
        self._compactor = Compactor(connection)
        self.declared = chain.latest(connection)
