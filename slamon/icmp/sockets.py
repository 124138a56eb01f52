"""Opens the shared ICMP sockets of the engine, as good as the kernel allows, and sends on them."""

from __future__ import annotations

import errno
import os
import socket
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from sys import executable
from typing import NamedTuple

from slamon.egress import (
    FAMILIES,
    SocketAddress,
    prepare,
    receive_buffer,
    send_buffer,
    socket_address,
    with_zone,
)
from slamon.icmp.packet import ECHO_REPLY
from slamon.model import Via
from slamon.routes import interface_index
from slamon.stats import SocketInfo

BUFFER = 8 << 20
"""Bytes asked for both buffers: room for 20 000 replies; at the usual 208 KiB packets to dead neighbours starve live ones."""

# Linux ABI (asm-generic/socket.h, linux/in.h, linux/in6.h, linux/icmp.h, linux/icmpv6.h) that the socket module does not name.
SO_TIMESTAMPING_NEW = 65
SCM_TIMESTAMPING_NEW = SO_TIMESTAMPING_NEW
IP_RECVTTL = 12
SOL_RAW = 255
SOL_ICMPV6 = 58
ICMP_FILTER = 1
ICMP6_FILTER = 1

SOF_TIMESTAMPING_TX_SOFTWARE = 1 << 1
SOF_TIMESTAMPING_RX_SOFTWARE = 1 << 3
SOF_TIMESTAMPING_SOFTWARE = 1 << 4
SOF_TIMESTAMPING_OPT_ID = 1 << 7
SOF_TIMESTAMPING_OPT_TSONLY = 1 << 11

STAMPING = (
    SOF_TIMESTAMPING_TX_SOFTWARE
    | SOF_TIMESTAMPING_RX_SOFTWARE
    | SOF_TIMESTAMPING_SOFTWARE
    | SOF_TIMESTAMPING_OPT_ID
    | SOF_TIMESTAMPING_OPT_TSONLY
)
"""When a packet left and when one came; of those that left the number and no copy, by the error queue."""

TIMESPEC = Struct("=qq")
HOP_LIMIT = Struct("=i")
_WORD = Struct("=I")

COUNTERS = {4: ("snmp", "Icmp:", "InCsumErrors"), 6: ("snmp6", "", "Icmp6InCsumErrors")}
"""Family → file of /proc/net, line, name of the kernel's count of ICMP messages with a wrong checksum."""

PING_GROUP_RANGE = Path("/proc/sys/net/ipv4/ping_group_range")


ASYNCHRONOUS = frozenset(
    {
        errno.EHOSTUNREACH,
        errno.ENETUNREACH,
        errno.ECONNREFUSED,
        errno.ENOPROTOOPT,
        errno.EOPNOTSUPP,
        errno.EHOSTDOWN,
        errno.ENONET,
        errno.EMSGSIZE,
        errno.EPROTO,
        errno.EACCES,
    }
)
"""What a call on a shared socket may report about an earlier packet to somebody else (the table icmp_err_convert of Linux)."""

PATIENCE = 4
"""Further attempts at one send, as each may only fetch one more such report."""


class NotPermitted(PermissionError):  # noqa: N818 - named for what the operator has to mend
    """Neither a datagram nor a raw ICMP socket may be opened; the text says how to allow one."""


class Kind(NamedTuple):
    name: str
    type: int


_ANY = {4: "0.0.0.0", 6: "::"}  # noqa: S104 - the source address is the kernel's choice; nothing listens

_KINDS = (Kind("dgram", socket.SOCK_DGRAM), Kind("raw", socket.SOCK_RAW))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSocket:
    """One open socket: non-blocking, with replies only in its queue and errors in its error queue."""

    socket: socket.socket
    family: int
    raw: bool
    ident: int
    """The ICMP identifier of everything sent here."""
    interface_index: int
    """Of `via.interface` when it was opened; 0 without one."""
    info: SocketInfo

    @property
    def headers(self) -> bool:
        """Whether received messages start with the IP header."""
        return self.raw and self.family == 4

    def restart_keys(self) -> None:
        """The next packet is number 0 of those whose transmit stamps come by the error queue.

        A send that fails uses up a number or not, depending on how far it got (EPERM does, ENETUNREACH does not), so that after one
        nobody knows how the kernel counts.
        """
        if self.info.timestamps == "kernel":
            self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING_NEW, STAMPING & ~SOF_TIMESTAMPING_OPT_ID)
            self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING_NEW, STAMPING)

    def insist(self, packet: bytes | memoryview, destination: SocketAddress) -> None:
        """Send one packet, again and again as long as a refusal may be a report about an earlier packet to somebody else.

        Raises OSError: the refusal that is about this packet.
        """
        for tries in range(PATIENCE + 1):
            try:
                self.socket.sendto(packet, destination)
            except OSError as error:
                if error.errno not in ASYNCHRONOUS or tries == PATIENCE:
                    raise
            else:
                return


def open_socket(family: int, via: Via) -> ProbeSocket:
    """A socket for echo requests that leave by `via`: datagram if the kernel lets us, else raw.

    Raises NotPermitted when neither is allowed, OSError when the way out does not exist (ENODEV, EADDRNOTAVAIL) or may not be used.
    """
    for kind in _KINDS:
        try:
            probe = socket.socket(
                FAMILIES[family],
                kind.type,
                socket.IPPROTO_ICMP if family == 4 else socket.IPPROTO_ICMPV6,
            )
        except PermissionError:
            continue
        try:
            return _prepared(probe, kind, family, via)
        except OSError:
            probe.close()
            raise
    raise NotPermitted(permission_advice())


def _prepared(probe: socket.socket, kind: Kind, family: int, via: Via) -> ProbeSocket:
    raw = kind.type == socket.SOCK_RAW
    index = interface_index(via.interface) if via.interface is not None else 0
    prepare(probe, family, via)
    if raw:
        _take_replies_only(probe, family)
    probe.bind(socket_address(with_zone(via.source or _ANY[family], via), 0))
    if family == 4:
        probe.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)
    else:
        probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
    return ProbeSocket(
        socket=probe,
        family=family,
        raw=raw,
        ident=int.from_bytes(os.urandom(2), "big") if raw else probe.getsockname()[1],
        interface_index=index,
        info=SocketInfo(
            family=family,
            via=str(via),
            type=kind.name,
            timestamps=_stamping(probe),
            receive_buffer=receive_buffer(probe, BUFFER),
            send_buffer=send_buffer(probe, BUFFER),
        ),
    )


def _take_replies_only(probe: socket.socket, family: int) -> None:
    """Errors come by the error queue, where the kernel has matched them; everything else on a raw socket is other people's."""
    reply = ECHO_REPLY[family]
    if family == 4:
        probe.setsockopt(SOL_RAW, ICMP_FILTER, _WORD.pack(0xFFFFFFFF ^ 1 << reply))
        return
    blocked = [0xFFFFFFFF] * 8
    blocked[reply >> 5] ^= 1 << (reply & 31)
    probe.setsockopt(SOL_ICMPV6, ICMP6_FILTER, Struct("=8I").pack(*blocked))


def _stamping(probe: socket.socket) -> str:
    """Ask for stamps. Unlike SO_TIMESTAMPNS this never passes off the moment of reading as the moment of arrival."""
    try:
        probe.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING_NEW, STAMPING)
    except OSError:
        return "userspace"
    return "kernel"


def permission_advice() -> str:
    """What to say to an operator whose kernel refuses both kinds of socket: the present state and the lines that mend it."""
    try:
        present = " ".join(PING_GROUP_RANGE.read_text().split())
    except OSError:
        present = "unknown"
    return (
        "ICMP targets are unmeasured: this kernel lets us open neither a datagram nor a raw ICMP socket. As root, either\n"
        f'  sysctl -w net.ipv4.ping_group_range="0 2147483647"    (it is "{present}" now)\n'
        "or give the capability to the service (AmbientCapabilities=CAP_NET_RAW in the systemd unit)\n"
        f"or to this interpreter:  setcap cap_net_raw+ep {Path(executable).resolve()}"
    )


def checksum_errors() -> Counter[int]:
    """Family → ICMP messages with a wrong checksum this network namespace has received; without those the kernel does not tell of."""
    found: Counter[int] = Counter()
    for family, (file, line, name) in COUNTERS.items():
        try:
            text = (Path("/proc/thread-self/net") / file).read_text()
        except OSError:
            continue
        lines = [words for words in map(str.split, text.splitlines()) if words and words[0].startswith(line)]
        pairs = zip(*lines[:2], strict=True) if line else (words[:2] for words in lines)
        found[family] = int(dict(pairs).get(name, 0))
    return found
