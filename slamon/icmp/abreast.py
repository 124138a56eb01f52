"""The rounds under way on one line: who answered, and when they go to the record, whole or probe by probe."""

from __future__ import annotations

from typing import NamedTuple

from slamon.icmp.flights import ANSWERED, IN_FLIGHT, LIMIT, MASK, Flights
from slamon.icmp.peer import Peer
from slamon.icmp.wire import Salvo
from slamon.model import MS
from slamon.record.rank import Round
from slamon.record.series import Pending

PATIENCE = 500 * MS
"""How long an answered probe waits at most for those that were sent with it: what is recorded of it is later by so much."""


class Flying(NamedTuple):
    """A round under way. Of its answered probes the columns of `Flights` hold round trip and hop limit."""

    round: Round
    salvo: Salvo
    numbers: range
    began: int
    """Monotonic instant of its sending."""

    def slots(self) -> tuple[int, int]:
        """Of the columns of `Flights`: from and to."""
        begin = self.numbers.start & MASK
        return begin, begin + len(self.numbers)


class Abreast:
    """Time is monotonic nanoseconds."""

    __slots__ = ("_flights", "_losing", "rounds")

    def __init__(self, flights: Flights) -> None:
        self._flights = flights
        self.rounds: list[Flying] = []
        """Oldest first."""
        self._losing: set[Peer] = set()
        """Those whose last probe nobody may have answered."""

    def lost(self, peer: Peer) -> None:
        """Nobody answered its last probe; the next round it is in shows that it answers again."""
        self._losing.add(peer)

    def make_room(self, count: int) -> None:
        """So many probes are to be sent: the numbers of a round are not used again before it is over."""
        if self.rounds and self._flights.next + count - self.rounds[0].numbers.start > LIMIT:
            self.part_all()

    def hand_on(self, now: int) -> None:
        """Rounds that are complete to the record; those that were waited for long enough, probe by probe."""
        flights, left = self._flights, []
        for one in self.rounds:
            begin, end = one.slots()
            if one.round.pendings is not None:
                self._part(one)
            elif flights.states.count(ANSWERED, begin, end) == end - begin:
                self._complete(one)
            elif now - one.began < PATIENCE:
                left.append(one)
            else:
                self._part(one)
                for sequence, peer in zip(range(begin, end), one.salvo.peers, strict=True):
                    if flights.states[sequence] == IN_FLIGHT:
                        peer.missed = now
                one.salvo.rank = None
        self.rounds = left

    def part_known(self) -> None:
        """Those that the record knows probe by probe already, since something else was sent to their targets."""
        known = [one for one in self.rounds if one.round.pendings is not None]
        if known:
            self.rounds = [one for one in self.rounds if one.round.pendings is None]
            for one in known:
                self._part(one)

    def end(self, sequence: int, state: int) -> tuple[Peer, Pending]:
        """Of a probe in flight, in another way than usually; its round, if it is in one, is parted before. See `Flights.decide`."""
        pending = self._flights.pendings[sequence]
        if isinstance(pending, Round):
            rounds, self.rounds = self.rounds, [one for one in self.rounds if one.round is not pending]
            for one in rounds:
                if one.round is pending:
                    self._part(one)
        return self._flights.decide(sequence, state)

    def part_all(self) -> None:
        rounds, self.rounds = self.rounds, []
        for one in rounds:
            self._part(one)

    def _complete(self, one: Flying) -> None:
        flights = self._flights
        begin, end = one.slots()
        flights.pendings[begin:end] = (None,) * (end - begin)
        if self._losing:
            for peer in self._losing.intersection(one.salvo.peers):
                peer.losses = 0
                self._losing.remove(peer)
        one.round.complete(flights.rtts[begin:end], flights.hops[begin:end])

    def _part(self, one: Flying) -> None:
        """Each probe of the round for itself from here on; those that are answered already are decided."""
        flights = self._flights
        begin, end = one.slots()
        flights.pendings[begin:end] = pendings = one.round.part()
        peers, sequences = one.salvo.peers, range(begin, end)
        for sequence, peer, pending, number in zip(sequences, peers, pendings, one.numbers, strict=True):
            if flights.states[sequence] == ANSWERED:
                flights.pendings[sequence] = None
                peer.succeed(pending, number, flights.rtts[sequence], flights.hops[sequence])
