"""Real servers on loopback that a probe can be fired at, and what they saw of it."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
from aiohttp import web

from slamon.egress import FAMILIES, socket_address


@dataclass
class Bench:
    """A server that answers well: how to ask it, who asked, and settings that find nobody there."""

    settings: dict[str, str] = field(default_factory=dict)
    peers: list[str] | None = None
    """Source addresses of the probes; None where the server cannot tell."""
    refused: dict[str, str] | None = None
    """Settings of a port that nobody listens on; None where the kind has no ports."""


def closed_port(host: str, kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port nobody listens on: it was free a moment ago."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind) as probe:
        probe.bind(socket_address(host, 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def tcp(host: str) -> AsyncIterator[Bench]:
    peers: list[str] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peers.append(writer.get_extra_info("peername")[0])
        writer.close()

    async with await asyncio.start_server(accept, host, 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield Bench({"port": str(port)}, peers, {"port": str(closed_port(host))})


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(host: str, routes: dict[str, Handler], tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """An aiohttp server: path → handler; yields its port."""
    application = web.Application()
    application.add_routes([web.route("*", path, handler) for path, handler in routes.items()])
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, 0, ssl_context=tls)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@asynccontextmanager
async def http(host: str) -> AsyncIterator[Bench]:
    peers: list[str] = []

    async def page(request: web.Request) -> web.StreamResponse:
        peers.append(str(request.remote))
        return web.Response(text="all is well\n".ljust(1024))

    async with serving(host, {"/": page}) as port:
        yield Bench({"port": str(port)}, peers, {"port": str(closed_port(host))})


Answer = Callable[[dns.message.Message, Any], bytes | None]


def well(query: dns.message.Message, _peer: Any) -> bytes:
    """Two addresses for every name."""
    response = dns.message.make_response(query)
    response.flags |= dns.flags.AA
    name = query.question[0].name
    response.answer.append(dns.rrset.from_text(name, 60, "IN", query.question[0].rdtype, "192.0.2.1", "192.0.2.2"))
    return response.to_wire()


class NameServer(asyncio.DatagramProtocol):
    """Answers what `answer` says to each query; it may also `send` whatever it likes."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.queries: list[dns.message.Message] = []
        self.peers: list[str] = []
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        query = dns.message.from_wire(data)
        self.queries.append(query)
        self.peers.append(addr[0])
        response = self.answer(query, addr)
        if response is not None:
            self.send(response, addr)

    def send(self, data: bytes, addr: Any) -> None:
        assert self.transport is not None
        self.transport.sendto(data, addr)


@asynccontextmanager
async def name_server(host: str, answer: Answer = well) -> AsyncIterator[tuple[NameServer, int]]:
    server = NameServer(answer)
    family = FAMILIES[6 if ":" in host else 4]
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: server, local_addr=(host, 0), family=family
    )
    try:
        yield server, transport.get_extra_info("sockname")[1]
    finally:
        transport.close()


@asynccontextmanager
async def dns_(host: str) -> AsyncIterator[Bench]:
    async with name_server(host) as (server, port):
        refused = {"name": "www.example.com", "port": str(closed_port(host, socket.SOCK_DGRAM))}
        yield Bench({"name": "www.example.com", "port": str(port)}, server.peers, refused)


@asynccontextmanager
async def icmp(_host: str) -> AsyncIterator[Bench]:
    """The kernel answers."""
    yield Bench()


SERVERS = {"dns": dns_, "http": http, "icmp": icmp, "tcp": tcp}
"""Kind → its server. A kind without one fails the contract test that asks for it."""
