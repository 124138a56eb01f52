"""Addresses of targets: literals, names by the real resolver of the system, the gateway of a real routing table, and who is told."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from slamon.model import MS, S, Target, Via
from slamon.names import Resolver
from slamon.resolve import Addresses
from slamon.stats import Stats
from tests.netlab.namespace import Namespace, inside
from tests.probes.shots import make_target

Change = tuple[str, str | None, str | None]


class Book:
    """Addresses under test, and the changes they told of."""

    def __init__(self, **timing: int) -> None:
        self.stats = Stats()
        self.changes: list[Change] = []
        self.addresses = Addresses(stats=self.stats, changed=self._note, **timing)

    def _note(self, target: Target, old: str | None, new: str | None) -> None:
        self.changes.append((target.name, old, new))


@asynccontextmanager
async def running(*targets: Target, **timing: int) -> AsyncIterator[Book]:
    book = Book(**timing)
    book.addresses.set(targets)
    task = asyncio.create_task(book.addresses.run())
    try:
        yield book
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)


def aim(name: str, address: str, family: int = 4, **changes: Any) -> Target:
    return make_target("icmp", name=name, address=address, family=family, **changes)


class Zone:
    """The system's resolver with a zone of our own for *.test; everything else is asked for real."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.records: dict[str, list[str]] = {}
        self.asked: list[str] = []
        self.gate = threading.Event()
        self.gate.set()
        self._real = socket.getaddrinfo
        monkeypatch.setattr("slamon.names.socket.getaddrinfo", self.getaddrinfo)

    def getaddrinfo(self, host: str, port: int | None, family: int = 0, type: int = 0) -> Any:  # noqa: A002
        if not host.endswith(".test"):
            return self._real(host, port, family=family, type=type)
        self.asked.append(host)
        self.gate.wait(10)
        if not self.records.get(host):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(family, type, 17, "", (address, 0)) for address in self.records[host]]


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Zone:
    return Zone(monkeypatch)


def test_literals_are_known_at_once() -> None:
    async def main() -> None:
        book = Book()
        short, long, wrong = aim("a", "192.0.2.1"), aim("b", "2001:DB8:0:0::1", 6), aim("c", "192.0.2.1", 6)
        scoped = aim("d", "fe80::1%lo", 6)
        book.addresses.set([short, long, wrong, scoped])
        assert book.addresses.current(short) == "192.0.2.1"
        assert book.addresses.current(long) == "2001:db8::1"
        assert book.addresses.current(scoped) == "fe80::1%lo"
        assert book.addresses.current(wrong) is None
        assert book.addresses.reason(wrong) == "192.0.2.1 is not an IPv6 address"
        assert book.addresses.reason(short) == ""
        await book.addresses.first(0)
        assert book.stats.dns_resolutions == {}
        assert book.stats.address_changes == {}

    asyncio.run(main())


async def test_a_real_name() -> None:
    target = aim("a", "localhost")
    async with running(target) as book:
        await book.addresses.first(5)
        assert book.addresses.current(target) == "127.0.0.1"
    assert book.stats.dns_resolutions == {"success": 1}
    assert book.changes == [("a", None, "127.0.0.1")]


@pytest.mark.parametrize("name", ["no-such-name.invalid", "a..b.invalid", "x" * 70 + ".invalid"])
async def test_a_name_that_does_not_resolve_stops_nothing(name: str) -> None:
    bad, good = aim("bad", name), aim("good", "localhost")
    async with running(bad, good) as book:
        await book.addresses.first(5)
        assert book.addresses.current(bad) is None
        assert name in book.addresses.reason(bad)
        assert book.addresses.current(good) == "127.0.0.1"
    assert book.stats.dns_resolutions == {"success": 1, "failure": 1}


async def test_a_name_that_moves(zone: Zone) -> None:
    one, two = aim("one", "hq.test"), aim("two", "hq.test")
    zone.records["hq.test"] = ["192.0.2.1", "192.0.2.2"]
    async with running(one, two, refresh=30 * MS) as book:
        await until(lambda: book.addresses.current(one) == "192.0.2.1")
        zone.records["hq.test"] = ["192.0.2.2", "192.0.2.1"]  # rotated, not moved
        asked = len(zone.asked)
        await until(lambda: len(zone.asked) >= asked + 2)
        assert book.addresses.current(one) == "192.0.2.1"
        assert book.stats.address_changes == {}
        zone.records["hq.test"] = ["192.0.2.3", "192.0.2.2"]
        await until(lambda: book.addresses.current(one) == "192.0.2.3")
    assert book.addresses.current(two) == "192.0.2.3"
    assert book.stats.address_changes == {"one": 1, "two": 1}
    assert book.changes[2:] == [("one", "192.0.2.1", "192.0.2.3"), ("two", "192.0.2.1", "192.0.2.3")]


async def test_the_last_good_address_is_kept(zone: Zone) -> None:
    target = aim("a", "hq.test")
    zone.records["hq.test"] = ["192.0.2.1"]
    async with running(target, refresh=20 * MS) as book:
        await until(lambda: book.addresses.current(target) == "192.0.2.1")
        zone.records.clear()
        await until(lambda: book.stats.dns_resolutions["failure"] >= 2)
        assert book.addresses.current(target) == "192.0.2.1"
        assert "hq.test does not resolve" in book.addresses.reason(target)
        zone.records["hq.test"] = ["192.0.2.1"]
        await until(lambda: book.addresses.reason(target) == "")
    assert book.stats.address_changes == {}


@pytest.mark.parametrize(
    ("family", "good", "filtered"),
    [
        (4, "192.0.2.1", "0.0.0.0"),
        (4, "192.0.2.1", "224.0.0.1"),
        (4, "192.0.2.1", "255.255.255.255"),
        (6, "2001:db8::1", "::"),
        (6, "2001:db8::1", "ff02::1%lo"),
    ],
)
async def test_what_is_no_hosts_address_is_no_answer(zone: Zone, family: int, good: str, filtered: str) -> None:
    """A filtering resolver says 0.0.0.0 of what it blocks: probes of it would stay on this host."""
    target = aim("a", "hq.test", family)
    zone.records["hq.test"] = [filtered]
    async with running(target, refresh=20 * MS, retry=20 * MS) as book:
        await until(lambda: book.stats.dns_resolutions["failure"] >= 1)
        assert book.addresses.current(target) is None
        assert filtered in book.addresses.reason(target)
        zone.records["hq.test"] = [filtered, good]
        await until(lambda: book.addresses.current(target) == good)
        assert book.addresses.reason(target) == ""
        zone.records["hq.test"] = [filtered]
        failures = book.stats.dns_resolutions["failure"]
        await until(lambda: book.stats.dns_resolutions["failure"] >= failures + 2)
        assert book.addresses.current(target) == good
    assert book.stats.address_changes == {}


async def test_loopback_is_an_address_like_others(zone: Zone) -> None:
    target = aim("a", "hq.test")
    zone.records["hq.test"] = ["127.0.0.1"]
    async with running(target) as book:
        await until(lambda: book.addresses.current(target) == "127.0.0.1")


async def test_a_name_without_address_is_tried_sooner(zone: Zone) -> None:
    target = aim("a", "hq.test")
    async with running(target, refresh=60 * S, retry=20 * MS) as book:
        await until(lambda: book.stats.dns_resolutions["failure"] >= 3)
        zone.records["hq.test"] = ["192.0.2.1"]
        await until(lambda: book.addresses.current(target) == "192.0.2.1")
        asked = len(zone.asked)
        await asyncio.sleep(0.1)
        assert len(zone.asked) == asked  # known now: the slow rhythm


async def test_targets_of_one_name_share_a_question(zone: Zone) -> None:
    zone.records["hq.test"] = ["192.0.2.1"]
    targets = [aim(f"t{n}", "hq.test", via=Via(source=f"127.0.0.{n}")) for n in range(1, 9)]
    async with running(*targets, aim("six", "hq.test", 6)) as book:
        await book.addresses.first(5)
        assert {book.addresses.current(target) for target in targets} == {"192.0.2.1"}
    assert zone.asked == ["hq.test", "hq.test"]  # once per family


async def test_a_silent_resolver_holds_up_nobody(zone: Zone) -> None:
    """Threads hang in a look-up: neither the loop, nor the others' addresses, nor leaving waits for them."""
    zone.gate.clear()
    stuck, literal = aim("stuck", "hq.test"), aim("literal", "192.0.2.9")
    begun = time.monotonic()  # noqa: TID251 - the test's own watch
    try:
        async with running(stuck, literal) as book:
            await book.addresses.first(0.1)
            assert book.addresses.current(literal) == "192.0.2.9"
            assert book.addresses.current(stuck) is None
            assert book.addresses.reason(stuck) == "not looked up yet"
        assert time.monotonic() - begun < 1  # noqa: TID251
    finally:
        zone.gate.set()
    assert all(thread.daemon for thread in threading.enumerate() if thread.name.startswith("resolve-"))


async def test_what_nobody_waits_for_any_more_is_not_asked(zone: Zone) -> None:
    zone.records |= {"a.test": ["192.0.2.1"], "b.test": ["192.0.2.2"], "c.test": ["192.0.2.3"]}
    zone.gate.clear()
    resolver = Resolver(1)
    try:
        first, given_up, last = (resolver.look_up(name, 4) for name in zone.records)
        given_up.cancel()
        zone.gate.set()
        assert (await first, await last) == (["192.0.2.1"], ["192.0.2.3"])
    finally:
        zone.gate.set()
        resolver.close()
    assert zone.asked == ["a.test", "c.test"]


async def test_a_name_that_nobody_answers_for_leaves_the_others_their_threads(zone: Zone) -> None:
    zone.gate.clear()
    resolver = Resolver(2)
    try:
        for _ in range(4):  # as a probe does at every interval
            given_up = resolver.look_up("stuck.test", 4)
            await asyncio.wait([given_up], timeout=0.05)
            given_up.cancel()
        async with asyncio.timeout(5):
            assert await resolver.look_up("localhost", 4) == ["127.0.0.1"]
        assert zone.asked == ["stuck.test"]
    finally:
        zone.gate.set()
        resolver.close()


async def test_who_asks_the_same_is_told_the_same_whoever_gives_up(zone: Zone) -> None:
    zone.gate.clear()
    resolver = Resolver(4)
    try:
        first = resolver.look_up("hq.test", 4)
        await until(lambda: zone.asked == ["hq.test"])
        second, third, six = (resolver.look_up("hq.test", family) for family in (4, 4, 6))
        first.cancel()
        third.cancel()
        await until(lambda: len(zone.asked) == 2)
        zone.records["hq.test"] = ["192.0.2.1"]
        zone.gate.set()
        assert (await second, await six) == (["192.0.2.1"], ["192.0.2.1"])
        assert (first.cancelled(), third.cancelled()) == (True, True)
        assert len(zone.asked) == 2, "once per family"
        zone.records["hq.test"] = ["192.0.2.2"]
        assert await resolver.look_up("hq.test", 4) == ["192.0.2.2"], "what was answered is asked anew"
    finally:
        zone.gate.set()
        resolver.close()


async def test_who_asks_the_same_is_told_of_the_same_failure(zone: Zone) -> None:
    zone.gate.clear()
    resolver = Resolver(4)
    try:
        both = [resolver.look_up("nowhere.test", 4) for _ in range(2)]
        zone.gate.set()
        failures = await asyncio.gather(*both, return_exceptions=True)
        assert [type(failure) for failure in failures] == [socket.gaierror] * 2
        assert zone.asked == ["nowhere.test"]
    finally:
        zone.gate.set()
        resolver.close()


async def test_what_was_given_up_before_its_turn_is_asked_for_who_comes_after(zone: Zone) -> None:
    zone.records |= {"a.test": ["192.0.2.1"], "b.test": ["192.0.2.2"]}
    zone.gate.clear()
    resolver = Resolver(1)
    try:
        first, given_up = resolver.look_up("a.test", 4), resolver.look_up("b.test", 4)
        given_up.cancel()
        later = resolver.look_up("b.test", 4)
        zone.gate.set()
        assert (await first, await later) == (["192.0.2.1"], ["192.0.2.2"])
        resolver.look_up("b.test", 4).cancel()
        assert await resolver.look_up("b.test", 4) == ["192.0.2.2"]
    finally:
        zone.gate.set()
        resolver.close()


async def test_threads_end_with_the_run() -> None:
    async with running(*(aim(f"t{n}", f"n{n}.invalid") for n in range(9))) as book:
        await book.addresses.first(5)
        assert 1 <= sum(thread.name.startswith("resolve-") for thread in threading.enumerate()) <= 4
    await until(lambda: not any(thread.name.startswith("resolve-") for thread in threading.enumerate()))


async def test_reload_keeps_what_is_known(zone: Zone) -> None:
    zone.records |= {"a.test": ["192.0.2.1"], "b.test": ["192.0.2.2"]}
    first, second = aim("first", "a.test"), aim("second", "b.test")
    async with running(first) as book:
        await book.addresses.first(5)
        book.addresses.set([first, second])
        assert book.addresses.current(first) == "192.0.2.1"
        await until(lambda: book.addresses.current(second) == "192.0.2.2")
        book.addresses.set([second])
        assert book.addresses.current(first) is None
        assert book.addresses.current(second) == "192.0.2.2"
    assert zone.asked == ["a.test", "b.test"]


@pytest.mark.system
async def test_the_gateway_is_followed() -> None:
    namespace = Namespace()
    try:
        namespace.link("wan0", "10.1.0.2/24", peer="far0")
        namespace.link("lte0", "10.2.0.2/24", peer="far1")
        namespace.run("ip", "route", "add", "default", "via", "10.1.0.1")
        any_way, lte, six = (
            aim("any", "gateway"),
            aim("lte", "gateway", via=Via(interface="lte0")),
            aim("six", "gateway", 6),
        )
        none = aim("none", "gateway", via=Via(interface="nosuch0"))
        with inside(namespace):
            async with running(any_way, lte, six, none, poll=20 * MS) as book:
                current = book.addresses.current
                assert (current(any_way), current(lte), current(six), current(none)) == ("10.1.0.1", None, None, None)
                assert book.addresses.reason(lte) == "there is no IPv4 default route by lte0"
                assert book.addresses.reason(six) == "there is no IPv6 default route"
                assert "no interface nosuch0" in book.addresses.reason(none)
                namespace.run("ip", "route", "replace", "default", "via", "10.1.0.254")
                await until(lambda: current(any_way) == "10.1.0.254")
                namespace.run("ip", "-6", "route", "add", "default", "via", "fe80::1", "dev", "wan0")
                await until(lambda: current(six) == "fe80::1%wan0")
                namespace.run("ip", "route", "del", "default")
                await until(lambda: current(any_way) is None)
                namespace.run("ip", "route", "add", "default", "via", "10.2.0.1")
                await until(lambda: current(any_way) == current(lte) == "10.2.0.1")
        assert book.stats.address_changes == {"any": 2}
        assert book.changes[0] == ("any", None, "10.1.0.1")
        assert ("any", "10.1.0.254", None) in book.changes
    finally:
        namespace.close()
