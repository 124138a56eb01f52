"""Kind `http` against real servers: what counts as an answer, TLS, redirects, where the time goes, one connection a probe."""

from __future__ import annotations

import asyncio
import datetime as dt
import encodings
import gzip
import os
import pkgutil
import re
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web
from cryptography import x509
from pydantic import TypeAdapter, ValidationError

from slamon.config.values import Timeout
from slamon.egress import SocketAddress, socket_address
from slamon.model import HOUR, MS, Reading, Result, S
from slamon.probes.http import PROBE, Http
from slamon.tls import not_after
from slamon.visit import HANDSHAKE, HEADER_LINE
from tests.probes.servers import Handler, serving
from tests.probes.shots import Range, make_target, opened

HOST = "www.example.test"


async def ask(gun: Range, *, address: str = "127.0.0.1", patience: int = 2000 * MS, **settings: Any) -> Reading:
    target = make_target("http", Http.model_validate(settings), address=address, timeout=patience)
    return await gun.shoot(target, "127.0.0.1")


async def hello(_request: web.Request) -> web.StreamResponse:
    return web.Response(text="all systems are well")


def answering(status: int, **headers: str) -> Handler:
    async def handler(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers=headers)

    return handler


# --- settings


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"url": "ftp://example.com/"}, "not an http or https URL"),
        ({"url": "www.example.com"}, "not an http or https URL"),
        ({"url": "https://user:secret@example.com/"}, "no user or password in a URL"),
        ({"url": "http://example.com:99999/"}, "not a URL"),
        ({"url": "http://example.com/", "path": "/x", "scheme": "https"}, "path and scheme cannot stand beside url"),
        ({"method": "HEAD", "body_regex": "x"}, "an answer to HEAD has no body"),
        ({"method": "POST"}, "'GET' or 'HEAD'"),
        ({"status": "2xx"}, "not an HTTP status or range"),
        ({"status": "299-200"}, "not an HTTP status or range"),
        ({"status": ["200", "600"]}, "not an HTTP status or range"),
        ({"body_regex": "("}, "regular expression"),
        ({"bearer_token": "abc\n"}, "a line break in headers or bearer_token"),
        ({"headers": {"X-A": "b\r\nX-C: d"}}, "a line break in headers or bearer_token"),
        ({"path": "health"}, "String should match pattern"),
        ({"port": "0"}, "greater than or equal to 1"),
        ({"verify_tls": "no"}, "write true or false"),
        ({"max_body_bytes": "0"}, "greater than or equal to 1"),
        ({"max_body_bytes": "1MB"}, "not a whole number"),
    ],
)
def test_mistakes_are_told(settings: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(complaint)):
        Http.model_validate(settings)


def test_text_becomes_values() -> None:
    settings = Http.model_validate(
        {
            "scheme": "https",
            "port": "8443",
            "path": "/health?full=1",
            "status": ["200-204", "301"],
            "headers": {"X-Key": "k"},
            "bearer_token": "s3cret",
            "follow_redirects": "true",
            "verify_tls": "false",
            "max_body_bytes": "4096",
        }
    )
    assert settings.status == ((200, 204), (301, 301))
    assert settings.headers == (("X-Key", "k"),)
    assert (settings.port, settings.max_body_bytes) == (8443, 4096)
    assert (settings.follow_redirects, settings.verify_tls) == (True, False)
    assert str(settings.start("192.0.2.1")) == "https://192.0.2.1:8443/health?full=1"
    assert str(settings.start("fe80::1%eth0")) == "https://[fe80::1]:8443/health?full=1"
    assert "s3cret" not in repr(settings)
    assert "X-Key" not in repr(settings)


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({"url": "https://www.example.com/health"}, "www.example.com"),
        ({"url": "http://[2001:db8::1]:8080/"}, "2001:db8::1"),
        ({"url": "http://bücher.example/"}, "xn--bcher-kva.example"),
        ({}, None),
    ],
)
def test_address_of_a_url(settings: dict[str, object], address: str | None) -> None:
    assert PROBE.default_address(Http.model_validate(settings)) == address


@pytest.mark.parametrize("path", ["/a%20b?q=a%2Fb", "/a b?q=ü", "//x", "/100%", "/a/../b", "/?q", "/#top", "/"])
def test_a_path_is_asked_for_as_the_same_text_in_a_url_is(path: str) -> None:
    url = Http.model_validate({"url": f"http://192.0.2.1:8080{path}"})
    assert Http.model_validate({"port": "8080", "path": path}).start("192.0.2.1") == url.start("")


def test_a_path_is_encoded_once() -> None:
    url = Http.model_validate({"path": "/a%20b%2Fc?q=a%26b"}).start("192.0.2.1")
    assert (url.raw_path, url.raw_query_string) == ("/a%20b%2Fc", "q=a%26b")


# --- the answer


@pytest.mark.parametrize(
    ("status", "expected", "result"),
    [
        (200, None, Result.SUCCESS),
        (204, None, Result.SUCCESS),
        (301, None, Result.BAD_RESPONSE),
        (404, None, Result.BAD_RESPONSE),
        (500, None, Result.BAD_RESPONSE),
        (503, "503", Result.SUCCESS),
        (401, ["200", "400-499"], Result.SUCCESS),
        (200, ["400-499"], Result.BAD_RESPONSE),
    ],
)
async def test_status(status: int, expected: object, result: Result) -> None:
    async with serving("127.0.0.1", {"/": answering(status, Location="/elsewhere")}) as port, opened(PROBE) as gun:
        settings: dict[str, Any] = {} if expected is None else {"status": expected}
        reading = await ask(gun, port=str(port), **settings)
    assert reading.result is result
    assert ("http_status_code", status) in reading.gauges
    assert reading.rtt is not None
    if result is Result.BAD_RESPONSE:
        assert f"HTTP {status}" in reading.detail
    if status == 301:
        assert "to /elsewhere" in reading.detail


async def test_body_regex_sees_decoded_text() -> None:
    async def page(_request: web.Request) -> web.StreamResponse:
        return web.Response(body="Grüße: gut".encode("latin-1"), content_type="text/plain", charset="latin-1")

    async def packed(request: web.Request) -> web.StreamResponse:
        response = web.Response(text="all systems are well")
        response.enable_compression(web.ContentCoding.gzip)
        return response

    async with serving("127.0.0.1", {"/": page, "/gz": packed}) as port, opened(PROBE) as gun:
        found = await ask(gun, port=str(port), body_regex="Grüße: g.t$")
        missing = await ask(gun, port=str(port), body_regex="schlecht")
        unpacked = await ask(gun, port=str(port), path="/gz", body_regex="are well")
    assert found.result is Result.SUCCESS
    assert missing.result is Result.BAD_RESPONSE
    assert "schlecht" in missing.detail
    assert unpacked.result is Result.SUCCESS


@pytest.mark.parametrize(
    "kind",
    [
        "text/html; charset=no-such",
        "text/html; charset=undefined",
        "text/html; charset=idna",
        "text/html; charset=punycode",
        "text/html; charset=Punycode",
        "text/html; charset=unicode-escape",
        "text/html; charset=raw_unicode_escape",
        "text/html; charset=zlib",
        "text/html; charset=\xff",
    ],
)
async def test_a_character_set_that_is_none_is_taken_for_utf_8(kind: str) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: " + kind.encode("latin-1") + b"\r\n\r\nGr\xc3\xbc\xc3\x9fe"
    async with raw(saying(answer)) as (port, _), opened(PROBE) as gun:
        reading = await ask(gun, port=str(port), body_regex="Grüße")
    assert reading.result is Result.SUCCESS, reading


async def test_no_codec_that_the_server_names_holds_up_the_loop() -> None:
    """512 KiB in every codec that Python has. `punycode` took seconds."""
    text = b"a" * (1 << 19)

    async def page(request: web.Request) -> web.StreamResponse:
        return web.Response(body=text, headers={"Content-Type": f"text/html; charset={request.query['in']}"})

    longest = 0.0
    async with serving("127.0.0.1", {"/": page}) as port, opened(PROBE) as gun:
        for codec in (module.name for module in pkgutil.iter_modules(encodings.__path__)):
            began = os.times().user
            await ask(gun, port=str(port), path=f"/?in={codec}", body_regex="^a", patience=10 * S)
            longest = max(longest, os.times().user - began)
    assert longest < 1


async def test_a_body_regex_that_takes_too_long_is_given_up() -> None:
    """1 MiB that the server chooses so that the search takes minutes: no other target waits for that, and nothing is said of this one."""

    async def page(_request: web.Request) -> web.StreamResponse:
        return web.Response(text="Welcome" * 149_000)

    async with serving("127.0.0.1", {"/": page}) as port, opened(PROBE) as gun:
        slow = await ask(gun, port=str(port), body_regex="Welcome.*Portal", patience=20 * S)
        plain = await ask(gun, port=str(port), body_regex="(?i)^welCOME")
    assert slow.result is Result.LOCAL_ERROR, slow
    assert slow.detail == "body_regex 'Welcome.*Portal' took longer than 50 ms on this answer; write a simpler one"
    assert plain.result is Result.SUCCESS, plain


async def test_an_endless_body_is_read_up_to_the_limit() -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while request.transport is not None and not request.transport.is_closing():
            await response.write(b"x" * 1000)
        return response

    async with serving("127.0.0.1", {"/": endless}) as port, opened(PROBE) as gun:
        reading = await ask(gun, port=str(port), max_body_bytes="5000", body_regex="^x{5000}$")
    assert reading.result is Result.SUCCESS


@pytest.mark.parametrize("behind", [b"", b"EXTRA"])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("length", [1 << 10, 1 << 17, (1 << 20) - 3])
async def test_a_body_of_any_size_is_read(length: int, packed: bool, behind: bytes) -> None:
    """A large one comes faster than it is taken, and a packed one is more than it looks like: the parser stops and goes on."""
    body = b"x" * length + b"end"
    sent, coding = (gzip.compress(body), b"Content-Encoding: gzip\r\n") if packed else (body, b"")
    head = b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n" % (coding, len(sent))
    async with raw(saying(head + sent + behind, stay=True)) as (port, _), opened(PROBE) as gun:
        reading = await ask(gun, port=str(port), body_regex=f"^x{{{length}}}end$")
    assert reading.result is Result.SUCCESS, reading


async def test_request_says_what_it_is_told_to() -> None:
    seen: list[web.Request] = []

    async def note(request: web.Request) -> web.StreamResponse:
        seen.append(request)
        return web.Response()

    async with serving("127.0.0.1", {"/health": note}) as port, opened(PROBE) as gun:
        reading = await ask(
            gun,
            address=HOST,
            url=f"http://{HOST}:{port}/health?deep=1",
            method="HEAD",
            headers={"X-Probe": "yes"},
            bearer_token="s3cret",
        )
    assert reading.result is Result.SUCCESS
    (request,) = seen
    assert (request.method, request.path_qs, request.host) == ("HEAD", "/health?deep=1", f"{HOST}:{port}")
    assert request.headers["X-Probe"] == "yes"
    assert request.headers["Authorization"] == "Bearer s3cret"
    assert request.headers["Connection"] == "close"
    assert request.headers["User-Agent"].startswith("slamon/")


@pytest.mark.parametrize(("address", "host"), [(HOST, HOST), ("127.0.0.1", "127.0.0.1"), ("gateway", "127.0.0.1")])
async def test_without_url_the_host_is_the_address(address: str, host: str) -> None:
    seen: list[str] = []

    async def note(request: web.Request) -> web.StreamResponse:
        seen.append(request.host)
        return web.Response()

    async with serving("127.0.0.1", {"/": note}) as port, opened(PROBE) as gun:
        assert (await ask(gun, address=address, port=str(port))).result is Result.SUCCESS
    assert seen == [f"{host}:{port}"]


async def test_nothing_is_kept_from_one_probe_to_the_next() -> None:
    seen: list[tuple[object, object]] = []

    async def bake(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        seen.append((request.transport.get_extra_info("peername"), request.headers.get("Cookie")))
        response = web.Response()
        response.set_cookie("session", "1")
        return response

    async with serving("127.0.0.1", {"/": bake}) as port, opened(PROBE) as gun:
        for _ in range(3):
            assert (await ask(gun, port=str(port))).result is Result.SUCCESS
    assert len({peer for peer, _ in seen}) == 3
    assert {cookie for _, cookie in seen} == {None}


# --- broken servers


@asynccontextmanager
async def raw(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[tuple[int, list[int]]]:
    """A TCP server that says what it likes; (port, one entry per connection)."""
    connections: list[int] = []
    talks: list[asyncio.Task[None]] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(1)
        task = asyncio.current_task()
        assert task is not None
        talks.append(task)
        with suppress(ConnectionError):
            await talk(reader, writer)
            writer.close()
            await writer.wait_closed()

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], connections
        await asyncio.gather(*talks)


def saying(
    answer: bytes, *, reset: bool = False, stay: bool = False
) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        if reset:
            writer.transport.abort()
        if stay:
            await reader.read()  # until the other side leaves

    return talk


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (b"", Result.CONNECT_ERROR),
        (b"SSH-2.0-OpenSSH_9.2\r\n", Result.BAD_RESPONSE),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this", Result.BAD_RESPONSE),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", Result.BAD_RESPONSE),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", Result.SUCCESS),
    ],
)
async def test_a_broken_answer_is_one_answer(answer: bytes, result: Result) -> None:
    """Whatever the server does, a probe is one connection: aiohttp alone would try a broken one again."""
    async with raw(saying(answer)) as (port, connections), opened(PROBE) as gun:
        reading = await ask(gun, port=str(port))
        await asyncio.sleep(0.02)
    assert reading.result is result, reading
    assert len(connections) == 1
    assert reading.detail or result is Result.SUCCESS


FINE = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nfine"


def saying_in_turn(*pieces: bytes) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """Each in a segment of its own, as long as anybody listens."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for number, piece in enumerate(pieces):
            await asyncio.sleep(0.02 if number else 0)
            writer.write(piece)
            await writer.drain()

    return talk


@pytest.mark.parametrize("cut", [0, 1, 17, 54, 55, 56, 57, 58, 61, 62])
@pytest.mark.parametrize(
    ("before", "answer", "method"),
    [
        (b"", FINE, "GET"),
        (b"", FINE.replace(b"Connection: close\r\n", b"X-Padding: 678901\r\n"), "GET"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n", FINE, "GET"),
        (b"", FINE[:-4], "HEAD"),
        (b"", b"HTTP/1.1 204 No Content\r\nX-Padding: abcdefghijklmnopq\r\n\r\n", "GET"),
    ],
    ids=["closed", "kept open", "after a hint", "HEAD", "no content"],
)
async def test_what_comes_behind_an_answer_is_not_part_of_it(
    before: bytes, answer: bytes, method: str, cut: int
) -> None:
    """Wherever TCP cuts it: a working service must not come and go with the size of segments."""
    whole = answer + b"EXTRA\r\nmore\r\n\r\n"
    async with raw(saying_in_turn(before + whole[:cut], whole[cut:])) as (port, _), opened(PROBE) as gun:
        expected: dict[str, Any] = {"body_regex": "^fine$"} if b"fine" in answer else {}
        reading = await ask(gun, port=str(port), method=method, **expected)
    assert reading.result is Result.SUCCESS, reading


@pytest.mark.parametrize(
    "pieces",
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"zz\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine\r\nzz\r\n",),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine\r\n", b"zz\r\n"),
        (b"HTTP/1.1 200 OK\r\nNo header at all\r\n", b"\r\nfine"),
    ],
)
async def test_an_answer_that_becomes_unreadable_is_wrong_and_not_lost(pieces: tuple[bytes, ...]) -> None:
    async with raw(saying_in_turn(*pieces)) as (port, _), opened(PROBE) as gun:
        reading = await ask(gun, port=str(port))
    assert reading.result is Result.BAD_RESPONSE, reading
    assert reading.detail.startswith("not a valid HTTP answer: ")


@pytest.mark.parametrize(
    ("length", "result"), [(HEADER_LINE - 100, Result.SUCCESS), (HEADER_LINE, Result.BAD_RESPONSE)]
)
async def test_a_long_header_is_no_fault(length: int, result: Result) -> None:
    answer = FINE.replace(b"Connection: close", b"Content-Security-Policy: " + b"x" * length)
    async with raw(saying(answer)) as (port, _), opened(PROBE) as gun:
        assert (await ask(gun, port=str(port))).result is result


async def test_a_reset_is_a_refusal() -> None:
    async def slam(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)  # what is left unread makes the close a reset
        writer.transport.abort()

    async with raw(slam) as (port, connections), opened(PROBE) as gun:
        reading = await ask(gun, port=str(port))
        await asyncio.sleep(0.02)
    assert reading.result is Result.CONNECT_ERROR, reading
    assert len(connections) == 1


async def test_a_body_that_trickles_times_out() -> None:
    async def trickle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(100):
            await response.write(b".")
            await asyncio.sleep(0.05)
        return response

    async with serving("127.0.0.1", {"/": trickle}) as port, opened(PROBE) as gun:
        reading = await ask(gun, port=str(port), patience=1 * S)
    assert reading.result is Result.TIMEOUT


async def test_phases_say_where_the_time_went() -> None:
    async def slow(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.15)
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first")
        await asyncio.sleep(0.10)
        await response.write(b"last")
        return response

    async with serving("127.0.0.1", {"/": slow}) as port, opened(PROBE) as gun:
        reading = await ask(gun, port=str(port), body_regex="^firstlast$")
    phases = dict(reading.phases)
    assert set(phases) == {"resolve", "connect", "first_byte", "transfer"} or set(phases) == {
        "connect",
        "first_byte",
        "transfer",
    }
    assert phases["first_byte"] > 145 * MS
    assert phases["transfer"] > 95 * MS
    assert phases["connect"] < 145 * MS
    assert reading.rtt is not None
    assert 0 <= reading.rtt - sum(phases.values()) < 95 * MS


# --- redirects


async def test_redirects_are_followed_only_if_wanted() -> None:
    seen: list[tuple[str, str | None]] = []

    async def end(request: web.Request) -> web.StreamResponse:
        seen.append((request.host, request.headers.get("Authorization")))
        return web.Response(text="the end")

    async def relative(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": "end?x=1"})

    async with serving("127.0.0.1", {"/end": end}) as other:
        elsewhere = answering(307, Location=f"http://localhost:{other}/end")
        routes = {"/end": end, "/near": relative, "/far": elsewhere}
        async with serving("127.0.0.1", routes) as port, opened(PROBE) as gun:
            follow: dict[str, Any] = {"follow_redirects": "true", "bearer_token": "s3cret", "body_regex": "the end"}
            stays = await ask(gun, url=f"http://{HOST}:{port}/near")
            near = await ask(gun, url=f"http://{HOST}:{port}/near", **follow)
            far = await ask(gun, url=f"http://{HOST}:{port}/far", **follow)
    assert stays.result is Result.BAD_RESPONSE
    assert near.result is Result.SUCCESS
    assert far.result is Result.SUCCESS
    # The name of the target leads to the target's address; another name is looked up, and does not get the token.
    assert seen == [(f"{HOST}:{port}", "Bearer s3cret"), (f"localhost:{other}", None)]
    assert dict(far.phases)["resolve"] > 0


async def test_the_port_of_a_scheme_may_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """A redirect from `http://host/` to `http://host:80/` stays with the same server (RFC 6454)."""
    seen: list[tuple[str, str | None, str | None]] = []

    async def end(request: web.Request) -> web.StreamResponse:
        seen.append((request.host, request.headers.get("Authorization"), request.headers.get("X-Probe")))
        return web.Response()

    routes = {"/": answering(302, Location=f"http://{HOST.upper()}:80/end"), "/end": end}
    async with serving("127.0.0.1", routes) as port, opened(PROBE) as gun:

        def here(address: str, _port: int) -> SocketAddress:
            return socket_address(address, port)

        monkeypatch.setattr("slamon.visit.socket_address", here)
        settings: dict[str, Any] = {"bearer_token": "s3cret", "headers": {"X-Probe": "yes"}}
        reading = await ask(gun, url=f"http://{HOST}/", follow_redirects="true", **settings)
    assert reading.result is Result.SUCCESS, reading
    assert [told[1:] for told in seen] == [("Bearer s3cret", "yes")]


async def test_a_redirect_does_not_change_who_we_say_we_are() -> None:
    seen: list[str | None] = []

    async def end(request: web.Request) -> web.StreamResponse:
        seen.append(request.headers.get("Authorization"))
        return web.Response()

    async def onward(request: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": f"http://reader:hunter2@{request.host}/end"})

    async with serving("127.0.0.1", {"/": onward, "/end": end}) as port, opened(PROBE) as gun:
        told = await ask(gun, port=str(port), follow_redirects="true", headers={"authorization": "Bearer mine"})
        untold = await ask(gun, port=str(port), follow_redirects="true")
    assert (told.result, untold.result) == (Result.SUCCESS, Result.SUCCESS)
    assert seen == ["Bearer mine", "Basic cmVhZGVyOmh1bnRlcjI="]


class Silent:
    """A resolver that says nothing about `other.test` and what is below it, and that `nowhere.test` is 0.0.0.0, as filtering ones do."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked = 0
        self.over = threading.Event()
        self._real = socket.getaddrinfo
        monkeypatch.setattr("socket.getaddrinfo", self._ask)

    def _ask(self, host: Any, *args: Any, **more: Any) -> Any:
        if host == "nowhere.test":
            return self._real("0.0.0.0", *args, **more)
        if not str(host).endswith("other.test"):
            return self._real(host, *args, **more)
        self.asked += 1
        self.over.wait(20)
        raise socket.gaierror(socket.EAI_AGAIN, "nobody answered")


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Silent]:
    resolver = Silent(monkeypatch)
    yield resolver
    resolver.over.set()


AWAY = answering(302, Location="http://other.test/")


async def test_a_silent_resolver_is_not_the_servers_silence(silent: Silent) -> None:
    async with serving("127.0.0.1", {"/": AWAY}) as port, opened(PROBE) as gun:
        reading = await ask(gun, port=str(port), follow_redirects="true", patience=500 * MS)
    assert silent.asked == 1
    assert reading == Reading(Result.DNS_ERROR, detail="redirected to other.test: the resolver does not answer")


async def test_a_silent_resolver_holds_up_no_other_thread(silent: Silent) -> None:
    routes = {f"/{n}": answering(302, Location=f"http://{n}.other.test/") for n in range(40)}
    async with serving("127.0.0.1", routes) as port, opened(PROBE) as gun:
        settings = {"follow_redirects": "true", "port": str(port)}
        every = [Http.model_validate(settings | {"path": path}) for path in routes]
        series = [gun.fire(make_target("http", each, timeout=1 * S)) for each in every]
        while silent.asked < 6:  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        async with asyncio.timeout(5):
            await asyncio.to_thread(int)
        for one in series:
            await gun.settle(one)
    assert {one.decisions[0].result for one in series} == {Result.DNS_ERROR}


async def test_the_end_of_probing_is_not_a_silent_resolver(silent: Silent) -> None:
    async with serving("127.0.0.1", {"/": AWAY}) as port, opened(PROBE) as gun:
        settings = Http.model_validate({"follow_redirects": "true", "port": str(port)})
        series = gun.fire(make_target("http", settings))
        while not silent.asked:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert [reading.detail for reading in series.decisions] == ["cancelled: probing stopped"]


async def test_a_redirect_to_a_name_that_is_filtered(silent: Silent) -> None:
    away = answering(302, Location="http://nowhere.test/")
    async with serving("127.0.0.1", {"/": away}) as port, opened(PROBE) as gun:
        reading = await ask(gun, port=str(port), follow_redirects="true")
    assert reading.result is Result.DNS_ERROR, reading
    assert "0.0.0.0" in reading.detail


async def test_redirects_end() -> None:
    async with serving("127.0.0.1", {"/": answering(302, Location="/")}) as port, opened(PROBE) as gun:
        reading = await ask(gun, port=str(port), follow_redirects="true")
    assert reading == Reading(Result.BAD_RESPONSE, detail="more than 10 redirects")


@pytest.mark.parametrize(
    "location", ["http://reader:hunter2@h/", "ftp://reader:hunter2@h/", "http://reader:hunter2@[::bad/"]
)
@pytest.mark.parametrize("follow", ["true", "false"])
async def test_a_password_in_a_redirect_is_not_told(location: str, follow: str) -> None:
    async with serving("127.0.0.1", {"/": answering(302, Location=location)}) as port, opened(PROBE) as gun:
        reading = await ask(gun, port=str(port), follow_redirects=follow)
    assert reading.result is not Result.SUCCESS
    assert "hunter2" not in reading.detail


@pytest.mark.parametrize(
    ("location", "result"),
    [
        ("ftp://example.test/", Result.BAD_RESPONSE),
        ("http://[::bad/", Result.BAD_RESPONSE),
        ("https:///login", Result.BAD_RESPONSE),
        ("https:/login", Result.BAD_RESPONSE),
        ("mailto:a@b", Result.BAD_RESPONSE),
        ("http://www..example.test/", Result.BAD_RESPONSE),
        (f"http://{'a' * 64}.example.test/", Result.BAD_RESPONSE),
        ("http://0.0.0.0/", Result.BAD_RESPONSE),
        ("http://[::]/", Result.BAD_RESPONSE),
        ("http://no-such-name.invalid/", Result.DNS_ERROR),
    ],
)
async def test_redirects_to_nowhere(location: str, result: Result) -> None:
    async with serving("127.0.0.1", {"/": answering(302, Location=location)}) as port, opened(PROBE) as gun:
        reading = await ask(gun, port=str(port), follow_redirects="true")
    assert reading.result is result, reading
    assert reading.detail


# --- TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def bundle(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def server_tls(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


async def test_tls_checks_the_name_of_the_url_at_the_address_of_the_target(authority: trustme.CA, bundle: str) -> None:
    expires = dt.datetime(2049, 12, 31, 23, 59, 58, tzinfo=dt.UTC)
    names: list[str | None] = []
    tls = server_tls(authority.issue_cert(HOST, not_after=expires))
    tls.sni_callback = lambda _socket, name, _context: names.append(name)
    async with serving("127.0.0.1", {"/": hello}, tls) as port, opened(PROBE) as gun:
        reading = await ask(gun, url=f"https://{HOST}:{port}/", tls_ca=bundle, body_regex="well")
    assert reading.result is Result.SUCCESS, reading
    assert names == [HOST]
    assert dict(reading.gauges) == {"http_status_code": 200, "tls_not_after_timestamp_seconds": expires.timestamp()}
    assert dict(reading.phases)["tls"] > 0


@pytest.mark.parametrize(
    ("host", "settings", "detail"),
    [
        (HOST, {}, "certificate verify failed"),  # nobody we trust signed it
        ("www.other.test", {"tls_ca": "BUNDLE"}, "ostname mismatch"),
        ("127.0.0.1", {"tls_ca": "BUNDLE"}, "IP address mismatch"),
    ],
)
async def test_tls_refuses_what_it_cannot_verify(
    authority: trustme.CA, bundle: str, host: str, settings: dict[str, Any], detail: str
) -> None:
    settings = {key: value.replace("BUNDLE", bundle) for key, value in settings.items()}
    async with serving("127.0.0.1", {"/": hello}, server_tls(authority.issue_cert(HOST))) as port, opened(PROBE) as gun:
        reading = await ask(gun, url=f"https://{host}:{port}/", **settings)
        lenient = await ask(gun, url=f"https://{host}:{port}/", verify_tls="false")
    assert reading.result is Result.TLS_ERROR
    assert detail in reading.detail
    assert lenient.result is Result.SUCCESS
    assert dict(lenient.gauges)["tls_not_after_timestamp_seconds"] > 0


async def test_tls_of_an_expired_certificate(authority: trustme.CA, bundle: str) -> None:
    past = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    certificate = authority.issue_cert(HOST, not_before=past - dt.timedelta(days=9), not_after=past)
    async with serving("127.0.0.1", {"/": hello}, server_tls(certificate)) as port, opened(PROBE) as gun:
        reading = await ask(gun, url=f"https://{HOST}:{port}/", tls_ca=bundle)
        lenient = await ask(gun, url=f"https://{HOST}:{port}/", verify_tls="false")
    assert reading.result is Result.TLS_ERROR
    assert "expired" in reading.detail
    assert dict(lenient.gauges)["tls_not_after_timestamp_seconds"] == past.timestamp()


async def test_tls_server_that_wants_a_certificate_of_ours(authority: trustme.CA, bundle: str) -> None:
    """Under TLS 1.3 the refusal comes after our side of the handshake is done; asyncio's own server would not even send it."""
    tls = server_tls(authority.issue_cert(HOST))
    tls.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(tls)
    tls.minimum_version = ssl.TLSVersion.TLSv1_3
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            connection, _ = listener.accept()
            with tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False) as secure:
                with pytest.raises(ssl.SSLError, match="PEER_DID_NOT_RETURN_A_CERTIFICATE"):
                    secure.do_handshake()
                while os.read(secure.fileno(), 65536):  # closing with the request unread would be a reset
                    pass

        server = threading.Thread(target=refuse)
        server.start()
        async with opened(PROBE) as gun:
            reading = await ask(gun, url=f"https://{HOST}:{listener.getsockname()[1]}/", tls_ca=bundle)
        server.join()
    assert reading.result is Result.TLS_ERROR, reading
    assert "CERTIFICATE_REQUIRED" in reading.detail


async def test_a_handshake_that_never_ends_is_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever asyncio thinks is long enough: the timeout of the target alone ends the wait."""
    monkeypatch.setattr("asyncio.constants.SSL_HANDSHAKE_TIMEOUT", 0.1)

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            await reader.read()
        writer.close()

    async with raw(mute) as (port, _), opened(PROBE) as gun:
        reading = await ask(gun, scheme="https", port=str(port), patience=500 * MS)
    assert reading.result is Result.TIMEOUT, reading


def test_a_handshake_may_take_longer_than_any_target_waits() -> None:
    longest = 1 * HOUR
    timeout = TypeAdapter(Timeout)
    assert timeout.validate_python("1h") == longest
    with pytest.raises(ValidationError, match="to 1h"):
        timeout.validate_python("61m")
    assert longest < HANDSHAKE * S


async def test_tls_against_a_server_without() -> None:
    async with serving("127.0.0.1", {"/": hello}) as port, opened(PROBE) as gun:
        reading = await ask(gun, scheme="https", port=str(port))
    assert reading.result is Result.TLS_ERROR, reading

    async def slam(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with raw(slam) as (port, _), opened(PROBE) as gun:
        reading = await ask(gun, scheme="https", port=str(port))
    assert reading.result in {Result.TLS_ERROR, Result.CONNECT_ERROR}, reading


@pytest.mark.parametrize("content", [None, "not a certificate"])
async def test_authorities_we_cannot_read_are_our_own_fault(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    async with serving("127.0.0.1", {"/": hello}) as port, opened(PROBE) as gun:
        reading = await ask(gun, scheme="https", port=str(port), tls_ca=str(path))
    assert reading.result is Result.LOCAL_ERROR
    assert str(path) in reading.detail


async def test_authorities_may_change_without_a_restart(tmp_path: Path) -> None:
    old, new = trustme.CA(), trustme.CA()
    path = tmp_path / "ca.pem"
    old.cert_pem.write_to_path(str(path))
    async with serving("127.0.0.1", {"/": hello}, server_tls(new.issue_cert(HOST))) as port, opened(PROBE) as gun:
        before = await ask(gun, url=f"https://{HOST}:{port}/", tls_ca=str(path))
        new.cert_pem.write_to_path(str(path))
        after = await ask(gun, url=f"https://{HOST}:{port}/", tls_ca=str(path))
    assert (before.result, after.result) == (Result.TLS_ERROR, Result.SUCCESS)


@pytest.mark.parametrize("year", [1999, 2020, 2049, 2050, 2099])
def test_expiry_is_read_from_the_certificate(authority: trustme.CA, year: int) -> None:
    expires = dt.datetime(year, 3, 1, 12, 30, 15, tzinfo=dt.UTC)
    begins = dt.datetime(1990, 1, 1, tzinfo=dt.UTC)
    leaf = authority.issue_cert(HOST, not_before=begins, not_after=expires)
    pem = leaf.cert_chain_pems[0].bytes()
    der = ssl.PEM_cert_to_DER_cert(pem.decode())
    assert not_after(der) == expires.timestamp() == x509.load_pem_x509_certificate(pem).not_valid_after_utc.timestamp()
