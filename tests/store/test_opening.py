"""One daemon per store, readers beside it, and messages that say what is wrong with a file."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from slamon.errors import UNAVAILABLE, UnavailableError
from slamon.model import MINUTE, MS, S
from slamon.path import Moment, Trace, Traced
from slamon.record.folding import unfold
from slamon.record.packing import cut
from slamon.record.records import encoded
from slamon.store import Store, locked, schema
from slamon.store.rows import quarter_of, record_row
from slamon.store.schema import MIGRATIONS, VERSION
from tests.record.worlds import LOST, T0, success, target
from tests.store.rig import EVER, Daemon, compact

HOLDER = """
import sys
import threading
from pathlib import Path
from slamon.store import Store, locked
store = Store.open(Path(sys.argv[1]), write=True)
print("open", flush=True)
sys.stdin.read()
"""


TRACED = Traced(
    target="hq/ping",
    moment=Moment.BEGAN,
    since=5,
    until=None,
    trace=Trace(address="192.0.2.1", family=4, started=7, duration=1, hops=(), reached=False, ended="no path"),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "slamon.db"


def test_a_second_daemon_is_refused_by_the_pid_of_the_first(path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(UnavailableError, match=rf"in use by another slamon \(pid {holder.pid}\)") as refusal:
            Store.open(path, write=True)
        assert refusal.value.exit_code == UNAVAILABLE
        Store.open(path, write=False).close()
        holder.send_signal(signal.SIGKILL)
    Store.open(path, write=True).close()


def test_a_refused_daemon_leaves_the_name_of_the_holder(path: Path) -> None:
    with Store.open(path, write=True):
        for _ in range(2):
            with pytest.raises(UnavailableError, match=f"pid {os.getpid()}"):
                Store.open(path, write=True)
    Store.open(path, write=True).close()


def test_looking_whether_a_daemon_runs(path: Path) -> None:
    assert not locked(path)
    with Store.open(path, write=True):
        assert locked(path)
    assert not locked(path)


def test_looking_turns_no_daemon_away(path: Path) -> None:
    Store.open(path, write=True).close()
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            locked(path)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        for _ in range(20):
            Store.open(path, write=True).close()
    finally:
        stop.set()
        watcher.join()


def test_files_are_not_for_everybody(path: Path) -> None:
    with Daemon(path, target()) as daemon:
        daemon.seconds([success()])
        files = {one.name: stat.S_IMODE(one.stat().st_mode) for one in path.parent.iterdir()}
        assert set(files) == {"slamon.db", "slamon.db-wal", "slamon.db-shm", "slamon.db.lock"}
        assert set(files.values()) == {0o640}


def test_reading_what_is_not_there(path: Path) -> None:
    with pytest.raises(UnavailableError, match=r"no store at .*slamon\.db yet; start the daemon"):
        Store.open(path, write=False)
    assert not path.exists()


def test_another_schema_version(path: Path) -> None:
    Store.open(path, write=True).close()
    for version, fix in ((VERSION + 1, "use the newer slamon that wrote it"), (0, "move it away")):
        editor = sqlite3.connect(path)
        editor.execute("UPDATE meta SET value = ? WHERE name = 'schema'", (version,))
        editor.commit()
        editor.close()
        for write in (True, False):
            with pytest.raises(
                UnavailableError, match=f"has schema version {version} and slamon .* version {VERSION}; {fix}"
            ):
                Store.open(path, write=write)


def first_version(path: Path) -> None:
    """A store as the first version made it."""
    second_version(path, seconds=70)
    editor = sqlite3.connect(path)
    editor.execute("DROP TABLE path")
    editor.execute("UPDATE meta SET value = 1 WHERE name = 'schema'")
    editor.commit()
    editor.close()


def second_version(path: Path, *, seconds: int) -> None:
    """A store as version 2 made it: quarter hours are summed up, and their minutes and samples stay where they were."""
    with Daemon(path, target()) as daemon:
        daemon.seconds([LOST if i % 50 == 7 else success(MS * (10 + i % 29)) for i in range(seconds)], every=5)
        compact(daemon.store)
        connection = daemon.store._connection
        with schema.writing(connection):
            for key, data in connection.execute(select(schema.minutes.c.id, schema.minutes.c.data)).all():
                start, i = quarter_of(key)
                for one in unfold(start * MINUTE, data):
                    connection.execute(schema.record.insert(), record_row(i, one, encoded(one)))
            for key, data in connection.execute(select(schema.packets.c.id, schema.packets.c.data)).all():
                start, i = quarter_of(key)
                edges = [at * MINUTE for at in range(start, start + 16)]
                for at, piece in zip(edges, cut(start * MINUTE, data, pairwise(edges)), strict=False):
                    row = {"minute": at // MINUTE, "series": i, "data": piece}
                    connection.execute(schema.raw.insert(), row)
            for table in (schema.minutes, schema.packets):
                table.drop(connection)
            connection.execute(schema.meta.update().where(schema.meta.c.name == "schema").values(value=2))


def version_of(path: Path) -> int:
    editor = sqlite3.connect(path)
    (version,) = editor.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone()
    editor.close()
    assert isinstance(version, int)
    return version


def test_a_store_of_the_first_version_is_brought_along_by_the_daemon_alone(path: Path) -> None:
    first_version(path)
    with Store.open(path, write=False) as reader:
        before = reader.load(["hq/ping"], 0, EVER)
        assert reader.paths(["hq/ping"], 0, EVER) == ()
    assert version_of(path) == 1, "the daemon that wrote it can still open it"
    with Store.open(path, write=True) as store:
        after = store.load(["hq/ping"], 0, EVER).series["hq/ping"]
        assert after.runs == before.series["hq/ping"].runs
        assert after.records[:1] == before.series["hq/ping"].records
        store.keep_path(TRACED)
    assert version_of(path) == VERSION
    with Store.open(path, write=True) as store:
        assert store.paths(["hq/ping"], 0, EVER) == (TRACED,)


CUTS = [T0 + 7 * MINUTE + 11 * S, T0 + 20 * MINUTE + 30 * S, T0 + 33 * MINUTE + 5 * S]


def test_a_store_of_the_second_version_keeps_its_minutes_where_they_are(path: Path) -> None:
    second_version(path, seconds=20 * 60)
    with Store.open(path, write=False) as reader:
        before = [reader.load(["hq/ping"], 0, EVER, cuts=CUTS, minutes=fine) for fine in (True, False)]
    assert version_of(path) == 2, "the daemon that wrote it can still open it"
    assert sum(one.raw is not None for one in before[0].series["hq/ping"].records) == 1
    with Daemon(path, target(), now=T0 + 20 * MINUTE) as daemon:
        assert version_of(path) == VERSION
        upto = T0 + 19 * MINUTE
        after = [daemon.store.load(["hq/ping"], 0, EVER, cuts=CUTS, minutes=fine) for fine in (True, False)]
        for old, new in zip(before, after, strict=True):
            assert old.series["hq/ping"].runs == new.series["hq/ping"].runs
            assert [one for one in old.series["hq/ping"].records if one.end <= upto] == [
                one for one in new.series["hq/ping"].records if one.end <= upto
            ]
        daemon.seconds([success()] * 15 * 60, every=5)
        compact(daemon.store)
        records = daemon.store.load(["hq/ping"], 0, EVER, cuts=CUTS, minutes=True).series["hq/ping"].records
        assert [one.start for one in records] == [T0 + i * MINUTE for i in range(len(records))]
        assert [one.start for one in records if one.raw is not None] == [at - at % MINUTE for at in CUTS]
        assert records[:19] == after[0].series["hq/ping"].records[:19]
        assert daemon.store.prune(T0 + 30 * MINUTE, 0) == 15 + 15
        records = daemon.store.load(["hq/ping"], 0, EVER, cuts=CUTS, minutes=True).series["hq/ping"].records
        assert [one.start for one in records if one.raw is not None] == [T0 + 33 * MINUTE]


def test_a_migration_that_fails_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first_version(path)

    def break_off(connection: Connection) -> None:
        MIGRATIONS[1](connection)
        raise OSError("the machine is pulled out of the wall")

    monkeypatch.setattr(schema, "MIGRATIONS", MIGRATIONS | {1: break_off})
    with pytest.raises(OSError, match="out of the wall"):
        Store.open(path, write=True)
    monkeypatch.undo()
    assert version_of(path) == 1
    with Store.open(path, write=True) as store:
        assert store.paths(["hq/ping"], 0, EVER) == ()


@pytest.mark.parametrize("write", [True, False])
def test_a_file_that_is_no_database(path: Path, write: bool) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database, by far longer than a hundred bytes" * 10)
    with pytest.raises(UnavailableError, match=r"cannot open the store .*slamon\.db: file is not a database"):
        Store.open(path, write=write)


@pytest.mark.parametrize("write", [True, False])
def test_somebody_elses_database(path: Path, write: bool) -> None:
    path.parent.mkdir()
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE bookmarks (url)")
    other.commit()
    other.close()
    with pytest.raises(UnavailableError, match="is not a store of slamon"):
        Store.open(path, write=write)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UnavailableError, match="cannot write"):
        Store.open(tmp_path / "file" / "slamon.db", write=True)


WRITTEN, EACH = 400, 10
"""Samples; and how many are written for a look at least, so that none is missed however fast the writer is."""
WRITER = """
import sys
import threading
from pathlib import Path
from tests.record.worlds import LOST, success, target
from tests.store.rig import Daemon
with Daemon(Path(sys.argv[1]), target()) as daemon:
    for i in range(int(sys.argv[2])):
        if i and i % int(sys.argv[3]) == 0:
            sys.stdin.read(1)
        daemon.seconds([LOST if i % 50 in (20, 21, 22) else success()])
    sys.stdin.read()
"""


def test_a_reader_beside_a_writer_sees_one_instant_each_time(path: Path) -> None:
    """Minutes leave the journal and runs end while the reader looks: in every look each sample is there exactly once."""
    with Daemon(path, target()) as daemon:
        daemon.seconds([success()])
    path.unlink()
    command = [sys.executable, "-c", WRITER, str(path), str(WRITTEN), str(EACH)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, bufsize=0) as writer:  # it stays until its input is closed
        assert writer.stdin is not None
        seen = 0
        looks = 0
        while writer.poll() is None and seen < WRITTEN:
            try:
                reader = Store.open(path, write=False)
            except UnavailableError:
                continue
            with reader:
                while writer.poll() is None and seen < WRITTEN:
                    facts = reader.load(["hq/ping"], 0, EVER).series.get("hq/ping")
                    if facts is None:
                        continue
                    samples = sum(run.samples for run in facts.runs)
                    assert samples >= seen, "nothing is forgotten"
                    assert samples == (facts.runs[-1].last_sent - facts.known_from) // 10**9 + 1, (
                        "no hole, nothing twice"
                    )
                    assert all(a.until == b.first_sent for a, b in zip(facts.runs, facts.runs[1:], strict=False))
                    assert all(one.received + one.lost == 60 for one in facts.records)
                    assert len(facts.records) >= samples // 60 - 2
                    seen = samples
                    looks += 1
                    writer.stdin.write(b".")
        writer.communicate()
        assert writer.returncode == 0
    assert looks >= WRITTEN // EACH - 1
    assert LOST.rtt is None
