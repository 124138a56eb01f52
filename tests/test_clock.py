"""The clock in virtual time: slow drift, steps both ways, sleep, a stopped process; and the real sources once."""

from __future__ import annotations

import time

import pytest

from slamon.clock import REANCHOR, SLEW_DIVISOR, STEP, SUSPENDED, SYSTEM, Clock, Discipline, Sources, discipline
from slamon.model import HOUR, MS, US, S
from slamon.record.rows import Gap

BOOT = 1_000 * S
"""Monotonic reading at the start of a test."""
EPOCH = 1_800_000_000 * S
"""Wall clock at the start of a test."""


class Machine:
    """Three clocks that advance together unless the test says otherwise; a reading takes `cost`."""

    def __init__(self) -> None:
        self.monotonic = BOOT
        self.boot = BOOT + 5 * S
        self.wall = EPOCH
        self.cost = 0
        self.discipline: Discipline | None = Discipline(synchronized=True, max_error=3 * MS)

    def read_monotonic(self) -> int:
        self.run(self.cost)
        return self.monotonic

    def read_wall(self) -> int:
        self.run(self.cost)
        return self.wall

    def run(self, ns: int) -> None:
        self.monotonic += ns
        self.boot += ns
        self.wall += ns

    def sleep(self, ns: int) -> None:
        """Suspended: the monotonic clock stands still."""
        self.boot += ns
        self.wall += ns

    def clock(self) -> Clock:
        return Clock(
            Sources(
                realtime=self.read_wall,
                monotonic=self.read_monotonic,
                boottime=lambda: self.boot,
                discipline=lambda: self.discipline,
            )
        )


@pytest.fixture
def machine() -> Machine:
    return Machine()


def run_checked(machine: Machine, clock: Clock, ns: int) -> list[Gap]:
    """Let time pass, ticking each 100 ms and checking each second as the daemon does."""
    gaps = []
    for n in range(ns // (100 * MS)):
        machine.run(100 * MS)
        clock.tick()
        if n % 10 == 9:
            gaps += clock.check()
    return gaps


def test_instants_are_wall_anchor_plus_monotonic(machine: Machine) -> None:
    clock = machine.clock()
    assert clock.now() == EPOCH
    machine.run(7 * S)
    assert clock.now() == EPOCH + 7 * S
    assert clock.wall(BOOT + 3 * S) == EPOCH + 3 * S
    assert clock.monotonic() == BOOT + 7 * S


def test_nothing_happens_while_all_clocks_agree(machine: Machine) -> None:
    clock = machine.clock()
    assert run_checked(machine, clock, 60 * S) == []
    assert clock.steps == 0
    assert clock.now() == machine.wall


@pytest.mark.parametrize("error", [STEP - 1, -(STEP - 1), 30 * MS, -1 * MS])
def test_a_small_error_is_worked_off_and_instants_never_run_backwards(machine: Machine, error: int) -> None:
    clock = machine.clock()
    machine.wall += error
    last, gaps = clock.now(), []
    for n in range(2 * (abs(error) * SLEW_DIVISOR + REANCHOR) // (10 * MS) // 10):
        machine.run(100 * MS)
        now = clock.now()
        assert now > last
        last = now
        if n % 10 == 9:
            gaps += clock.check()
    assert gaps == []
    assert clock.steps == 0
    assert abs(clock.now() - machine.wall) <= 1


def test_instants_do_not_jump_when_the_correction_starts(machine: Machine) -> None:
    clock = machine.clock()
    machine.wall -= 90 * MS
    before = clock.now()
    run_checked(machine, clock, 11 * S)
    assert 0 <= before + 11 * S - clock.now() <= 2 * MS
    run_checked(machine, clock, 20 * S)
    # 20 ms of 90 are done when an error of the other sign appears; instants go on without a jump
    machine.wall += 150 * MS
    before = clock.now()
    machine.run(1)
    assert clock.check() == []
    assert 0 <= clock.now() - before <= 2


def test_a_step_forwards_makes_the_span_since_the_last_check_unknown(machine: Machine) -> None:
    clock = machine.clock()
    run_checked(machine, clock, 5 * S)
    good = clock.now()
    machine.run(400 * MS)
    machine.wall += HOUR
    machine.run(400 * MS)
    assert clock.now() == good + 800 * MS, "labels stay on the old anchor until the check"
    (gap,) = clock.check()
    assert gap == Gap(good, machine.wall, "clock_step")
    assert clock.now() == machine.wall
    assert clock.steps == 1
    assert run_checked(machine, clock, 30 * S) == []


def test_a_step_backwards_covers_both_passes_of_the_repeated_labels(machine: Machine) -> None:
    clock = machine.clock()
    run_checked(machine, clock, 5 * S)
    machine.run(400 * MS)
    machine.wall -= HOUR
    machine.run(400 * MS)
    labelled = clock.now()
    (gap,) = clock.check()
    assert gap == Gap(machine.wall, labelled, "clock_step")
    assert clock.now() == machine.wall
    assert labelled - machine.wall == HOUR


@pytest.mark.parametrize("step", [STEP, -STEP])
def test_the_limit_itself_is_a_step(machine: Machine, step: int) -> None:
    clock = machine.clock()
    machine.wall += step
    assert [gap.reason for gap in clock.check()] == ["clock_step"]


def test_a_step_during_a_slew_is_measured_against_what_was_labelled(machine: Machine) -> None:
    clock = machine.clock()
    machine.wall += 50 * MS
    run_checked(machine, clock, 20 * S)  # slewing now
    machine.wall += 10 * S
    (gap,) = clock.check()
    assert gap.end == machine.wall == clock.now()
    assert run_checked(machine, clock, 200 * S) == []
    assert clock.now() == machine.wall


def test_a_stopped_process_is_a_gap_from_its_last_tick(machine: Machine) -> None:
    clock = machine.clock()
    run_checked(machine, clock, 3 * S)
    last = clock.now()
    machine.run(5 * S)
    clock.tick()
    assert clock.check() == [Gap(last, last + 5 * S, "suspended")]
    assert clock.check() == []
    assert clock.steps == 0


def test_a_silence_of_exactly_the_limit_is_none(machine: Machine) -> None:
    clock = machine.clock()
    machine.run(SUSPENDED)
    clock.tick()
    machine.run(SUSPENDED + 1)
    clock.tick()
    assert [gap.end - gap.start for gap in clock.check()] == [SUSPENDED + 1]


def test_a_sleeping_machine_is_a_gap_and_no_step(machine: Machine) -> None:
    clock = machine.clock()
    run_checked(machine, clock, 3 * S)
    last = clock.now()
    machine.sleep(8 * HOUR)
    machine.run(20 * MS)
    clock.tick()
    assert clock.check() == [Gap(last, last + 8 * HOUR + 20 * MS, "suspended")]
    assert clock.now() == machine.wall
    assert clock.steps == 0


def test_a_sleep_with_a_wrong_real_time_clock_is_a_gap_and_a_step(machine: Machine) -> None:
    clock = machine.clock()
    machine.sleep(8 * HOUR)
    machine.wall += 2 * S
    machine.run(20 * MS)
    assert [gap.reason for gap in clock.check()] == ["suspended", "clock_step"]
    assert clock.now() == machine.wall


def test_a_gap_found_by_check_alone_is_reported_once(machine: Machine) -> None:
    clock = machine.clock()
    machine.run(3 * S)
    assert [gap.reason for gap in clock.check()] == ["suspended"]
    clock.tick()
    assert clock.check() == []


def test_the_offset_is_one_number_until_the_clock_is_set(machine: Machine) -> None:
    machine.cost = 40
    clock = machine.clock()
    first = clock.offset()
    for _ in range(1000):
        machine.run(17 * MS)
        assert clock.offset() == first
    machine.cost = 3 * MS  # interrupted between the readings: wide, and no reason to doubt
    assert clock.offset() == first
    machine.cost = 40
    machine.wall += 5 * US
    assert abs(clock.offset() - first - 5 * US) < 100
    assert clock.offset() == clock.offset()


def test_a_stamp_comes_to_monotonic_time_by_the_offset(machine: Machine) -> None:
    machine.cost = 40
    clock = machine.clock()
    stamp, monotonic = machine.wall, machine.monotonic
    machine.run(3 * S)
    assert abs(stamp - clock.offset() - monotonic) < 100


def test_the_kernel_is_asked_for_its_discipline_at_every_check(machine: Machine) -> None:
    clock = machine.clock()
    assert clock.discipline == Discipline(synchronized=True, max_error=3 * MS)
    machine.discipline = None
    clock.check()
    assert clock.discipline is None


def test_the_real_sources_tell_the_time_of_this_machine() -> None:
    clock = Clock()
    assert abs(clock.now() - time.time_ns()) < 50 * MS  # noqa: TID251 - the clock under test against the machine's
    assert abs(clock.monotonic() - time.monotonic_ns()) < 50 * MS  # noqa: TID251 - likewise
    offsets = {clock.offset() for _ in range(20_000)}
    assert len(offsets) == 1
    assert SYSTEM.boottime() > 0
    clock.tick()
    assert clock.check() == []


def test_adjtimex_answers_here() -> None:
    state = discipline()
    assert state is not None
    assert state.max_error > 0
    assert isinstance(state.synchronized, bool)
