"""What the daemon measured against what the lab did: outages to the interval, losses to the packet, delay to the millisecond."""

from __future__ import annotations

import statistics

import pytest

from slamon.model import Result
from slamon.store import Store
from tests.e2e.rig import SECOND, nanoseconds
from tests.e2e.story import LOSING, LOSS, OUTAGE, OUTAGES, Story, probes
from tests.netlab import instants
from tests.store.rig import kept

pytestmark = pytest.mark.system

NEAR = SECOND // 20
"""Nanoseconds between a probe's send by the daemon's clock and its arrival at the lab: far below any interval here."""
LATE = SECOND // 4
"""What a busy machine may add to an interval between two probes."""
ACCURATE = SECOND // 1000
CLOCK = SECOND // 200
"""What slewing may add to the difference of two readings of the wall clock: far below the 50 ms between two probes."""
HALF = SECOND // 40
"""Of the 50 ms between two probes of the fast targets: what is nearer belongs together."""
IN_FLIGHT = 2
"""Probes of a target that may be on their way when the daemon stops: 30 ms of delay, one each 50 ms."""


@pytest.mark.parametrize("name", OUTAGES)
def test_the_outage_starts_and_ends_within_one_interval(story: Story, name: str) -> None:
    address, works, interval, _ = OUTAGES[name]
    (seen,) = story.statements[name].outages
    sent = probes(story.truth, address)
    failed = [probe.sent for probe in sent if not probe.saw(works)]
    assert all(story.outage.start - NEAR < instant < story.outage.end for instant in failed)
    assert len(failed) > 0.9 * OUTAGE * SECOND / interval - 1
    answered = next(probe.sent for probe in sent if probe.sent > failed[-1])
    # by send time, the outage begins with the first probe it took and ends with the first that came through again
    assert seen.end is not None
    assert abs(seen.start - story.truth.wall(failed[0])) < NEAR
    assert abs(seen.end - story.truth.wall(answered)) < NEAR
    # and so both lie within an interval of what was programmed
    assert abs(seen.start - story.truth.wall(story.outage.start)) < interval + LATE
    assert abs(seen.end - story.truth.wall(story.outage.end)) < interval + LATE


@pytest.mark.parametrize("name", OUTAGES)
def test_the_outage_was_seen_while_it_lasted(story: Story, name: str) -> None:
    target = f"{name}/line"
    assert story.during.value("slamon_target_state", target=target, state="down") == 1
    assert story.during.value("slamon_service_state", service=name, state="down") == 1
    began = nanoseconds(story.during.value("slamon_outage_start_timestamp_seconds", service=name))
    assert began == story.statements[name].outages[0].start
    assert story.after.get("slamon_outage_start_timestamp_seconds", service=name) is None
    assert story.after.value("slamon_target_state", target=target, state="up") == 1
    assert story.after.value("slamon_outages_total", service=name) == 1


def test_losses_are_counted_to_the_packet(story: Story) -> None:
    rows = probes(story.truth, "10.66.2.1")
    lost = sum(1 for probe in rows if probe.saw("lost"))
    sent = sum(1 for probe in rows if probe.sent < story.lossy_until)
    assert sent >= LOSING * 20 * 0.95
    assert 10 <= lost <= 3 * LOSS * sent
    # the lab stopped losing long before this scrape, so nothing is undecided that could still be lost
    assert story.after.value("slamon_probe_results_total", target="loss/line", result="timeout") == lost


@pytest.mark.parametrize("target", ["clean/line", "delay/line"])
def test_untouched_targets_lost_nothing(story: Story, target: str) -> None:
    results = story.after.by("result", "slamon_probe_results_total", target=target)
    assert results.pop("success") > LOSING * 20 * 0.95
    assert set(results.values()) == {0}, results
    for what in ("late", "duplicate", "reordered", "corrupt"):
        assert story.after.value(f"slamon_probe_{what}_replies_total", target=target) == 0


def test_every_attempt_is_accounted_for(story: Story) -> None:
    attempts = story.after.by("target", "slamon_probe_attempts_total")
    assert len(attempts) == 16
    for target, count in attempts.items():
        results = sum(story.after.by("result", "slamon_probe_results_total", target=target).values())
        assert count == results + story.after.value("slamon_probe_in_flight", target=target), target


def test_no_packet_of_the_lab_is_missing_from_the_facts(story: Story) -> None:
    """Stops the daemon, so it comes after the tests above: from here on nothing is sent."""
    story.stop()
    instants.pause(0.1)
    truth = story.lab.truth()
    for target, address in (("loss/line", "10.66.2.1"), ("delay/line", "10.66.2.2"), ("clean/line", "10.66.2.3")):
        with Store.open(story.daemon.state / "slamon.db", write=False) as store:
            samples = kept(store, target)
        every = probes(truth, address)
        assert 0 <= len(every) - len(samples) <= IN_FLIGHT, "what the stop left undecided is not recorded"
        errors = []
        for sample, probe in zip(samples, every, strict=False):
            (row,) = probe.rows
            # A busy machine may keep the lab from a packet that has come: the round trip of one that is answered is as much longer.
            way = HALF if sample.reading.rtt is None else CLOCK + sample.reading.rtt - row.planned
            assert -CLOCK < truth.wall(row.received) - sample.sent < way
            assert sample.reading.result is (Result.SUCCESS if row.event == "reply" else Result.TIMEOUT)
            if row.sent:
                assert sample.reading.rtt is not None
                errors.append(abs(sample.reading.rtt - (row.sent - row.received)))
        assert statistics.median(errors) <= ACCURATE
        assert statistics.quantiles(errors, n=100)[94] <= 5 * ACCURATE
