"""One family and one way out: the line in use, its successors, and what is said while there is none."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterable

from slamon.icmp.flights import MEMORY
from slamon.icmp.line import Line
from slamon.icmp.peer import Peer
from slamon.icmp.sockets import NotPermitted, open_socket
from slamon.icmp.wire import Salvo
from slamon.model import HOUR, MINUTE, US, Reading, Result, S, Via
from slamon.probe import Context

log = logging.getLogger(__name__)

REOPEN = 1 * S
"""Between two tries to open a socket whose way out is missing."""

PERMISSION_RETRY = 30 * S
"""Between two tries where the kernel forbids it: somebody has to type a command first."""

ROTATION = 1 * HOUR
"""How long an ICMP identifier is used. To a NAT and to a router with several ways it is the flow: one that got stuck there must not blind
us for ever, and a new one may take another way, so it shall not change often either."""

ROTATION_PAUSE = 1 * MINUTE
"""At least so long between two changes because of losses: an outage of many targets is no reason for many identifiers."""

PROBATION = 1 * MINUTE
"""How long a target that let others wait for its answer is sent to apart from them."""


class Channel:
    """Time is monotonic nanoseconds."""

    def __init__(self, family: int, via: Via, context: Context, *, batched: bool) -> None:
        self.family = family
        self.via = via
        self._context = context
        self._clock = clock = context.clock
        self._batched = batched
        self.line: Line | None = None
        self._former: list[tuple[Line, int]] = []
        """Lines that send no more, and until when their answers are waited for."""
        self._why = ""
        self._next_try = clock.monotonic()
        self._opened = 0
        self._number = 0
        self._lost_flow: Peer | None = None
        """A target whose probes go unanswered since the identifier was taken."""
        self.rotations = 0
        """Changes of the identifier so far, without those that an interface forced."""

    def ready(self) -> Line | None:
        """The line to send on, opened now if need be; None while that is impossible: see `refuse`."""
        now = self._clock.monotonic()
        line = self.line
        if line is None:
            return self._open(now) if now >= self._next_try else None
        if line.suspect and now >= self._next_try:
            line.suspect = False
            self._next_try = now + REOPEN
            if self._interface() != line.probe.interface_index:
                self._abandon("the interface went away")
                return self._open(now)
        age = now - self._opened
        if age >= ROTATION:
            return self._rotate(now, "it was in use for an hour")
        if self._lost_flow is not None and self._lost_flow.losses and age >= ROTATION_PAUSE:
            return self._rotate(now, f"{self._lost_flow.target.name} did not answer")
        return line

    def refuse(self, peers: Iterable[Peer]) -> None:
        """There is no line: these probes cannot be sent, which is our own failure."""
        instant = self._clock.wall(self._clock.monotonic()) // US * US
        for peer in peers:
            peer.series.decide(peer.series.send(instant), Reading(Result.LOCAL_ERROR, detail=self._why))

    def drain(self, *, eager: bool) -> None:
        """Read what arrived on all lines, decide what is overdue; unless `eager`, where that cannot wait."""
        if self._former:
            now = self._clock.monotonic()
            for line, until in self._former:
                line.drain(eager=eager)  # before the line in use: what was sent earlier shall not look overtaken
                if now >= until and not line.flights.in_flight:
                    line.close("the flow was changed")
            self._former = [(line, until) for line, until in self._former if now < until or line.flights.in_flight]
        if self.line is not None:
            self.line.drain(eager=eager)

    def close(self) -> None:
        self._abandon("slamon was stopped")

    def _interface(self) -> int:
        """The present index of the interface to leave by: another one, or none (0), makes the socket useless."""
        if self.via.interface is None:
            return 0
        try:
            return socket.if_nametoindex(self.via.interface)
        except OSError:
            return 0

    def _open(self, now: int) -> Line | None:
        try:
            probe = open_socket(self.family, self.via)
        except NotPermitted as error:
            self._why = "no ICMP socket is permitted"
            self._next_try = now + PERMISSION_RETRY
            self._context.tell(str(error))
            return None
        except OSError as error:
            way = str(self.via) or "no ICMP socket"
            self._why = f"{way}: {error.strerror or error}"
            self._next_try = now + REOPEN
            return None
        line = Line(probe, self._context, first=self._number, batched=self._batched, lost=self._note)
        self._context.stats.sockets.append(probe.info)
        self.line, self._opened, self._next_try = line, now, now + REOPEN
        return line

    def _rotate(self, now: int, why: str) -> Line | None:
        """Take another identifier; what is in flight is waited for under the old one."""
        before = self.line
        assert before is not None
        self._lost_flow = None
        self._number = before.flights.next
        line = self._open(now)
        if line is None:
            self._opened = now  # go on as before, and try again in due time
            return before
        self._former.append((before, now + MEMORY))
        self.rotations += 1
        log.info(
            "IPv%d probes%s go by ICMP id %d from here on, not by %d: %s",
            self.family, f" by {self.via}" if str(self.via) else "", line.probe.ident, before.probe.ident, why,
        )  # fmt: skip
        return line

    def _note(self, peer: Peer) -> None:
        """A probe was not answered. The flow is changed before the last failure that makes an outage, so that one probe goes by another."""
        if peer.losses == max(peer.target.down_after - 1, 1):
            self._lost_flow = peer

    def _abandon(self, why: str) -> None:
        for line in (self.line, *(line for line, _ in self._former)):
            if line is not None:
                self._number = max(self._number, line.flights.next)
                line.close(why)
        self.line = None
        self._former.clear()
        self._why = why


def salvos(line: Line, peers: Iterable[Peer], now: int | None = None) -> list[Salvo]:
    """Peers of one channel, parted into what can be sent as one.

    `now`: the present instant, where they are sent to together again and again. Then those that let others wait of late go apart.
    """
    alike: dict[tuple[int, object, bool], list[Peer]] = {}
    for peer in peers:
        alike.setdefault((peer.timeout, peer.form, now is not None and _steady(peer, now)), []).append(peer)
    return [line.salvo(some, steady=steady) for (_, _, steady), some in alike.items()]


def _steady(peer: Peer, now: int) -> bool:
    waited = peer.missed is None or now - peer.missed >= PROBATION
    return waited and not peer.losses and peer.target.count == 1
