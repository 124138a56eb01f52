"""Exclusions declared and revoked, by several hands at once, and what happens to somebody who edits them."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from slamon.errors import UsageError
from slamon.ledger import GENESIS, TamperedError
from slamon.model import HOUR, S
from slamon.sla.facts import Exclusion
from slamon.store import Store
from tests.record.worlds import T0, success, target
from tests.store.rig import Daemon

WINDOW = Exclusion(
    id="1",
    contract="hq",
    cause="maintenance",
    start=T0,
    end=T0 + HOUR,
    declared_at=T0 - HOUR,
    declared_by="ann",
    note="fibre moved",
)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with Daemon(tmp_path / "slamon.db", target()) as daemon:
        yield daemon


def declared(store: Store, *, contract: str = "hq", cause: str = "maintenance") -> Exclusion:
    return store.declare(
        contract=contract, cause=cause, start=T0, end=T0 + HOUR, at=T0 - HOUR, by="ann", note="fibre moved"
    )


def test_declare_and_revoke_beside_the_daemon(daemon: Daemon) -> None:
    assert daemon.store.last_declaration() == 0
    with Store.open(daemon.path, write=False) as command:
        assert declared(command) == WINDOW
        other = declared(command, contract="branch")
        assert daemon.store.last_declaration() == 2
        daemon.seconds([success()] * 3)
        assert command.revoke("1", at=T0 + S, by="bob") == replace(WINDOW, revoked_at=T0 + S, revoked_by="bob")
    assert daemon.store.last_declaration() == 3
    assert daemon.store.exclusions("hq") == (replace(WINDOW, revoked_at=T0 + S, revoked_by="bob"),)
    assert daemon.store.exclusions("branch") == (other,)
    assert [one.id for one in daemon.store.exclusions()] == ["1", "2"]
    assert len(daemon.store.verify()) == 64


def test_they_outlive_the_daemon(daemon: Daemon, tmp_path: Path) -> None:
    declared(daemon.store)
    link = daemon.store.verify()
    daemon.stop()
    with Store.open(daemon.path, write=False) as store:
        assert store.exclusions() == (WINDOW,)
        assert store.verify() == link != GENESIS


@pytest.mark.parametrize(
    ("id_", "reason"), [("9", "there is no exclusion 9; there are 1, 2"), ("2", "revoked already, by bob")]
)
def test_what_cannot_be_revoked(daemon: Daemon, id_: str, reason: str) -> None:
    declared(daemon.store)
    declared(daemon.store)
    daemon.store.revoke("2", at=T0, by="bob")
    with pytest.raises(UsageError, match=reason):
        daemon.store.revoke(id_, at=T0, by="bob")
    assert daemon.store.last_declaration() == 3


def test_revoking_nothing_at_all(daemon: Daemon) -> None:
    with pytest.raises(UsageError, match=r"no exclusion 1 \(there are none\)"):
        daemon.store.revoke("1", at=T0, by="bob")


def test_an_exclusion_has_to_last(daemon: Daemon) -> None:
    with pytest.raises(UsageError, match="end after it starts"):
        daemon.store.declare(contract="hq", cause="maintenance", start=T0, end=T0, at=T0, by="ann")
    assert daemon.store.exclusions() == ()


WRITER = """
import sys
from pathlib import Path
from slamon.store import Store
with Store.open(Path(sys.argv[1]), write=False) as store:
    for i in range(20):
        store.declare(contract=sys.argv[2], cause="maintenance", start=i, end=i + 1, at=i, by=sys.argv[2])
"""


def test_writers_at_the_same_time_make_one_chain(daemon: Daemon) -> None:
    """Three commands and the daemon write at once: no entry is lost, none follows the same one as another."""
    command = [sys.executable, "-c", WRITER, str(daemon.path)]
    processes = [subprocess.Popen([*command, name]) for name in ("a", "b", "c")]
    while any(process.poll() is None for process in processes):
        daemon.seconds([success()])
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert daemon.store.last_declaration() == 60
    assert all(len(daemon.store.exclusions(name)) == 20 for name in ("a", "b", "c"))
    daemon.store.verify()


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        (
            "UPDATE declaration SET body = replace(body, 'fibre', 'cable') WHERE number = 2",
            "declaration 2 .*is not what was",
        ),
        ("UPDATE declaration SET \"by\" = 'eve' WHERE number = 1", "declaration 1 .*is not what was written"),
        (
            "UPDATE declaration SET body = 'x' WHERE number = 3",
            "declaration 3 is not what was written: its body is no JSON",
        ),
        ("DELETE FROM declaration WHERE number = 1", "declaration 1 is missing: the next one found is 2"),
        ("UPDATE declaration SET at = at + 1 WHERE number = 3", "declaration 3"),
    ],
)
def test_an_edited_row_is_found(daemon: Daemon, statement: str, reason: str) -> None:
    for _ in range(3):
        declared(daemon.store)
    daemon.store.verify()
    editor = sqlite3.connect(daemon.path)
    editor.execute(statement)
    editor.commit()
    editor.close()
    with pytest.raises(TamperedError, match=reason):
        daemon.store.verify()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM declaration WHERE number = 1",
        "UPDATE declaration SET body = '[]' WHERE number = 2",
        "UPDATE declaration SET body = '{}' WHERE number = 2",
        'UPDATE declaration SET body = replace(body, \'"start": 1\', \'"start": "x"\') WHERE number = 2',
    ],
)
def test_an_edited_row_is_no_traceback(daemon: Daemon, statement: str) -> None:
    """Whoever reads declarations may meet the edited row before anybody has verified the chain."""
    daemon.store.revoke(declared(daemon.store).id, at=T0, by="ann")
    daemon.store.declare(contract="hq", cause="maintenance", start=1, end=2, at=T0, by="ann")
    editor = sqlite3.connect(daemon.path)
    editor.execute(statement if "number = 1" in statement else statement.replace("number = 2", "number = 3"))
    editor.commit()
    editor.close()
    with pytest.raises(TamperedError, match="is not what was written"):
        daemon.store.exclusions()


def test_contract_texts_are_kept_by_hash(daemon: Daemon) -> None:
    daemon.store.keep_text("ab", "one")
    daemon.store.keep_text("ab", "one")
    daemon.store.keep_text("cd", "two")
    reader = sqlite3.connect(daemon.path)
    assert dict(reader.execute("SELECT sha256, text FROM contract_text")) == {"ab": "one", "cd": "two"}
    reader.close()
