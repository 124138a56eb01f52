"""Kind `tcp`: opens a connection to a port and closes it at once."""

from __future__ import annotations

import socket
import struct
from functools import partial

from pydantic import Field

from slamon.egress import open_socket, socket_address
from slamon.model import Reading, Result, Target
from slamon.probe import COMMON, Context, Kind, Port, Settings, connect, each

_RESET_ON_CLOSE = struct.pack("=ii", 1, 0)
"""SO_LINGER with 0 seconds: the connection is reset, so that no probe leaves a port in TIME_WAIT for a minute."""


class Tcp(Settings):
    port: Port = Field(examples=["443"])
    """Where to connect."""


async def probe(target: Target, address: str, context: Context) -> Reading:
    """One connection. The round trip is the wall time of the connect, by our own clock."""
    settings = target.settings
    assert isinstance(settings, Tcp)
    with open_socket(target.family, socket.SOCK_STREAM, target.via) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        began = context.clock.monotonic()
        await connect(sock, socket_address(address, settings.port))
        rtt = context.clock.monotonic() - began
    return Reading(Result.SUCCESS, rtt=rtt, userspace=True, phases=(("connect", rtt),))


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
