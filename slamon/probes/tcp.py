"""Kind `tcp`: opens a connection to a port and closes it at once."""

from __future__ import annotations

import socket
import struct
from functools import partial

from pydantic import Field

from slamon.egress import open_socket, socket_address
from slamon.model import US, Reading, Result, Target
from slamon.probe import COMMON, Context, Kind, Port, Settings, connect, each

_RESET_ON_CLOSE = struct.pack("=ii", 1, 0)
"""SO_LINGER with 0 seconds: the connection is reset, so that no probe leaves a port in TIME_WAIT for a minute."""


class Tcp(Settings):
    port: Port = Field(examples=["443"])
    """Where to connect."""


_INFO = struct.Struct("=68xI28xI")
"""Of struct tcp_info of <linux/tcp.h>: smoothed round trip in microseconds, segments sent again."""


def handshake(sock: socket.socket) -> int | None:
    """The round trip from SYN to SYN-ACK as the kernel measured it, nanoseconds; None when there is none: a SYN had to be sent again."""
    rtt, repeated = _INFO.unpack(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO.size))
    return rtt * US if rtt and not repeated else None


async def probe(target: Target, address: str, context: Context) -> Reading:
    """One connection. The round trip is the kernel's, which our own load cannot bend; what the connect took by our clock is its phase.

    Where the SYN or its answer was lost and the kernel sent another one, whoever connects has waited for both: then the whole connect
    is the round trip, flagged as stamped by our own clock.
    """
    settings = target.settings
    assert isinstance(settings, Tcp)
    with open_socket(target.family, socket.SOCK_STREAM, target.via) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        began = context.clock.monotonic()
        await connect(sock, socket_address(address, settings.port))
        took = context.clock.monotonic() - began
        rtt = handshake(sock)
    phases = (("connect", took),)
    if rtt is None:
        return Reading(Result.SUCCESS, rtt=took, userspace=True, phases=phases)
    return Reading(Result.SUCCESS, rtt=rtt, phases=phases)


def wire_cost(_settings: Settings, family: int) -> tuple[int, int]:
    """SYN, SYN-ACK, ACK, RST with the options Linux sets."""
    header = 20 if family == 4 else 40
    return 4, 4 * header + 40 + 40 + 32 + 32


PROBE = Kind(
    settings=Tcp,
    open=partial(each, probe),
    results=COMMON | {Result.CONNECT_ERROR},
    phases=("connect",),
    wire_cost=wire_cost,
)
