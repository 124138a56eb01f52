"""How packets leave this host: sockets bound to a way out, and the ICMP errors that come back to them instead of an answer.

Addresses are literals; a link-local IPv6 address carries its interface as `fe80::1%eth0` (RFC 4007).
"""

from __future__ import annotations

import os
import socket
import struct
from typing import NamedTuple, TypeAlias

from slamon.model import Via
from slamon.routes import interface_index, is_local

SocketAddress: TypeAlias = tuple[str, int] | tuple[str, int, int, int]

FAMILIES: dict[int, socket.AddressFamily] = {4: socket.AF_INET, 6: socket.AF_INET6}
"""`Target.family` → the family of its sockets."""

# Constants of <linux/in.h>, <linux/in6.h> and <linux/errqueue.h> that the socket module does not have.
IP_RECVERR = 11
IPV6_RECVERR = 25
IP_BIND_ADDRESS_NO_PORT = 24
ORIGIN_ICMP = 2
ORIGIN_ICMP6 = 3

_RECEIVE_ERRORS = {4: (socket.IPPROTO_IP, IP_RECVERR), 6: (socket.IPPROTO_IPV6, IPV6_RECVERR)}
_EXTENDED_ERROR = struct.Struct("=IBBBxII")  # struct sock_extended_err: errno, origin, type, code, padding, info, data
_OFFENDER = {
    socket.AF_INET: slice(4, 8),
    socket.AF_INET6: slice(8, 24),
}  # the address inside a sockaddr_in, a sockaddr_in6
_SCOPE = 24  # where sin6_scope_id stands
_ANCILLARY = 128  # bytes: sock_extended_err and the larger sockaddr are 44, plus the header
_PAYLOAD = 2048  # bytes: what an ICMP error quotes of our packet, at most one MTU


def canonical(address: str) -> str:
    """A literal address in the spelling the kernel's answers have; its scope, if any, is kept. Raises OSError."""
    host, percent, scope = address.partition("%")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.inet_ntop(family, socket.inet_pton(family, host)) + percent + scope


def socket_address(address: str, port: int) -> SocketAddress:
    """What connect, bind and sendto take, so that no resolver is asked. Raises OSError, for example for an unknown interface."""
    host, _, scope = canonical(address).partition("%")
    if ":" not in host:
        return host, port
    return host, port, 0, (int(scope) if scope.isdigit() else interface_index(scope)) if scope else 0


def open_socket(family: int, kind: socket.SocketKind, via: Via) -> socket.socket:
    """A non-blocking socket that leaves by `via` and keeps the ICMP errors it causes. Raises OSError: all its reasons are our own."""
    sock = socket.socket(FAMILIES[family], kind)
    try:
        sock.setblocking(False)
        sock.setsockopt(*_RECEIVE_ERRORS[family], 1)
        if via.interface is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, via.interface.encode() + b"\0")
        if via.mark is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, via.mark)
        if via.source is not None:
            # The port is chosen at connect, per destination: otherwise all probes together could use each port once only.
            sock.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
            sock.bind(socket_address(via.source, 0))
    except OSError:
        sock.close()
        raise
    return sock


class IcmpError(NamedTuple):
    """An ICMP error about a packet of ours."""

    errno: int
    type: int
    code: int
    offender: str
    """Who sent it."""
    ours: bool
    """This host told itself: it found no neighbour, its own filter rejects, or it is the target."""
    destination: SocketAddress | None
    """Where our packet went, if the kernel says so."""
    packet: bytes
    """The quoted payload of our packet."""

    def __str__(self) -> str:
        return f"{os.strerror(self.errno)} (ICMP type {self.type} code {self.code} from {self.offender})"


def icmp_errors(sock: socket.socket) -> list[IcmpError]:
    """Take everything off the error queue of a socket made by `open_socket`, oldest first."""
    found: list[IcmpError] = []
    while True:
        try:
            packet, ancillary, _, destination = sock.recvmsg(_PAYLOAD, _ANCILLARY, socket.MSG_ERRQUEUE)
        except BlockingIOError:
            return found
        for level, kind, data in ancillary:
            if (level, kind) not in _RECEIVE_ERRORS.values():
                continue
            errno, origin, icmp_type, code, _, _ = _EXTENDED_ERROR.unpack_from(data)
            if origin in (ORIGIN_ICMP, ORIGIN_ICMP6):
                offender = _offender(data[_EXTENDED_ERROR.size :])
                found.append(
                    IcmpError(errno, icmp_type, code, offender, is_local(offender), destination or None, packet)
                )


def _offender(name: bytes) -> str:
    """The address of a binary sockaddr."""
    (number,) = struct.unpack_from("=H", name)
    family = socket.AddressFamily(number)
    address = socket.inet_ntop(family, name[_OFFENDER[family]])
    scope = struct.unpack_from("=I", name, _SCOPE)[0] if family == socket.AF_INET6 else 0
    return f"{address}%{socket.if_indextoname(scope)}" if scope else address
