"""Kind `http`: one request over a fresh connection, http or https; status, body, certificate expiry, and where the time went."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import aiohttp
from aiohttp.client_proto import ResponseHandler
from pydantic import BeforeValidator, Field, SecretStr, WithJsonSchema, model_validator
from yarl import URL

from slamon import __version__
from slamon.egress import open_socket, socket_address
from slamon.errors import masked
from slamon.model import Reading, Result, Target, Via
from slamon.names import Resolver, of_no_host
from slamon.probe import (
    COMMON,
    GATEWAY,
    Context,
    Count,
    Ended,
    Flag,
    Kind,
    Port,
    Prober,
    Settings,
    connect,
    each,
    text,
)
from slamon.tls import client, not_after

REDIRECTS = frozenset({301, 302, 303, 307, 308})
MAX_REDIRECTS = 10
"""Hops; browsers give up at 20, a monitored address has no business with more than one or two."""

GOODBYE = 1.0
"""Seconds the peer has to answer our TLS close; a server that never does must not hold our sockets."""

LOOK_UPS = 16
"""Names of redirects that are looked up at once: one that no resolver answers takes a place for longer than its probe lasts."""

PHASES = ("resolve", "connect", "tls", "first_byte", "transfer")


def _url(value: str) -> str:
    try:
        url = URL(value)
    except ValueError as error:
        raise ValueError(f"not a URL: {error}") from error
    if not _askable(url):
        raise ValueError("not an http or https URL; write for example https://www.example.com/health")
    if url.user is not None or url.password is not None:
        raise ValueError("no user or password in a URL; use headers or bearer_token")
    return value


def _askable(url: URL) -> bool:
    return url.scheme in {"http", "https"} and bool(url.raw_host)


def _statuses(value: object) -> object:
    """`200`, `200-299` or a list of these → ranges, both ends included."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        return value
    ranges = []
    for item in value:
        match = re.fullmatch(r"([1-5]\d\d)(?:-([1-5]\d\d))?", item) if isinstance(item, str) else None
        if match is None or (match[2] and match[2] < match[1]):
            raise ValueError("not an HTTP status or range; write for example 200 or 200-299, or a list of these")
        ranges.append((int(match[1]), int(match[2] or match[1])))
    return tuple(ranges)


def _headers(value: object) -> object:
    return tuple(value.items()) if isinstance(value, dict) else value


Statuses = Annotated[
    tuple[tuple[int, int], ...],
    BeforeValidator(_statuses),
    WithJsonSchema(
        {"anyOf": [{"type": ["string", "integer"]}, {"type": "array", "items": {"type": ["string", "integer"]}}]}
    ),
]
Headers = Annotated[
    tuple[tuple[str, str], ...],
    BeforeValidator(_headers),
    WithJsonSchema({"type": "object", "additionalProperties": {"type": "string"}}),
]


class Http(Settings):
    url: Annotated[str, text(_url)] | None = None
    """What to ask for; its host is the address unless one is given."""
    scheme: Literal["http", "https"] = "http"
    """Without url: how to speak to the target's address."""
    port: Port | None = None
    """Without url: the port, else the scheme's own."""
    path: str = Field(default="/", pattern="^/")
    """Without url: path and query."""
    method: Literal["GET", "HEAD"] = "GET"
    status: Statuses = ((200, 299),)
    """The statuses that are right: 200, 200-299, or a list of these."""
    body_regex: re.Pattern[str] | None = None
    """Must be found in the body."""
    headers: Headers = Field(default=(), repr=False)
    """More request headers."""
    bearer_token: SecretStr | None = None
    """Sent as Authorization: Bearer."""
    follow_redirects: Flag = False
    """Follow up to 10 redirects and judge the last answer."""
    verify_tls: Flag = True
    """Whether the certificate must be valid for the host."""
    tls_ca: Path | None = None
    """A file of PEM certificates to trust instead of the system's."""
    max_body_bytes: Annotated[Count, Field(ge=1)] = 1 << 20
    """How much of the body is read and searched."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        parts = {"scheme", "port", "path"} & self.model_fields_set
        if self.url is not None and parts:
            raise ValueError(f"{' and '.join(sorted(parts))} cannot stand beside url, which says it already")
        if self.method == "HEAD" and self.body_regex is not None:
            raise ValueError("an answer to HEAD has no body; body_regex needs method GET")
        token = self.bearer_token.get_secret_value() if self.bearer_token is not None else ""
        if re.search(r"[\r\n\0]", "".join((token, *chain.from_iterable(self.headers)))):
            raise ValueError("a line break in headers or bearer_token; a token from a file often ends with one")
        return self

    def start(self, address: str) -> URL:
        """What is asked for first: the URL, or one made of the address."""
        if self.url is not None:
            return URL(self.url)
        host = address.partition("%")[0]  # a zone means nothing to the server (RFC 6874 §4)
        return URL(f"{URL.build(scheme=self.scheme, host=host, port=self.port)}{self.path}")


class _Visit:
    """One probe on its way: read by the connector, which aiohttp calls in the same task."""

    __slots__ = ("address", "clock", "family", "host", "not_after", "phases", "ready", "resolver", "tls", "via")

    def __init__(self, target: Target, address: str, url: URL, context: Context, resolver: Resolver) -> None:
        settings = target.settings
        assert isinstance(settings, Http)
        self.family = target.family
        self.via: Via = target.via
        self.host = url.raw_host
        self.address = address
        self.clock = context.clock.monotonic
        self.resolver = resolver
        self.phases = dict.fromkeys(PHASES, 0)
        self.ready = 0
        self.not_after: int | None = None
        self.tls = partial(_tls, settings.verify_tls, settings.tls_ca)

    async def open(self, url: URL) -> socket.socket:
        """A connected socket to the host of `url`: the target's own address, elsewhere only where a redirect leads."""
        host, port = url.raw_host, url.port
        assert host is not None
        assert port is not None
        began = self.clock()
        address = self.address if host == self.host else await self._look_up(host)
        resolved = self.clock()
        sock = open_socket(self.family, socket.SOCK_STREAM, self.via)
        try:
            await connect(sock, socket_address(address, port))
        except BaseException:
            sock.close()
            raise
        self.ready = self.clock()
        self.phases["resolve"] += resolved - began
        self.phases["connect"] += self.ready - resolved
        return sock

    async def _look_up(self, host: str) -> str:
        """The address of a host that a redirect leads to. Where the timeout ends the wait, it was for our resolver, not for the server."""
        try:
            found = await self.resolver.look_up(host, self.family)
        except OSError as error:
            raise Ended(Reading(Result.DNS_ERROR, detail=f"redirected to {host}: {error.strerror or error}")) from error
        except UnicodeError as error:
            raise Ended(Reading(Result.BAD_RESPONSE, detail=f"redirected to {host}, which is no host name")) from error
        except asyncio.CancelledError:
            if self.resolver.closed:  # probing ends
                raise
            raise Ended(
                Reading(Result.DNS_ERROR, detail=f"redirected to {host}: the resolver does not answer")
            ) from None
        return found[0]

    def secured(self, transport: asyncio.BaseTransport) -> None:
        """Note the end of the handshake and the expiry of the server's certificate."""
        now = self.clock()
        self.phases["tls"] += now - self.ready
        self.ready = now
        certificate = transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
        with suppress(ValueError):  # a date in no standard form costs the gauge, not the probe
            self.not_after = not_after(certificate) if certificate else None


_visit: ContextVar[_Visit] = ContextVar("_visit")


class _Connector(aiohttp.BaseConnector):
    """Opens each connection anew, to the address of the probe, by the way out of its target."""

    async def _create_connection(self, req: aiohttp.ClientRequest, *_rest: Any) -> ResponseHandler:
        visit = _visit.get()
        sock = await visit.open(req.url)
        try:
            if req.url.scheme == "http":
                _, protocol = await self._loop.create_connection(self._factory, sock=sock)
                return protocol
            transport, protocol = await self._loop.create_connection(
                self._factory,
                sock=sock,
                ssl=visit.tls(),
                server_hostname=(req.url.raw_host or "").rstrip("."),
                ssl_shutdown_timeout=GOODBYE,
            )
        except (ssl.SSLError, ssl.CertificateError, ConnectionError) as error:
            sock.close()
            raise Ended(Reading(Result.TLS_ERROR, detail=_reason(error))) from error
        except BaseException:
            sock.close()
            raise
        visit.secured(transport)
        return protocol


async def _once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Middleware: end the probe where its connection breaks, before aiohttp tries a second one that nobody asked for."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectionError as error:
        raise _broken(error) from error


def _broken(error: aiohttp.ClientConnectionError) -> Ended | OSError:
    """How a probe ends whose connection broke: by the kernel's error, where there is one, which is judged like that of any kind."""
    cause = error.__cause__
    if isinstance(cause, ssl.SSLError):  # as under TLS 1.3, when the server misses a certificate of ours
        return Ended(Reading(Result.TLS_ERROR, detail=_reason(cause)))
    for known in (error, cause):  # of a connect that the kernel gave up, aiohttp makes a timeout of its own
        if isinstance(known, OSError) and known.errno:
            return OSError(known.errno, known.strerror)
    return Ended(Reading(Result.CONNECT_ERROR, detail="the server closed the connection without an answer"))


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate verify failed: {error.verify_message}"
    return getattr(error, "reason", None) or str(error) or type(error).__name__


async def probe(
    session: aiohttp.ClientSession, resolver: Resolver, target: Target, address: str, context: Context
) -> Reading:
    """One request, and its redirects if they are to be followed.

    The round trip is the time from before the connection to the end of the body, redirects included.
    """
    settings = target.settings
    assert isinstance(settings, Http)
    url = settings.start(address if target.address == GATEWAY else target.address)
    if url.scheme == "https":  # reading the authorities takes a while, once; it is not the server's time
        _tls(settings.verify_tls, settings.tls_ca)
    visit = _Visit(target, address, url, context, resolver)
    _visit.set(visit)
    headers = dict(settings.headers)
    if settings.bearer_token is not None:
        headers["Authorization"] = f"Bearer {settings.bearer_token.get_secret_value()}"
    began = visit.clock()
    try:
        for _ in range(MAX_REDIRECTS + 1):
            async with session.request(settings.method, url, headers=headers, allow_redirects=False) as response:
                answered = visit.clock()
                visit.phases["first_byte"] += answered - visit.ready
                location = response.headers.get("Location")
                if not (settings.follow_redirects and response.status in REDIRECTS and location):
                    body = await _body(response, settings.max_body_bytes)
                    ended = visit.clock()
                    visit.phases["transfer"] += ended - answered
                    return _judge(settings, response, body, visit, ended - began)
                url, headers = _onward(url, location, headers)
    except aiohttp.ClientConnectionError as error:
        raise _broken(error) from error
    except aiohttp.ClientError as error:
        return Reading(Result.BAD_RESPONSE, detail=f"not a valid HTTP answer: {masked(str(error))}")
    return Reading(Result.BAD_RESPONSE, detail=f"more than {MAX_REDIRECTS} redirects")


def _onward(url: URL, location: str, headers: dict[str, str]) -> tuple[URL, dict[str, str]]:
    """Where a redirect leads, and which of our headers go there: what is for one server, a token among it, is not for another."""
    nowhere = Ended(Reading(Result.BAD_RESPONSE, detail=f"redirected to no URL: {masked(location)!r}"))
    try:
        onward = url.join(URL(location))
    except ValueError as error:
        raise nowhere from error
    if not _askable(onward) or of_no_host(onward.raw_host or ""):
        raise nowhere
    if _origin(onward) != _origin(url):
        return onward, {}
    if any(name.lower() == "authorization" for name in headers):
        onward = onward.with_user(None)  # what we were told to say counts, not what the redirect would have us say
    return onward, headers


def _origin(url: URL) -> tuple[str, str | None, int | None]:
    """With the port, whether it is written or the scheme's own (RFC 6454 §4)."""
    return url.scheme, url.raw_host, url.port


async def _body(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The first `limit` bytes of the body; reading them is part of the round trip."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) >= limit:
            break
    return bytes(body[:limit])


def _judge(settings: Http, response: aiohttp.ClientResponse, body: bytes, visit: _Visit, rtt: int) -> Reading:
    detail = ""
    if not any(low <= response.status <= high for low, high in settings.status):
        detail = f"HTTP {response.status} {response.reason}".rstrip()
        if response.status in REDIRECTS:
            detail += f" to {masked(response.headers.get('Location', 'nowhere'))}"
    elif settings.body_regex is not None and not settings.body_regex.search(_text(response, body)):
        detail = f"body_regex {settings.body_regex.pattern!r} not found in the first {len(body)} bytes"
    gauges: list[tuple[str, float]] = [("http_status_code", response.status)]
    if visit.not_after is not None:
        gauges.append(("tls_not_after_timestamp_seconds", visit.not_after))
    return Reading(
        Result.BAD_RESPONSE if detail else Result.SUCCESS,
        rtt=rtt,
        detail=detail,
        userspace=True,
        phases=tuple((phase, spent) for phase, spent in visit.phases.items() if spent),
        gauges=tuple(gauges),
    )


def _text(response: aiohttp.ClientResponse, body: bytes) -> str:
    try:
        return body.decode(response.charset or "utf-8", errors="replace")
    except (LookupError, UnicodeError):  # the server names one that nobody knows, or a codec that is none
        return body.decode("utf-8", errors="replace")


def _tls(verify: bool, authorities: Path | None) -> ssl.SSLContext:
    """The TLS settings of a target. Raises Ended when the file of authorities cannot be read: that is our fault."""
    try:
        return client(verify, authorities, authorities.stat().st_mtime_ns if authorities else 0)
    except OSError as error:
        raise Ended(Reading(Result.LOCAL_ERROR, detail=f"tls_ca {authorities}: {error.strerror or error}")) from error


@asynccontextmanager
async def open_http(context: Context) -> AsyncIterator[Prober]:
    """One session for all targets: it keeps nothing from one probe to the next."""
    resolver = Resolver(LOOK_UPS)
    async with (
        aiohttp.ClientSession(
            connector=_Connector(force_close=True, limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": f"slamon/{__version__}"},
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            middlewares=(_once,),
        ) as session,
        each(partial(probe, session, resolver), context) as prober,
    ):
        try:
            yield prober
        finally:
            resolver.close()  # before the probes in flight are cancelled


def wire_cost(settings: Settings, family: int) -> tuple[int, int]:
    """Of a page of 1 KiB: 10 packets in clear, with TLS 18 and a certificate chain of 3 KiB."""
    assert isinstance(settings, Http)
    secure = settings.start("192.0.2.1").scheme == "https"
    header = (20 if family == 4 else 40) + 32
    body = 0 if settings.method == "HEAD" else 1024
    return (18, 18 * header + 5500 + body) if secure else (10, 10 * header + 320 + body)


def default_address(settings: Settings) -> str | None:
    """The host of the URL."""
    assert isinstance(settings, Http)
    return URL(settings.url).raw_host if settings.url is not None else None


PROBE = Kind(
    settings=Http,
    open=open_http,
    results=COMMON | {Result.CONNECT_ERROR, Result.TLS_ERROR, Result.BAD_RESPONSE},
    gauges={
        "http_status_code": "Status code of the last HTTP answer.",
        "tls_not_after_timestamp_seconds": "When the certificate of the server expires, seconds since 1970.",
    },
    phases=PHASES,
    wire_cost=wire_cost,
    default_address=default_address,
)
