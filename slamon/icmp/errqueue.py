"""What the error queue of a socket says about packets sent on it, and whether the one who complains is this host itself."""

from __future__ import annotations

import socket
from struct import Struct, unpack
from typing import NamedTuple

from slamon.icmp.sockets import IP_RECVERR, IPV6_RECVERR
from slamon.model import S
from slamon.routes import is_local

MSG_ERRQUEUE = 0x2000

SO_EE_ORIGIN_ICMP = 2
SO_EE_ORIGIN_ICMP6 = 3

_EXTENDED_ERROR = Struct("=IBBBxII")
"""struct sock_extended_err: errno, origin, type, code, info, data; the offender's sockaddr follows."""


OWN_ADDRESS = 10 * S
"""How long it is remembered whether an address is this host's: two hundred dead neighbours make two hundred complaints a round."""


class Trouble(NamedTuple):
    """One message of the error queue."""

    errno: int
    origin: int
    type: int
    code: int
    offender: str
    """The address of the router that complained; empty when the kernel itself did."""


def trouble(ancillary: list[tuple[int, int, bytes]]) -> Trouble | None:
    """The extended error among the control messages of one message of the error queue; None without one."""
    for level, kind, data in ancillary:
        if (level == socket.IPPROTO_IP and kind == IP_RECVERR) or (
            level == socket.IPPROTO_IPV6 and kind == IPV6_RECVERR
        ):
            errno, origin, type_, code, _, _ = _EXTENDED_ERROR.unpack_from(data)
            return Trouble(errno, origin, type_, code, _offender(data[_EXTENDED_ERROR.size :]))
    return None


def _offender(sockaddr: bytes) -> str:
    """sockaddr_in or sockaddr_in6 → address; empty for an unspecified one."""
    family = unpack("=H", sockaddr[:2])[0] if len(sockaddr) >= 16 else socket.AF_UNSPEC
    if family == socket.AF_INET:
        return socket.inet_ntop(family, sockaddr[4:8])
    if family == socket.AF_INET6 and len(sockaddr) >= 24:
        return socket.inet_ntop(family, sockaddr[8:24])
    return ""


class OwnAddresses:
    """Whether an address is this host's own, asked of the kernel and remembered for a while."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[str, tuple[bool, int]] = {}

    def has(self, address: str, now: int) -> bool:
        """`now` is monotonic. Raises OSError where the kernel cannot be asked (AF_NETLINK is forbidden)."""
        own, until = self._known.get(address, (False, 0))
        if until <= now:
            self._known = {known: entry for known, entry in self._known.items() if entry[1] > now}
            own = is_local(address)
            self._known[address] = (own, now + OWN_ADDRESS)
        return own
