"""Path evidence: which routers still answer on the way to a target that went down. Home of icmplib, apart from the measuring sockets."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from icmplib import (
    ICMPError,
    ICMPLibError,
    ICMPRequest,
    ICMPv4Socket,
    ICMPv6Socket,
    SocketPermissionError,
    TimeExceeded,
    TimeoutExceeded,
)
from icmplib.utils import unique_identifier

from slamon.model import MINUTE, S, Via
from slamon.path import Hop, Moment, Trace

if TYPE_CHECKING:
    from slamon.clock import Clock

LONGEST = 20 * S
"""A trace ends after this long, wherever it is: evidence is of the moment."""

PATIENCE = 1 * S
"""How long one router is waited for; those that answer at all do so within their distance, hundreds of milliseconds at most."""

TRIES = 2
"""Probes per hop, like icmplib's own traceroute: one lost packet shall not look like a silent router."""

HOPS = 30
"""The customary limit of traceroute(8)."""

SILENCE = 4
"""Silent hops in a row after which nothing more is expected: the target is down, so the path usually ends in silence."""

AGAIN = 1 * MINUTE
"""Between two traces of one target for the same reason: a flapping target must not become a stream of traces."""

WAITING = 16
"""Traces that may wait for the one that runs: later ones would show another moment than the outage's beginning."""

NO_PRIVILEGE = (
    "no path: a trace needs a raw socket, and that needs CAP_NET_RAW "
    "(in the systemd unit: AmbientCapabilities=CAP_NET_RAW)"
)

ANY_WAY = Via()

_VERSIONS = {4: ICMPv4Socket, 6: ICMPv6Socket}


class Tracer:
    """Traces one path at a time in a thread of its own; the event loop never waits."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._stop = threading.Event()
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="trace")
        self._waiting = 0
        self._last: dict[tuple[str, Moment], int] = {}

    async def trace(
        self, name: str, address: str, *, family: int, via: Via = ANY_WAY, moment: Moment = Moment.BEGAN
    ) -> Trace | None:
        """The path to the literal `address` of the target `name`.

        None when it was traced less than AGAIN ago for the same reason, or too many wait. Raises nothing for what the network or
        the kernel does: that is in the result.
        """
        now = self._clock.monotonic()
        last = self._last.get((name, moment))
        if self._waiting > WAITING or (last is not None and now - last < AGAIN):
            return None
        self._last = {traced: at for traced, at in self._last.items() if now - at < AGAIN}
        self._last[name, moment] = now
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._executor, follow, self._clock, address, family, via, self._stop
            )
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Forget the waiting ones; the running one ends within PATIENCE."""
        self._stop.set()
        self._executor.shutdown(wait=True, cancel_futures=True)


def follow(clock: Clock, address: str, family: int, via: Via, stop: threading.Event) -> Trace:
    """Trace now, in the calling thread, for at most LONGEST."""
    started, begun = clock.now(), clock.monotonic()
    hops: list[Hop] = []
    reached, ended = False, ""
    try:
        with _VERSIONS[family](via.source) as probe:
            _leave_by(probe.sock, via)
            walk = _Walk(probe, address, clock, begun + LONGEST, stop)
            hops.extend(walk.hops())
            reached, ended = walk.reached, walk.ended
    except SocketPermissionError:
        ended = NO_PRIVILEGE
    except (ICMPLibError, OSError) as error:
        ended = f"no path: {error}"
    return Trace(
        address=address,
        family=family,
        started=started,
        duration=clock.monotonic() - begun,
        hops=tuple(hops),
        reached=reached,
        ended=ended,
    )


def _leave_by(probe: socket.socket, via: Via) -> None:
    if via.interface is not None:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, via.interface.encode())
    if via.mark is not None:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, via.mark)


class _Walk:
    """Hop after hop. Not `icmplib.traceroute`, which hides silent hops and errors, binds no interface and ends when it pleases."""

    def __init__(
        self, probe: ICMPv4Socket | ICMPv6Socket, address: str, clock: Clock, deadline: int, stop: threading.Event
    ) -> None:
        self._probe = probe
        self._address = address
        self._clock = clock
        self._deadline = deadline
        self._stop = stop
        self._ident = unique_identifier()
        self._sequence = 0
        self.reached = False
        self.ended = ""

    def hops(self) -> Iterator[Hop]:
        silent = 0
        for distance in range(1, HOPS + 1):
            hop = self._hop(distance)
            silent = 0 if hop.address else silent + 1
            yield hop
            if self.reached or self.ended:
                return
            if silent == SILENCE:
                self.ended = f"nobody answered at {SILENCE} hops in a row"
                return
        self.ended = f"not reached within {HOPS} hops"

    def _hop(self, distance: int) -> Hop:
        address: str | None = None
        rtts: list[int] = []
        for _ in range(TRIES):
            left = self._deadline - self._clock.monotonic()
            if left <= 0 or self._stop.is_set():
                self.ended = "stopped" if left > 0 else f"{LONGEST // S} s were over"
                break
            self._sequence += 1
            request = ICMPRequest(destination=self._address, id=self._ident, sequence=self._sequence, ttl=distance)
            try:
                self._probe.send(request)
                reply = self._probe.receive(request, min(left, PATIENCE) / S)
            except TimeoutExceeded:
                continue
            address = reply.source
            # Both instants are icmplib's, by the wall clock: a step of it in between makes no sense of the difference.
            rtt = int((reply.time - request.time) * S)
            rtts.extend([rtt] if rtt >= 0 else [])
            try:
                reply.raise_for_status()
                self.reached = True
            except TimeExceeded:
                continue
            except ICMPError as error:
                self.ended = f"{str(error).rstrip('.').lower()}, says {reply.source}"
                break
        return Hop(distance=distance, address=address, rtts=tuple(rtts))
