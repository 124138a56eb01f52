"""When the service manager is told that probes are being decided, over reloads too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from slamon.daemon.watch import Watch
from slamon.model import Reading, Result, S, Target
from tests.probes.shots import Watched, make_target

PERIOD = 7 * S
"""Between two questions of the daemon."""

SLOW = make_target("icmp", name="slow", interval=300 * S, timeout=2 * S)
FAST = make_target("icmp", name="fast", interval=60 * S, timeout=2 * S)


class Desk:
    """A watch, the targets of the hour and their series, at an instant of its own."""

    def __init__(self, *targets: Target) -> None:
        self.now = 1000 * S
        self.watch = Watch(self.now)
        self.targets: list[Target] = []
        self.series: dict[str, Watched] = {}
        self.set(*targets)

    def set(self, *targets: Target) -> None:
        """As a reload does: the series of a target whose spacing stays goes on."""
        before = self.series
        self.series = {}
        for target in targets:
            known = before.get(target.name)
            goes_on = known is not None and known.target.spacing == target.spacing
            self.series[target.name] = known if known is not None and goes_on else Watched(target)
        self.targets = list(targets)

    def decide(self, target: Target) -> None:
        series = self.series[target.name]
        series.decide(series.send(self.now), Reading(Result.SUCCESS, rtt=1))

    def alive(self) -> bool:
        return self.watch.alive(self.targets, self.series, self.now)

    def patient(self, most: int = 1000 * S) -> int:
        """For how long from here on, asked every period, it says yes."""
        began = self.now
        while self.alive():
            self.now += PERIOD
            assert self.now - began < most
        return self.now - began

    def wait(self, time: int) -> None:
        until = self.now + time
        while self.now < until:
            assert self.alive()
            self.now += PERIOD


def late(target: Target) -> int:
    return target.spacing + target.timeout + 5 * S


def test_nothing_decided_for_longer_than_anything_should_take() -> None:
    desk = Desk(SLOW, FAST)
    desk.wait(60 * S)
    desk.decide(FAST)
    assert late(FAST) < desk.patient() <= late(FAST) + PERIOD
    desk.decide(SLOW)
    assert desk.alive(), "it works again"


def test_without_targets_there_is_nothing_to_decide() -> None:
    desk = Desk()
    desk.wait(2000 * S)
    desk.set(FAST)
    assert late(FAST) < desk.patient() <= late(FAST) + PERIOD


@pytest.mark.parametrize(
    "after",
    [
        pytest.param([SLOW, FAST], id="a target more"),
        pytest.param([FAST], id="another target"),
        pytest.param([replace(SLOW, interval=60 * S)], id="probed more often"),
    ],
)
def test_what_a_reload_brings_is_waited_for_from_then_on(after: list[Target]) -> None:
    desk = Desk(SLOW)
    desk.decide(SLOW)
    desk.wait(200 * S)
    desk.set(*after)
    assert late(FAST) < desk.patient() <= late(FAST) + PERIOD


def test_a_shorter_timeout_counts_from_the_reload_on() -> None:
    before, after = replace(SLOW, timeout=200 * S), replace(SLOW, timeout=2 * S)
    desk = Desk(before)
    desk.decide(before)
    desk.wait(450 * S)
    desk.set(after)
    assert late(after) < desk.patient() <= late(after) + PERIOD


@pytest.mark.parametrize("change", [lambda target: target, lambda target: replace(target, labels=(("site", "hq"),))])
def test_a_reload_that_brings_nothing_to_wait_for_hides_nothing(change: Callable[[Target], Target]) -> None:
    desk = Desk(FAST, SLOW)
    desk.decide(FAST)
    began = desk.now
    desk.wait(40 * S)
    desk.set(change(FAST), change(SLOW))
    desk.patient()
    assert late(FAST) < desk.now - began <= late(FAST) + PERIOD
