"""Echo requests and replies as bytes (RFC 792, RFC 4443): building, checking, and the names of ICMP errors. No sockets."""

from __future__ import annotations

from struct import Struct

ECHO_REPLY: dict[int, int] = {4: 0, 6: 129}
ECHO_REQUEST: dict[int, int] = {4: 8, 6: 128}

HEADER_BYTES = 8
TOKEN_BYTES = 8
"""Random bytes of one open socket: nobody who has not seen our packets can answer them."""
STAMPED_BYTES = TOKEN_BYTES + 8
"""The smallest payload: the token and the number of the probe."""
DEFAULT_PAYLOAD = 56
"""Bytes of payload, as in ping(8): 64 bytes of ICMP."""
MAX_PAYLOAD = 65507
"""65535 of an IPv4 packet less 20 of its header and 8 of ours; the same limit serves IPv6."""

REQUEST = Struct("!BBHHH8sQ")
"""type, code, checksum, identifier, sequence, token, number of the probe."""

QUOTED = Struct("!BBHHH")
"""What every ICMP error quotes at least of our request: 8 bytes."""

_ERROR_NAMES: dict[int, dict[tuple[int, int], str]] = {
    4: {
        (3, 0): "network unreachable",
        (3, 1): "host unreachable",
        (3, 2): "protocol unreachable",
        (3, 3): "port unreachable",
        (3, 4): "fragmentation needed",
        (3, 9): "network administratively prohibited",
        (3, 10): "host administratively prohibited",
        (3, 13): "communication administratively prohibited",
        (11, 0): "time to live exceeded",
        (11, 1): "fragment reassembly time exceeded",
        (12, 0): "parameter problem",
    },
    6: {
        (1, 0): "no route to destination",
        (1, 1): "communication administratively prohibited",
        (1, 2): "beyond scope of source address",
        (1, 3): "address unreachable",
        (1, 4): "port unreachable",
        (1, 5): "source address failed policy",
        (1, 6): "reject route to destination",
        (2, 0): "packet too big",
        (3, 0): "hop limit exceeded",
        (3, 1): "fragment reassembly time exceeded",
        (4, 0): "erroneous header field",
        (4, 1): "unrecognized next header",
        (4, 2): "unrecognized option",
    },
}


def error_name(family: int, kind: int, code: int) -> str:
    """The name of an ICMP error, from RFC 792, RFC 1812 and RFC 4443."""
    return _ERROR_NAMES[family].get((kind, code), f"ICMP type {kind} code {code}")


def checksum(data: bytes | bytearray) -> int:
    """The Internet checksum (RFC 1071) of a packet whose checksum field is zero.

    Words summed in ones' complement are a number modulo 65535, so one division of the whole packet does it.
    """
    rest = int.from_bytes(data + b"\0" if len(data) & 1 else data, "big") % 0xFFFF
    return 0xFFFF - rest if rest else 0


def sound(data: bytes | bytearray | memoryview) -> bool:
    """Whether a received ICMP message bears the checksum of its content; raw IPv4 sockets see those that do not."""
    return (
        int.from_bytes(data, "big") % 0xFFFF == 0
        if not len(data) & 1
        else int.from_bytes(data, "big") * 256 % 0xFFFF == 0
    )


class Echo:
    """The echo request of one open socket and one payload size; the buffer is reused, so send it before building the next."""

    __slots__ = ("_buffer", "_ident", "_kind", "_rest", "_sum", "filler", "length", "token")

    def __init__(self, family: int, *, ident: int, token: bytes, payload: int, checksums: bool) -> None:
        """`checksums`: whether we write it, which only a raw IPv4 socket leaves to us."""
        self._kind = ECHO_REQUEST[family]
        self._ident = ident
        self.token = token
        self.filler = bytes(n & 0xFF for n in range(payload - STAMPED_BYTES))
        """What follows the stamped part, checked in the reply byte by byte."""
        self.length = HEADER_BYTES + payload
        self._buffer = bytearray(REQUEST.pack(self._kind, 0, 0, ident, 0, token, 0) + self.filler)
        self._sum = checksum(self._buffer) ^ 0xFFFF if checksums else None

    def request(self, sequence: int, number: int) -> bytearray:
        """The packet of probe `number` under `sequence`."""
        check = 0
        if self._sum is not None:
            rest = (self._sum + sequence + number) % 0xFFFF
            check = 0xFFFF - rest if rest else 0
        REQUEST.pack_into(self._buffer, 0, self._kind, 0, check, self._ident, sequence, self.token, number)
        return self._buffer
