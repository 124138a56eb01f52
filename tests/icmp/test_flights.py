"""Sequence numbers and deadlines in virtual time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slamon.icmp.flights import ANSWERED, FREE, IN_FLIGHT, LIMIT, LOST, MASK, MEMORY, SEQUENCES, Flights
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
        self.deadlines: dict[int, int] = {}
        """Number → deadline."""

    def send(self, timeout: int = 1 * S, count: int = 1) -> range:
        """The numbers of a batch, all of it if there is room up to the wrap."""
        numbers = self.flights.claim(count)
        pendings = [Pending(1, self.now, STEADY) for _ in numbers]
        self.flights.add(numbers, [self.peer] * len(numbers), pendings, [self.now] * len(numbers), timeout)
        self.deadlines.update(dict.fromkeys(numbers, self.now + timeout))
        return numbers

    def one(self, timeout: int = 1 * S) -> int:
        (number,) = self.send(timeout)
        return number

    def decide(self, number: int, state: int = ANSWERED) -> None:
        self.flights.decide(number & MASK, state)

    def state(self, number: int) -> int:
        return self.flights.states[number & MASK]

    def expire(self) -> list[int]:
        """The numbers of what is overdue now, decided."""
        found = []
        for sequence in self.flights.overdue(self.now):
            self.flights.decide(sequence, LOST)
            found.append(self.flights.numbers[sequence])
        return found


@pytest.fixture
def sky(peer: Peer) -> Sky:
    return Sky(peer)


def test_a_probe_is_overdue_after_its_deadline_and_once(sky: Sky) -> None:
    number = sky.one(timeout=1 * S)
    sky.now += 1 * S
    assert sky.expire() == []
    sky.now += 1
    assert sky.expire() == [number]
    assert sky.state(number) == LOST
    assert sky.expire() == []
    assert sky.flights.in_flight == 0


def test_a_short_timeout_is_not_held_up_by_a_long_one(sky: Sky) -> None:
    long = sky.one(timeout=10 * S)
    short = sky.one(timeout=100 * MS)
    sky.now += 1 * S
    assert sky.expire() == [short]
    sky.now += 10 * S
    assert sky.expire() == [long]


def test_an_answered_probe_is_not_overdue(sky: Sky) -> None:
    first, second, third = sky.send(count=3)
    sky.decide(second)
    sky.now += 2 * S
    assert sky.expire() == [first, third]


def test_no_sequence_is_used_twice_until_all_were_used(sky: Sky) -> None:
    numbers: list[int] = []
    while len(numbers) < SEQUENCES:
        batch = sky.send(count=1000)
        for number in batch:
            sky.decide(number)
        numbers += batch
    assert numbers == list(range(SEQUENCES)), "batches end where the sequence numbers wrap"


def test_a_sequence_in_flight_is_stepped_over_after_the_wrap(sky: Sky) -> None:
    stuck = sky.send(timeout=100 * S, count=3)
    middle = sky.flights.next
    left = SEQUENCES - 3
    while left:
        batch = sky.send(
            timeout=100 * S if left == SEQUENCES - 3 else 1 * S, count=1 if left == SEQUENCES - 3 else 5000
        )
        left -= len(batch)
        for number in batch:
            if number != middle:
                sky.decide(number)
    assert sky.send(count=10) == range(SEQUENCES + 4, SEQUENCES + 14), "3 and the one after them are still waited for"
    assert [sky.state(number) for number in stuck] == [IN_FLIGHT] * 3


def test_a_batch_ends_before_a_sequence_in_flight(sky: Sky) -> None:
    sky.send(count=5)
    for number in (0, 1, 3, 4):
        sky.decide(number)
    while sky.flights.next < SEQUENCES:
        for number in sky.send(count=9000):
            sky.decide(number)
    assert sky.send(count=10) == range(SEQUENCES, SEQUENCES + 2)
    assert sky.send(count=10) == range(SEQUENCES + 3, SEQUENCES + 13)


def test_more_than_the_limit_is_refused_until_something_is_decided(sky: Sky) -> None:
    assert len(sky.send(count=LIMIT + 5)) == LIMIT
    assert not sky.flights.claim(1)
    sky.decide(17)
    assert len(sky.flights.claim(10)) == 1


def test_decided_probes_are_remembered_for_a_while_and_then_forgotten(sky: Sky) -> None:
    number = sky.one(timeout=1 * S)
    sky.now += 2 * S
    sky.expire()
    sky.now = sky.deadlines[number] + MEMORY
    sky.flights.forget(sky.now)
    assert sky.state(number) == LOST
    sky.flights.forget(sky.now + 1)
    assert sky.state(number) == FREE
    assert sky.flights.peers[number] is None


def test_forgetting_spares_a_sequence_that_was_taken_again(sky: Sky) -> None:
    sky.decide(sky.one())
    while sky.flights.next < SEQUENCES:
        for number in sky.send(count=7000):
            sky.decide(number)
    again = sky.one(timeout=60 * S)
    assert again & MASK == 0
    sky.now += 2 * S
    sky.expire()
    sky.now += MEMORY + 1 * S
    sky.flights.forget(sky.now)
    assert sky.state(again) == IN_FLIGHT


def test_the_oldest_in_flight(sky: Sky) -> None:
    assert sky.flights.oldest(sky.now) == sky.now
    began = sky.now
    sky.one(timeout=10 * S)
    sky.now += 1 * S
    sky.one(timeout=1 * S)
    assert sky.flights.oldest(sky.now) == began


def test_abandoned_are_exactly_those_in_flight(sky: Sky) -> None:
    numbers = [sky.one(timeout=timeout) for timeout in (1 * S, 2 * S, 1 * S)]
    sky.decide(numbers[0])
    pendings = {sky.flights.pendings[number & MASK] for number in numbers[1:]}
    assert {pending for _, pending in sky.flights.abandon()} == pendings
    assert sky.flights.in_flight == 0
    assert sky.flights.abandon() == []
    sky.now += 100 * S
    assert sky.expire() == []


@given(st.lists(st.tuples(st.sampled_from("sad"), st.integers(1, 3000), st.integers(1, 5)), max_size=60))
def test_every_probe_is_decided_once_and_numbers_in_flight_are_distinct(steps: list[tuple[str, int, int]]) -> None:
    sky = Sky(anybody())
    sent: list[int] = []
    decided: list[int] = []
    for what, amount, count in steps:
        if what == "s":
            sent += sky.send(timeout=amount * MS, count=count)
        elif what == "a":
            flying = [number for number in sent if sky.state(number) == IN_FLIGHT]
            if flying:
                sky.decide(flying[amount % len(flying)])
                decided.append(flying[amount % len(flying)])
        else:
            sky.now += amount * MS
            overdue = sky.expire()
            assert all(sky.deadlines[number] < sky.now for number in overdue)
            decided += overdue
            assert not [n for n in sent if sky.state(n) == IN_FLIGHT and sky.deadlines[n] < sky.now]
        flying = [number for number in sent if sky.state(number) == IN_FLIGHT]
        assert len(flying) == sky.flights.in_flight
    assert len(decided) == len(set(decided))
    assert sent == list(range(len(sent)))


def test_the_probes_without_a_stamp_are_known_across_the_wrap(peer: Peer) -> None:
    sky = Sky(peer)
    while sky.flights.next < SEQUENCES - 2:
        for number in sky.send(count=1000):
            sky.decide(number)
            sky.flights.stamps[number] = 1
    assert [*sky.flights.unstamped(range(SEQUENCES))] == []
    last, first = sky.send(count=2), sky.send(count=2)
    sky.flights.stamps[last[1] & MASK] = 1
    found = sky.flights.unstamped(range(first.stop - 2 * SEQUENCES, first.stop + 1))
    assert [*found] == [last[0], *first]
