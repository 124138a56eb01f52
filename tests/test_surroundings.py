"""What is remembered of the first step: how often the kernel is asked, what outlasts its forgetting, and that it may refuse to answer."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from slamon import routes, surroundings
from slamon.model import S, Via
from slamon.routes import Neighbour
from slamon.surroundings import OWN_ADDRESS, ROUTE, STATE, FirstHop, Surroundings
from tests.netlab.namespace import Namespace, inside


class Watch:
    """Surroundings under a clock that only the test moves, on a kernel whose every question is counted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 10 * S
        self.told: list[str] = []
        self.asked: Counter[str] = Counter()
        for name in ("is_local", "first_step", "carries", "neighbour"):
            monkeypatch.setattr(surroundings, name, self._counted(name, getattr(surroundings, name)))
        self.surroundings = Surroundings(lambda: self.now, self.told.append)

    def _counted(self, name: str, ask: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*question: Any) -> Any:
            self.asked[name] += 1
            return ask(*question)

        return counted

    def first_hop(self, address: str, **via: Any) -> FirstHop:
        return self.surroundings.first_hop(address, Via(**via))


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    return Watch(monkeypatch)


@pytest.fixture
def host() -> Iterator[Namespace]:
    """A host whose gateway 10.9.0.7 was asked for its address just now and did not answer yet."""
    made = Namespace()
    try:
        made.link("wan0", "10.9.0.1/24", peer="far0")
        made.run("ip", "route", "add", "10.22.0.0/16", "via", "10.9.0.7")
        made.run("ip", "route", "add", "10.21.0.0/16", "via", "10.9.0.8")
        made.run("ip", "neigh", "add", "10.9.0.8", "lladdr", "02:00:00:00:00:08", "dev", "wan0")
        made.run("fping", "-q", "-c1", "-t10", "10.22.0.1", check=False)
        with inside(made):
            yield made
    finally:
        made.close()


DEAD = FirstHop(fault="our gateway 10.9.0.7 does not answer (no ARP reply)")


@pytest.mark.system
def test_a_mass_outage_costs_a_question_per_destination_and_one_per_gateway(host: Namespace, watch: Watch) -> None:
    for _ in range(3):
        for n in range(1, 201):
            assert watch.first_hop(f"10.22.0.{n}") == DEAD
            assert watch.first_hop(f"10.21.0.{n}") == FirstHop()
    assert watch.asked == {"first_step": 400, "carries": 1, "neighbour": 2}
    watch.now += STATE
    assert watch.first_hop("10.22.0.1") == DEAD
    assert watch.asked == {"first_step": 400, "carries": 2, "neighbour": 3}
    watch.now += ROUTE
    assert watch.first_hop("10.22.0.1") == DEAD
    assert watch.asked["first_step"] == 401
    assert len(watch.surroundings._steps._known) == 1, "what is old is let go of"


@pytest.mark.system
def test_a_changed_way_is_another_question(host: Namespace, watch: Watch) -> None:
    assert watch.first_hop("10.22.0.1") == DEAD
    assert watch.first_hop("10.22.0.1", source="10.9.0.1") == DEAD
    assert watch.first_hop("192.0.2.1").fault == "there is no route to it"
    assert watch.first_hop("10.22.0.1", interface="nosuch0").fault == "there is no interface nosuch0"


@pytest.mark.system
def test_without_a_route_by_the_interface_nobody_on_its_link_is_blamed(host: Namespace, watch: Watch) -> None:
    """IPv4 takes everything to be on the link of an interface that was given: it asks for far hosts there, and none answers."""
    assert watch.first_hop("192.0.2.1", interface="wan0") == FirstHop(), "as on a tunnel, where nobody need be asked"
    host.run("fping", "-q", "-c1", "-t10", "-I", "wan0", "192.0.2.1", check=False)
    watch.now += STATE
    assert watch.first_hop("192.0.2.1", interface="wan0") == FirstHop(fault="there is no route to it by wan0")
    assert watch.first_hop("10.9.0.5", interface="wan0") == FirstHop()


@pytest.mark.system
def test_a_way_that_moved_to_another_interface_is_followed_at_once(host: Namespace, watch: Watch) -> None:
    host.link("lte0", "10.8.0.1/24", peer="far1")
    host.run("ip", "link", "set", "far1", "down")
    host.run("ip", "route", "add", "10.22.0.0/16", "via", "10.8.0.7", "metric", "9")
    assert watch.first_hop("10.22.0.1") == DEAD
    host.run("ip", "link", "set", "wan0", "down")
    watch.now += STATE
    assert watch.first_hop("10.22.0.1") == FirstHop(fault="lte0 is down or has no carrier")
    host.run("ip", "link", "set", "far1", "up")
    watch.now += STATE
    assert watch.first_hop("10.22.0.1") == FirstHop()
    host.run("ip", "link", "del", "lte0")
    watch.now += STATE
    assert watch.first_hop("10.22.0.1") == FirstHop(fault="there is no route to it")


@pytest.mark.system
def test_a_silent_neighbour_that_the_kernel_forgot_is_still_silent(host: Namespace, watch: Watch) -> None:
    """A full table makes room at the expense of those that failed; one that answers is entered again."""
    assert watch.first_hop("10.22.0.1") == DEAD
    host.run("ip", "neigh", "del", "10.9.0.7", "dev", "wan0")
    assert routes.neighbour(routes.interface_index("wan0"), "10.9.0.7") is Neighbour.UNKNOWN
    watch.now += STATE
    assert watch.first_hop("10.22.0.1") == DEAD
    host.run("ip", "neigh", "replace", "10.9.0.7", "lladdr", "02:00:00:00:00:07", "nud", "reachable", "dev", "wan0")
    watch.now += STATE
    assert watch.first_hop("10.22.0.1") == FirstHop()
    host.run("ip", "neigh", "del", "10.9.0.7", "dev", "wan0")
    watch.now += STATE
    assert watch.first_hop("10.22.0.1") == FirstHop()


@pytest.mark.system
def test_what_this_host_has_is_remembered_for_a_while(host: Namespace, watch: Watch) -> None:
    for _ in range(5):
        assert watch.surroundings.own("10.9.0.1")
        assert not watch.surroundings.own("10.9.0.7")
    assert watch.asked == {"is_local": 2}
    host.run("ip", "addr", "del", "10.9.0.1/24", "dev", "wan0")
    watch.now += OWN_ADDRESS
    assert not watch.surroundings.own("10.9.0.1")


def test_where_the_kernel_cannot_be_asked_nobody_is_blamed_by_guess(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "AF_NETLINK", 99)  # a family this kernel does not have
    assert watch.surroundings.own("192.0.2.1")
    assert watch.first_hop("192.0.2.1") == FirstHop()
    assert len(watch.told) == 2
    assert all("AF_NETLINK" in text and "not supported" in text for text in watch.told)
