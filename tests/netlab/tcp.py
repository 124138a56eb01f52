"""The far side's TCP: enough for a real kernel to open a connection, do one HTTP exchange and close it.

The lab loses packets only on their way there, before they get here, and the client's kernel repeats what was not
acknowledged; so nothing needs to be repeated from this side.
"""

from __future__ import annotations

import struct
import zlib
from http import HTTPStatus
from typing import NamedTuple

from tests.netlab.packets import TCP, Packet, wrap
from tests.netlab.policy import Policy

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
MSS = struct.pack("!BBH", 2, 4, 1460)
"""The option that lets the client send a request in one segment."""
WINDOW = 65535
REMEMBERED = 4096
"""Connections kept; the oldest is forgotten first, as a client that died never says so."""


class Segment(NamedTuple):
    source_port: int
    port: int
    sequence: int
    acknowledgement: int
    flags: int
    data: bytes


class Connection:
    __slots__ = ("closed", "expected", "next", "request")

    def __init__(self, initial: int, expected: int) -> None:
        self.next = initial
        """Our next sequence number."""
        self.expected = expected
        """The client's next."""
        self.request = b""
        self.closed = False
        """Our FIN is on its way."""


def read(payload: bytes) -> Segment | None:
    if len(payload) < 20:
        return None
    source_port, port, sequence, acknowledgement, offset, flags = struct.unpack_from("!HHIIBB", payload)
    return Segment(source_port, port, sequence, acknowledgement, flags, payload[(offset >> 4) * 4 :])


def response(policy: Policy) -> bytes:
    status = HTTPStatus(policy.http_status)
    body = policy.http_body.encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}",
        "Content-Type: text/plain",
        f"Content-Length: {len(body)}",
        "Connection: close",
        "\r\n",
    )
    return "\r\n".join(head).encode() + body


def build(
    packet: Packet,
    segment: Segment,
    policy: Policy,
    flags: int,
    sequence: int,
    acknowledgement: int,
    *,
    data: bytes = b"",
    options: bytes = b"",
) -> bytes:
    """The packet that answers `segment`; sequence numbers may run over, they are cut to 32 bits here."""
    head = struct.pack(
        "!HHIIBBHHH",
        segment.port,
        segment.source_port,
        sequence & 0xFFFFFFFF,
        acknowledgement & 0xFFFFFFFF,
        (20 + len(options)) << 2,
        flags,
        WINDOW,
        0,
        0,
    )
    return wrap(packet.destination, packet.source, TCP, head + options + data, 16, policy.hop_limit)


class TcpHosts:
    """Every TCP port of the lab."""

    def __init__(self) -> None:
        self._connections: dict[tuple[bytes, bytes, int, int], Connection] = {}

    def answer(self, packet: Packet, segment: Segment, policy: Policy) -> tuple[str, bytes | None]:
        """(event, reply) for one segment; the reply is None where TCP says nothing."""
        kind = policy.tcp.get(str(segment.port), "closed")
        key = (packet.source, packet.destination, segment.source_port, segment.port)
        if kind == "filtered":
            return "filtered", None
        if segment.flags & RST:
            self._connections.pop(key, None)
            return "rst", None
        connection = self._connections.get(key)
        if segment.flags & SYN and kind != "closed":
            initial = zlib.crc32(repr((key, segment.sequence)).encode())
            while len(self._connections) >= REMEMBERED:
                del self._connections[next(iter(self._connections))]
            self._connections[key] = Connection(initial + 1, segment.sequence + 1)
            return "syn-ack", build(packet, segment, policy, SYN | ACK, initial, segment.sequence + 1, options=MSS)
        if kind == "closed" or connection is None:
            length = len(segment.data) + (1 if segment.flags & (SYN | FIN) else 0)
            sequence = segment.acknowledgement if segment.flags & ACK else 0
            return "reset", build(packet, segment, policy, RST | ACK, sequence, segment.sequence + length)
        event, flags, data = self._receive(connection, segment, kind, policy)
        if connection.closed and segment.flags & FIN:
            del self._connections[key]
        if not flags:
            return event, None
        sequence = connection.next
        connection.next += len(data) + (1 if flags & FIN else 0)
        return event, build(packet, segment, policy, flags, sequence, connection.expected, data=data)

    def _receive(self, connection: Connection, segment: Segment, kind: str, policy: Policy) -> tuple[str, int, bytes]:
        """Takes in a segment of an open connection: (event, flags of the answer, its data); no flags = no answer."""
        if not segment.data and not segment.flags & FIN:
            return "ack", 0, b""
        if segment.sequence != connection.expected & 0xFFFFFFFF:
            return "ack", ACK, b""  # a repetition, or a hole before it: say again what is expected
        connection.expected += len(segment.data)
        connection.request += segment.data
        if kind == "http" and b"\r\n\r\n" in connection.request and not connection.closed:
            connection.closed = True
            if segment.flags & FIN:
                connection.expected += 1
            return f"http:{policy.http_status}", PSH | ACK | FIN, response(policy)
        if segment.flags & FIN:
            connection.expected += 1
            if connection.closed:
                return "fin", ACK, b""
            connection.closed = True
            return "fin", FIN | ACK, b""
        return "ack", ACK, b""
