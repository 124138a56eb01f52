"""Downtime counts against the provider only when our own side is known to have worked."""

from __future__ import annotations

import re

import pytest

from tests.e2e.rig import SECOND
from tests.e2e.story import FAULT, INTERVAL, TIMEOUT, Story

pytestmark = pytest.mark.system

TOLERANCE = INTERVAL + SECOND // 4
"""An edge is known to one interval, on a busy machine a little less well."""
LENGTH = int(FAULT * SECOND)


def test_a_witness_silent_too_makes_it_local_fault(story: Story) -> None:
    statement = story.statements["together"]
    assert statement.downtime == 0
    assert statement.time["provider_down"] == 0
    assert statement.credit == 0
    assert abs(statement.time["local_fault"] - LENGTH) < 2 * (TOLERANCE + INTERVAL + TIMEOUT)
    assert statement.time["local_fault"] > LENGTH - TOLERANCE
    assert all(
        "provider_down" not in outage.by_cause or not outage.by_cause["provider_down"] for outage in statement.outages
    )
    local = story.after.value("slamon_target_state_seconds_total", target="together/line", state="local_fault")
    assert local > int(FAULT) - 1
    assert (
        story.after.value("slamon_sla_time_seconds", contract="together", period="current", category="provider_down")
        == 0
    )


def test_a_witness_that_never_answered_excuses_nobody(story: Story) -> None:
    statement = story.statements["never"]
    assert abs(statement.downtime - LENGTH) < TOLERANCE
    assert statement.time["provider_down"] == statement.downtime
    (outage,) = statement.outages
    assert abs(outage.start - story.truth.wall(story.fault.start)) < TOLERANCE
    assert outage.end is not None
    assert abs(outage.end - story.truth.wall(story.fault.end)) < TOLERANCE
    assert story.after.value("slamon_probe_results_total", target="never/router", result="success") == 0


def test_a_witness_that_was_back_before_the_outage_excuses_nothing(story: Story) -> None:
    statement = story.statements["before"]
    assert story.witness.end < story.late_fault.start
    assert story.late_fault.start - story.witness.start > 60 * SECOND
    assert abs(statement.downtime - LENGTH) < TOLERANCE
    assert statement.time["provider_down"] == statement.downtime
    (outage,) = statement.outages
    assert abs(outage.start - story.truth.wall(story.late_fault.start)) < TOLERANCE


def test_an_interface_that_is_down_is_ours(story: Story) -> None:
    statement = story.statements["link"]
    assert statement.downtime == 0
    assert statement.outages == ()
    down = story.link_down.end - story.link_down.start
    unmeasured = statement.time["local_fault"]
    assert down - 2 * INTERVAL < unmeasured < down + 3 * SECOND  # the kernel's link comes back up to a second late
    ours = story.after.by("result", "slamon_probe_results_total", target="link/line")
    assert ours["send_error"] + ours["local_error"] >= down // INTERVAL - 2
    assert story.after.value("slamon_target_state", target="link/line", state="up") == 1


def test_no_route_is_ours(story: Story) -> None:
    statement = story.statements["route"]
    assert statement.downtime == 0
    assert statement.outages == ()
    assert statement.credit == 0
    results = story.after.by("result", "slamon_probe_results_total", target="route/line")
    assert results["send_error"] + results["local_error"] == sum(results.values()) > 50
    assert story.after.value("slamon_target_state", target="route/line", state="local_fault") == 1
    assert story.after.value("slamon_target_state_seconds_total", target="route/line", state="up") == 0


def test_the_log_tells_people_who_it_was(story: Story) -> None:
    log = story.daemon.log.read_text()
    assert re.search(r"service before DOWN since \S+ \S+, 3 of 3 lost \(no answer within 900ms\), witness up\n", log)
    assert re.search(r"service never DOWN since ", log)
    assert re.search(r"service together LOCAL FAULT since .*witness together/router down", log)
    assert re.search(r"service link LOCAL FAULT since ", log)
    for service in ("together", "link", "route"):
        assert not re.search(rf"service {service} DOWN", log)
    # evidence: the path was traced once the line was down
    assert re.search(r"target icmp4/line path to 10\.66\.1\.1: ", log)
