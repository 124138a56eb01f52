"""How an HTTP request goes out and its answer comes in: over a connection of its own, to the address of its probe, by the target's way out.

Where a name has to be looked up, a connection cannot be made or breaks, the probe ends there, and it is said whose fault that is.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from functools import partial
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_parser import RawResponseMessage
from yarl import URL

from slamon import __version__
from slamon.egress import open_socket, socket_address
from slamon.model import HOUR, Reading, Result, S, Target
from slamon.names import Resolver
from slamon.probe import Ended, connect
from slamon.tls import not_after

PHASES = ("resolve", "connect", "tls", "first_byte", "transfer")

GOODBYE = 1.0
"""Seconds the peer has to answer our TLS close; a server that never does must not hold our sockets."""

HANDSHAKE = 2 * HOUR / S
"""Seconds that asyncio gives a TLS handshake: more than any target may wait (1 h), so that its own timeout alone ends the wait."""

HEADER_LINE = 1 << 16
"""Bytes of one line of an answer's headers. A policy of several KiB is nothing unusual."""

HEADER_LINES = 256
"""Lines that the parser is given one by one: more than it takes of headers."""


class Visit:
    """One probe on its way: read by the connector, which aiohttp calls in the same task."""

    __slots__ = ("address", "clock", "family", "host", "not_after", "phases", "ready", "resolver", "tls", "via")

    def __init__(
        self,
        target: Target,
        address: str,
        host: str | None,
        *,
        tls: Callable[[], ssl.SSLContext],
        clock: Callable[[], int],
        resolver: Resolver,
    ) -> None:
        """`address` is that of `host`; `clock` gives monotonic nanoseconds."""
        self.family = target.family
        self.via = target.via
        self.host = host
        self.address = address
        self.clock = clock
        self.resolver = resolver
        self.phases = dict.fromkeys(PHASES, 0)
        self.ready = 0
        self.not_after: int | None = None
        self.tls = tls

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
            raise _ended(Result.DNS_ERROR, f"redirected to {host}: {error.strerror or error}") from error
        except UnicodeError as error:
            raise _ended(Result.BAD_RESPONSE, f"redirected to {host}, which is no host name") from error
        except asyncio.CancelledError:
            if self.resolver.closed:  # probing ends
                raise
            raise _ended(Result.DNS_ERROR, f"redirected to {host}: the resolver does not answer") from None
        return found[0]

    def secured(self, transport: asyncio.BaseTransport) -> None:
        """Note the end of the handshake and the expiry of the server's certificate."""
        now = self.clock()
        self.phases["tls"] += now - self.ready
        self.ready = now
        certificate = transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
        with suppress(ValueError):  # a date in no standard form costs the gauge, not the probe
            self.not_after = not_after(certificate) if certificate else None


current: ContextVar[Visit] = ContextVar("current")
"""The visit of the running task."""


class _Conversation(ResponseHandler):
    """Where an answer ends is said by its headers; what comes behind it is no part of it (RFC 9112 §6.3).

    Meeting something it cannot read, the parser forgets what it has found before in the same piece. So it gets the headers line by line,
    and an answer is the same however TCP cut it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._lines = HEADER_LINES
        self._content: aiohttp.StreamReader | None = None
        """The body of the answer, from the end of its headers on."""

    def data_received(self, data: bytes) -> None:
        """Data may be empty: then aiohttp wants more of what the parser has."""
        before = self.exception()
        while self._content is None and self._lines and self.exception() is before and (end := data.find(b"\n") + 1):
            self._lines -= 1
            super().data_received(data[:end])
            data = data[end:]
        if self.exception() is before:
            super().data_received(data)
        unreadable = self.exception()
        if unreadable is None or unreadable is before or self._content is None or self._content.is_eof():
            return
        self._content.set_exception(aiohttp.ClientPayloadError(str(unreadable)), unreadable)

    def feed_data(self, data: tuple[RawResponseMessage, aiohttp.StreamReader], size: int = 0) -> None:
        message, content = data
        if message.code >= 200:  # others are followed by the answer (RFC 9110 §15.2)
            self._content = content
        super().feed_data(data, size)


class _Connector(aiohttp.BaseConnector):
    """Opens each connection anew, to the address of the probe, by the way out of its target."""

    async def _create_connection(self, req: aiohttp.ClientRequest, *_rest: Any) -> ResponseHandler:
        visit = current.get()
        sock = await visit.open(req.url)
        conversation = partial(_Conversation, self._loop)
        try:
            if req.url.scheme == "http":
                _, protocol = await self._loop.create_connection(conversation, sock=sock)
                return protocol
            transport, protocol = await self._loop.create_connection(
                conversation,
                sock=sock,
                ssl=visit.tls(),
                server_hostname=(req.url.raw_host or "").rstrip("."),
                ssl_handshake_timeout=HANDSHAKE,
                ssl_shutdown_timeout=GOODBYE,
            )
        except (ssl.SSLError, ssl.CertificateError, ConnectionError) as error:
            sock.close()
            raise _ended(Result.TLS_ERROR, _reason(error)) from error
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
        raise broken(error) from error


def broken(error: aiohttp.ClientConnectionError) -> Ended | OSError:
    """How a probe ends whose connection broke: by the kernel's error, where there is one, which is judged like that of any kind."""
    cause = error.__cause__
    if isinstance(cause, ssl.SSLError):  # as under TLS 1.3, when the server misses a certificate of ours
        return _ended(Result.TLS_ERROR, _reason(cause))
    for known in (error, cause):  # of a connect that the kernel gave up, aiohttp makes a timeout of its own
        if isinstance(known, OSError) and known.errno:
            return OSError(known.errno, known.strerror)
    return _ended(Result.CONNECT_ERROR, "the server closed the connection without an answer")


def _ended(result: Result, detail: str) -> Ended:
    return Ended(Reading(result, detail=detail))


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate verify failed: {error.verify_message}"
    return getattr(error, "reason", None) or str(error) or type(error).__name__


def open_session() -> aiohttp.ClientSession:
    """It keeps nothing from one request to the next, and asks in the name of the `current` visit."""
    return aiohttp.ClientSession(
        connector=_Connector(force_close=True, limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": f"slamon/{__version__}"},
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
        middlewares=(_once,),
        max_line_size=HEADER_LINE,
        max_field_size=HEADER_LINE,
    )
