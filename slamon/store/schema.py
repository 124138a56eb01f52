"""The one schema of the store, and how its file is opened: SQLite in WAL mode through SQLAlchemy Core.

Instants are nanoseconds UTC, minutes are counted from the epoch. Keys begin with time where rows arrive in the order of time:
a thousand targets closing the same minute then append to one place of the file instead of touching a thousand.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import (
    BigInteger,
    ClauseElement,
    Column,
    Connection,
    Engine,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    create_engine,
    event,
    inspect,
    select,
    update,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from slamon import __version__
from slamon.errors import UnavailableError

VERSION = 3
"""Of the schema; raised by every change of it, together with the migration that brings old files along."""
FOLDED = 3
"""First version with folded minutes."""
PAGE_SIZE = 2048
"""Bytes of a page of a new file: samples of a quarter hour fill two, and each of the tables ends in one that is not full."""
FILE_MODE = 0o640
"""The record of a customer's service: written by its owner, read by the group, nobody else's business."""
BUSY_TIMEOUT_MS = 5000
"""How long a statement waits for another process's transaction; ours last milliseconds."""
WAL_LIMIT = 16 * 1024 * 1024
"""Bytes the write-ahead log is cut back to after a reader has let it grow."""
FIXES = {
    sqlite3.SQLITE_BUSY: "another program holds it; try again",
    sqlite3.SQLITE_LOCKED: "another program holds it; try again",
    sqlite3.SQLITE_FULL: "make room on that disk",
    sqlite3.SQLITE_IOERR: "look at that disk",
    sqlite3.SQLITE_CORRUPT: "bring back a copy of it, or move it away to begin a new one",
    sqlite3.SQLITE_NOTADB: "bring back a copy of it, or move it away to begin a new one",
    sqlite3.SQLITE_READONLY: "run the command as the user of the daemon",
    sqlite3.SQLITE_CANTOPEN: "run the command as the user of the daemon",
    sqlite3.SQLITE_PERM: "run the command as the user of the daemon",
}
"""Primary result code of SQLite → what to do about it."""
metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""`schema`: version of the schema. `quarter_upto`, `day_upto`: first minute not yet summed into that kind of record."""

series = Table(
    "series",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("target", String, nullable=False, unique=True),
    Column("vantage", String, nullable=False),
    Column("probe", String, nullable=False),
    Column("interval", BigInteger, nullable=False),
    Column("limits", String, nullable=False, comment="latency limits in force, nanoseconds, separated by spaces"),
    Column("live", Integer, nullable=False, comment="1 while the daemon that opened it is running or was killed"),
    Column("known_from", BigInteger),
    Column(
        "through", BigInteger, nullable=False, comment="of a series that is not live; the journal has it of the others"
    ),
    Column(
        "upto",
        BigInteger,
        nullable=False,
        comment="samples sent before are in records and runs, later ones in the journal",
    ),
    Column("run_first", BigInteger),
    Column("run_last", BigInteger),
    Column("run_samples", BigInteger),
    Column("run_result", SmallInteger),
    Column("span", BigInteger, nullable=False, comment="interval in force when the open run was last extended"),
    Column("before_sent", BigInteger),
    Column("before_rtt", BigInteger),
)
"""One row a target: its definition, how far its facts are in the other tables, and the run that was open there."""

run = Table(
    "run",
    metadata,
    Column("series", ForeignKey(series.c.id), primary_key=True),
    Column("first_sent", BigInteger, primary_key=True),
    Column("last_sent", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("samples", BigInteger, nullable=False),
    Column("result", SmallInteger, nullable=False, comment="place in model.RESULTS"),
    sqlite_with_rowid=False,
)
"""Runs that have ended; append only."""

SUMS: tuple[str, ...] = (
    "received",
    "lost",
    "refused",
    "ours",
    "late",
    "duplicate",
    "reordered",
    "corrupt",
    "rtt_count",
    "rtt_sum",
    "rtt_min",
    "rtt_max",
    "ipdv_sum",
    "ipdv_count",
)
"""Fields of a Record that are columns of the same name."""

record = Table(
    "record",
    metadata,
    Column("length", Integer, primary_key=True, comment="minutes: 1, 15 or 1440"),
    Column("minute", Integer, primary_key=True),
    Column("series", ForeignKey(series.c.id), primary_key=True),
    *(Column(name, BigInteger, nullable=name in {"rtt_min", "rtt_max"}) for name in SUMS),
    Column("buckets", LargeBinary, nullable=False, comment="record.distribution.to_bytes"),
    Column("within", LargeBinary, nullable=False, comment="(limit, count) pairs"),
    sqlite_with_rowid=False,
)

raw = Table(
    "raw",
    metadata,
    Column("minute", Integer, primary_key=True),
    Column("series", ForeignKey(series.c.id), primary_key=True),
    Column("data", LargeBinary, nullable=False, comment="record.packing"),
    sqlite_with_rowid=False,
)
"""Samples themselves while they are kept: apart from the sums, so that dropping old ones touches nothing else."""

minutes = Table(
    "minutes",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False, comment="rows.quarter_id"),
    Column("data", LargeBinary, nullable=False, comment="record.folding"),
)
"""The minutes of a quarter hour of a series, from when it is summed up on; until then, and from before version 3, they are in `record`.

Of these two tables the key is one number, so that rows in the order of time fill the file page by page.
"""

packets = Table(
    "packets",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False, comment="rows.quarter_id"),
    Column("data", LargeBinary, nullable=False, comment="record.packing, from the start of the quarter hour"),
)
"""Their samples, as `raw` is to `record`."""

gap = Table(
    "gap",
    metadata,
    Column("start", BigInteger, primary_key=True),
    Column("end", BigInteger, primary_key=True),
    Column("reason", String, primary_key=True),
    sqlite_with_rowid=False,
)

journal = Table(
    "journal",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("settled", BigInteger, nullable=False),
    Column("lagging", LargeBinary, nullable=False, comment="(series, settled − through) pairs"),
    Column("samples", LargeBinary, nullable=False, comment="record.journal"),
)
"""One row a batch, kept until every sample in it is in a closed minute."""

declaration = Table(
    "declaration",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("by", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("body", String, nullable=False, comment="JSON"),
    Column("link", String, nullable=False, comment="ledger.link"),
)
"""What people stated; append only, hash-chained."""

traced = Table(
    "path",
    metadata,
    Column("target", String, primary_key=True),
    Column("started", BigInteger, primary_key=True),
    Column("moment", String, primary_key=True, comment="path.Moment"),
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger, comment="of the silence; unknown while it goes on, and where no daemon saw its end"),
    Column("trace", String, nullable=False, comment="path.Trace.as_json"),
    sqlite_with_rowid=False,
)
"""Paths traced when a target fell silent and when it answered again, by its name: evidence shown with outages, judged by nobody."""

contract_text = Table(
    "contract_text",
    metadata,
    Column("sha256", String, primary_key=True),
    Column("text", String, nullable=False),
    sqlite_with_rowid=False,
)
"""Every contract text that was ever loaded, by its hash."""


def _keep_paths(connection: Connection) -> None:
    traced.create(connection)


def _fold_minutes(connection: Connection) -> None:
    for table in (minutes, packets):
        table.create(connection)


MIGRATIONS: dict[int, Callable[[Connection], None]] = {1: _keep_paths, 2: _fold_minutes}
"""Version → what makes the next one of it, in the transaction that raises the version.

The daemon brings a file along when it opens it. Nobody else does: the daemon that wrote it may be running, and could not open it again.
So whoever reads works with every version there was.
"""


def connect(path: Path, *, create: bool) -> Connection:
    """The connection of one store. Raises UnavailableError for a file that is missing, no store, damaged or of another version."""
    if create:
        make_folder(path)
        try:
            os.close(
                os.open(path, os.O_CREAT | os.O_RDWR, FILE_MODE)
            )  # SQLite gives -wal and -shm the mode of the file
        except OSError as error:
            raise UnavailableError(f"cannot write the store {path}: {error.strerror}") from error
    elif not found(path):
        raise UnavailableError(f"there is no store at {path} yet; start the daemon, or name another one with --state")
    with _translated(path, "open"):
        connection = _engine(path).connect()
    connection.info["path"] = path
    try:
        with _translated(path, "open"):
            _prepare(connection, path, create=create)
    except UnavailableError:
        close(connection)
        raise
    return connection


def make_folder(path: Path) -> None:
    """The folder of the store, made if need be. Raises UnavailableError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnavailableError(
            f"cannot write the store {path}: its folder {path.parent} cannot be made ({error.strerror}); name another one with --state"
        ) from error


def found(path: Path) -> bool:
    """Whether there is a store. Raises UnavailableError where we may not look."""
    try:
        return path.exists()
    except OSError as error:
        raise UnavailableError(
            f"cannot look for the store {path}: {error.strerror}; run the command as the user of the daemon"
        ) from error


class StoreError(UnavailableError):
    """The disk, another program or a damaged file is in the way of the store: nothing slamon did wrong, and worth trying again."""


@contextmanager
def _translated(path: Path, doing: str = "use") -> Iterator[None]:
    """What SQLite says of the file and its disk as a StoreError; what it says of our statements stays a bug."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        if not isinstance(cause, sqlite3.OperationalError) and type(cause) is not sqlite3.DatabaseError:
            raise
        fix = FIXES.get(getattr(cause, "sqlite_errorcode", 0) & 0xFF)
        raise StoreError(f"cannot {doing} the store {path}: {cause}" + (f"; {fix}" if fix else "")) from error


@contextmanager
def reading(connection: Connection) -> Iterator[None]:
    """One snapshot of the store, whatever is written meanwhile."""
    connection.execution_options(begin="BEGIN")
    with _translated(connection.info["path"]), connection.begin():
        yield


@contextmanager
def writing(connection: Connection) -> Iterator[None]:
    """A transaction that takes the write lock at its start, so that it cannot fail half way for want of it."""
    connection.execution_options(begin="BEGIN IMMEDIATE")
    with _translated(connection.info["path"]), connection.begin():
        yield


def checkpoint(connection: Connection) -> bool:
    """Copy the write-ahead log into the file without waiting for anybody; False when the disk would not take it."""
    cursor = _cursor(connection)
    try:
        busy, _, _ = cursor.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    except sqlite3.Error:
        return False
    finally:
        cursor.close()
    return not busy


def others(connection: Connection) -> int:
    """Another number than before when somebody else has written to the store meanwhile; outside a transaction, for microseconds."""
    cursor = _cursor(connection)
    with _translated(connection.info["path"]):
        (version,) = cursor.execute("PRAGMA data_version").fetchone()
    cursor.close()
    return int(version)


def _cursor(connection: Connection) -> DBAPICursor:
    """For what is not worth the care SQLAlchemy takes of a statement."""
    driver = connection.connection.dbapi_connection
    assert driver is not None
    return driver.cursor()


class Frequent:
    """A statement that is run every second, handed to the driver as SQLAlchemy compiles it: the rest of what SQLAlchemy does around a
    statement takes longer than these do. Only inside a transaction, and only for what returns no rows.
    """

    def __init__(self, statement: ClauseElement) -> None:
        self._sql = str(statement.compile(dialect=sqlite.dialect(paramstyle="named")))

    def run(self, connection: Connection, rows: Sequence[Mapping[str, object]]) -> None:
        """For each of `rows`, which give every parameter a value of SQLite's own: integer, text, bytes or None."""
        cursor = _cursor(connection)
        cursor.executemany(self._sql, rows)
        cursor.close()


def close(connection: Connection) -> None:
    connection.close()
    connection.engine.dispose()


def _engine(path: Path) -> Engine:
    def dbapi_connection() -> sqlite3.Connection:
        # isolation_level None: transactions begin where we say so, not where the driver guesses. The store moves to its
        # thread after it was opened, hence check_same_thread; one thread at a time uses it.
        return sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=BUSY_TIMEOUT_MS / 1000)

    engine = create_engine("sqlite://", creator=dbapi_connection, poolclass=StaticPool)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options()["begin"])

    return engine


def _prepare(connection: Connection, path: Path, *, create: bool) -> None:
    cursor = _cursor(connection)
    cursor.execute("PRAGMA foreign_keys = ON")
    # FULL: a batch that was written is on the disk, also when the power fails. At one commit a second its price is nothing.
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute(f"PRAGMA journal_size_limit = {WAL_LIMIT}")
    if create:
        cursor.execute(f"PRAGMA page_size = {PAGE_SIZE}")  # of a file that is empty; others keep theirs
        cursor.execute("PRAGMA journal_mode = WAL")
    cursor.close()
    with reading(connection):
        inspector = inspect(connection)
        known = inspector.has_table(meta.name)
        if known:
            version = connection.scalar(select(meta.c.value).where(meta.c.name == "schema"))
            _check(path, version)
        elif not create or inspector.get_table_names():
            raise UnavailableError(f"{path} is not a store of slamon")
    if not known:
        with writing(connection):
            metadata.create_all(connection)
            connection.execute(meta.insert(), [{"name": "schema", "value": VERSION}])
    elif create and version != VERSION:
        _migrate(connection)


def _migrate(connection: Connection) -> None:
    """Step by step to the present version, all or nothing."""
    with writing(connection):
        # Read again under the write lock: whoever was quicker has done it.
        for version in range(connection.scalar(select(meta.c.value).where(meta.c.name == "schema")) or 0, VERSION):
            MIGRATIONS[version](connection)
        connection.execute(update(meta).where(meta.c.name == "schema").values(value=VERSION))


def _check(path: Path, version: int | None) -> None:
    if version != VERSION and version not in MIGRATIONS:
        fix = "use the newer slamon that wrote it" if (version or 0) > VERSION else "move it away to begin a new one"
        raise UnavailableError(
            f"the store {path} has schema version {version} and slamon {__version__} works with version {VERSION}; {fix}"
        )
