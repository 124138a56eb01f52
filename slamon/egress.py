"""How packets leave this host: sockets bound to a way out, and the ICMP errors that come back to them instead of an answer.

Addresses are literals; a link-local IPv6 address carries its interface as `fe80::1%eth0` (RFC 4007).
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from typing import NamedTuple, TypeAlias

from slamon.model import Via
from slamon.routes import interface_name, scope_index

SocketAddress: TypeAlias = tuple[str, int] | tuple[str, int, int, int]

FAMILIES: dict[int, socket.AddressFamily] = {4: socket.AF_INET, 6: socket.AF_INET6}
"""`Target.family` → the family of its sockets."""

# Constants of <linux/in.h>, <linux/in6.h>, <asm-generic/socket.h> and <linux/errqueue.h> that the socket module does not have.
IP_BIND_ADDRESS_NO_PORT = 24
IP_MTU_DISCOVER = 10
IPV6_MTU_DISCOVER = 23
IPV6_DONTFRAG = 62
PMTUDISC_DONT = 0
PMTUDISC_DO = 2
PMTUDISC_PROBE = 3
SO_SNDBUFFORCE = 32
SO_RCVBUFFORCE = 33
SO_MEMINFO = 55
MSG_ERRQUEUE = 0x2000
ORIGIN_ICMP = 2
ORIGIN_ICMP6 = 3
ORIGIN_TIMESTAMPING = 4

_RECEIVE_ERRORS = {4: (socket.IPPROTO_IP, 11), 6: (socket.IPPROTO_IPV6, 25)}  # IP_RECVERR, IPV6_RECVERR
_EXTENDED_ERROR = struct.Struct("=IBBBxII")  # struct sock_extended_err: errno, origin, type, code, padding, info, data
_OFFENDER = {
    socket.AF_INET: slice(4, 8),
    socket.AF_INET6: slice(8, 24),
}  # the address inside a sockaddr_in, a sockaddr_in6
_SCOPE = 24  # where sin6_scope_id stands
_ANCILLARY = (
    256  # bytes: 64 of an extended error with its offender, and what else a socket asked for: stamps, hop limit
)
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
    return host, port, 0, scope_index(scope) if scope else 0


def with_zone(address: str, via: Via) -> str:
    """A link-local IPv6 literal without a zone gets that of the interface it is to leave by. Raises OSError: no literal address."""
    if via.interface is None or "%" in address:
        return address
    link_local = ip_address(canonical(address)).is_link_local and ":" in address
    return f"{address}%{via.interface}" if link_local else address


def open_socket(family: int, kind: socket.SocketKind, via: Via) -> socket.socket:
    """A non-blocking socket that leaves by `via` and keeps the ICMP errors it causes. Raises OSError: all its reasons are our own."""
    sock = socket.socket(FAMILIES[family], kind)
    try:
        prepare(sock, family, via)
        if via.source is not None:
            # The port is chosen at connect, per destination: otherwise all probes together could use each port once only.
            sock.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
            sock.bind(socket_address(via.source, 0))
    except OSError:
        sock.close()
        raise
    return sock


def prepare(sock: socket.socket, family: int, via: Via) -> None:
    """Make a socket non-blocking, keep the ICMP errors it causes, and send as `via` says, but for its source. Raises OSError."""
    sock.setblocking(False)
    sock.setsockopt(*_RECEIVE_ERRORS[family], 1)
    if via.interface is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, via.interface.encode() + b"\0")
    if via.mark is not None:
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, via.mark)
        except PermissionError as error:
            raise PermissionError(error.errno, f"packets may be marked ({via.mark}) with CAP_NET_ADMIN only") from error
    for (level, name), value in _header_fields(family, via, stream=sock.type == socket.SOCK_STREAM):
        sock.setsockopt(level, name, value)


def _header_fields(family: int, via: Via, *, stream: bool) -> Iterator[tuple[tuple[int, int], int]]:
    """Socket option → value, of what `via` wants in the IP header."""
    level = socket.IPPROTO_IP if family == 4 else socket.IPPROTO_IPV6
    if via.dscp is not None:
        yield (level, socket.IP_TOS if family == 4 else socket.IPV6_TCLASS), via.dscp << 2
    if via.ttl is not None:
        yield (level, socket.IP_TTL if family == 4 else socket.IPV6_UNICAST_HOPS), via.ttl
    if via.df is not None:
        # Not what the kernel has learnt of the path but what the path does now: "probe" sends whatever the own link can carry.
        # A stream cuts its data to the path by itself; there "probe" would leave the header as it is.
        discover = PMTUDISC_DONT if not via.df else PMTUDISC_DO if stream else PMTUDISC_PROBE
        yield (level, IP_MTU_DISCOVER if family == 4 else IPV6_MTU_DISCOVER), discover
        if family == 6:
            yield (level, IPV6_DONTFRAG), int(via.df)


def tolerate_errors(sock: socket.socket) -> None:
    """From now on an ICMP error no longer ends the connection of `sock`."""
    sock.setsockopt(*_RECEIVE_ERRORS[6 if sock.family == socket.AF_INET6 else 4], 0)


class Memory(NamedTuple):
    """Bytes waiting to be read, bytes allowed, and packets dropped since the socket was opened (modulo 2^32)."""

    used: int
    limit: int
    drops: int


_MEMINFO = struct.Struct("=9I")


def memory(sock: socket.socket) -> Memory:
    """The state of the receive queue. `drops` is the counter of SO_RXQ_OVFL, asked for instead of waiting for a packet to bring it."""
    used, limit, *_, drops = _MEMINFO.unpack(sock.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, _MEMINFO.size))
    return Memory(used, limit, drops)


def receive_buffer(sock: socket.socket, size: int) -> int:
    """Ask for `size` bytes; what was got, as the kernel counts it (twice the bytes asked, for its bookkeeping)."""
    return _buffer(sock, SO_RCVBUFFORCE, socket.SO_RCVBUF, size)


def send_buffer(sock: socket.socket, size: int) -> int:
    """As `receive_buffer`."""
    return _buffer(sock, SO_SNDBUFFORCE, socket.SO_SNDBUF, size)


def _buffer(sock: socket.socket, force: int, plain: int, size: int) -> int:
    try:
        sock.setsockopt(socket.SOL_SOCKET, force, size)
    except PermissionError:
        sock.setsockopt(socket.SOL_SOCKET, plain, size)
    return sock.getsockopt(socket.SOL_SOCKET, plain)


class IcmpError(NamedTuple):
    """An ICMP error about a packet of ours."""

    errno: int
    type: int
    code: int
    offender: str
    """Who sent it."""
    destination: SocketAddress | None
    """Where our packet went, if the kernel says so."""
    packet: bytes
    """The quoted payload of our packet."""

    @property
    def family(self) -> int:
        return 6 if ":" in self.offender else 4

    def __str__(self) -> str:
        """Its name in RFC 792, RFC 1812 and RFC 4443."""
        return _ERROR_NAMES[self.family].get((self.type, self.code), f"ICMP type {self.type} code {self.code}")


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


def icmp_errors(sock: socket.socket, most: int = 1 << 16) -> list[IcmpError]:
    """Take up to `most` messages off the error queue of a socket made ready by `prepare`, oldest first."""
    found: list[IcmpError] = []
    for _ in range(most):
        try:
            packet, ancillary, _, destination = sock.recvmsg(_PAYLOAD, _ANCILLARY, MSG_ERRQUEUE)
        except BlockingIOError:
            break
        error = icmp_error(packet, ancillary, destination or None)
        if error is not None:
            found.append(error)
    return found


def icmp_error(
    packet: bytes, ancillary: Sequence[tuple[int, int, bytes]], destination: SocketAddress | None
) -> IcmpError | None:
    """What one message of an error queue says, given as `recvmsg` returns it; None when it is no ICMP error."""
    for level, kind, data in ancillary:
        if (level, kind) not in _RECEIVE_ERRORS.values():
            continue
        code, origin, icmp_type, icmp_code, _, _ = _EXTENDED_ERROR.unpack_from(data)
        if origin in (ORIGIN_ICMP, ORIGIN_ICMP6):
            offender = _offender(data[_EXTENDED_ERROR.size :])
            return IcmpError(code, icmp_type, icmp_code, offender, destination, packet)
    return None


def transmit_key(ancillary: Sequence[tuple[int, int, bytes]]) -> int | None:
    """The number of the packet that a message of an error queue brings the transmit stamp of (SOF_TIMESTAMPING_OPT_ID); None: no such."""
    for level, kind, data in ancillary:
        if (level, kind) in _RECEIVE_ERRORS.values():
            _, origin, _, _, _, key = _EXTENDED_ERROR.unpack_from(data)
            if origin == ORIGIN_TIMESTAMPING:
                return int(key)
    return None


def _offender(name: bytes) -> str:
    """The address of a binary sockaddr."""
    (number,) = struct.unpack_from("=H", name)
    family = socket.AddressFamily(number)
    address = socket.inet_ntop(family, name[_OFFENDER[family]])
    return _with_scope(address, struct.unpack_from("=I", name, _SCOPE)[0] if family == socket.AF_INET6 else 0)


def literal(address: SocketAddress) -> str:
    """The address of a socket address, with its scope."""
    return _with_scope(address[0].partition("%")[0], address[3] if len(address) == 4 else 0)


def _with_scope(address: str, scope: int) -> str:
    return f"{address}%{interface_name(scope)}" if scope else address
