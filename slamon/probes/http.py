"""Kind `http`: one request over a fresh connection, http or https; status, body, certificate expiry, and where the time went."""

from __future__ import annotations

import codecs
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Annotated, Literal, Self

import aiohttp
from pydantic import BeforeValidator, Field, SecretStr, WithJsonSchema, model_validator
from yarl import URL

from slamon.errors import masked
from slamon.model import Reading, Result, Target
from slamon.names import Resolver, of_no_host
from slamon.patterns import Expression, occurs
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
    each,
    text,
)
from slamon.tls import client
from slamon.visit import PHASES, Visit, broken, current, open_session

REDIRECTS = frozenset({301, 302, 303, 307, 308})
MAX_REDIRECTS = 10
"""Hops; browsers give up at 20, a monitored address has no business with more than one or two."""

LOOK_UPS = 16
"""Names of redirects that are looked up at once: one that no resolver answers takes a place for longer than its probe lasts."""

NO_CHARACTER_SETS = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"})
"""Python's own codecs of text that no page is written in. The server chooses, and `punycode` takes time by the square of the length."""


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
    body_regex: Expression | None = None
    """Must be found in the body, within 50 ms; beyond them the probe is unmeasured."""
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


async def probe(
    session: aiohttp.ClientSession, resolver: Resolver, target: Target, address: str, context: Context
) -> Reading:
    """One request, and its redirects if they are to be followed.

    The round trip is the time from before the connection to the end of the body, redirects included.
    """
    settings = target.settings
    assert isinstance(settings, Http)
    url = settings.start(address if target.address == GATEWAY else target.address)
    tls = partial(_tls, settings.verify_tls, settings.tls_ca)
    if url.scheme == "https":  # reading the authorities takes a while, once; it is not the server's time
        tls()
    visit = Visit(target, address, url.raw_host, tls=tls, clock=context.clock.monotonic, resolver=resolver)
    current.set(visit)
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
        raise broken(error) from error
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


def _judge(settings: Http, response: aiohttp.ClientResponse, body: bytes, visit: Visit, rtt: int) -> Reading:
    detail = ""
    if not any(low <= response.status <= high for low, high in settings.status):
        detail = f"HTTP {response.status} {response.reason}".rstrip()
        if response.status in REDIRECTS:
            detail += f" to {masked(response.headers.get('Location', 'nowhere'))}"
    elif settings.body_regex is not None and not occurs(settings.body_regex, _text(response, body), "body_regex"):
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
    """The body in the character set that the server names; in UTF-8 where it names none, or what is no character set."""
    try:
        named = response.charset or "utf-8"
        if codecs.lookup(named).name not in NO_CHARACTER_SETS:
            return body.decode(named, errors="replace")
    except (LookupError, ValueError):  # nobody knows it, or it makes no text of bytes
        pass
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
    async with open_session() as session, each(partial(probe, session, resolver), context) as prober:
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
