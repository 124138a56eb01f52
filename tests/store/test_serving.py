"""A daemon in a process of its own, and a store that is in its way while it runs."""

from __future__ import annotations

import re
import signal
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

from slamon.clock import Clock
from slamon.errors import CHECK_FAILED, OK
from slamon.model import DAY, MINUTE
from slamon.store import Store
from tests.record.worlds import success, target
from tests.store.rig import EVER, Daemon
from tests.store.test_declarations import HALF
from tests.store.test_errors import CONFIG

PATIENCE = 20
"""Seconds."""
QUICK = CONFIG.replace("address: 127.0.0.1", "address: 127.0.0.1, interval: 200ms")
SCRIPT = """
import sys
from pathlib import Path
from slamon.daemon import service
from slamon.store import schema
service.PRUNE = 1
schema.BUSY_TIMEOUT_MS = 20
prune = service.Service._prune
async def broken(self):
    if (Path(sys.argv[-1]) / "bug").exists():
        raise ZeroDivisionError("a bug")
    await prune(self)
service.Service._prune = broken
from slamon.__main__ import main
main()
"""
"""Old packets are looked for every second, and a file makes a bug of it."""


class Running:
    """`slamon run`, and what it has said so far."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.config = home / "slamon.yml"
        if not self.config.exists():
            self.config.write_text(QUICK)
        self._said = home / "said"
        with self._said.open("w") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-c", SCRIPT, "run", "--config", str(self.config), "--state", str(home)], stderr=said
            )
        self.port = int(self.wait(r"look at +http://127\.0\.0\.1:(\d+)/")[1])

    def said(self) -> str:
        return self._said.read_text()

    def wait(self, pattern: str) -> re.Match[str]:
        for _ in range(PATIENCE * 20):
            found = re.search(pattern, self.said())
            if found:
                return found
            Event().wait(0.05)
        raise AssertionError(f"never said {pattern}: {self.said()}")

    def metric(self, name: str) -> float:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5) as page:
            found = re.search(rf"^{name} (\S+)$", page.read().decode(), re.MULTILINE)
        assert found is not None
        return float(found[1])

    def until(self, name: str, holds: Callable[[float], bool]) -> None:
        for _ in range(PATIENCE * 10):
            if holds(self.metric(name)):
                return
            Event().wait(0.1)
        raise AssertionError(f"{name} is {self.metric(name)}: {self.said()}")

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


@contextmanager
def running(home: Path) -> Iterator[Running]:
    made = Running(home)
    try:
        yield made
    finally:
        made.process.kill()
        made.process.wait()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    other = sqlite3.connect(path, isolation_level=None, timeout=5)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.close()


def test_a_store_that_is_locked_for_a_while_costs_nothing(tmp_path: Path) -> None:
    """Batches wait, a reload's contract waits, old packets wait; and all of it is counted."""
    with running(tmp_path) as daemon:
        daemon.wait("service hq UP")
        with locked(tmp_path / "slamon.db"):
            daemon.wait("batches are kept in memory")
            daemon.wait("old single packets are kept a little longer: cannot use the store .*: database is locked")
            daemon.config.write_text(daemon.config.read_text().replace("99.9%: 10%", "99.9%: 20%"))
            daemon.process.send_signal(signal.SIGHUP)
            daemon.wait("configuration reloaded")
            assert daemon.metric("slamon_store_write_errors_total") >= 2
            assert daemon.metric("slamon_store_pending_records") >= 1
        daemon.until("slamon_store_pending_records", lambda value: value == 0)
        assert daemon.stop() == OK, daemon.said()
    with Store.open(tmp_path / "slamon.db", write=False) as store:
        facts = store.load(["hq/ping"], 0, EVER)
        assert facts.gaps == ()
        assert all(
            a.until == b.first_sent
            for a, b in zip(facts.series["hq/ping"].runs, facts.series["hq/ping"].runs[1:], strict=False)
        )
    reader = sqlite3.connect(tmp_path / "slamon.db")
    assert reader.execute("SELECT count(*) FROM contract_text").fetchone() == (2,)
    reader.close()


def test_a_bug_is_told_though_the_last_facts_could_not_be_written(tmp_path: Path) -> None:
    with running(tmp_path) as daemon, locked(tmp_path / "slamon.db"):
        daemon.wait("batches are kept in memory")
        (tmp_path / "bug").touch()
        assert daemon.process.wait(PATIENCE) == CHECK_FAILED
        assert "ZeroDivisionError: a bug" in daemon.said()
        assert "could not be written and are lost with the end of the process" in daemon.said()


def test_a_store_from_the_future_and_an_edited_declaration_are_told(tmp_path: Path) -> None:
    now = Clock().now()
    made = Daemon(tmp_path / "slamon.db", target(), now=now + 3 * DAY + 20 * MINUTE)
    made.seconds([success()] * 3)
    made.store.declare(contract="hq", cause="maintenance", start=1, end=2, at=3, by="ann")
    made.stop()
    editor = sqlite3.connect(tmp_path / "slamon.db")
    editor.execute("UPDATE declaration SET \"by\" = 'eve'")
    editor.commit()
    editor.close()
    with running(tmp_path) as daemon:
        ahead = daemon.wait(
            r"the store holds facts up to 20\S+ \S+Z, (\S+ \S+) \S+ after the present of this host's clock"
        )
        assert ahead[1] in ("3d 20m", "3d 19m"), "rounded to minutes, a slow start may cost one"
        daemon.wait(r"move \S*/slamon\.db away")
        daemon.wait(r"the declarations in \S*/slamon\.db cannot be relied on: declaration 1 \(exclude, by eve\)")
        daemon.until("slamon_store_verify_errors_total", lambda value: value == 1)
        daemon.until(r'slamon_probe_skipped_total\{target="hq/ping".*reason="clock_step"\}', lambda value: value > 0)
        assert daemon.stop() == OK


def test_a_declaration_changed_under_a_running_daemon_is_told_until_it_is_mended(tmp_path: Path) -> None:
    """Nothing is judged meanwhile, and what is published says so."""
    with Store.open(tmp_path / "slamon.db", write=True) as store:
        store.declare(contract="hq", cause="maintenance", start=1, end=2, at=3, by="ann")
    (tmp_path / "slamon.yml").write_text("judge: {refresh: 1s}\n" + QUICK)
    due, errors = "slamon_evaluation_due_timestamp_seconds", "slamon_store_verify_errors_total"
    editor = sqlite3.connect(tmp_path / "slamon.db", isolation_level=None, timeout=5)
    with running(tmp_path) as daemon:
        daemon.wait("service hq UP")
        first = daemon.metric(due)
        daemon.until(due, lambda value: value > first + 2)
        editor.execute("UPDATE declaration SET kind = 'x' WHERE number = 1")
        daemon.wait("the contracts cannot be judged")
        daemon.until(errors, lambda value: value >= 1)
        stands = daemon.metric(due)
        daemon.until(errors, lambda value: value >= 3)
        assert daemon.metric(due) == stands
        editor.execute("UPDATE declaration SET kind = 'exclude' WHERE number = 1")
        daemon.until(due, lambda value: value > stands + 2)
        assert daemon.stop() == OK
    editor.close()


def test_a_declaration_that_cannot_be_read_does_not_stop_the_measuring(tmp_path: Path) -> None:
    made = Daemon(tmp_path / "slamon.db", target(), now=Clock().now())
    made.store.declare(contract="hq", cause="maintenance", start=1, end=2, at=3, by="ann")
    made.stop()
    editor = sqlite3.connect(tmp_path / "slamon.db")
    editor.execute(HALF.replace("number = 2", "number = 1"))
    editor.commit()
    editor.close()
    with running(tmp_path) as daemon:
        daemon.wait(r"cannot be relied on: declaration 1 is not what was written: its body is no JSON")
        daemon.wait(
            r"the contracts cannot be judged; what was judged last stays published: declaration 1 is not what was"
        )
        daemon.wait("service hq UP")
        daemon.until("slamon_store_verify_errors_total", lambda value: value >= 1)
        assert daemon.stop() == OK, daemon.said()


def test_an_ordinary_start_says_nothing_of_the_kind(tmp_path: Path) -> None:
    with running(tmp_path) as daemon:
        daemon.until("slamon_store_pending_records", lambda value: value == 0)
        assert daemon.stop() == OK
    with running(tmp_path) as daemon:
        daemon.wait("service hq UP|1 service up")
        assert daemon.metric("slamon_store_verify_errors_total") == 0
        assert "the store holds facts up to" not in daemon.said()
        assert daemon.stop() == OK
