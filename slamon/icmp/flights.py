"""The probes of one socket that are under way: who owns a sequence number, and which are overdue. Pure bookkeeping, no clock, no socket."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING

from slamon.model import S

if TYPE_CHECKING:
    from slamon.icmp.peer import Peer
    from slamon.record.series import Pending

SEQUENCES = 1 << 16
"""A sequence number has 16 bits (RFC 792)."""

LIMIT = 60_000
"""Probes in flight at most: the rest keeps the search for a free number short, and answers can still be told from those before the wrap."""

MEMORY = 20 * S
"""How long after its deadline a probe is remembered, to tell late and duplicate replies from strangers."""

IN_FLIGHT = 0
ANSWERED = 1
LOST = 2
"""Decided without an answer: timed out or reported by an ICMP error."""
LATE = 3
"""Lost, and then the answer came after all."""


class Flight:
    """One probe that left. Times are monotonic nanoseconds."""

    __slots__ = ("deadline", "number", "peer", "pending", "sent", "sequence", "state")

    def __init__(self, peer: Peer, pending: Pending, sequence: int, number: int, sent: int, deadline: int) -> None:
        self.peer = peer
        self.pending = pending
        self.sequence = sequence
        self.number = number
        self.sent = sent
        self.deadline = deadline
        self.state = IN_FLIGHT


class Flights:
    """Sequence numbers and deadlines. A number is not reused while its probe is in flight, and otherwise as late as possible."""

    __slots__ = ("_decided", "_lanes", "_next", "in_flight", "slots")

    def __init__(self) -> None:
        self.slots: list[Flight | None] = [None] * SEQUENCES
        """Sequence number → its latest probe, decided or not."""
        self.in_flight = 0
        self._next = 0
        # One queue per timeout: within it, probes are overdue in the order in which they were sent.
        self._lanes: dict[int, deque[Flight]] = {}
        self._decided: deque[Flight] = deque()

    def sequence(self) -> int | None:
        """The next free sequence number; None while LIMIT probes are in flight."""
        if self.in_flight >= LIMIT:
            return None
        sequence = self._next
        slots = self.slots
        while (flight := slots[sequence]) is not None and flight.state == IN_FLIGHT:
            sequence = (sequence + 1) % SEQUENCES
        self._next = (sequence + 1) % SEQUENCES
        return sequence

    def add(self, flight: Flight, timeout: int) -> None:
        """A probe has left; calls come in the order of `sent`, and `timeout` is `deadline - sent`."""
        self.slots[flight.sequence] = flight
        self.in_flight += 1
        lane = self._lanes.get(timeout)
        if lane is None:
            lane = self._lanes[timeout] = deque()
        lane.append(flight)

    def decide(self, flight: Flight, state: int) -> None:
        """The probe in flight is over; `state` is ANSWERED, LOST or LATE."""
        flight.state = state
        self.in_flight -= 1

    def overdue(self, now: int) -> Iterator[Flight]:
        """The probes in flight whose deadline is before `now`, each once; the caller decides every one of them."""
        for lane in self._lanes.values():
            while lane and (lane[0].state != IN_FLIGHT or lane[0].deadline < now):
                flight = lane.popleft()
                self._decided.append(flight)
                if flight.state == IN_FLIGHT:
                    yield flight

    def oldest(self, now: int) -> int:
        """No probe in flight was sent before this instant; `now` when there is none."""
        return min((lane[0].sent for lane in self._lanes.values() if lane), default=now)

    def forget(self, now: int) -> None:
        """Drop what is known of probes whose deadline is more than MEMORY ago, and of those whose sequence number was surely reused."""
        decided = self._decided
        while decided and (decided[0].deadline + MEMORY < now or len(decided) > SEQUENCES):
            flight = decided.popleft()
            if self.slots[flight.sequence] is flight:
                self.slots[flight.sequence] = None

    def abandon(self) -> list[Flight]:
        """Everything in flight, taken off the books; the caller decides each."""
        flights = [flight for lane in self._lanes.values() for flight in lane if flight.state == IN_FLIGHT]
        for flight in flights:
            flight.state = LOST
        self._lanes.clear()
        self._decided.clear()
        self.slots = [None] * SEQUENCES
        self.in_flight = 0
        return flights
