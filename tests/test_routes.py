"""The routing table as the kernel decides by it: next hops under metrics, policy, marks, several ways; addresses of our own."""

from __future__ import annotations

import errno
from collections.abc import Iterator

import pytest

from slamon.model import Via
from slamon.routes import Neighbour, Step, carries, first_step, interface_index, is_local, neighbour, next_hop
from tests.netlab.namespace import Namespace, inside


@pytest.fixture
def host() -> Iterator[Namespace]:
    """Two interfaces, wan0 (10.1.0.2, 10.1.0.9, fd01::2) and lte0 (10.2.0.2); no default route yet."""
    made = Namespace()
    try:
        made.link("wan0", "10.1.0.2/24", "10.1.0.9/24", "fd01::2/64", peer="far0")
        made.link("lte0", "10.2.0.2/24", peer="far1")
        yield made
    finally:
        made.close()


def hop(host: Namespace, family: int = 4, **via: object) -> str | None:
    with inside(host):
        return next_hop(family, Via(**via))  # type: ignore[arg-type]


@pytest.mark.system
def test_no_default_route(host: Namespace) -> None:
    assert hop(host) is None
    assert hop(host, 6) is None
    assert hop(host, interface="lte0") is None


@pytest.mark.system
def test_metric_interface_mark_and_source_decide(host: Namespace) -> None:
    host.run("ip", "route", "add", "default", "via", "10.1.0.1", "metric", "100")
    host.run("ip", "route", "add", "default", "via", "10.2.0.1", "dev", "lte0", "metric", "200")
    host.run("ip", "route", "add", "default", "via", "10.2.0.77", "table", "77")
    host.run("ip", "rule", "add", "fwmark", "7", "table", "77")
    host.run("ip", "rule", "add", "from", "10.1.0.9", "table", "77")
    assert hop(host) == "10.1.0.1"
    assert hop(host, interface="wan0") == "10.1.0.1"
    assert hop(host, interface="lte0") == "10.2.0.1"
    assert hop(host, mark=7) == "10.2.0.77"
    assert hop(host, mark=8) == "10.1.0.1"
    assert hop(host, source="10.1.0.9") == "10.2.0.77"
    assert hop(host, source="10.1.0.2") == "10.1.0.1"
    host.run("ip", "link", "set", "wan0", "down")
    assert hop(host) == "10.2.0.1"
    assert hop(host, interface="wan0") is None


@pytest.mark.system
def test_ipv6_router_comes_with_its_interface(host: Namespace) -> None:
    host.run("ip", "-6", "route", "add", "default", "via", "fe80::1", "dev", "wan0", "metric", "10")
    host.run("ip", "-6", "route", "add", "default", "via", "fd01::99", "dev", "wan0", "metric", "2000")
    assert hop(host, 6) == "fe80::1%wan0"
    assert hop(host, 6, interface="wan0") == "fe80::1%wan0"
    assert hop(host, 6, interface="lte0") is None
    assert hop(host, 6, source="fd01::2") == "fe80::1%wan0"
    host.run("ip", "-6", "route", "del", "default", "via", "fe80::1", "dev", "wan0")
    assert hop(host, 6) == "fd01::99"


@pytest.mark.system
def test_default_route_behind_more_specific_ones(host: Namespace) -> None:
    """A VPN's two halves, or a bogon list, cover every destination one could ask about; the default route is still there."""
    host.run("ip", "route", "add", "default", "via", "10.1.0.1", "metric", "100")
    host.run("ip", "route", "add", "default", "via", "10.2.0.1", "dev", "lte0", "metric", "200")
    host.run("ip", "route", "add", "0.0.0.0/1", "dev", "lte0")
    host.run("ip", "route", "add", "128.0.0.0/1", "dev", "lte0")
    for bogon in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"):
        host.run("ip", "route", "add", "blackhole", bogon)
    assert hop(host) == "10.1.0.1"
    assert hop(host, interface="lte0") == "10.2.0.1"


@pytest.mark.system
def test_several_routers_in_one_route(host: Namespace) -> None:
    ways = ("nexthop", "via", "10.2.0.5", "dev", "lte0", "nexthop", "via", "10.1.0.5", "dev", "wan0")
    host.run("ip", "route", "add", "default", *ways)
    assert hop(host) == "10.2.0.5"
    assert hop(host, interface="wan0") == "10.1.0.5"
    host.run("ip", "link", "set", "lte0", "down")
    assert hop(host) == "10.1.0.5"


@pytest.mark.system
@pytest.mark.parametrize("kind", ["unreachable", "blackhole", "prohibit"])
def test_a_default_route_that_leads_nowhere(host: Namespace, kind: str) -> None:
    host.run("ip", "route", "add", kind, "default")
    assert hop(host) is None


@pytest.mark.system
def test_a_default_route_without_a_router(host: Namespace) -> None:
    host.run("ip", "route", "add", "default", "dev", "wan0")
    assert hop(host) is None


@pytest.mark.system
def test_our_own_addresses(host: Namespace) -> None:
    host.run("ip", "route", "add", "default", "via", "10.1.0.1")
    with inside(host):
        ours = ["127.0.0.1", "127.0.0.2", "10.1.0.2", "10.1.0.9", "10.2.0.2", "::1", "fd01::2"]
        others = ["10.1.0.1", "10.1.0.3", "192.0.2.1", "fd01::3", "2001:db8::1", "fe80::1%wan0"]
        assert [address for address in ours + others if is_local(address)] == ours


def step(host: Namespace, destination: str, **via: object) -> Step | None:
    with inside(host):
        return first_step(destination, Via(**via))  # type: ignore[arg-type]


@pytest.mark.system
def test_the_first_step_is_a_gateway_the_destination_itself_or_nothing(host: Namespace) -> None:
    with inside(host):
        wan, lte, lo = (interface_index(name) for name in ("wan0", "lte0", "lo"))
    host.run("ip", "route", "add", "192.0.2.0/24", "via", "10.1.0.1")
    host.run("ip", "route", "add", "192.0.2.0/24", "via", "10.2.0.1", "metric", "9")
    host.run("ip", "route", "add", "198.51.100.0/24", "via", "10.2.0.77", "table", "77")
    host.run("ip", "rule", "add", "fwmark", "7", "table", "77")
    host.run("ip", "route", "add", "unreachable", "203.0.113.0/24")
    host.run("ip", "route", "add", "10.7.0.0/16", "via", "inet6", "fe80::7", "dev", "wan0")
    host.run("ip", "route", "add", "10.8.0.0/16", "via", "10.8.0.1", "dev", "wan0", "onlink")
    host.run("ip", "-6", "route", "add", "2001:db8::/32", "via", "fe80::1", "dev", "wan0")
    assert step(host, "192.0.2.1") == Step(wan, "10.1.0.1")
    assert step(host, "192.0.2.1", interface="lte0") == Step(lte, "10.2.0.1")
    assert step(host, "198.51.100.1") is None
    assert step(host, "198.51.100.1", mark=7) == Step(lte, "10.2.0.77")
    assert step(host, "203.0.113.1") is None
    assert step(host, "10.1.0.5") == Step(wan, None)
    assert step(host, "10.1.0.5", source="10.1.0.9") == Step(wan, None)
    assert step(host, "10.1.0.5", source="192.0.2.99") is None, "a source that is not ours"
    assert step(host, "10.7.0.5") == Step(wan, "fe80::7")
    assert step(host, "10.8.0.5") == Step(wan, "10.8.0.1")
    assert step(host, "10.8.0.1") == Step(wan, None), "the router of an onlink route is our neighbour"
    assert step(host, "2001:db8::1") == Step(wan, "fe80::1")
    assert step(host, "fd01::9") == Step(wan, None)
    assert step(host, "fe80::9%lte0") == Step(lte, None)
    assert step(host, f"fe80::9%{lte}") == Step(lte, None), "a zone may be a number"
    assert step(host, "fe80::9%999") is None
    assert step(host, "fe80::9", interface="wan0") == Step(wan, None)
    assert step(host, "10.1.0.5", interface="wan0") == Step(wan, None)
    assert step(host, "10.1.0.5", interface="lte0") == Step(lte, None, routed=False)
    assert step(host, "fd01::9", interface="lte0") is None
    assert step(host, "10.1.0.2") == Step(lo, None, local=True)
    host.run("ip", "link", "set", "wan0", "down")
    assert step(host, "10.1.0.5") is None


@pytest.mark.system
def test_carrier(host: Namespace) -> None:
    with inside(host):
        wan = interface_index("wan0")
        assert carries(interface_index("lo"))
        assert carries(wan)
        host.run("ip", "link", "set", "far0", "down")
        assert not carries(wan)
        host.run("ip", "link", "del", "wan0")
        assert not carries(wan)


@pytest.mark.system
@pytest.mark.parametrize(("address", "state"), [("10.1.0.5", "10.1.0.6"), ("fd01::5", "fd01::6")])
def test_neighbours_by_what_the_kernel_knows_of_them(host: Namespace, address: str, state: str) -> None:
    states = {
        "reachable": Neighbour.ALIVE,
        "stale": Neighbour.ALIVE,
        "delay": Neighbour.ALIVE,
        "probe": Neighbour.ALIVE,
        "permanent": Neighbour.ALIVE,
        "noarp": Neighbour.ALIVE,
        "failed": Neighbour.SILENT,
    }
    with inside(host):
        wan = interface_index("wan0")
        assert neighbour(wan, address) is Neighbour.UNKNOWN
        for name, expected in states.items():
            host.run("ip", "neigh", "replace", state, "lladdr", "02:00:00:00:00:06", "nud", name, "dev", "wan0")
            assert neighbour(wan, state) is expected, name
        host.run("fping", "-q", "-c1", "-t10", address, check=False)
        assert neighbour(wan, address) is Neighbour.SILENT, "asked, and not answered yet"


def test_an_interface_that_does_not_exist() -> None:
    with pytest.raises(OSError, match="no interface nosuch0") as caught:
        next_hop(4, Via(interface="nosuch0"))
    assert caught.value.errno == errno.ENODEV
    assert interface_index("lo") > 0
