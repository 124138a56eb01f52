"""The probes of one socket that are under way: who owns a sequence number, and which are overdue. Pure bookkeeping, no clock, no socket.

Columns instead of an object per probe: a batch is written by slices, which is most of what a probe would cost otherwise.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import compress
from operator import not_
from typing import TYPE_CHECKING

from slamon.model import S
from slamon.record.series import Pending

if TYPE_CHECKING:
    from slamon.icmp.peer import Peer
    from slamon.record.rank import Round

SEQUENCES = 1 << 16
"""A sequence number has 16 bits (RFC 792)."""

MASK = SEQUENCES - 1
"""The low bits of a probe's number are its sequence number."""

LIMIT = 60_000
"""Probes in flight at most: the rest keeps the search for a free number short, and answers can still be told from those before the wrap."""

MEMORY = 20 * S
"""How long after its deadline a probe is remembered, to tell late and duplicate replies from strangers."""

FREE = 0
"""Nobody's: never used, or forgotten."""
IN_FLIGHT = 1
ANSWERED = 2
LOST = 3
"""Decided without an answer: timed out or reported by an ICMP error."""
LATE = 4
"""Lost, and then the answer came after all."""


class _Batch:
    """Consecutive probes that left together with one timeout."""

    __slots__ = ("count", "deadline", "first", "sent")

    def __init__(self, first: int, count: int, sent: int, deadline: int) -> None:
        self.first = first
        self.count = count
        self.sent = sent
        """Monotonic instant of the first."""
        self.deadline = deadline
        """Of the last."""


class Flights:
    """Numbers and deadlines. A sequence number is not reused while its probe is in flight, and otherwise as late as possible.

    The columns are indexed by sequence number, `number & MASK`; a slot means something only while its state is not FREE.
    """

    __slots__ = (
        "_decided", "_lanes", "hops", "in_flight", "next", "numbers", "peers", "pendings", "rtts", "sents", "stamps", "states",
    )  # fmt: skip

    def __init__(self, first: int = 0) -> None:
        """`first`: the number of the first probe."""
        self.next = first
        self.in_flight = 0
        self.states = bytearray(SEQUENCES)
        self.numbers = array("q", [-1]) * SEQUENCES
        self.peers: list[Peer | None] = [None] * SEQUENCES
        self.pendings: list[Pending | Round | None] = [None] * SEQUENCES
        """Of probes in flight; a round until all of its probes are answered."""
        self.sents = array("q", [0]) * SEQUENCES
        """Monotonic, just before the kernel was asked to send."""
        self.stamps = array("q", [0]) * SEQUENCES
        """The kernel's transmit stamp on CLOCK_REALTIME; 0 while it is not known."""
        self.rtts = array("q", [-1]) * SEQUENCES
        self.hops = array("h", [-1]) * SEQUENCES
        """Round trip and hop limit of the answered probes of a round."""
        # One queue per timeout: within it, probes are overdue in the order in which they were sent.
        self._lanes: dict[int, deque[_Batch]] = {}
        self._decided: deque[_Batch] = deque()

    def claim(self, most: int) -> range:
        """Up to `most` consecutive numbers whose sequence numbers are free, the next ones; empty while LIMIT probes are in flight."""
        most = min(most, LIMIT - self.in_flight)
        if most <= 0:
            return range(self.next, self.next)
        states = self.states
        while states[self.next & MASK] == IN_FLIGHT:
            self.next += 1
        begin = self.next & MASK
        end = min(begin + most, SEQUENCES)
        busy = states.find(IN_FLIGHT, begin, end)
        return range(self.next, self.next + (busy if busy >= 0 else end) - begin)

    def add(
        self,
        numbers: range,
        peers: Sequence[Peer],
        pendings: Sequence[Pending | Round],
        sents: Sequence[int],
        timeout: int,
    ) -> None:
        """Probes have left: the first of those claimed last. Calls come in the order of `sents`; equally long, not empty."""
        count = len(numbers)
        begin = numbers.start & MASK
        end = begin + count
        self.states[begin:end] = bytes((IN_FLIGHT,)) * count
        self.numbers[begin:end] = array("q", numbers)
        self.peers[begin:end] = peers
        self.pendings[begin:end] = pendings
        self.sents[begin:end] = array("q", sents)
        self.stamps[begin:end] = array("q", bytes(8 * count))
        self.next = numbers.stop
        self.in_flight += count
        lane = self._lanes.get(timeout)
        if lane is None:
            lane = self._lanes[timeout] = deque()
        lane.append(_Batch(numbers.start, count, sents[0], sents[-1] + timeout))

    def decide(self, sequence: int, state: int) -> tuple[Peer, Pending]:
        """The probe in flight, no longer one of a round, is over; `state` is ANSWERED, LOST or LATE. Whose it was."""
        self.states[sequence] = state
        self.in_flight -= 1
        peer, pending = self.peers[sequence], self.pendings[sequence]
        self.pendings[sequence] = None
        assert peer is not None
        assert isinstance(pending, Pending)
        return peer, pending

    def overdue(self, now: int) -> Iterator[int]:
        """Sequence numbers of probes in flight whose batch was due before `now`, each once; the caller decides every one of them."""
        states, numbers = self.states, self.numbers
        for lane in self._lanes.values():
            while lane:
                batch = lane[0]
                begin = batch.first & MASK
                end = begin + batch.count
                if batch.deadline >= now and states.find(IN_FLIGHT, begin, end) >= 0:
                    break
                lane.popleft()
                self._decided.append(batch)
                shift = batch.first - begin
                while (sequence := states.find(IN_FLIGHT, begin, end)) >= 0:
                    if numbers[sequence] == sequence + shift:  # else it is in flight again, for a probe after the wrap
                        yield sequence
                    begin = sequence + 1

    def unstamped(self, numbers: range) -> Iterator[int]:
        """Of these, those whose probes have no transmit stamp, as far as they are remembered."""
        first = max(numbers.start, numbers.stop - SEQUENCES)
        while first < numbers.stop:
            begin = first & MASK
            end = min(begin + numbers.stop - first, SEQUENCES)
            after = first + end - begin
            for number in compress(range(first, after), map(not_, self.stamps[begin:end])):
                if self.numbers[number & MASK] == number:
                    yield number
            first = after

    def oldest(self, now: int) -> int:
        """No probe in flight was sent before this instant; `now` when there is none."""
        return min((lane[0].sent for lane in self._lanes.values() if lane), default=now)

    def forget(self, now: int) -> None:
        """Let go of probes whose deadline is more than MEMORY ago."""
        decided = self._decided
        while decided and (decided[0].deadline + MEMORY < now or len(decided) > SEQUENCES):
            batch = decided.popleft()
            count = batch.count
            begin = batch.first & MASK
            end = begin + count
            # Where a later batch took some of the numbers, that one will forget them.
            mine = self.numbers[begin] == batch.first and self.numbers[end - 1] == batch.first + count - 1
            if mine and self.states.find(IN_FLIGHT, begin, end) < 0:
                self.states[begin:end] = bytes(count)
                self.peers[begin:end] = self.pendings[begin:end] = (None,) * count

    def abandon(self) -> list[tuple[Peer, Pending]]:
        """Everything in flight, taken off the books; the caller decides each."""
        found = []
        sequence = -1
        while (sequence := self.states.find(IN_FLIGHT, sequence + 1)) >= 0:
            found.append(self.decide(sequence, LOST))
        self._lanes.clear()
        self._decided.clear()
        return found
