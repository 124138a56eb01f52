"""What the kernel knows of the ways out, asked by rtnetlink(7): next hops, whether they answer, and which addresses are this host's own.

The kernel is asked for a *decision* (as `ip route get` does), so that metrics, policy rules, marks and interfaces count as they do for a
packet. No packet is sent. A host with a full table is asked for one route, not for a million.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from slamon.model import S, Via

_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}

_UNCOVERED = {
    4: ("192.0.2.1", "198.51.100.1", "203.0.113.1"),
    6: ("2001:db8::1", "3fff::1", "64:ff9b:1::1"),
}
"""Destinations nobody routes on purpose (RFC 5737, 3849, 9637, 8215): normally only the default route covers them."""

# Constants of <linux/netlink.h>, <linux/rtnetlink.h>, <linux/if.h> and <linux/neighbour.h>.
_ERROR, _DONE = 2, 3
_GET_LINK, _GET_ROUTE, _GET_NEIGHBOUR = 18, 26, 30  # the answers are RTM_NEWLINK and so on, two less
_REQUEST, _DUMP = 0x1, 0x300
_FIB_MATCH = 0x2000  # answer with the route of the table, not with the cached decision made of it
_DST, _SRC, _OIF, _GATEWAY, _PRIORITY, _MULTIPATH, _TABLE, _MARK, _VIA = 1, 2, 4, 5, 6, 9, 15, 16, 18
_UP, _CARRIER = 0x1, 0x10000  # IFF_UP, IFF_LOWER_UP
_UNANSWERED = 0x01 | 0x20  # NUD_INCOMPLETE: asked and not answered yet, NUD_FAILED: given up
_UNASKED = 0x40 | 0x80  # NUD_NOARP, NUD_PERMANENT
_CACHE = 3  # NDA_CACHEINFO, which begins with the time since the neighbour was confirmed
_CLOCK_TICK = S // 100  # USER_HZ, the unit of times in the interface of the kernel
_UNICAST, _LOCAL = 1, 2
_MAIN = 254
_DEAD = 0x1 | 0x10  # RTNH_F_DEAD | RTNH_F_LINKDOWN
_SOL_NETLINK, _STRICT = 270, 12

_HEADER = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port
_ROUTE = struct.Struct("=BBBBBBBBI")  # rtmsg: family, dst_len, src_len, tos, table, protocol, scope, type, flags
_ATTRIBUTE = struct.Struct("=HH")  # rtattr: length, type
_HOP = struct.Struct("=HBBi")  # rtnexthop: length, flags, hops, interface index
_LINK = struct.Struct("=BxHiII")  # ifinfomsg: family, type, index, flags, change
_NEIGHBOUR = struct.Struct("=BxxxiHBB")  # ndmsg: family, index, state, flags, type
_U32 = struct.Struct("=I")

_PATIENCE = 1.0
"""Seconds for the kernel to answer: it does so at once, this only bounds a bug."""

_BUFFER = 1 << 16
"""Bytes of one read; the kernel packs a dump into at most 32 KiB a message."""


class Step(NamedTuple):
    """The first step of a packet on its way to a destination."""

    interface: int
    """Its number."""
    gateway: str | None
    """The router it is handed to; None when it goes to the destination itself."""
    local: bool = False
    """The destination is this host."""
    routed: bool = True
    """A route says so. Without one, IPv4 takes everything to be on the link of an interface that was given."""


class Neighbour(Enum):
    """Whether a packet can be handed to a neighbour, as far as the kernel knows."""

    ALIVE = "alive"
    """It answered once and nothing speaks against it since; or the interface needs no answer."""
    SILENT = "silent"
    """It was asked for its hardware address and does not answer."""
    UNKNOWN = "unknown"
    """Nobody asked for it, as on a tunnel; or it is forgotten, which befalls the silent and the long unused only."""


class _Hop(NamedTuple):
    interface: int
    gateway: bytes | None
    alive: bool


class _Route(NamedTuple):
    length: int
    """Of the destination prefix; 0 = the default route."""
    type: int
    table: int
    priority: int
    hops: tuple[_Hop, ...]


def next_hop(family: int, via: Via) -> str | None:
    """The router the default route leads to, for packets of `family` leaving by `via`; None where there is none.

    A link-local IPv6 router comes with its interface: `fe80::1%eth0`. Raises OSError where the kernel cannot be asked: `via` names an
    interface that does not exist, AF_NETLINK is forbidden.
    """
    interface, attributes = _leaving(family, via)
    for destination in _UNCOVERED[family]:
        for route in _decide(family, destination, attributes, _FIB_MATCH):
            if route.length == 0 and route.type == _UNICAST:
                return _router(route, interface)
    # More specific routes cover all of them (a VPN's two halves, a bogon list): look for the default route itself.
    routes = [route for route in _dump(family) if route.length == 0 and route.type == _UNICAST and route.table == _MAIN]
    found = (_router(route, interface) for route in sorted(routes, key=lambda route: route.priority))
    return next((router for router in found if router), None)


def first_step(destination: str, via: Via) -> Step | None:
    """Where a packet to the literal `destination`, leaving by `via`, goes first; None when it goes nowhere: no route, one that refuses.

    Raises OSError as `next_hop` does.
    """
    host, _, scope = destination.partition("%")
    family = 6 if ":" in host else 4
    interface, attributes = _leaving(family, via, scope)
    for route in _decide(family, host, attributes, 0):
        for hop in route.hops:
            gateway = _text(hop.gateway) if hop.gateway else None
            routed = not interface or gateway is not None or bool(_decide(family, host, attributes, _FIB_MATCH))
            # A router of a default route "onlink" is by its own route its own gateway.
            return Step(hop.interface, gateway if gateway != host else None, route.type == _LOCAL, routed)
    return None


def carries(interface: int) -> bool:
    """Whether an interface is there, up, and has carrier. Raises OSError where the kernel cannot be asked."""
    try:
        (link,) = _ask(_GET_LINK, _LINK.pack(socket.AF_UNSPEC, 0, interface, 0, 0))
    except OSError as error:
        if error.errno == errno.ENODEV:
            return False
        raise
    return not ~_LINK.unpack_from(link)[3] & (_UP | _CARRIER)


def neighbour(interface: int, address: str) -> Neighbour:
    """The state of a host on the link of `interface`. Raises OSError where the kernel cannot be asked."""
    family = _FAMILIES[6 if ":" in address else 4]
    asked = _NEIGHBOUR.pack(family, interface, 0, 0, 0) + _attribute(_DST, socket.inet_pton(family, address))
    try:
        (entry,) = _ask(_GET_NEIGHBOUR, asked)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ENODEV}:
            return Neighbour.UNKNOWN
        raise
    return Neighbour.SILENT if _NEIGHBOUR.unpack_from(entry)[2] & _UNANSWERED else Neighbour.ALIVE


def last_heard(interface: int, address: str) -> int | None:
    """Nanoseconds since the kernel last knew that a host on the link of `interface` was there, to 10 ms.

    None where it does not ask such hosts (a tunnel, an entry made by hand), or knows nothing of this one, or has just been left
    without an answer. Raises OSError where the kernel cannot be asked.
    """
    family = _FAMILIES[6 if ":" in address else 4]
    packed = socket.inet_pton(family, address.partition("%")[0])
    try:
        (entry,) = _ask(_GET_NEIGHBOUR, _NEIGHBOUR.pack(family, interface, 0, 0, 0) + _attribute(_DST, packed))
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ENODEV}:
            return None
        raise
    found = dict(_attributes(entry[_NEIGHBOUR.size :]))
    if _NEIGHBOUR.unpack_from(entry)[2] & (_UNANSWERED | _UNASKED) or _CACHE not in found:
        return None
    (ticks,) = _U32.unpack_from(found[_CACHE])
    return int(ticks) * _CLOCK_TICK


def interface_index(name: str) -> int:
    """The number of an interface. Raises OSError ENODEV, which Python's own function raises without a number."""
    try:
        return socket.if_nametoindex(name)
    except OSError as error:
        raise OSError(errno.ENODEV, f"there is no interface {name}") from error


def scope_index(scope: str) -> int:
    """The number of the interface that the scope of an address names, or is (RFC 4007 §11.2). Raises OSError as `interface_index`."""
    return int(scope) if scope.isdecimal() else interface_index(scope)


def interface_name(index: int) -> str:
    """The name of an interface, for people; its number when it is gone."""
    try:
        return socket.if_indextoname(index)
    except OSError:
        return str(index)


def is_local(address: str) -> bool:
    """Whether this host itself has `address`. Raises OSError where the kernel cannot be asked."""
    step = first_step(address, Via())
    return step is not None and step.local


def _leaving(family: int, via: Via, scope: str = "") -> tuple[int, list[tuple[int, bytes]]]:
    """The number of the interface to leave by, 0 where that is open, and the attributes of a question about `via`."""
    interface = interface_index(via.interface) if via.interface else scope_index(scope) if scope else 0
    attributes = []
    if interface:
        attributes.append((_OIF, _U32.pack(interface)))
    if via.mark is not None:
        attributes.append((_MARK, _U32.pack(via.mark)))
    if via.source is not None:
        attributes.append((_SRC, socket.inet_pton(_FAMILIES[family], via.source.partition("%")[0])))
    return interface, attributes


def _router(route: _Route, interface: int) -> str | None:
    """The first living next hop of the wanted interface, as text."""
    for hop in route.hops:
        if hop.alive and hop.gateway and (not interface or hop.interface == interface):
            address = _text(hop.gateway)
            return f"{address}%{socket.if_indextoname(hop.interface)}" if address.startswith("fe80:") else address
    return None


def _decide(family: int, destination: str, attributes: list[tuple[int, bytes]], flags: int) -> list[_Route]:
    """The route a packet to `destination` would take; empty where it would take none."""
    packed = socket.inet_pton(_FAMILIES[family], destination)
    wanted = [(_DST, packed), *attributes]
    source = 8 * len(packed) if any(kind == _SRC for kind, _ in attributes) else 0
    route = _ROUTE.pack(_FAMILIES[family], 8 * len(packed), source, 0, 0, 0, 0, 0, flags)
    try:
        body = route + b"".join(_attribute(kind, value) for kind, value in wanted)
        return [_parse(answer) for answer in _ask(_GET_ROUTE, body)]
    except OSError as error:
        # How the kernel says "no route", "unreachable", "prohibit", "blackhole", "that is no source address of mine".
        if error.errno in {
            errno.ENETUNREACH,
            errno.EHOSTUNREACH,
            errno.EACCES,
            errno.EINVAL,
            errno.ENODEV,
            errno.ESRCH,
        }:
            return []
        raise


def _dump(family: int) -> Iterator[_Route]:
    """The unicast routes of the main table."""
    return map(_parse, _ask(_GET_ROUTE, _ROUTE.pack(_FAMILIES[family], 0, 0, 0, _MAIN, 0, 0, _UNICAST, 0), _DUMP))


def _ask(question: int, body: bytes, flags: int = 0) -> Iterator[bytes]:
    """The answers to one question, without their netlink headers."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as link:
        link.settimeout(_PATIENCE)
        if flags & _DUMP:
            link.setsockopt(_SOL_NETLINK, _STRICT, 1)  # filter in the kernel
        link.send(_HEADER.pack(_HEADER.size + len(body), question, _REQUEST | flags, 1, 0) + body)
        while True:
            data = link.recv(_BUFFER)
            while len(data) >= _HEADER.size:
                length, kind, *_ = _HEADER.unpack_from(data)
                message, data = data[_HEADER.size : length], data[_align(length) :]
                if kind == _ERROR:
                    (code,) = struct.unpack_from("=i", message)
                    if code:
                        raise OSError(-code, os.strerror(-code))
                    return
                if kind == _DONE:
                    return
                if kind == question - 2:
                    yield message
            if not flags & _DUMP:
                return


def _parse(message: bytes) -> _Route:
    _, length, _, _, table, _, _, kind, flags = _ROUTE.unpack_from(message)
    found = dict(_attributes(message[_ROUTE.size :]))
    hops = []
    if _OIF in found:
        hops.append(_Hop(_U32.unpack(found[_OIF])[0], _gateway(found), not flags & _DEAD))
    rest = found.get(_MULTIPATH, b"")
    while len(rest) >= _HOP.size:
        size, state, _, interface = _HOP.unpack_from(rest)
        hops.append(_Hop(interface, _gateway(dict(_attributes(rest[_HOP.size : size]))), not state & _DEAD))
        rest = rest[_align(size) :]
    return _Route(
        length=length,
        type=kind,
        table=_U32.unpack(found[_TABLE])[0] if _TABLE in found else table,
        priority=_U32.unpack(found[_PRIORITY])[0] if _PRIORITY in found else 0,
        hops=tuple(hops),
    )


def _gateway(found: dict[int, bytes]) -> bytes | None:
    """The next hop among attributes; an IPv4 route may lead to an IPv6 router (RFC 5549), whose family stands before its address."""
    return found.get(_GATEWAY) or found.get(_VIA, b"")[2:] or None


def _text(packed: bytes) -> str:
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(data)
        if length < _ATTRIBUTE.size:
            return
        yield (
            kind & 0x3FFF,
            data[_ATTRIBUTE.size : length],
        )  # without the two flag bits NLA_F_NESTED, NLA_F_NET_BYTEORDER
        data = data[_align(length) :]


def _attribute(kind: int, value: bytes) -> bytes:
    return (_ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value).ljust(
        _align(_ATTRIBUTE.size + len(value)), b"\0"
    )


def _align(length: int) -> int:
    """Netlink pads to 4 bytes."""
    return (length + 3) & ~3
