"""Asking a neighbour on a link whether it is there, as the kernel does (ARP, RFC 826; neighbour discovery, RFC 4861), and before it does.

The kernel asks a neighbour again half a minute and more after it last heard of it. The answer to a question of ours is heard by the
kernel as well, so it is read from where the kernel keeps it: `routes.last_heard`.
"""

from __future__ import annotations

import errno
import fcntl
import socket
import struct

from slamon.routes import interface_name

REPEATS = 2
"""Questions at once: one lost packet shall not look like a dead neighbour."""

# Constants of <linux/if_ether.h>, <linux/if_arp.h>, <linux/sockios.h> and <linux/icmpv6.h>.
_IP, _ARP = 0x0800, 0x0806
_ETHERNET = 1
_REQUEST = 1
_GET_HARDWARE_ADDRESS = 0x8927
_SOLICITATION, _SOURCE_LINK_ADDRESS = 135, 1
_FILTER = 1

_EVERYBODY = b"\xff" * 6
_IFREQ = struct.Struct("=16sH6s16x")  # struct ifreq with a sockaddr of the link: name, kind of link, hardware address
_QUESTION4 = struct.Struct(">HHBBH6s4s6s4s")
_QUESTION6 = struct.Struct(">BBHI16sBB6s")
_NOTHING = struct.pack("=8I", *[0xFFFFFFFF] * 8)  # an ICMPv6 filter that blocks every type
_FOR_LIFE = 255  # the hop limit by which a receiver knows that no router is between (RFC 4861, 7.1.1)


def ask(interface: int, address: str) -> None:
    """Ask the host with the literal `address` on the link of `interface` for its hardware address; nobody waits for the answer.

    Raises OSError: not permitted (CAP_NET_RAW, AF_PACKET), no such interface, a link that is no Ethernet.
    """
    host = address.partition("%")[0]
    name = interface_name(interface)
    if ":" in host:
        _ask6(interface, name, host)
    else:
        _ask4(name, host)


def _ask4(name: str, host: str) -> None:
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0) as link:  # protocol 0: it hears nothing
        question = _QUESTION4.pack(
            _ETHERNET, _IP, 6, 4, _REQUEST, _hardware_address(link, name), _own_address(name, host), bytes(6),
            socket.inet_aton(host),
        )  # fmt: skip
        for _ in range(REPEATS):
            link.sendto(question, (name, _ARP, 0, 0, _EVERYBODY))


def _ask6(interface: int, name: str, host: str) -> None:
    packed = socket.inet_pton(socket.AF_INET6, host)
    group = socket.inet_ntop(socket.AF_INET6, bytes.fromhex("ff0200000000000000000001ff") + packed[13:])
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as link:
        link.setsockopt(socket.IPPROTO_ICMPV6, _FILTER, _NOTHING)
        link.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, _FOR_LIFE)
        question = _QUESTION6.pack(
            _SOLICITATION, 0, 0, 0, packed, _SOURCE_LINK_ADDRESS, 1, _hardware_address(link, name)
        )
        for _ in range(REPEATS):
            link.sendto(question, (group, 0, 0, interface))


def _hardware_address(link: socket.socket, name: str) -> bytes:
    answer = fcntl.ioctl(link.fileno(), _GET_HARDWARE_ADDRESS, _IFREQ.pack(name.encode(), 0, bytes(6)))
    kind, address = _IFREQ.unpack(answer)[1:]
    if kind != _ETHERNET:
        raise OSError(errno.EAFNOSUPPORT, f"{name} is no Ethernet")
    assert isinstance(address, bytes)
    return address


def _own_address(name: str, host: str) -> bytes:
    """The address this host would use towards `host` on that link."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name.encode())
        probe.connect((host, 9))  # discard; nothing is sent
        return socket.inet_aton(probe.getsockname()[0])
