"""Sequence numbers and deadlines in virtual time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slamon.icmp.flights import ANSWERED, IN_FLIGHT, LIMIT, LOST, MEMORY, SEQUENCES, Flight, Flights
from slamon.icmp.peer import Peer
from slamon.model import MS, S
from slamon.record.track import STEADY, Pending
from tests.icmp.rig import Pinger


def anybody() -> Peer:
    pinger = Pinger()
    peer = pinger.engine._meet(pinger.shot("127.0.0.1"))
    assert peer is not None
    return peer


@pytest.fixture(scope="module")
def peer() -> Peer:
    return anybody()


class Sky:
    """Flights with a clock that only the test moves."""

    def __init__(self, peer: Peer) -> None:
        self.flights = Flights()
        self.peer = peer
        self.now = 10 * S
        self.number = 0

    def send(self, timeout: int = 1 * S) -> Flight:
        sequence = self.flights.sequence()
        assert sequence is not None
        self.number += 1
        pending = Pending(1, self.now, STEADY)
        flight = Flight(self.peer, pending, sequence, self.number, self.now, self.now + timeout)
        self.flights.add(flight, timeout)
        return flight

    def expire(self) -> list[Flight]:
        """What is overdue now, decided."""
        found = list(self.flights.overdue(self.now))
        for flight in found:
            self.flights.decide(flight, LOST)
        return found


@pytest.fixture
def sky(peer: Peer) -> Sky:
    return Sky(peer)


def test_a_probe_is_overdue_after_its_deadline_and_once(sky: Sky) -> None:
    flight = sky.send(timeout=1 * S)
    sky.now += 1 * S
    assert sky.expire() == []
    sky.now += 1
    assert sky.expire() == [flight]
    assert flight.state == LOST
    assert sky.expire() == []
    assert sky.flights.in_flight == 0


def test_a_short_timeout_is_not_held_up_by_a_long_one(sky: Sky) -> None:
    long = sky.send(timeout=10 * S)
    short = sky.send(timeout=100 * MS)
    sky.now += 1 * S
    assert sky.expire() == [short]
    sky.now += 10 * S
    assert sky.expire() == [long]


def test_an_answered_probe_is_not_overdue(sky: Sky) -> None:
    first, second = sky.send(), sky.send()
    sky.flights.decide(second, ANSWERED)
    sky.now += 2 * S
    assert sky.expire() == [first]


def test_no_number_is_used_twice_until_all_were_used(sky: Sky) -> None:
    numbers = []
    for _ in range(SEQUENCES):
        flight = sky.send()
        sky.flights.decide(flight, ANSWERED)
        numbers.append(flight.sequence)
    assert sorted(numbers) == list(range(SEQUENCES))


def test_a_number_in_flight_is_stepped_over_after_the_wrap(sky: Sky) -> None:
    stuck = [sky.send(timeout=100 * S) for _ in range(3)]
    for _ in range(SEQUENCES - 3):
        sky.flights.decide(sky.send(), ANSWERED)
    assert sky.send().sequence == 3
    assert [flight.state for flight in stuck] == [IN_FLIGHT] * 3


def test_more_than_the_limit_is_refused_until_something_is_decided(sky: Sky) -> None:
    flights = [sky.send() for _ in range(LIMIT)]
    assert sky.flights.sequence() is None
    sky.flights.decide(flights[17], ANSWERED)
    assert sky.flights.sequence() is not None


def test_decided_probes_are_remembered_for_a_while_and_then_forgotten(sky: Sky) -> None:
    flight = sky.send(timeout=1 * S)
    sky.now += 2 * S
    sky.expire()
    sky.now = flight.deadline + MEMORY
    sky.flights.forget(sky.now)
    assert sky.flights.slots[flight.sequence] is flight
    sky.flights.forget(sky.now + 1)
    assert sky.flights.slots[flight.sequence] is None


def test_forgetting_spares_a_number_that_was_taken_again(sky: Sky) -> None:
    first = sky.send()
    sky.flights.decide(first, ANSWERED)
    for _ in range(SEQUENCES - 1):
        sky.flights.decide(sky.send(), ANSWERED)
    again = sky.send(timeout=60 * S)
    assert again.sequence == first.sequence
    sky.now += 2 * S
    sky.expire()
    sky.now += MEMORY + 1 * S
    sky.flights.forget(sky.now)
    assert sky.flights.slots[again.sequence] is again


def test_memory_is_bounded_whatever_the_rate(sky: Sky) -> None:
    for _ in range(SEQUENCES + 5000):
        sky.flights.decide(sky.send(timeout=1 * MS), ANSWERED)
    sky.now += 1 * S
    sky.expire()
    sky.flights.forget(sky.now)
    assert len(sky.flights._decided) <= SEQUENCES


def test_the_oldest_in_flight(sky: Sky) -> None:
    assert sky.flights.oldest(sky.now) == sky.now
    first = sky.send(timeout=10 * S)
    sky.now += 1 * S
    sky.send(timeout=1 * S)
    assert sky.flights.oldest(sky.now) == first.sent


def test_abandoned_are_exactly_those_in_flight(sky: Sky) -> None:
    flights = [sky.send(timeout=timeout) for timeout in (1 * S, 2 * S, 1 * S)]
    sky.flights.decide(flights[0], ANSWERED)
    assert set(sky.flights.abandon()) == set(flights[1:])
    assert sky.flights.in_flight == 0
    assert sky.flights.abandon() == []
    sky.now += 100 * S
    assert sky.expire() == []


@given(st.lists(st.tuples(st.sampled_from("sad"), st.integers(1, 3000)), max_size=60))
def test_every_flight_is_decided_once_and_numbers_in_flight_are_distinct(steps: list[tuple[str, int]]) -> None:
    sky = Sky(anybody())
    sent: list[Flight] = []
    decided: list[Flight] = []
    for what, amount in steps:
        if what == "s":
            sent.append(sky.send(timeout=amount * MS))
        elif what == "a":
            flying = [flight for flight in sent if flight.state == IN_FLIGHT]
            if flying:
                flight = flying[amount % len(flying)]
                sky.flights.decide(flight, ANSWERED)
                decided.append(flight)
        else:
            sky.now += amount * MS
            overdue = sky.expire()
            assert all(flight.deadline < sky.now for flight in overdue)
            decided += overdue
            assert not [flight for flight in sent if flight.state == IN_FLIGHT and flight.deadline < sky.now]
        flying = [flight for flight in sent if flight.state == IN_FLIGHT]
        assert len({flight.sequence for flight in flying}) == len(flying) == sky.flights.in_flight
    assert len(decided) == len(set(decided))
