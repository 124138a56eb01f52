"""Echo requests and replies as bytes (RFC 792, RFC 4443): building and checking. No sockets."""

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
