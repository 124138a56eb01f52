"""What is in the way of the store is one line and exit code 69 in every command; what is a bug stays a traceback."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from slamon.__main__ import main
from slamon.errors import OK, UNAVAILABLE
from slamon.store import Store, locked
from slamon.store.schema import declaration, writing
from tests.record.worlds import success, target
from tests.store.rig import Daemon

CONFIG = """
vantage: here
web: {port: 0}
services:
  hq: {targets: {ping: {probe: icmp, address: 127.0.0.1}}}
contracts:
  hq:
    service: hq
    provider: Acme
    timezone: UTC
    price: 1000 EUR/month
    exclusions: [{class: maintenance}]
    objectives: {availability: {target: 99.9%}}
    credits: {availability: {below: {99.9%: 10%}}}
"""
SPAN = ("--contract", "hq", "--class", "maintenance", "--from", "2026-07-01 00:00", "--for", "1h")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "slamon.yml").write_text(CONFIG)
    path = tmp_path / "slamon.db"
    daemon = Daemon(path, target())
    daemon.seconds([success()] * 200, every=20)
    daemon.store.declare(contract="hq", cause="maintenance", start=1, end=2, at=3, by="ann")
    daemon.stop()
    return path


def slamon(monkeypatch: pytest.MonkeyPatch, path: Path, *words: str) -> int:
    where = ("--config", str(path.with_name("slamon.yml")), "--state", str(path.parent))
    monkeypatch.setattr(sys, "argv", ["slamon", *words, *where])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


@contextmanager
def held(path: Path, how: str) -> Iterator[None]:
    other = sqlite3.connect(path, isolation_level=None)
    if how == "EXCLUSIVE":
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute(f"BEGIN {how}")
    other.execute("UPDATE meta SET value = value")
    yield
    other.close()


def no_database(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(b"not a database, by far" + data[22:])


def damaged(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:4096] + bytes(len(data) - 4096))


COMMANDS = {
    "report": ("report",),
    "status": ("status",),
    "list": ("exclude", "list"),
    "add": ("exclude", "add", *SPAN),
    "revoke": ("exclude", "revoke", "1"),
    "run": ("run",),
}


WRITERS = {"add", "revoke", "run"}
"""Commands that mind another writer; readers do not."""
FAULTS: tuple[tuple[Callable[[Path], None] | str, str], ...] = (
    (no_database, "file is not a database; bring back a copy of it"),
    (damaged, "database disk image is malformed; bring back a copy of it"),
    ("EXCLUSIVE", "database is locked; another program holds it; try again"),
    ("IMMEDIATE", "database is locked; another program holds it; try again"),
)
CASES = [
    pytest.param(command, *fault, id=f"{command}-{getattr(fault[0], '__name__', fault[0])}")
    for fault in FAULTS
    for command in COMMANDS
    if fault[0] != "IMMEDIATE" or command in WRITERS
]


@pytest.mark.parametrize(("command", "fault", "reason"), CASES)
def test_a_store_that_cannot_be_used_is_one_line(
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    fault: Callable[[Path], None] | str,
    reason: str,
) -> None:
    monkeypatch.setattr("slamon.store.schema.BUSY_TIMEOUT_MS", 20)
    with ExitStack() as stack:
        if isinstance(fault, str):
            stack.enter_context(held(path, fault))
        else:
            fault(path)
        code = slamon(monkeypatch, path, *COMMANDS[command])
    out, err = capsys.readouterr()
    assert (code, out) == (UNAVAILABLE, "")
    (line,) = [one for one in err.splitlines() if "contracts.hq: no" not in one]
    assert line.startswith("slamon: cannot ")
    assert f"the store {path}: {reason}" in line
    assert not locked(path), "the store is given back"


def test_what_sqlite_says_of_our_statements_is_a_bug(path: Path) -> None:
    with Store.open(path, write=False) as store, pytest.raises(IntegrityError), writing(store._connection):
        store._connection.execute(declaration.insert(), [{"number": 1, "at": 1}])


@pytest.mark.parametrize("words", [("report",), ("exclude", "list")])
def test_an_edited_declaration_is_seen(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    """A line on standard error; the figures stay what they are, for programs too."""
    intact = output(monkeypatch, capsys, path, *words)
    assert intact == (OK, "")
    editor = sqlite3.connect(path)
    editor.execute("UPDATE declaration SET \"by\" = 'eve' WHERE number = 1")
    editor.commit()
    editor.close()
    code, err = output(monkeypatch, capsys, path, *words)
    assert code == OK
    assert err == (
        f"warning: the declarations in {path} cannot be relied on: declaration 1 (exclude, by eve) is not what was written: "
        "its hash does not fit\n"
    )


def output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], path: Path, *words: str
) -> tuple[int, str]:
    code = slamon(monkeypatch, path, *words)
    return code, capsys.readouterr().err
