"""Echo requests and replies as bytes (RFC 792, RFC 4443): building and checking. No sockets."""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct, pack

ECHO_REPLY: dict[int, int] = {4: 0, 6: 129}
ECHO_REQUEST: dict[int, int] = {4: 8, 6: 128}

HEADER_BYTES = 8
NUMBER_BYTES = 8
TOKEN_BYTES = 8
"""Random bytes of one open socket: nobody who has not seen our packets can answer them."""
STAMPED_BYTES = NUMBER_BYTES + TOKEN_BYTES
"""The smallest payload: the number of the probe and the token."""
DEFAULT_PAYLOAD = 56
"""Bytes of payload, as in ping(8): 64 bytes of ICMP."""
MAX_PAYLOAD = 65507
"""65535 of an IPv4 packet less 20 of its header and 8 of ours; the same limit serves IPv6."""

REQUEST = Struct("!BBHHHQ")
"""type, code, checksum, identifier, sequence, number of the probe, whose low 16 bits the sequence is; then the token and the filler."""

QUOTED = Struct("!BBHHH")
"""What every ICMP error quotes at least of our request: 8 bytes."""

COUNTING = bytes(range(256))
"""The usual filler: 0, 1, 2, …, so that no cut or shift of it goes unnoticed."""

_CHECK, _SEQUENCE, _NUMBER = 2, 6, 8
"""Where the fields stand that differ from packet to packet."""


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
    """The echo request of one open socket, one payload size and one pattern."""

    __slots__ = ("_sum", "length", "tail", "template")

    def __init__(
        self, family: int, *, ident: int, token: bytes, payload: int, checksums: bool, pattern: bytes = COUNTING
    ) -> None:
        """`pattern` fills what the stamped part leaves. `checksums`: whether we write it, which only a raw IPv4 socket leaves to us."""
        room = payload - STAMPED_BYTES
        self.tail = token + (pattern * (room // len(pattern) + 1))[:room]
        """What follows the number, checked in the reply byte by byte."""
        self.length = HEADER_BYTES + payload
        self.template = REQUEST.pack(ECHO_REQUEST[family], 0, 0, ident, 0, 0) + self.tail
        self._sum = checksum(self.template) ^ 0xFFFF if checksums else None

    def number(self, packets: bytearray, at: int, numbers: range) -> None:
        """Write consecutive probe numbers into packets made of the template, the first at packet `at`; column by column, not one by one."""
        length, count = self.length, len(numbers)
        begin, end = at * length, (at + count) * length
        columns = pack(f">{count}Q", *numbers)
        # The upper half is zero in the template, and stays so for an age of the world.
        for byte in range(NUMBER_BYTES // 2 if numbers.stop <= 1 << 32 else 0, NUMBER_BYTES):
            packets[begin + _NUMBER + byte : end : length] = columns[byte::NUMBER_BYTES]
        packets[begin + _SEQUENCE : end : length] = columns[6::NUMBER_BYTES]
        packets[begin + _SEQUENCE + 1 : end : length] = columns[7::NUMBER_BYTES]
        if self._sum is not None:
            checks = pack(f">{count}H", *self._checks(self._sum, numbers))
            packets[begin + _CHECK : end : length] = checks[::2]
            packets[begin + _CHECK + 1 : end : length] = checks[1::2]

    @staticmethod
    def _checks(base: int, numbers: range) -> Sequence[int]:
        """The checksums: the sequence counts besides the number, whose four words are the number itself modulo 65535."""
        return [0xFFFF - rest if (rest := (base + (number & 0xFFFF) + number) % 0xFFFF) else 0 for number in numbers]
