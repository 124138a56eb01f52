"""Targets and readings for tests of the record and the store, and a clock that tests move."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from hypothesis import strategies as st

from slamon.model import DAY, MS, Reading, Result, S, Target
from slamon.record.recorder import Batch, Known, Recorder
from slamon.record.series import Pending, Series

T0 = 1_790_000_000 * S // DAY * DAY
"""A midnight."""
LIMITS = (20 * MS, 50 * MS)
EDGES = (10 * MS, 20 * MS, 50 * MS, 1 * S)

TARGET = Target(
    name="hq/ping",
    service="hq",
    probe="icmp",
    address="192.0.2.1",
    family=4,
    interval=S,
    timeout=3 * S,
    down_after=3,
    up_after=1,
    settings=None,
)


def target(name: str = "hq/ping", *, interval: int = S, probe: str = "icmp", timeout: int = 3 * S) -> Target:
    return replace(TARGET, name=name, service=name.partition("/")[0], interval=interval, probe=probe, timeout=timeout)


def success(rtt: int = 20 * MS, hop_limit: int | None = 57) -> Reading:
    return Reading(Result.SUCCESS, rtt, hop_limit)


LOST = Reading(Result.TIMEOUT)


def opened(recorder: Recorder, one: Target = TARGET) -> Series:
    return recorder.open(one, limits=LIMITS, edges=EDGES)


def recorder(restored: dict[str, Known] | None = None) -> Recorder:
    return Recorder("here", restored)


def probe(series: Series, sent: int, reading: Reading) -> Pending:
    """One probe, decided at once."""
    pending = series.send(sent)
    series.decide(pending, reading)
    return pending


def play(series: Series, start: int, readings: Iterable[Reading], *, step: int | None = None) -> int:
    """Probes on the grid of the target's interval; the instant of the slot after the last."""
    step = step or series.target.interval
    at = start
    for reading in readings:
        probe(series, at, reading)
        at += step
    return at


def finish(recorder: Recorder, now: int) -> Batch:
    """Close everything, as the daemon does at its end."""
    for name in list(recorder.series):
        recorder.close(name)
    return recorder.batch(now, final=True)


RTTS = st.one_of(st.integers(0, 3 * S), st.integers(19 * MS, 21 * MS))
READINGS = st.one_of(
    st.builds(lambda rtt, hop: Reading(Result.SUCCESS, rtt, hop), RTTS, st.one_of(st.none(), st.integers(0, 255))),
    st.builds(Reading, st.sampled_from(list(Result)), st.one_of(st.none(), RTTS), st.none()),
    st.just(LOST),
)
"""Any result, successes most of the time."""
