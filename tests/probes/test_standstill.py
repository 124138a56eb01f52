"""A standstill of our own is never charged to the target: wherever it lies within a wait, in one piece or many, however short that is."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine, Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slamon.listening import CLOSEST, DEAF_SHARE, WIDEST, Listening, beat, standstill
from slamon.model import MINUTE, MS, US, Reading, Result, S, Target
from slamon.probe import Context, Shot, each
from tests.conftest import VirtualLoop
from tests.netlab import instants
from tests.probes.shots import Desk, Watched, make_target

Standstill = tuple[int, int]
"""(from when on, counted from the beginning of the wait; how long), nanoseconds."""

NEVER = MINUTE
USUAL = 100 * MS
"""A timeout with a beat of 1.5625 ms; what is less than four of them is no standstill, and 25 ms are a quarter."""


def watch(loop: VirtualLoop) -> Callable[[], int]:
    return lambda: round(loop.time() * S)


def stand(loop: VirtualLoop, standstills: Iterable[Standstill]) -> None:
    for at, length in standstills:
        loop.call_at(loop.time() + at / S, loop.stand_still, length / S)


def virtually(main: Callable[[VirtualLoop], Coroutine[None, None, None]]) -> None:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, VirtualLoop)
        runner.run(main(loop))


def probe(
    timeout: int, standstills: Iterable[Standstill], answers: Sequence[int] = (NEVER,), first: int = 0
) -> Reading:
    """The reading of a probe that waits for one answer after the other, each so long after it was asked for.

    It stands still itself for `first` before it asks.
    """
    reading = None

    async def run(_target: Target, _address: str, _context: Context) -> Reading:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.stand_still(first / S)
        for after in answers:
            there = asyncio.Event()
            loop.call_at(loop.time() + after / S, there.set)
            await there.wait()
        return Reading(Result.SUCCESS, rtt=1)

    async def main(loop: VirtualLoop) -> None:
        nonlocal reading
        desk = Desk()
        desk.clock.monotonic = watch(loop)
        target = make_target("tcp", timeout=timeout)
        series = Watched(target)
        async with each(run, desk.context) as prober:
            await asyncio.sleep(1)
            prober.fire([Shot(target, "127.0.0.1", series)])
            await asyncio.sleep(0)
            stand(loop, standstills)
            await asyncio.sleep((timeout + sum(length for _, length in standstills)) / S + 1)
        (reading,) = series.decisions

    virtually(main)
    assert reading is not None
    return reading


def ms(*pairs: tuple[float, float]) -> list[Standstill]:
    return [(round(at * MS), round(length * MS)) for at, length in pairs]


OURS = {
    "in the middle": ms((50, 25)),
    "over the end": ms((75, 30)),
    "over the end, and long": ms((75, 10_000)),
    "from the beginning on": ms((0, 25)),
    "all the time": ms((0, 100)),
    "twice": ms((20, 12.5), (60, 12.5)),
    "several short ones": ms(*((15 * n, 7) for n in range(5))),
    "one after the other": ms(*((40, 7) for n in range(4))),
    "the last is the end": ms((20, 8), (50, 8), (90, 11)),
}

THEIRS = {
    "none": [],
    "in the middle": ms((50, 20)),
    "over the end": ms((92, 20)),
    "from the beginning on": ms((0, 24)),
    "several short ones": ms(*((15 * n, 3) for n in range(5))),
    "after the end": ms((100.1, 60)),
}


@pytest.mark.parametrize("standstills", OURS.values(), ids=OURS)
def test_a_quarter_of_the_wait_is_ours(standstills: list[Standstill]) -> None:
    reading = probe(USUAL, standstills)
    assert reading.result is Result.LOCAL_ERROR
    assert reading.detail.startswith("slamon itself stood still for ")


@pytest.mark.parametrize("standstills", THEIRS.values(), ids=THEIRS)
def test_less_than_a_quarter_excuses_nobody(standstills: list[Standstill]) -> None:
    assert probe(USUAL, standstills) == Reading(Result.TIMEOUT, detail="no answer within 100ms")


@pytest.mark.parametrize(("first", "result"), [(24, Result.TIMEOUT), (25, Result.LOCAL_ERROR)])
def test_what_a_kind_itself_takes_before_it_asks_is_a_standstill_too(first: int, result: Result) -> None:
    assert probe(USUAL, [], first=first * MS).result is result


def test_a_standstill_is_told_with_the_beat_in_which_it_began() -> None:
    """How much of that it was is not known."""
    assert probe(USUAL, ms((51.5, 40))).detail == "slamon itself stood still for 41 ms of the wait"
    assert probe(USUAL, ms((50.1, 40))).detail == "slamon itself stood still for 40 ms of the wait"


@pytest.mark.parametrize("standstills", [*OURS.values(), *THEIRS.values()])
def test_an_answer_that_was_heard_is_one_whatever_stood_still(standstills: list[Standstill]) -> None:
    assert probe(20 * S, standstills, [1 * S]).result is Result.SUCCESS


@pytest.mark.parametrize(("length", "result"), [(94, Result.SUCCESS), (95, Result.LOCAL_ERROR)])
def test_an_answer_is_heard_after_a_standstill_if_the_timeout_has_not_come_by_then(length: int, result: Result) -> None:
    assert probe(USUAL, ms((5, length)), [10 * MS]).result is result


@pytest.mark.parametrize("timeout", [8, 10, 30, 50, 70, 280, 1000, 3000, 60_000], ids=lambda timeout: f"{timeout}ms")
@pytest.mark.parametrize("at", range(0, 101, 5))
def test_no_timeout_is_too_short_or_too_long(timeout: int, at: int) -> None:
    """A standstill of a quarter of the timeout at any place of it, past its end at most by what is left of it."""
    quarter = timeout * MS // DEAF_SHARE
    reading = probe(timeout * MS, [(min(timeout * MS * at // 100, 3 * quarter), quarter)])
    assert reading.result is Result.LOCAL_ERROR
    assert probe(timeout * MS, []).result is Result.TIMEOUT


@pytest.mark.parametrize("timeout", [1, 2, 3, 10])
@pytest.mark.parametrize(("every", "length"), [(3, 1), (5, 2), (50, 20), (11, 1.5)])
def test_a_busy_loop_still_listens(timeout: int, every: int, length: float) -> None:
    busy = ms(*((every * n, length) for n in range(timeout * 1000 // every)))
    assert probe(timeout * S, busy).result is Result.TIMEOUT


SHORTEST = CLOSEST * 8
timeouts = st.integers(SHORTEST, 5 * S)
shares = st.integers(0, 100)
anywhere = st.lists(st.tuples(shares, shares), max_size=12)
"""Hundredths of the timeout: where a standstill begins, and how long it is."""


def of(timeout: int, places: Iterable[tuple[int, int]]) -> list[Standstill]:
    return [(timeout * at // 100, timeout * length // 100) for at, length in places]


@given(timeout=timeouts, places=anywhere, at=shares)
def test_who_answers_within_three_quarters_is_never_called_silent(
    timeout: int, places: list[tuple[int, int]], at: int
) -> None:
    answer = timeout * 3 * at // 400
    assert probe(timeout, of(timeout, places), [answer]).result in {Result.SUCCESS, Result.LOCAL_ERROR}


@given(
    timeout=st.integers(32 * CLOSEST, 5 * S),
    places=st.lists(st.tuples(shares, st.sampled_from([0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 20, 30, 100])), max_size=30),
    steps=st.lists(shares, min_size=2, max_size=4),
)
def test_who_answers_several_times_at_once_is_never_called_silent(
    timeout: int, places: list[tuple[int, int]], steps: list[int]
) -> None:
    """All answers together take a quarter of the timeout; standstills too short to be seen delay each, and do not add up to the rest."""
    answers = [timeout * step // (400 * len(steps)) for step in steps]
    assert probe(timeout, of(timeout, places), answers).result in {Result.SUCCESS, Result.LOCAL_ERROR}


@given(timeout=timeouts, places=st.lists(st.tuples(shares, shares), max_size=8))
def test_the_silent_are_called_so_unless_a_good_part_was_lost(timeout: int, places: list[tuple[int, int]]) -> None:
    """Each standstill counts with what lies between the beats around it at most."""
    standstills = [(at, length // (DEAF_SHARE * 8)) for at, length in of(timeout, places)]
    lost = sum(length + 2 * beat(timeout) for _, length in standstills)
    if lost < timeout // DEAF_SHARE:
        assert probe(timeout, standstills).result is Result.TIMEOUT


@pytest.mark.parametrize("timeout", [1 * US, 1 * MS, 8 * MS, 20 * MS, 32 * MS, 100 * MS, 1600 * MS, 60 * S])
def test_what_no_beat_shows_is_never_a_quarter(timeout: int) -> None:
    assert standstill(timeout) <= timeout // DEAF_SHARE
    assert standstill(timeout) <= 100 * MS
    assert CLOSEST <= beat(timeout) <= WIDEST
    if timeout >= 32 * CLOSEST:
        assert standstill(timeout) * 16 <= timeout


# --- the beats


@pytest.mark.parametrize(
    ("due", "soon"),
    [((6, 6), (0, 0)), ((0, 12), (0, 0)), ((12, 0), (0, 0)), ((0, 0), (6, 6)), ((0, 0), (12, 0)), ((0, 0), (0, 12))],
)
def test_what_callbacks_take_before_and_after_a_beat_is_one_standstill(
    due: tuple[int, int], soon: tuple[int, int]
) -> None:
    """Two of the turn of the beat itself and two of the next one, in which it proves that the loop looked in between: 12 ms in all."""

    async def main(loop: VirtualLoop) -> None:
        listening = Listening(watch(loop))
        wait = listening.begin(USUAL)
        await asyncio.sleep(0)
        at = loop.time() + beat(USUAL) / S
        for place, length, later in zip((-0.00015, 0.00015), due, soon, strict=True):
            loop.call_at(at + place, loop.stand_still, length / 1000)
            loop.call_at(at + place, loop.call_soon, loop.stand_still, later / 1000)
        loop.call_at(at - 0.0002, loop.stand_still, 0.0004)  # so that all of them are due in one turn
        await asyncio.sleep(0.05)
        assert 12 * MS <= listening.deaf(wait) <= 12 * MS + 400 * US + beat(USUAL), "each nanosecond once"
        listening.end(wait)
        listening.close()

    virtually(main)


def test_each_wait_has_its_own_measure() -> None:
    """A standstill of 20 ms is much of a short wait, and nothing to a long one; what was before a wait is none of it."""

    async def main(loop: VirtualLoop) -> None:
        listening = Listening(watch(loop))
        long = listening.begin(3 * S)
        await asyncio.sleep(0.01)
        short = listening.begin(40 * MS)  # the next beat of the long one would come after it
        await asyncio.sleep(0.01)
        loop.stand_still(0.02)
        late = listening.begin(40 * MS)
        assert (listening.deaf(long), listening.deaf(late)) == (0, 0)
        assert 20 * MS <= listening.deaf(short) <= 20 * MS + beat(40 * MS)
        await asyncio.sleep(0.01)
        assert listening.deaf(late) == 0
        for wait in (long, short, late):
            listening.end(wait)
        listening.close()

    virtually(main)


def test_nobody_is_woken_while_nothing_waits() -> None:
    looks = 0

    async def main(loop: VirtualLoop) -> None:
        nonlocal looks

        def look() -> int:
            nonlocal looks
            looks += 1
            return round(loop.time() * S)

        listening = Listening(look)
        for _ in range(2):
            listening.end(listening.begin(USUAL))
            await asyncio.sleep(1)
            looks = 0
            await asyncio.sleep(60)
            assert looks == 0
        wait = listening.begin(USUAL)
        await asyncio.sleep(0.05)
        assert looks > 20, "and all begins anew"
        listening.end(wait)
        listening.close()

    virtually(main)


# --- on the machine's own clock


@pytest.mark.parametrize("patience", [30, 50])
async def test_an_answer_that_lies_in_the_socket_at_the_timeout_is_no_silence(patience: int) -> None:
    async def run(_target: Target, _address: str, _context: Context) -> Reading:
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        with here, there:
            here.setblocking(False)

            def answer_while_we_stand_still() -> None:
                instants.pause(0.01)
                there.send(b"here")
                instants.pause(0.052)

            loop = asyncio.get_running_loop()
            loop.call_soon(answer_while_we_stand_still)
            await loop.sock_recv(here, 10)
        return Reading(Result.SUCCESS, rtt=1)

    target = make_target("tcp", timeout=patience * MS)
    series = Watched(target)
    async with each(run, Desk().context) as prober:
        prober.fire([Shot(target, "127.0.0.1", series)])
        await asyncio.sleep(0.2)
    (reading,) = series.decisions
    assert reading.result is Result.LOCAL_ERROR
    assert reading.detail.startswith("slamon itself stood still for ")
