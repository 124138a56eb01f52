"""Exclusions declared and revoked, by several hands at once, and what happens to somebody who edits them."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from slamon import ledger
from slamon.errors import UsageError
from slamon.ledger import GENESIS, TamperedError
from slamon.model import HOUR, S
from slamon.sla.facts import Agreement, Exclusion
from slamon.store import Draft, Store
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


def test_every_batch_brings_the_number_of_the_last_one(daemon: Daemon) -> None:
    assert daemon.store.declared == 0
    with Store.open(daemon.path, write=False) as command:
        declared(command)
        daemon.seconds([success()])
        assert daemon.store.declared == 1
        declared(daemon.store)
        daemon.seconds([success()])
        assert daemon.store.declared == 2
        command.revoke("1", at=T0, by="bob")
        daemon.seconds([success()])
        assert daemon.store.declared == 3
    daemon.stop()
    with Store.open(daemon.path, write=True) as store:
        assert store.declared == 3, "before any batch"


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


HALF = r"""UPDATE declaration SET body = '{"note": "\ud800"}' WHERE number = 2"""
"""Half of a surrogate pair: plain ASCII in the file, and no text."""
DEEP = f"UPDATE declaration SET body = '{'[' * 100_000}' WHERE number = 2"


@pytest.mark.parametrize("note", ["\\ud800", "\\ud83d\\ude00", "\U0001f600"])
def test_what_only_looks_like_half_of_a_pair_is_text(daemon: Daemon, note: str) -> None:
    daemon.store.declare(contract="hq", cause="maintenance", start=1, end=2, at=T0, by="ann", note=note)
    daemon.store.verify()
    assert [one.note for one in daemon.store.exclusions()] == [note]


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
        (
            "UPDATE declaration SET at = 9e999 WHERE number = 2",
            "declaration 2 is not what was written: a value of it is of the wrong type",
        ),
        (HALF, "declaration 2 is not what was written: its body is no JSON"),
        pytest.param(DEEP, "declaration 2 is not what was written: its body is no JSON", id="nested too deep"),
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
        HALF,
        pytest.param(DEEP, id="nested too deep"),
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


def planted(path: Path, *entries: tuple[str, dict[str, ledger.Value]]) -> list[ledger.Entry]:
    """Entries with right hashes, written beside the program as another version of it would."""
    editor = sqlite3.connect(path)
    made: list[ledger.Entry] = []
    for kind, body in entries:
        made.append(ledger.append(made[-1] if made else None, at=T0 - HOUR, by="ann", kind=kind, body=body))
        columns = {**made[-1]._asdict(), "body": json.dumps(body)}
        editor.execute(
            'INSERT INTO declaration (number, at, "by", kind, body, link) VALUES (:number, :at, :by, :kind, :body, :link)',
            columns,
        )
    editor.commit()
    editor.close()
    return made


OLD: dict[str, ledger.Value] = {
    "contract": "hq", "cause": "maintenance", "start": T0, "end": T0 + HOUR, "note": "fibre moved"
}  # fmt: skip


def test_what_the_first_version_wrote_holds_and_goes_on(daemon: Daemon) -> None:
    """It knew no states: whatever was declared was accepted. Its hashes are over its own bytes."""
    entries = planted(daemon.path, ("exclude", OLD), ("exclude", OLD), ("revoke", {"id": "2"}))
    assert daemon.store.verify() == entries[-1].link
    second = replace(WINDOW, id="2", revoked_at=T0 - HOUR, revoked_by="ann")
    assert daemon.store.exclusions() == (WINDOW, second)
    declared(daemon.store)
    assert daemon.store.settle(["1"], "dispute", at=T0, by="bob")[0] == replace(WINDOW, state=Agreement.DISPUTED)
    daemon.store.verify()
    assert daemon.store.last_declaration() == 5


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (("exclude", {**OLD, "version": 3}), "declaration 1 is of a newer slamon"),
        (("exclude", {**OLD, "version": ["2"]}), "declaration 1 is of a newer slamon"),
        (("exclude", {**OLD, "end": 10**22}), "declaration 1 is not what was written: 1(0+) is no instant"),
        (("exclude", {**OLD, "state": "maybe"}), "declaration 1 is not what was written: 'maybe'"),
        (("exclude", {**OLD, "notified": "now"}), "declaration 1 is not what was written: 'now' is no instant"),
        (("exclude", {**OLD, "end": True}), "True is no instant"),
        (("accept", {"id": "1"}), "declaration 1 is not what was written: it is about 1, which is none"),
    ],
)
def test_what_cannot_be_understood_is_not_guessed(
    daemon: Daemon, entry: tuple[str, dict[str, ledger.Value]], reason: str
) -> None:
    planted(daemon.path, entry)
    with pytest.raises(TamperedError, match=reason):
        daemon.store.exclusions()


def test_an_unknown_kind_is_not_passed_over(daemon: Daemon) -> None:
    planted(daemon.path, ("exclude", OLD), ("shorten", {"id": "1"}))
    with pytest.raises(TamperedError, match="declaration 2 is of no kind there is: shorten"):
        daemon.store.exclusions()


DRAFT = Draft(
    contract="hq",
    cause="maintenance",
    start=T0,
    end=T0 + HOUR,
    note="fibre moved",
    notified=T0 - 3 * HOUR,
    lodged=T0 - 2 * HOUR,
    state=Agreement.PROPOSED,
    name="Ann Lee",
    role="provider",
    evidence=("mail of 3 May", "https://example.com/rfo"),
    ticket="CHG-1",
    source="windows.ics",
    uid="u@x",
    occurrence=T0,
    series="u@x",
)


def test_everything_declared_is_kept(daemon: Daemon) -> None:
    made = daemon.store.declare_all([DRAFT], at=T0 - HOUR, by="ann@here")
    assert made == daemon.store.exclusions()
    assert made == (
        Exclusion(
            id="1",
            contract="hq",
            cause="maintenance",
            start=T0,
            end=T0 + HOUR,
            declared_at=T0 - HOUR,
            declared_by="Ann Lee",
            note="fibre moved",
            notified=T0 - 3 * HOUR,
            lodged=T0 - 2 * HOUR,
            state=Agreement.PROPOSED,
            role="provider",
            evidence=("mail of 3 May", "https://example.com/rfo"),
            ticket="CHG-1",
            series="u@x",
            source="windows.ics",
            uid="u@x",
            occurrence=T0,
        ),
    )
    daemon.store.verify()


def test_who_agreed_and_who_did_not_stays_on_record(daemon: Daemon) -> None:
    daemon.store.declare_all([DRAFT], at=T0 - HOUR, by="ann@here")
    states = []
    for at, kind in enumerate(("dispute", "accept", "reject", "accept")):
        (now,) = daemon.store.settle(
            ["1"], kind, at=T0 + at, by="bob@there", name="Bob", role="customer", note=f"n{at}", evidence=(f"e{at}",)
        )
        states.append(now.state)
        assert daemon.store.exclusions() == (now,)
    assert states == [Agreement.DISPUTED, Agreement.ACCEPTED, Agreement.REJECTED, Agreement.ACCEPTED]
    assert now.evidence == (*DRAFT.evidence, "e0", "e1", "e2", "e3")
    daemon.store.revoke("1", at=T0 + 9, by="ann@here")
    (acts,) = daemon.store.histories().values()
    assert [(act.kind, act.by, act.entered_by, act.role, act.at, act.note) for act in acts] == [
        ("exclude", "Ann Lee", "ann@here", "provider", T0 - HOUR, "fibre moved"),
        ("dispute", "Bob", "bob@there", "customer", T0, "n0"),
        ("accept", "Bob", "bob@there", "customer", T0 + 1, "n1"),
        ("reject", "Bob", "bob@there", "customer", T0 + 2, "n2"),
        ("accept", "Bob", "bob@there", "customer", T0 + 3, "n3"),
        ("revoke", "ann@here", "ann@here", "", T0 + 9, ""),
    ]
    assert [act.state for act in acts] == [Agreement.PROPOSED, *states, None]
    assert [act.evidence for act in acts] == [DRAFT.evidence, ("e0",), ("e1",), ("e2",), ("e3",), ()]
    daemon.store.verify()


def test_several_are_settled_together_or_not_at_all(daemon: Daemon) -> None:
    daemon.store.declare_all([DRAFT] * 3, at=T0, by="ann")
    daemon.store.settle(["2"], "accept", at=T0, by="bob")
    for ids, reason in (
        (["1", "2"], "exclusion 2 is accepted already"),
        (["1", "9", "x"], "no exclusion 9, x; there are 1 to 3"),
        (["2", "9"], r"no exclusion 9; there are 1 to 3\nexclusion 2 is accepted already"),
    ):
        with pytest.raises(UsageError, match=reason):
            daemon.store.settle(ids, "accept", at=T0, by="bob")
    assert [each.state for each in daemon.store.exclusions()] == ["proposed", "accepted", "proposed"]
    assert len(daemon.store.settle(["1", "3", "1"], "accept", at=T0, by="bob")) == 2
    assert daemon.store.last_declaration() == 6


def test_a_series_is_settled_as_one(daemon: Daemon) -> None:
    plain = replace(DRAFT, series="", source="", uid="", occurrence=None)
    daemon.store.declare_all([plain], at=T0, by="ann")
    made = daemon.store.declare_all([plain] * 4, at=T0, by="ann", one_series=True)
    other = daemon.store.declare_all([plain] * 2, at=T0, by="ann", one_series=True)
    assert made is not None
    assert other is not None
    assert [each.series for each in (*made, *other)] == ["2"] * 4 + ["6"] * 2
    daemon.store.revoke("3", at=T0, by="ann")
    daemon.store.settle(["4"], "accept", at=T0, by="bob")
    settled = daemon.store.settle(["2"], "accept", at=T0, by="bob", whole_series=True)
    assert [each.id for each in settled] == ["2", "5"]
    revoked = daemon.store.settle(["5"], "revoke", at=T0, by="bob", whole_series=True)
    assert [each.id for each in revoked] == ["2", "4", "5"]
    daemon.store.settle(["6"], "accept", at=T0, by="bob", whole_series=True)
    with pytest.raises(UsageError, match="every exclusion in one series with 6 is accepted already"):
        daemon.store.settle(["6"], "accept", at=T0, by="bob", whole_series=True)
    with pytest.raises(UsageError, match="exclusion 1 is not part of a series"):
        daemon.store.settle(["1"], "revoke", at=T0, by="bob", whole_series=True)


def test_a_dry_run_answers_and_writes_nothing(daemon: Daemon) -> None:
    (first,) = daemon.store.declare_all([DRAFT], at=T0, by="ann") or ()
    (would,) = daemon.store.declare_all([DRAFT], at=T0, by="ann", revoking=["1"], dry_run=True) or ()
    assert daemon.store.exclusions() == (first,)
    assert daemon.store.declare_all([DRAFT], at=T0, by="ann", revoking=["1"]) == (would,)


def test_what_was_made_up_before_another_declared_is_not_written(daemon: Daemon) -> None:
    declared(daemon.store)
    assert daemon.store.declare_all([DRAFT], at=T0, by="ann", after=0) is None
    assert daemon.store.declare_all([DRAFT], at=T0, by="ann", after=1, revoking=["1"], source="windows.ics") is not None
    first, second = daemon.store.exclusions()
    assert (first.revoked_at, second.id) == (T0, "3")
    assert [act.source for act in daemon.store.histories()["1"]] == ["", "windows.ics"]
    with pytest.raises(UsageError, match="exclusion 1 was revoked already"):
        daemon.store.declare_all([DRAFT], at=T0, by="ann", revoking=["1"])
    assert daemon.store.last_declaration() == 3
    daemon.store.verify()


def test_contract_texts_are_kept_by_hash(daemon: Daemon) -> None:
    daemon.store.keep_text("ab", "one")
    daemon.store.keep_text("ab", "one")
    daemon.store.keep_text("cd", "two")
    reader = sqlite3.connect(daemon.path)
    assert dict(reader.execute("SELECT sha256, text FROM contract_text")) == {"ab": "one", "cd": "two"}
    reader.close()
