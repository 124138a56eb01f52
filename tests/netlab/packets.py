"""Bytes of IPv4, IPv6, ICMP, TCP and UDP packets: read what the prober sent, build what the far side answers."""

from __future__ import annotations

import ipaddress
import struct
from typing import NamedTuple

ICMP, TCP, UDP, ICMP6 = 1, 6, 17, 58
"""IP protocol numbers."""

ECHO_REQUEST = {ICMP: 8, ICMP6: 128}
ECHO_REPLY = {ICMP: 0, ICMP6: 129}

ERRORS4 = {"net": (3, 0), "host": (3, 1), "protocol": (3, 2), "port": (3, 3), "admin": (3, 13), "ttl": (11, 0)}
ERRORS6 = {"net": (1, 0), "host": (1, 3), "protocol": (4, 1), "port": (1, 4), "admin": (1, 1), "ttl": (3, 0)}
"""Name → (type, code) of RFC 792 / RFC 1812 and RFC 4443."""

QUOTED4 = 64
"""Bytes of the offending datagram an ICMPv4 error carries: its header and 44 more, room for a whole echo."""
QUOTED6 = 1232
"""As much as fits in the minimum IPv6 MTU (RFC 4443 §2.4)."""


class Packet(NamedTuple):
    """One packet as it came out of the TUN device."""

    version: int
    protocol: int
    source: bytes
    destination: bytes
    hop_limit: int
    payload: bytes
    """What follows the IP header."""
    raw: bytes


def address(text: str) -> bytes:
    return ipaddress.ip_address(text).packed


def text(packed: bytes) -> str:
    return str(ipaddress.ip_address(packed))


def parse(raw: bytes) -> Packet | None:
    """None for what the lab does not speak: truncated packets and IPv6 multicast (neighbour and router chatter)."""
    version = raw[0] >> 4 if raw else 0
    if version == 4 and len(raw) >= 20:
        header = (raw[0] & 15) << 2
        return Packet(4, raw[9], raw[12:16], raw[16:20], raw[8], raw[header:], raw)
    if version == 6 and len(raw) >= 40 and raw[24] != 0xFF:
        return Packet(6, raw[6], raw[8:24], raw[24:40], raw[7], raw[40:], raw)
    return None


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071) of `data`, as it is put into the packet."""
    if len(data) & 1:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) >> 1}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    total += total >> 16
    return ~total & 0xFFFF


def wrap(source: bytes, destination: bytes, protocol: int, segment: bytes, at: int, hop_limit: int = 64) -> bytes:
    """An IP packet around `segment`, whose checksum field (zero on entry) stands at offset `at`."""
    if len(source) == 4:
        pseudo = b"" if protocol == ICMP else source + destination + struct.pack("!BBH", 0, protocol, len(segment))
        header = struct.pack(
            "!BBHHHBBH4s4s", 0x45, 0, 20 + len(segment), 0, 0, hop_limit, protocol, 0, source, destination
        )
        header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
    else:
        pseudo = source + destination + struct.pack("!IHBB", len(segment), 0, 0, protocol)
        header = struct.pack("!IHBB16s16s", 6 << 28, len(segment), protocol, hop_limit, source, destination)
    value = checksum(pseudo + segment)
    if protocol == UDP and value == 0:
        value = 0xFFFF  # zero means "no checksum" (RFC 768)
    return header + segment[:at] + struct.pack("!H", value) + segment[at + 2 :]


def echo_reply(request: Packet, *, source: bytes, hop_limit: int, payload: bytes | None = None) -> bytes:
    """The answer to an echo request; `payload` replaces the echoed bytes after identifier and sequence."""
    body = request.payload[8:] if payload is None else payload
    segment = struct.pack("!BBH", ECHO_REPLY[request.protocol], 0, 0) + request.payload[4:8] + body
    return wrap(source, request.source, request.protocol, segment, 2, hop_limit)


def icmp_error(kind: str, router: bytes, offending: Packet) -> bytes:
    """The ICMP error `kind` about `offending`, sent by `router`, quoting the datagram's beginning."""
    if offending.version == 4:
        number, code = ERRORS4[kind]
        segment = struct.pack("!BBHI", number, code, 0, 0) + offending.raw[:QUOTED4]
        return wrap(router, offending.source, ICMP, segment, 2)
    number, code = ERRORS6[kind]
    segment = struct.pack("!BBHI", number, code, 0, 0) + offending.raw[:QUOTED6]
    return wrap(router, offending.source, ICMP6, segment, 2)


def udp_reply(request: Packet, payload: bytes, *, source: bytes, hop_limit: int) -> bytes:
    source_port, destination_port = struct.unpack_from("!HH", request.payload)
    segment = struct.pack("!HHHH", destination_port, source_port, 8 + len(payload), 0) + payload
    return wrap(source, request.source, UDP, segment, 6, hop_limit)
