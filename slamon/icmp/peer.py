"""A target as the engine sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slamon.egress import SocketAddress, canonical, socket_address
from slamon.icmp.sockets import with_zone
from slamon.model import Target

if TYPE_CHECKING:
    from slamon.icmp.channel import Channel
    from slamon.record.series import Series


class Peer:
    """One target under one address. Made anew when either changes."""

    __slots__ = (
        "address",
        "channel",
        "destination",
        "newest",
        "payload",
        "series",
        "source",
        "target",
        "timeout",
        "used",
    )

    def __init__(self, target: Target, address: str, series: Series, *, channel: Channel, payload: int) -> None:
        """Raises OSError for an address that is no literal of the family, or whose zone names no interface."""
        self.target = target
        self.address = address
        self.series = series
        self.channel = channel
        self.payload = payload
        self.timeout = target.timeout
        self.destination: SocketAddress = socket_address(with_zone(address, target.via), 0)
        self.source = canonical(address).partition("%")[0]
        """The text by which the kernel names the sender of an answer."""
        self.newest = 0
        """Number of the latest-sent probe that was answered, to see reordering (RFC 4737)."""
        self.used = 0
        """Monotonic instant of the last send."""
