"""What was declared of a contract, as it stood at any instant."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from slamon.model import HOUR
from slamon.sla.facts import Agreement, Ticket
from slamon.store import Declarations, Draft, Store
from tests.record.worlds import T0, target
from tests.store.rig import Daemon

WINDOW = Draft(contract="hq", cause="maintenance", start=T0, end=T0 + HOUR, state=Agreement.PROPOSED)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Daemon(tmp_path / "slamon.db", target()) as daemon:
        yield daemon.store


def stood(store: Store, since: int, contract: str = "hq") -> list[tuple[int, list[str], int]]:
    """Since when, how each exclusion stood, and how many events had not been taken back."""
    return [
        (
            at - T0,
            ["revoked" if each.revoked_at is not None else str(each.state) for each in declared.exclusions],
            sum(each.revoked_at is None for each in declared.events),
        )
        for at, declared in store.history(contract, since)
    ]


def test_every_change_of_the_contract_and_no_other(store: Store) -> None:
    store.declare_all([WINDOW], at=T0 + 1, by="ann")
    store.declare(contract="branch", cause="maintenance", start=T0, end=T0 + HOUR, at=T0 + 2, by="ann")
    store.record("hq", Ticket(T0), at=T0 + 3, by="ann")
    store.settle(["1"], "accept", at=T0 + 4, by="bob")
    store.retract("3", at=T0 + 4, by="bob")
    store.revoke("2", at=T0 + 5, by="bob")
    store.revoke("1", at=T0 + 6, by="bob")
    every = [
        (0, [], 0),
        (1, ["proposed"], 0),
        (3, ["proposed"], 1),
        (4, ["accepted"], 0),
        (6, ["revoked"], 0),
    ]
    assert stood(store, T0) == every
    assert stood(store, T0 + 2) == [(2, ["proposed"], 0), *every[2:]]
    assert stood(store, T0 + 3) == every[2:]
    assert stood(store, T0 + 9) == [(9, ["revoked"], 0)]
    assert [at for at, *_ in stood(store, T0, "branch")] == [0, 2, 5]
    assert store.history("hq", T0)[-1].declarations == store.declarations("hq")


def test_who_follows_an_entry_by_a_clock_that_is_ahead_comes_no_earlier(store: Store) -> None:
    store.declare_all([WINDOW], at=T0 + 90, by="ann")
    store.settle(["1"], "accept", at=T0 + 10, by="bob")
    assert stood(store, T0) == [(0, [], 0), (90, ["accepted"], 0)]


def test_an_entry_of_the_future_holds_back_no_later_one(store: Store) -> None:
    store.record("hq", Ticket(T0), at=T0 + 90, by="ann")
    store.record("hq", Ticket(T0), at=T0 + 10, by="bob")
    assert stood(store, T0) == [(0, [], 0), (10, [], 1), (90, [], 2)]


def test_where_nobody_declared_anything(store: Store) -> None:
    assert [(at, declared) for at, declared in store.history("hq", T0)] == [(T0, Declarations())]
