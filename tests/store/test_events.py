"""Tickets, claims and the like on the chain of declarations: kept exactly, replaced and taken back in the open."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from slamon.errors import UsageError
from slamon.ledger import TamperedError
from slamon.model import HOUR
from slamon.sla.facts import Breach, Charged, Closed, Event, Lodged, Notice, Payment, Recorded, Ticket
from slamon.store import Store
from tests.record.worlds import T0, target
from tests.store.rig import Daemon

EVENTS: tuple[Event, ...] = (
    Ticket(T0, T0 + HOUR),
    Ticket(T0),
    Lodged("2026-10", T0),
    Payment(T0),
    Payment(T0, T0 + 1),
    Breach("access", T0, T0 + HOUR),
    Notice("chronic", T0),
    Charged("2026-10", billed=Fraction(2941, 3), paid=None, usage=Fraction(0)),
    Closed("2026-10", T0),
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Daemon(tmp_path / "slamon.db", target()) as daemon:
        yield daemon.store


def recorded(store: Store, event: Event, *, contract: str = "hq", replaces: str | None = None) -> Recorded:
    return store.record(contract, event, at=T0, by="ann", note="by phone", replaces=replaces)


def test_kept_as_they_were_stated(store: Store) -> None:
    made = tuple(recorded(store, event) for event in EVENTS)
    assert store.events() == made
    assert tuple(each.event for each in store.events("hq")) == EVENTS
    assert store.events("branch") == ()
    assert made[0] == Recorded(
        id="1", contract="hq", event=EVENTS[0], declared_at=T0, declared_by="ann", note="by phone"
    )
    assert len(store.verify()) == 64


def test_beside_exclusions_in_one_chain(store: Store) -> None:
    store.declare(contract="hq", cause="maintenance", start=T0, end=T0 + HOUR, at=T0, by="ann")
    ticket = recorded(store, Ticket(T0))
    store.revoke("1", at=T0, by="ann")
    assert (ticket.id, store.last_declaration()) == ("2", 3)
    assert ([each.id for each in store.exclusions()], [each.id for each in store.events()]) == (["1"], ["2"])
    declared = store.declarations("hq")
    assert (declared.exclusions, declared.events) == (store.exclusions(), (ticket,))
    with pytest.raises(UsageError, match="there is no exclusion 2"):
        store.revoke("2", at=T0, by="ann")
    with pytest.raises(UsageError, match="nothing was recorded under 1; there are 2"):
        store.retract("1", at=T0, by="ann")


def test_replaced_in_one_step(store: Store) -> None:
    recorded(store, Ticket(T0))
    after = recorded(store, Ticket(T0, T0 + HOUR), replaces="1")
    before, now = store.events()
    assert (before.revoked_at, before.revoked_by, now) == (T0, "ann", after)
    assert after.id == "3"


@pytest.mark.parametrize(
    ("event", "contract", "replaces", "said"),
    [
        (Ticket(T0), "hq", "7", "nothing was recorded under 7; there are 1, 2"),
        (Ticket(T0), "hq", "2", "the ticket 2 was taken back already, by bob"),
        (Payment(T0), "hq", "1", "1 is a ticket of contract hq"),
        (Ticket(T0), "branch", "1", "1 is a ticket of contract hq"),
    ],
)
def test_what_cannot_be_replaced(store: Store, event: Event, contract: str, replaces: str, said: str) -> None:
    recorded(store, Ticket(T0))
    recorded(store, Ticket(T0))
    store.retract("2", at=T0, by="bob")
    with pytest.raises(UsageError, match=said):
        recorded(store, event, contract=contract, replaces=replaces)
    assert store.last_declaration() == 3


def test_nothing_to_take_back(store: Store) -> None:
    with pytest.raises(UsageError, match="nothing was recorded under 1; there are none"):
        store.retract("1", at=T0, by="ann")


def planted(folder: Path, kind: str, body: str) -> Store:
    """A store whose first entry somebody else wrote."""
    path = folder / "slamon.db"
    with Daemon(path, target()):
        pass
    with sqlite3.connect(path) as raw:
        raw.execute(
            "INSERT INTO declaration (number, at, by, kind, body, link) VALUES (1, 1, 'x', ?, ?, 'x')", (kind, body)
        )
    raw.close()
    return Store.open(path, write=False)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("record", '{"version":2,"contract":"hq","event":"ticket","note":"","opened":true,"closed":null}'),
        ("record", '{"version":2,"contract":"hq","event":"ticket","note":"","closed":5}'),
        ("record", '{"version":2,"contract":"hq","event":"visit","note":""}'),
        ("record", '{"version":2,"event":"ticket","note":"","opened":5}'),
        ("record", '{"version":2,"contract":"hq","event":"charge","note":"","period":"2026-10","billed":"1/0"}'),
        ("record", '{"version":2,"contract":"hq","event":"charge","note":"","billed":"1"}'),
        ("record", '{"version":2,"contract":"hq","event":"statement","note":"","period":"2026-10"}'),
        ("retract", '{"version":2,"id":"9"}'),
    ],
)
def test_what_no_slamon_wrote(tmp_path: Path, kind: str, body: str) -> None:
    with (
        planted(tmp_path, kind, body) as store,
        pytest.raises(TamperedError, match="declaration 1 is not what was written"),
    ):
        store.events()


def test_what_a_newer_slamon_wrote_is_not_read_in_part(tmp_path: Path) -> None:
    body = '{"version":3,"contract":"hq","event":"ticket","note":"","opened":5,"closed":null}'
    with (
        planted(tmp_path, "record", body) as store,
        pytest.raises(TamperedError, match="declaration 1 is of a newer slamon"),
    ):
        store.events()
