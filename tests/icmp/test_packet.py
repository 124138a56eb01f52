"""Bytes of echo requests against an independent reading of RFC 1071, and what is refused as unsound."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slamon.icmp.packet import (
    DEFAULT_PAYLOAD,
    HEADER_BYTES,
    MAX_PAYLOAD,
    REQUEST,
    STAMPED_BYTES,
    Echo,
    checksum,
    sound,
)
from tests.netlab import packets

TOKEN = bytes.fromhex("0123456789abcdef")


def numbered(echo: Echo, number: int) -> bytes:
    packet = bytearray(echo.template)
    echo.number(packet, 0, range(number, number + 1))
    return bytes(packet)


@given(st.binary(min_size=1, max_size=200).filter(any))
def test_the_checksum_is_that_of_rfc_1071(data: bytes) -> None:
    assert checksum(data) == packets.checksum(data)


@given(
    number=st.integers(0, (1 << 64) - 1),
    ident=st.integers(0, 0xFFFF),
    payload=st.integers(STAMPED_BYTES, 120),
)
def test_a_request_bears_its_checksum_and_carries_what_it_is_known_by(number: int, ident: int, payload: int) -> None:
    echo = Echo(4, ident=ident, token=TOKEN, payload=payload, checksums=True)
    packet = numbered(echo, number)
    sequence = number & 0xFFFF
    assert len(packet) == HEADER_BYTES + payload == echo.length
    assert packets.checksum(packet[:2] + b"\0\0" + packet[4:]) == struct.unpack_from("!H", packet, 2)[0]
    assert REQUEST.unpack_from(packet)[3:] == (ident, sequence, number)
    assert packet[HEADER_BYTES + 8 :] == echo.tail
    assert sound(packet)


@given(st.binary(min_size=8, max_size=80), st.integers(0, 79), st.integers(1, 255))
def test_a_damaged_byte_is_seen(body: bytes, where: int, damage: int) -> None:
    packet = bytearray(b"\0\0\0\0" + body)
    struct.pack_into("!H", packet, 2, packets.checksum(bytes(packet)))
    assert sound(packet)
    packet[where % len(packet)] ^= damage
    assert not sound(packet)


def test_requests_of_one_echo_differ_only_where_they_should() -> None:
    echo = Echo(6, ident=7, token=TOKEN, payload=DEFAULT_PAYLOAD, checksums=False)
    one, other = numbered(echo, 1), numbered(echo, 1 << 33)
    assert one[:2] == other[:2] == b"\x80\0"
    assert one[2:4] == b"\0\0", "the kernel writes it"
    assert one[HEADER_BYTES + 8 :] == other[HEADER_BYTES + 8 :] == echo.tail == TOKEN + bytes(range(40))


@given(st.integers(0, 1 << 63), st.integers(1, 70), st.integers(0, 5), st.integers(STAMPED_BYTES, 80), st.booleans())
def test_a_batch_is_numbered_as_its_packets_one_by_one(
    first: int, count: int, at: int, payload: int, checks: bool
) -> None:
    echo = Echo(4, ident=77, token=TOKEN, payload=payload, checksums=checks)
    packets = bytearray(echo.template * (at + count + 1))
    echo.number(packets, at, range(first, first + count))
    expected = echo.template * at + b"".join(numbered(echo, first + i) for i in range(count)) + echo.template
    assert bytes(packets) == expected


@pytest.mark.parametrize(("payload", "filler"), [(16, b""), (17, b"\xff"), (21, b"\xff\0\xff\0\xff")])
def test_a_pattern_fills_the_payload(payload: int, filler: bytes) -> None:
    echo = Echo(4, ident=1, token=TOKEN, payload=payload, pattern=b"\xff\0", checksums=True)
    assert echo.tail == TOKEN + filler


def test_the_largest_payload_fits_an_ipv4_packet() -> None:
    assert Echo(4, ident=1, token=TOKEN, payload=MAX_PAYLOAD, checksums=True).length + 20 == 65535
