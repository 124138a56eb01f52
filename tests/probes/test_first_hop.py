"""Whose fault is silence on the first step: every kind, both families, before and after the kernel gives up, all at once on real links."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import replace
from itertools import chain, product
from typing import NamedTuple

import pytest

from slamon.model import MS, Reading, Result, S, Target, Via
from slamon.probe import Kind
from slamon.probes import dns, http, icmp, tcp
from tests.netlab.namespace import Namespace, inside
from tests.probes.shots import Range, Watched, make_target, opened, settings_of

pytestmark = pytest.mark.system

KINDS: dict[str, tuple[Kind, dict[str, object]]] = {
    "icmp": (icmp.PROBE, {}),
    "tcp": (tcp.PROBE, {"port": "80"}),
    "http": (http.PROBE, {}),
    "dns": (dns.PROBE, {"name": "www.example.com"}),
}
TIMEOUTS = (1 * S, 3 * S)
"""Linux asks a neighbour for three seconds before it says "host unreachable": long after the first, about at the second."""

CROWD = 60
"""Targets of each kind of trouble: more at once than the kernel's limit lets it tell of."""


ANY_WAY = Via()


class Case(NamedTuple):
    addresses: tuple[str, str]
    """IPv4, IPv6."""
    result: Result
    detail: tuple[str, str]
    via: Via = ANY_WAY


NO_ARP, NO_ND = "does not answer (no ARP reply)", "does not answer (no neighbour advertisement)"
CASES: dict[str, Case] = {
    "a neighbour that is off": Case(
        ("10.9.0.5", "fd09::5"), Result.TIMEOUT, (f"the neighbour 10.9.0.5 {NO_ARP}", f"the neighbour fd09::5 {NO_ND}")
    ),
    "a gateway that is off, as a target": Case(
        ("10.9.0.7", "fd09::7"), Result.TIMEOUT, (f"the neighbour 10.9.0.7 {NO_ARP}", f"the neighbour fd09::7 {NO_ND}")
    ),
    "silence behind a living gateway": Case(
        ("10.21.0.1", "fd21::1"), Result.TIMEOUT, ("no answer within ", "no answer within ")
    ),
    "behind a gateway that is off": Case(
        ("10.22.0.1", "fd22::1"),
        Result.LOCAL_ERROR,
        (f"our gateway 10.9.0.7 {NO_ARP}", f"our gateway fd09::7 {NO_ND}"),
    ),
    "on a link without carrier": Case(("10.8.0.5", "fd08::5"), Result.LOCAL_ERROR, ("lan0 ", "")),
    "behind a link without carrier": Case(("10.23.0.1", "fd23::1"), Result.LOCAL_ERROR, ("lan0 ", "")),
    "by an interface without a route": Case(
        ("10.24.0.1", "fd24::1"), Result.LOCAL_ERROR, ("there is no route to it by wan0", ""), Via(interface="wan0")
    ),
}


class Site(NamedTuple):
    home: Namespace
    far: Namespace


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """wan0 leads to a router (.254, ::fe) that has 10.20.0.1, with nothing behind; gateway .7 is off; lan0 has no carrier."""
    with ExitStack() as stack:
        home, far = Namespace(), Namespace()
        stack.callback(home.close)
        stack.callback(far.close)
        home.link("wan0", "10.9.0.1/24", "fd09::1/64", peer="far0", far=far)
        home.link("lan0", "10.8.0.1/24", "fd08::1/64", peer="far1", far=far)
        far.address("far0", "10.9.0.254/24", "fd09::fe/64")
        far.address("lo", "10.20.0.1/32")
        far.run("nft", "add table inet t; add chain inet t p { type filter hook prerouting priority 0; }")
        far.run("nft", "add rule inet t p ip daddr 10.21.0.0/16 drop; add rule inet t p ip6 daddr fd21::/64 drop")
        for net, four, six in (("20", "254", "fe"), ("21", "254", "fe"), ("22", "7", "7")):
            home.run("ip", "route", "add", f"10.{net}.0.0/16", "via", f"10.9.0.{four}")
            home.run("ip", "-6", "route", "add", f"fd{net}::/64", "via", f"fd09::{six}")
        home.run("ip", "route", "add", "10.23.0.0/16", "via", "10.8.0.254")
        home.run("ip", "-6", "route", "add", "fd23::/64", "via", "fd08::fe")
        far.run("ip", "link", "set", "far1", "down")
        yield Site(home, far)


def aim(kind: str, address: str, timeout: int, via: Via = ANY_WAY) -> Target:
    declared, settings = KINDS[kind]
    return make_target(
        kind,
        settings_of(declared, settings),
        name=f"{address}/{kind}/{timeout}",
        address=address,
        family=6 if ":" in address else 4,
        timeout=timeout,
        via=via,
    )


class Seen(NamedTuple):
    each: dict[tuple[str, str, int, int], Reading]
    """(case, kind, family, timeout) → how the probe ended."""
    crowd: dict[str, Counter[Result]]
    """Where many ICMP targets are → how their probes ended."""


CROWDS: dict[str, list[str]] = {
    "neighbours that are off": [f"10.9.0.{100 + n}" for n in range(CROWD)],
    "silence behind a living gateway": [f"10.21.1.{n}" for n in range(CROWD)],
    "behind a gateway that is off": [f"10.22.1.{n}" for n in range(CROWD)],
    "alive": ["10.20.0.1", "10.9.0.254"],
}


@pytest.fixture(scope="module")
def seen(site: Site) -> Seen:
    with inside(site.home):
        return asyncio.run(_fire_everything())


async def _fire_everything() -> Seen:
    async with AsyncExitStack() as stack:
        guns = {name: await stack.enter_async_context(opened(kind)) for name, (kind, _) in KINDS.items()}
        each: dict[tuple[str, str, int, int], Watched] = {}
        crowd: dict[str, list[Watched]] = {}
        for timeout in TIMEOUTS:
            for said, case in CASES.items():
                for name, address in product(KINDS, case.addresses):
                    target = aim(name, address, timeout, case.via)
                    each[said, name, target.family, timeout] = guns[name].fire(target)
            for said, addresses in CROWDS.items():
                for address in addresses:
                    target = aim("icmp", address, timeout)
                    crowd.setdefault(said, []).append(guns["icmp"].fire(target))
        everything = [*each.values(), *chain.from_iterable(crowd.values())]
        async with asyncio.timeout(30):
            while not all(series.decisions for series in everything):
                guns["icmp"].prober.drain()
                await asyncio.sleep(0.01)
        return Seen(
            {key: series.decisions[0] for key, series in each.items()},
            {said: Counter(series.decisions[0].result for series in many) for said, many in crowd.items()},
        )


@pytest.mark.parametrize("timeout", TIMEOUTS)
@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("said", CASES)
def test_silence_is_the_fault_of_whoever_is_silent(seen: Seen, said: str, name: str, family: int, timeout: int) -> None:
    case = CASES[said]
    reading = seen.each[said, name, family, timeout]
    assert reading.result is case.result, reading
    assert case.detail[family == 6] in reading.detail
    assert reading.icmp_error is None or reading.icmp_error[2] == "local"
    assert reading.icmp_error is None or reading.result is Result.LOCAL_ERROR, "counted as silence is"


def test_a_mixture_splits_right_although_the_kernel_tells_of_a_few_only(seen: Seen) -> None:
    many = CROWD * len(TIMEOUTS)
    assert seen.crowd == {
        "neighbours that are off": {Result.TIMEOUT: many},
        "silence behind a living gateway": {Result.TIMEOUT: many},
        "behind a gateway that is off": {Result.LOCAL_ERROR: many},
        "alive": {Result.SUCCESS: len(CROWDS["alive"]) * len(TIMEOUTS)},
    }


async def test_a_gateway_that_dies_is_found_out_when_the_kernel_finds_out_and_forgiven_when_it_is_back(
    site: Site,
) -> None:
    """Until then its last answer stands, and silence is an outage: that is what a witness is for."""
    for key, value in {"base_reachable_time_ms": 200, "delay_first_probe_time": 0, "retrans_time_ms": 100}.items():
        site.home.run("sysctl", "-qw", f"net.ipv4.neigh.wan0.{key}={value}")
    site.home.run("ip", "neigh", "flush", "dev", "wan0")  # what is there was entered under the usual half a minute
    target = aim("icmp", "10.20.0.1", 100 * MS)
    with inside(site.home):
        async with opened(icmp.PROBE) as gun:
            assert (await gun.shoot(target)).result is Result.SUCCESS
            site.far.run("ip", "addr", "del", "10.9.0.254/24", "dev", "far0")
            endings = [reading.result async for reading in until(gun, target, Result.LOCAL_ERROR)]
            assert set(endings) <= {Result.TIMEOUT, Result.LOCAL_ERROR}
            site.far.run("ip", "addr", "add", "10.9.0.254/24", "dev", "far0")
            endings = [reading.result async for reading in until(gun, target, Result.SUCCESS)]
            assert set(endings) <= {Result.LOCAL_ERROR, Result.SUCCESS}


async def until(gun: Range, target: Target, result: Result) -> AsyncIterator[Reading]:
    """Probe again and again until it ends so."""
    async with asyncio.timeout(20):
        while True:
            reading = await gun.shoot(target)
            yield reading
            if reading.result is result:
                return


async def test_once_connected_an_icmp_error_ends_nothing(site: Site) -> None:
    """A router's "host unreachable" about an open connection may pass (RFC 1122); if it does not, it is silence, and no fault of ours."""
    rule = "tcp dport 80 tcp flags & psh == psh counter reject with icmp host-unreachable"
    site.far.run("nft", f"add chain inet t i {{ type filter hook input priority 0; }}; add rule inet t i {rule}")
    with site.far.make_socket(socket.AF_INET, socket.SOCK_STREAM) as server, inside(site.home):
        server.bind(("10.20.0.1", 80))
        server.listen()
        async with opened(http.PROBE) as gun:
            reading = await gun.shoot(aim("http", "10.20.0.1", 1 * S))
    assert reading == Reading(Result.TIMEOUT, detail="no answer within 1s")
    assert "counter packets 0" not in site.far.run("nft", "list", "chain", "inet", "t", "i").stdout


@pytest.mark.parametrize(
    ("onward", "gone", "reading"),
    [
        pytest.param(
            "10.22.0.1",
            False,
            Reading(Result.LOCAL_ERROR, detail=f"our gateway 10.9.0.7 {NO_ARP}"),
            id="behind a gateway of ours that is off",
        ),
        pytest.param("10.9.0.5", False, Reading(Result.TIMEOUT, detail=f"the neighbour 10.9.0.5 {NO_ARP}"), id="off"),
        pytest.param(
            "10.21.0.1",
            True,
            Reading(Result.TIMEOUT, detail="no answer within 1s"),
            id="silent, while there is no way to the target any more",
        ),
    ],
)
async def test_where_a_redirect_leads_the_way_there_counts(
    site: Site, onward: str, gone: bool, reading: Reading
) -> None:
    async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if gone:
            site.home.run("ip", "route", "del", "10.25.0.1/32")
        writer.write(f"HTTP/1.1 302 Found\r\nLocation: http://{onward}/\r\nContent-Length: 0\r\n\r\n".encode())
        writer.close()
        await writer.wait_closed()

    site.home.run(
        "sysctl", "-qw", "net.ipv4.neigh.wan0.retrans_time_ms=1000"
    )  # the usual: the kernel tells after the timeout
    site.home.run("ip", "neigh", "flush", "dev", "wan0")
    site.far.run("ip", "addr", "replace", "10.25.0.1/32", "dev", "lo")
    site.home.run("ip", "route", "replace", "10.25.0.1/32", "via", "10.9.0.254")
    settings = settings_of(http.PROBE, {"follow_redirects": "true", "port": "8080"})
    target = replace(aim("http", "10.25.0.1", 1 * S), settings=settings)
    with site.far.make_socket(socket.AF_INET, socket.SOCK_STREAM) as listener, inside(site.home):
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("10.25.0.1", 8080))
        listener.listen()
        async with await asyncio.start_server(redirect, sock=listener), opened(http.PROBE) as gun:
            assert await gun.shoot(target) == reading
