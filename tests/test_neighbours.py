"""A gateway that dies is noticed by the second silence behind it, not when the kernel happens to look; one that lives is never blamed."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

import pytest

from slamon import surroundings
from slamon.clock import Clock
from slamon.model import MS, S, Via
from slamon.neighbours import ask
from slamon.routes import interface_index, last_heard
from slamon.surroundings import ANSWER, FRESH, FirstHop, Surroundings
from tests.netlab import instants
from tests.netlab.namespace import Namespace, inside

pytestmark = pytest.mark.system

GATEWAYS = {"10.22.0.1": "10.9.0.7", "fd22::1": "fd09::7"}
"""Destination → the gateway before it."""


class Site(NamedTuple):
    home: Namespace
    router: Namespace
    told: list[str]
    surroundings: Surroundings

    def use(self) -> None:
        """A packet to each destination makes the kernel ask for its gateway, as a probe does."""
        self.home.run("fping", "-q", "-c1", "-t200", *GATEWAYS, check=False)

    def hops(self) -> dict[str, FirstHop]:
        return {destination: self.surroundings.first_hop(destination, Via()) for destination in GATEWAYS}

    def die(self) -> None:
        rule = "add table netdev dead; add chain netdev dead in { type filter hook ingress device far0 priority 0; policy drop; }"
        self.router.run("nft", rule)

    def revive(self) -> None:
        self.router.run("nft", "delete table netdev dead")


@pytest.fixture
def site() -> Iterator[Site]:
    with ExitStack() as stack:
        home, router = Namespace(), Namespace()
        stack.callback(home.close)
        stack.callback(router.close)
        home.link("wan0", "10.9.0.1/24", "fd09::1/64", peer="far0", far=router)
        router.address("far0", "10.9.0.7/24", "fd09::7/64")
        home.run("ip", "route", "add", "10.22.0.0/16", "via", "10.9.0.7")
        home.run("ip", "-6", "route", "add", "fd22::/64", "via", "fd09::7")
        stack.enter_context(inside(home))
        told: list[str] = []
        made = Site(home, router, told, Surroundings(Clock().monotonic, told.append))
        deadline = instants.monotonic() + 10 * S
        index = interface_index("wan0")
        while any(last_heard(index, gateway) is None for gateway in GATEWAYS.values()):
            made.use()  # the link-local addresses may still be looked for by others
            assert instants.monotonic() < deadline
        yield made


def pause(ns: int) -> None:
    instants.pause(ns / S)


def test_a_dead_gateway_is_known_by_the_second_silence(site: Site) -> None:
    pause(FRESH + 100 * MS)
    site.die()
    assert set(site.hops().values()) == {FirstHop()}, "nothing is known yet; it is asked"
    pause(ANSWER + 50 * MS)
    assert site.hops() == {
        "10.22.0.1": FirstHop(fault="our gateway 10.9.0.7 does not answer (no ARP reply)"),
        "fd22::1": FirstHop(fault="our gateway fd09::7 does not answer (no neighbour advertisement)"),
    }
    site.revive()
    site.use()
    pause(ANSWER + 250 * MS)
    site.hops()
    pause(1050 * MS)
    assert set(site.hops().values()) == {FirstHop()}
    assert site.told == []


def test_a_gateway_that_lives_is_never_blamed_for_silence_behind_it(site: Site) -> None:
    pause(FRESH + 100 * MS)
    for wait in (50, 200, 700, 100, 850, 300, 1100):
        assert set(site.hops().values()) == {FirstHop()}
        pause(wait * MS)
    assert site.told == []
    index = interface_index("wan0")
    heard = [last_heard(index, gateway) for gateway in GATEWAYS.values()]
    assert all(age is not None and age < 3 * S for age in heard), heard


def test_who_was_heard_of_a_moment_ago_is_not_asked(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(surroundings, "ask", lambda _, gateway: asked.append(gateway))
    index = interface_index("wan0")
    for gateway in GATEWAYS.values():
        ask(index, gateway)
    pause(50 * MS)
    site.hops()
    assert asked == []
    pause(FRESH + STEADY)
    for _ in range(20):
        site.hops()
    assert sorted(asked) == sorted(GATEWAYS.values()), "once, however many wait behind it"


STEADY = 150 * MS


def test_an_entry_made_by_hand_is_not_asked_for(site: Site) -> None:
    site.home.run(
        "ip", "neigh", "replace", "10.9.0.7", "lladdr", "02:00:00:00:00:07", "dev", "wan0", "nud", "permanent"
    )
    assert last_heard(interface_index("wan0"), "10.9.0.7") is None
    for _ in range(2):
        assert site.surroundings.first_hop("10.22.0.1", Via()) == FirstHop()
        pause(ANSWER + 300 * MS)


def test_nobody_is_blamed_where_nobody_can_be_asked(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "AF_PACKET", 99)  # a family this kernel does not have
    pause(FRESH + 100 * MS)
    site.die()
    for _ in range(3):
        assert site.surroundings.first_hop("10.22.0.1", Via()) == FirstHop()
        pause(ANSWER + 50 * MS)
    assert "AF_PACKET" in site.told[0]
    assert len(set(site.told)) == 1


def test_a_link_that_is_no_ethernet_and_one_that_is_gone(site: Site) -> None:
    for index in (interface_index("lo"), 9999):
        for address in ("10.9.0.7", "fd09::7"):
            with pytest.raises(OSError, match=r"."):
                ask(index, address)
