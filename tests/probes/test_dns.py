"""Kind `dns` against real UDP servers: what is an answer, whose answer it is, and one shared socket for all targets."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rrset
import pytest
from pydantic import ValidationError

from slamon.model import MEANING, MS, Reading, Result, S, Target, Via
from slamon.probes.dns import PROBE, Dns, probe
from slamon.queries import Lines
from tests.netlab.namespace import Namespace, inside
from tests.probes.servers import Answer, NameServer, closed_port, name_server, well
from tests.probes.shots import Desk, Range, Watched, make_target, opened

NAME = "www.example.com"

SHORT = 1 * S
"""Patience where nothing will come; a quarter of it may pass in a standstill of our own."""


def question_to(port: int, patience: int = 2 * S, **settings: Any) -> Target:
    given = {"name": NAME, "port": str(port)} | settings
    return make_target("dns", Dns.model_validate(given), timeout=patience)


async def ask(
    answer: Answer, desk: Desk | None = None, patience: int = 2 * S, **settings: Any
) -> tuple[Reading, NameServer]:
    async with name_server("127.0.0.1", answer) as (server, port), opened(PROBE, desk) as gun:
        reading = await gun.shoot(question_to(port, patience, **settings))
        await asyncio.sleep(0.01)
        return reading, server


def records(kind: str, *values: str, rcode: str = "NOERROR", flags: int = 0) -> Answer:
    def answer(query: dns.message.Message, _peer: Any) -> bytes:
        response = dns.message.make_response(query)
        response.set_rcode(dns.rcode.from_text(rcode))
        response.flags |= flags
        if values:
            response.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", kind, *values))
        return response.to_wire()

    return answer


# --- settings


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({}, "Field required"),
        ({"name": "a..b"}, "not a domain name"),
        ({"name": NAME, "type": "ADDRESS"}, "not a record type"),
        ({"name": NAME, "rcode": "FINE"}, "not a response code"),
        ({"name": NAME, "type": "ANY"}, "no record is of type ANY"),
        ({"name": NAME, "type": "axfr"}, "no record is of type AXFR"),
        ({"name": NAME, "type": "TYPE0"}, "no record is of type"),
        ({"name": NAME, "answers": ["not an address"]}, "is not the data of a record of type A"),
        ({"name": NAME, "rcode": "NXDOMAIN", "answers": ["192.0.2.1"]}, "answers are expected with rcode NOERROR only"),
        ({"name": NAME, "rcode": "NXDOMAIN", "answers_regex": "x"}, "answers are expected with rcode NOERROR only"),
        ({"name": NAME, "answers_regex": "("}, "regular expression"),
        ({"name": NAME, "port": "70000"}, "less than or equal to 65535"),
        ({"name": NAME, "recursion": "maybe"}, "write true or false"),
    ],
)
def test_mistakes_are_told(settings: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(complaint)):
        Dns.model_validate(settings)


def test_text_becomes_values() -> None:
    settings = Dns.model_validate({"name": "bücher.example", "type": "mx", "rcode": "noerror", "recursion": "false"})
    assert settings == Dns(name="xn--bcher-kva.example.", type="MX", rcode="NOERROR", recursion=False)


# --- the answer


@pytest.mark.parametrize(
    ("answer", "settings", "result"),
    [
        (well, {}, Result.SUCCESS),
        (records("A", "192.0.2.1"), {"answers": ["192.0.2.1", "192.0.2.2"]}, Result.SUCCESS),
        (records("A", "192.0.2.1", "192.0.2.66"), {"answers": ["192.0.2.1", "192.0.2.2"]}, Result.BAD_RESPONSE),
        (records("AAAA", "2001:db8::1"), {"type": "AAAA", "answers": ["2001:DB8:0::1"]}, Result.SUCCESS),
        (records("MX", "10 mail.example.com."), {"type": "MX", "answers": ["10 mail.example.com"]}, Result.SUCCESS),
        (records("MX", "10 Mail.example.com."), {"type": "MX", "answers": ["10 mail.example.com"]}, Result.SUCCESS),
        (records("TXT", '"v=spf1 -all"'), {"type": "TXT", "answers_regex": "spf1.*-all"}, Result.SUCCESS),
        (records("TXT", '"v=spf1 +all"'), {"type": "TXT", "answers_regex": "spf1.*-all"}, Result.BAD_RESPONSE),
        (records("A"), {}, Result.BAD_RESPONSE),
        (records("CNAME", "elsewhere.example.com."), {}, Result.BAD_RESPONSE),
        (records("A", flags=dns.flags.TC), {}, Result.SUCCESS),
        (records("A", "192.0.2.1", flags=dns.flags.TC), {"answers": ["192.0.2.1"]}, Result.SUCCESS),
        (records("A", flags=dns.flags.TC), {"answers": ["192.0.2.1"]}, Result.BAD_RESPONSE),
        (records("A", rcode="SERVFAIL"), {}, Result.BAD_RESPONSE),
        (records("A", rcode="NXDOMAIN"), {}, Result.BAD_RESPONSE),
        (records("A", rcode="REFUSED"), {"answers": ["192.0.2.1"]}, Result.BAD_RESPONSE),
        (records("A", rcode="NXDOMAIN"), {"rcode": "NXDOMAIN"}, Result.SUCCESS),
        (records("A", rcode="REFUSED"), {"type": "ANY", "rcode": "REFUSED"}, Result.SUCCESS),
        (well, {"rcode": "NXDOMAIN"}, Result.BAD_RESPONSE),
    ],
)
async def test_answers(answer: Answer, settings: dict[str, Any], result: Result) -> None:
    reading, server = await ask(answer, **settings)
    assert reading.result is result, reading
    assert bool(reading.detail) == (result is not Result.SUCCESS)
    assert reading.rtt is not None
    assert len(server.queries) == 1
    assert (MEANING[result].effect == "up") == (result is Result.SUCCESS)


async def test_an_answers_regex_that_takes_too_long_is_given_up() -> None:
    reading, _ = await ask(records("TXT", f'"{"a" * 200}"'), type="TXT", answers_regex="(a|aa)+b")
    assert reading.result is Result.LOCAL_ERROR
    assert reading.detail == "answers_regex '(a|aa)+b' took longer than 50 ms on this answer; write a simpler one"


async def test_the_question_is_what_was_configured() -> None:
    _, first = await ask(well)
    _, second = await ask(records("MX", "10 mail.example.com."), type="MX", recursion="false")
    assert [str(entry) for entry in first.queries[0].question] == [f"{NAME}. IN A"]
    assert [str(entry) for entry in second.queries[0].question] == [f"{NAME}. IN MX"]
    assert first.queries[0].flags & dns.flags.RD
    assert not second.queries[0].flags & dns.flags.RD
    assert first.queries[0].payload == 1232


# --- whose answer


def garbage(query: dns.message.Message, _peer: Any) -> bytes:
    return query.id.to_bytes(2, "big") + b"\x80\x00\x00\x01\x00\x09\x00\x00\x00\x00" + _section(query) + b"\xff\xff\xff"


def _section(query: dns.message.Message) -> bytes:
    name = query.question[0].name.to_wire()
    assert name is not None
    return name + int(query.question[0].rdtype).to_bytes(2, "big") + b"\x00\x01"


def header_only(rcode: int) -> Answer:
    return lambda query, _peer: query.id.to_bytes(2, "big") + bytes((0x80, rcode)) + bytes(8)


async def test_an_unreadable_answer_is_the_servers() -> None:
    reading, _ = await ask(garbage)
    assert reading.result is Result.BAD_RESPONSE, reading
    assert "unreadable answer" in reading.detail


async def test_a_refusal_may_come_without_the_question() -> None:
    reading, _ = await ask(header_only(dns.rcode.FORMERR))
    assert (reading.result, reading.detail) == (Result.BAD_RESPONSE, "FORMERR, expected NOERROR")
    desk = Desk()
    reading, _ = await ask(header_only(dns.rcode.NOERROR), desk, SHORT)
    assert reading.result is Result.TIMEOUT
    assert desk.stats.unexpected_replies == 1


def other_id(query: dns.message.Message) -> bytes:
    forged = dns.message.from_wire(well(query, None))
    forged.id ^= 0x5555
    return forged.to_wire()


def other_question(query: dns.message.Message) -> bytes:
    forged = dns.message.make_query("evil.example.com", "A", id=query.id)
    return well(forged, None)


def the_query_itself(query: dns.message.Message) -> bytes:
    return query.to_wire()


@pytest.mark.parametrize("forge", [other_id, other_question, the_query_itself, lambda _: b"\x00\x01"])
async def test_what_is_no_answer_to_us_is_ignored(forge: Any) -> None:
    """The forged datagram comes first, from the server's own address; the real answer still counts."""
    desk = Desk()
    server: NameServer

    def answer(query: dns.message.Message, peer: Any) -> bytes:
        server.send(forge(query), peer)
        return well(query, peer)

    async with name_server("127.0.0.1", answer) as (server, port), opened(PROBE, desk) as gun:
        reading = await gun.shoot(question_to(port))
    assert reading.result is Result.SUCCESS
    assert desk.stats.unexpected_replies == 1


async def test_another_host_cannot_answer() -> None:
    desk = Desk()

    def answer(query: dns.message.Message, peer: Any) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.sendto(well(query, peer), peer)

    async with name_server("127.0.0.1", answer) as (_, port), opened(PROBE, desk) as gun:
        reading = await gun.shoot(question_to(port, SHORT))
    assert reading.result is Result.TIMEOUT
    assert desk.stats.unexpected_replies == 1


async def test_letter_case_of_the_name_does_not_matter() -> None:
    def answer(query: dns.message.Message, _peer: Any) -> bytes:
        shouted = dns.message.make_query(NAME.upper(), "A", id=query.id)
        return well(shouted, None)

    reading, _ = await ask(answer)
    assert reading.result is Result.SUCCESS


async def test_late_and_second_answers_change_nothing() -> None:
    desk = Desk()
    server: NameServer

    def answer(query: dns.message.Message, peer: Any) -> bytes | None:
        response = well(query, peer)
        if len(server.queries) == 1:
            asyncio.get_running_loop().call_later(SHORT / S + 0.05, server.send, response, peer)
            return None
        server.send(response, peer)
        return response

    async with name_server("127.0.0.1", answer) as (server, port), opened(PROBE, desk) as gun:
        late = await gun.shoot(question_to(port, SHORT))
        await asyncio.sleep(0.1)
        twice = await gun.shoot(question_to(port))
        await asyncio.sleep(0.02)
    assert (late.result, twice.result) == (Result.TIMEOUT, Result.SUCCESS)
    assert desk.stats.unexpected_replies == 2


async def test_an_answer_that_lay_in_our_buffer_at_the_timeout_is_not_the_servers_silence() -> None:
    """The loop is busy for a sixth of the wait, too short for a standstill, while an answer comes in time and the timeout passes."""

    def busy(response: bytes, peer: Any) -> None:
        server.send(response, peer)
        threading.Event().wait(0.2)

    def answer(query: dns.message.Message, peer: Any) -> None:
        asyncio.get_running_loop().call_later(SHORT / S - 0.05, busy, well(query, peer), peer)

    async with name_server("127.0.0.1", answer) as (server, port), opened(PROBE) as gun:
        unanswered: list[str] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("slamon.queries.Lines.unanswered", lambda _, target: unanswered.append(target.name))
            reading = await gun.shoot(question_to(port, SHORT))
    assert (reading.result, reading.detail) == (Result.LOCAL_ERROR, "the answer was read too late to tell")
    assert not unanswered


async def test_the_end_of_probing_is_no_answer_read_too_late() -> None:
    """Although one was read in the same turn of the loop."""
    desk = Desk()
    lines = Lines(desk.context)
    asked = asyncio.Event()

    def answer(_query: dns.message.Message, _peer: Any) -> None:
        asked.set()

    async with name_server("127.0.0.1", answer) as (server, port):
        target = question_to(port)
        probing = asyncio.create_task(probe(lines, target, "127.0.0.1", desk.context))
        await asyncio.wait_for(asked.wait(), 5)
        line = lines.get(target)
        server.send(well(server.queries[0], None), ("127.0.0.1", line._socket.getsockname()[1]))
        line._readable()
        lines.end()
        probing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probing
    lines.close()
    assert desk.stats.unexpected_replies == 0


# --- the shared socket


async def test_targets_share_a_socket_and_nothing_else() -> None:
    """Dead ports, silent servers and live ones at once on one socket: an error about one target never reaches another."""
    async with (
        name_server("127.0.0.1") as (server, port),
        name_server("127.0.0.1", lambda _query, _peer: None) as (silent, silent_port),
        opened(PROBE) as gun,
    ):
        dead = closed_port("127.0.0.1", socket.SOCK_DGRAM)
        ports = [port, dead, silent_port] * 60
        series = [gun.fire(question_to(number, SHORT if number == silent_port else 2 * S)) for number in ports]
        for one in series:
            await gun.settle(one)
    results: dict[int, set[Result]] = {}
    for number, one in zip(ports, series, strict=True):
        if "slamon itself stood still" not in one.decisions[0].detail:  # which a busy machine makes it do
            results.setdefault(number, set()).add(one.decisions[0].result)
    assert results == {port: {Result.SUCCESS}, dead: {Result.CONNECT_ERROR}, silent_port: {Result.TIMEOUT}}
    assert all(len(one.decisions) == 1 for one in series)
    assert len(set(server.peers + silent.peers)) == 1
    assert (len(server.queries), len(silent.queries)) == (60, 60)


async def test_each_probe_is_one_query_on_the_wire() -> None:
    async with name_server("127.0.0.1") as (server, port), opened(PROBE) as gun:
        for _ in range(50):
            assert (await gun.shoot(question_to(port))).result is Result.SUCCESS
    assert len(server.queries) == 50
    assert len({query.id for query in server.queries}) > 40  # of 65536 by chance


async def test_a_way_out_has_its_own_socket() -> None:
    async with name_server("127.0.0.1") as (server, port), opened(PROBE) as gun:
        for source in ("127.0.0.2", "127.0.0.3", None, "127.0.0.2"):
            settings = Dns.model_validate({"name": NAME, "port": str(port)})
            reading = await gun.shoot(make_target("dns", settings, via=Via(source=source)))
            assert reading.result is Result.SUCCESS
    assert server.peers == ["127.0.0.2", "127.0.0.3", "127.0.0.1", "127.0.0.2"]


@pytest.mark.system
@pytest.mark.parametrize("address", ["fe80::1", "fe80::1%lo", "fe80::1%1"])
async def test_a_link_local_server_is_known_by_its_interface(address: str) -> None:
    """Its answers, and ICMP errors about it, come with the interface they came by, also where the address was given without."""
    namespace = Namespace()
    try:
        namespace.run("ip", "addr", "add", "fe80::1/64", "dev", "lo", "nodad")
        with inside(namespace):
            async with name_server("fe80::1%lo") as (_, port), opened(PROBE) as gun:
                for number, result in {
                    port: Result.SUCCESS,
                    closed_port("fe80::1%lo", socket.SOCK_DGRAM): Result.CONNECT_ERROR,
                }.items():
                    settings = Dns.model_validate({"name": NAME, "port": str(number)})
                    way = Via(interface="lo")
                    target = make_target("dns", settings, address=address, family=6, via=way, timeout=SHORT)
                    reading = await gun.shoot(target)
                    assert reading.result is result, reading
    finally:
        namespace.close()


@pytest.mark.system
async def test_an_interface_that_comes_back_is_found_again() -> None:
    """After `ip link del` and a new link of the same name the old socket is bound to something that is gone."""
    namespace = Namespace()
    try:
        namespace.run("ip", "link", "add", "wan0", "type", "veth", "peer", "name", "far0")
        with inside(namespace):
            async with opened(PROBE) as gun:
                settings = Dns.model_validate({"name": NAME})
                nobody = make_target("dns", settings, address="10.9.0.2", via=Via(interface="wan0"), timeout=SHORT)
                results = [(await gun.shoot(nobody)).result]
                _bring_up(namespace)
                results.append((await gun.shoot(nobody)).result)
                namespace.run("ip", "link", "del", "wan0")
                results.append((await gun.shoot(nobody)).result)
                namespace.run("ip", "link", "add", "wan0", "type", "veth", "peer", "name", "far0")
                _bring_up(namespace)
                results.append((await gun.shoot(nobody)).result)
        # No route, sent and not answered, no interface, and again sent: with the old socket the last would be our own failure.
        assert results == [Result.LOCAL_ERROR, Result.TIMEOUT, Result.LOCAL_ERROR, Result.TIMEOUT]
    finally:
        namespace.close()


def _bring_up(namespace: Namespace) -> None:
    for device in ("wan0", "far0"):
        namespace.run("ip", "link", "set", device, "up")
    namespace.run("ip", "addr", "add", "10.9.0.1/24", "dev", "wan0")
    while (
        "state UP" not in namespace.run("ip", "link", "show", "wan0").stdout
    ):  # the kernel notices the carrier a little later
        pass


async def test_our_full_buffer_is_not_their_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood fills the receive buffer while the loop is busy elsewhere: what the kernel dropped is our own loss, and counted."""
    monkeypatch.setattr("slamon.queries.BUFFER", 4096)
    desk = Desk()

    def flood(query: dns.message.Message, peer: Any) -> bytes:
        noise = other_id(query)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as pipe:
            pipe.bind(("127.0.0.1", 0))
            for _ in range(500):
                pipe.sendto(noise, peer)
        return well(query, peer)

    async with name_server("127.0.0.1", flood) as (_, port), opened(PROBE, desk) as gun:
        reading = await gun.shoot(question_to(port, SHORT))
    assert reading.result is Result.LOCAL_ERROR, reading
    assert "buffer" in reading.detail
    assert desk.stats.receive_drops[4] > 0


async def test_each_drop_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many questions wait for answers that our full buffer cannot take."""
    monkeypatch.setattr("slamon.queries.BUFFER", 4096)
    desk = Desk()
    sent = 0

    def flood(query: dns.message.Message, peer: Any) -> None:
        nonlocal sent
        noise = other_id(query)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as pipe:
            for _ in range(200):
                pipe.sendto(noise, peer)
                sent += 1

    async with name_server("127.0.0.1", flood) as (_, port), opened(PROBE, desk) as gun:
        series = [gun.fire(question_to(port, SHORT)) for _ in range(10)]
        for one in series:
            await gun.settle(one)
    assert sent == 2000
    assert desk.stats.receive_drops[4] + desk.stats.unexpected_replies == sent


# --- the flow


async def volley(gun: Range, target: Target, times: int) -> Watched:
    """So many questions one after the other."""
    series = Watched(target)
    for number in range(1, times + 1):
        gun.fire(target, series=series)
        await gun.settle(series, number)
    return series


@pytest.mark.parametrize(("pause", "rotations"), [(0, 1), (60 * S, 0)])
async def test_a_flow_that_is_stuck_on_the_way_is_left_before_it_looks_like_an_outage(
    monkeypatch: pytest.MonkeyPatch, pause: int, rotations: int
) -> None:
    """What comes from the first port is lost, as at a NAT whose entry leads to a line that is gone; the server is well."""
    monkeypatch.setattr("slamon.queries.ROTATION_PAUSE", pause)
    ports: list[int] = []

    def answer(query: dns.message.Message, peer: Any) -> bytes | None:
        ports.append(peer[1])
        return None if peer[1] == ports[0] else well(query, peer)

    async with name_server("127.0.0.1", answer) as (_, port), opened(PROBE) as gun:
        series = await volley(gun, question_to(port, 300 * MS), 4)
    assert len(ports) == 4
    assert len(set(ports)) == 1 + rotations
    assert [reading.result is Result.SUCCESS for reading in series.decisions] == [False, False, *[rotations > 0] * 2]
    assert series.rotations == rotations


async def test_losses_that_are_not_in_a_row_change_no_flow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slamon.queries.ROTATION_PAUSE", 0)
    ports: list[int] = []

    def answer(query: dns.message.Message, peer: Any) -> bytes | None:
        ports.append(peer[1])
        return well(query, peer) if len(ports) % 2 else None

    async with name_server("127.0.0.1", answer) as (_, port), opened(PROBE) as gun:
        series = await volley(gun, question_to(port, 300 * MS), 6)
    assert [reading.result is Result.SUCCESS for reading in series.decisions] == [True, False] * 3
    assert len(set(ports)) == 1
    assert series.rotations == 0


async def test_an_outage_changes_the_flow_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slamon.queries.ROTATION_PAUSE", 0)
    ports: list[int] = []

    def note(_query: dns.message.Message, peer: Any) -> None:
        ports.append(peer[1])

    async with name_server("127.0.0.1", note) as (_, port), opened(PROBE) as gun:
        series = await volley(gun, question_to(port, 100 * MS), 6)
    assert not series.results[0]
    assert len(ports) == 6
    assert len(set(ports)) == 2
    assert series.rotations == 1


async def test_the_port_is_changed_in_time_and_what_is_in_flight_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    ports: list[int] = []
    held: list[tuple[bytes, Any]] = []

    def answer(query: dns.message.Message, peer: Any) -> bytes | None:
        ports.append(peer[1])
        if len(ports) > 1:
            return well(query, peer)
        held.append((well(query, peer), peer))
        return None

    async with name_server("127.0.0.1", answer) as (server, port), opened(PROBE) as gun:
        slow = gun.fire(question_to(port))
        while not held:  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)
        monkeypatch.setattr("slamon.queries.ROTATION", 1)
        quick = await volley(gun, question_to(port), 1)
        monkeypatch.undo()
        server.send(*held[0])
        await gun.settle(slow)
        again = await volley(gun, question_to(port), 1)
    assert {one.decisions[0].result for one in (slow, quick, again)} == {Result.SUCCESS}
    assert ports[0] != ports[1] == ports[2]
    assert quick.rotations == 1
    told = [record.getMessage() for record in caplog.records if "another port" in record.getMessage()]
    assert told == ["IPv4 DNS probes leave from another port from here on: it was in use for an hour"]


async def test_many_targets_at_once() -> None:
    """Every one is answered, nothing is dropped."""
    desk = Desk()
    async with name_server("127.0.0.1") as (_, port), opened(PROBE, desk) as gun:
        series = [gun.fire(question_to(port)) for _ in range(100)]  # as many as the server's own buffer holds
        for one in series:
            await gun.settle(one)
    assert {one.decisions[0].result for one in series} == {Result.SUCCESS}
    assert desk.stats.unexpected_replies == 0
