"""The routing table as the kernel decides by it: next hops under metrics, policy, marks, several ways; addresses of our own."""

from __future__ import annotations

import errno
from collections.abc import Iterator

import pytest

from slamon.model import Via
from slamon.routes import interface_index, is_local, next_hop
from tests.netlab.namespace import Namespace
from tests.probes.inside import inside


@pytest.fixture
def host() -> Iterator[Namespace]:
    """Two interfaces, wan0 (10.1.0.2, 10.1.0.9, fd01::2) and lte0 (10.2.0.2); no default route yet."""
    made = Namespace()
    try:
        for device, peer in (("wan0", "far0"), ("lte0", "far1")):
            made.run("ip", "link", "add", device, "type", "veth", "peer", "name", peer)
            made.run("ip", "link", "set", device, "up")
            made.run("ip", "link", "set", peer, "up")
        made.run("ip", "addr", "add", "10.1.0.2/24", "dev", "wan0")
        made.run("ip", "addr", "add", "10.1.0.9/24", "dev", "wan0")
        made.run("ip", "addr", "add", "10.2.0.2/24", "dev", "lte0")
        made.run("ip", "-6", "addr", "add", "fd01::2/64", "dev", "wan0", "nodad")
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


def test_an_interface_that_does_not_exist() -> None:
    with pytest.raises(OSError, match="no interface nosuch0") as caught:
        next_hop(4, Via(interface="nosuch0"))
    assert caught.value.errno == errno.ENODEV
    assert interface_index("lo") > 0
