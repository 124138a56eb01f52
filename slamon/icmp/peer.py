"""A target as the engine sees it."""

from __future__ import annotations

import socket
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from slamon.egress import FAMILIES, SocketAddress, canonical, socket_address, with_zone
from slamon.icmp.packet import COUNTING
from slamon.model import Target

if TYPE_CHECKING:
    from slamon.icmp.channel import Channel
    from slamon.record.series import Pending, Series

_NAME4 = Struct("=H2x4s8x")
_NAME6 = Struct("=H2xI16sI")
"""struct sockaddr_in and sockaddr_in6 without a port, which ICMP has none of."""


class Form(NamedTuple):
    """What a target's requests carry."""

    payload: int
    """Bytes behind the ICMP header."""
    pattern: bytes = COUNTING
    """Repeated to fill what the stamped part leaves."""


class Peer:
    """One target under one address. Made anew when either changes."""

    __slots__ = (
        "address",
        "channel",
        "destination",
        "form",
        "losses",
        "missed",
        "name",
        "newest",
        "series",
        "source",
        "target",
        "timeout",
        "used",
    )

    def __init__(self, target: Target, address: str, series: Series, *, channel: Channel, form: Form) -> None:
        """Raises OSError for an address that is no literal of the family, or whose zone names no interface."""
        self.target = target
        self.address = address
        self.series = series
        self.channel = channel
        self.form = form
        self.timeout = target.timeout
        self.destination: SocketAddress = socket_address(with_zone(address, target.via), 0)
        self.source = socket.inet_pton(FAMILIES[target.family], canonical(address).partition("%")[0])
        """The binary address by which the kernel names the sender of an answer."""
        self.name = (
            _NAME4.pack(socket.AF_INET, self.source)
            if target.family == 4
            else _NAME6.pack(socket.AF_INET6, 0, self.source, self.destination[3] if len(self.destination) == 4 else 0)
        )
        """`destination` as the kernel has it."""
        self.newest = -1
        """Number of the latest-sent probe that was answered, to see reordering (RFC 4737)."""
        self.losses = 0
        """Probes in a row that nobody answered."""
        self.missed: int | None = None
        """Monotonic instant at which others had waited long enough for its answer."""
        self.used = 0
        """Monotonic instant of a late send; exact to a sweep of the engine."""

    def succeed(self, pending: Pending, number: int, rtt: int, hop_limit: int) -> None:
        """Probe `number` of it was answered in time; as `Series.succeed`."""
        if number < self.newest:
            self.series.reordered()
        else:
            self.newest = number
        self.losses = 0
        self.series.succeed(pending, rtt, hop_limit)
