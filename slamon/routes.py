"""What the kernel's routing tables say, asked by rtnetlink(7): the next hop of the default route, and which addresses are this host's own.

The kernel is asked for a *decision* (as `ip route get` does), so that metrics, policy rules, marks and interfaces count as they do for a
packet. No packet is sent. A host with a full table is asked for one route, not for a million.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple

from slamon.model import Via

_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}

_UNCOVERED = {
    4: ("192.0.2.1", "198.51.100.1", "203.0.113.1"),
    6: ("2001:db8::1", "3fff::1", "64:ff9b:1::1"),
}
"""Destinations nobody routes on purpose (RFC 5737, 3849, 9637, 8215): normally only the default route covers them."""

# Constants of <linux/netlink.h> and <linux/rtnetlink.h>.
_ERROR, _DONE = 2, 3
_NEW_ROUTE, _GET_ROUTE = 24, 26
_REQUEST, _DUMP = 0x1, 0x300
_FIB_MATCH = 0x2000  # answer with the route of the table, not with the cached decision made of it
_DST, _SRC, _OIF, _GATEWAY, _PRIORITY, _MULTIPATH, _TABLE, _MARK = 1, 2, 4, 5, 6, 9, 15, 16
_UNICAST, _LOCAL = 1, 2
_MAIN = 254
_DEAD = 0x1 | 0x10  # RTNH_F_DEAD | RTNH_F_LINKDOWN
_SOL_NETLINK, _STRICT = 270, 12

_HEADER = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port
_ROUTE = struct.Struct("=BBBBBBBBI")  # rtmsg: family, dst_len, src_len, tos, table, protocol, scope, type, flags
_ATTRIBUTE = struct.Struct("=HH")  # rtattr: length, type
_HOP = struct.Struct("=HBBi")  # rtnexthop: length, flags, hops, interface index
_U32 = struct.Struct("=I")

_PATIENCE = 1.0
"""Seconds for the kernel to answer: it does so at once, this only bounds a bug."""

_BUFFER = 1 << 16
"""Bytes of one read; the kernel packs a dump into at most 32 KiB a message."""


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
    interface = interface_index(via.interface) if via.interface else 0
    attributes = []
    if interface:
        attributes.append((_OIF, _U32.pack(interface)))
    if via.mark is not None:
        attributes.append((_MARK, _U32.pack(via.mark)))
    if via.source is not None:
        attributes.append((_SRC, socket.inet_pton(_FAMILIES[family], via.source.partition("%")[0])))
    for destination in _UNCOVERED[family]:
        for route in _decide(family, destination, attributes, _FIB_MATCH):
            if route.length == 0 and route.type == _UNICAST:
                return _router(family, route, interface)
    # More specific routes cover all of them (a VPN's two halves, a bogon list): look for the default route itself.
    routes = [route for route in _dump(family) if route.length == 0 and route.type == _UNICAST and route.table == _MAIN]
    found = (_router(family, route, interface) for route in sorted(routes, key=lambda route: route.priority))
    return next((router for router in found if router), None)


def interface_index(name: str) -> int:
    """The number of an interface. Raises OSError ENODEV, which Python's own function raises without a number."""
    try:
        return socket.if_nametoindex(name)
    except OSError as error:
        raise OSError(errno.ENODEV, f"there is no interface {name}") from error


def is_local(address: str) -> bool:
    """Whether this host itself has `address`. Raises OSError where the kernel cannot be asked."""
    host, _, scope = address.partition("%")
    attributes = [(_OIF, _U32.pack(interface_index(scope)))] if scope else []
    return any(route.type == _LOCAL for route in _decide(6 if ":" in host else 4, host, attributes, 0))


def _router(family: int, route: _Route, interface: int) -> str | None:
    """The first living next hop of the wanted interface, as text."""
    for hop in route.hops:
        if hop.alive and hop.gateway and (not interface or hop.interface == interface):
            address = socket.inet_ntop(_FAMILIES[family], hop.gateway)
            return f"{address}%{socket.if_indextoname(hop.interface)}" if address.startswith("fe80:") else address
    return None


def _decide(family: int, destination: str, attributes: list[tuple[int, bytes]], flags: int) -> list[_Route]:
    """The route a packet to `destination` would take; empty where it would take none."""
    packed = socket.inet_pton(_FAMILIES[family], destination)
    wanted = [(_DST, packed), *attributes]
    source = 8 * len(packed) if any(kind == _SRC for kind, _ in attributes) else 0
    route = _ROUTE.pack(_FAMILIES[family], 8 * len(packed), source, 0, 0, 0, 0, 0, flags)
    try:
        return list(_ask(route + b"".join(_attribute(kind, value) for kind, value in wanted), _REQUEST))
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
    return _ask(_ROUTE.pack(_FAMILIES[family], 0, 0, 0, _MAIN, 0, 0, _UNICAST, 0), _REQUEST | _DUMP)


def _ask(body: bytes, flags: int) -> Iterator[_Route]:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as link:
        link.settimeout(_PATIENCE)
        if flags & _DUMP == _DUMP:
            link.setsockopt(_SOL_NETLINK, _STRICT, 1)  # filter in the kernel
        link.send(_HEADER.pack(_HEADER.size + len(body), _GET_ROUTE, flags, 1, 0) + body)
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
                if kind == _NEW_ROUTE:
                    yield _parse(message)
            if flags & _DUMP != _DUMP:
                return


def _parse(message: bytes) -> _Route:
    _, length, _, _, table, _, _, kind, flags = _ROUTE.unpack_from(message)
    found = dict(_attributes(message[_ROUTE.size :]))
    hops = []
    if _OIF in found:
        hops.append(_Hop(_U32.unpack(found[_OIF])[0], found.get(_GATEWAY), not flags & _DEAD))
    rest = found.get(_MULTIPATH, b"")
    while len(rest) >= _HOP.size:
        size, state, _, interface = _HOP.unpack_from(rest)
        gateway = dict(_attributes(rest[_HOP.size : size])).get(_GATEWAY)
        hops.append(_Hop(interface, gateway, not state & _DEAD))
        rest = rest[_align(size) :]
    return _Route(
        length=length,
        type=kind,
        table=_U32.unpack(found[_TABLE])[0] if _TABLE in found else table,
        priority=_U32.unpack(found[_PRIORITY])[0] if _PRIORITY in found else 0,
        hops=tuple(hops),
    )


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
