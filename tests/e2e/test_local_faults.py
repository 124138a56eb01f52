"""What goes wrong on our own side makes no downtime of the provider's; a cut line does; both at once part at the right instants."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

import pytest

from slamon.path import Moment
from tests.e2e import faults
from tests.e2e.faults import CUSTOMER, GATEWAY, INTERVAL, PROVIDER, STEP, Faults
from tests.e2e.rig import SECOND
from tests.netlab.rig import Programmed

pytestmark = pytest.mark.system

TOLERANCE = INTERVAL + SECOND // 4
"""An edge is known to one interval, on a busy machine a little less well."""


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faults]:
    with faults.told(tmp_path_factory.mktemp("faults")) as told:
        yield told


def near(found: int, expected: int, tolerance: int = TOLERANCE) -> bool:
    return abs(found - expected) < tolerance


def outages(story: Faults, contract: str) -> list[tuple[int, int]]:
    """Start and end of each, monotonic nanoseconds as in the programme; all of them the provider's."""
    offset = story.truth.wall(story.mirror.start) - story.mirror.start
    found = []
    for line in story.statements[contract].outages:
        assert line.end is not None
        assert line.by_cause["provider_down"] == line.duration
        found.append((line.start - offset, line.end - offset))
    return found


def results(story: Faults, target: str) -> dict[str, Decimal]:
    return {name: n for name, n in story.after.by("result", "slamon_probe_results_total", target=target).items() if n}


def assert_not_the_providers(story: Faults, contract: str) -> None:
    statement = story.statements[contract]
    assert statement.downtime == 0
    assert statement.time["provider_down"] == 0
    assert statement.outages == ()
    assert statement.credit == 0


def length(span: Programmed) -> int:
    return span.end - span.start


def test_a_cut_line_is_the_providers(story: Faults) -> None:
    """The mirror of all the others: nothing of what happens to them meanwhile excuses it."""
    ((start, end),) = outages(story, "mirror")
    assert near(start, story.mirror.start)
    assert near(end, story.mirror.end)
    statement = story.statements["mirror"]
    assert statement.downtime == end - start
    assert statement.time["local_fault"] == 0
    assert set(results(story, "mirror/line")) == {"success", "timeout"}


def test_a_packet_filter_of_ours_is_ours(story: Faults) -> None:
    assert_not_the_providers(story, "filter")
    assert near(story.statements["filter"].time["local_fault"], length(story.local))
    assert set(results(story, "filter/line")) == {"success", "local_error"}
    assert re.search(r"service filter LOCAL FAULT since .*\(2 local_error; EPERM: Operation not permitted\)", story.log)


def test_a_dead_gateway_is_ours(story: Faults) -> None:
    """With the kernel's own patience, by which it would not be asked for half a minute."""
    assert_not_the_providers(story, "gateway")
    found = results(story, "gateway/line")
    assert found["timeout"] <= 2, "the first silence asks the gateway"
    assert near(story.statements["gateway"].time["local_fault"], length(story.local), 3 * SECOND + TOLERANCE)
    assert re.search(
        rf"service gateway LOCAL FAULT since .*our gateway {GATEWAY} does not answer \(no ARP reply\)", story.log
    )


def test_a_dead_resolver_is_ours(story: Faults) -> None:
    assert_not_the_providers(story, "resolver")
    assert set(results(story, "resolver/line")) == {"dns_error"}
    assert story.statements["resolver"].time["up"] == 0
    assert story.statements["resolver"].time["local_fault"] > 20 * SECOND
    assert re.search(r"service resolver LOCAL FAULT since .* does not resolve to an IPv4 address", story.log)


def test_a_full_buffer_is_ours(story: Faults) -> None:
    assert_not_the_providers(story, "crowded")
    assert story.statements["crowded"].time["local_fault"] > SECOND
    assert story.overflowed.value("slamon_socket_receive_drops_total", family="4") > 1000
    lost = sum(value for _, value in story.overflowed.all("slamon_probe_results_total", result="timeout"))
    ours = sum(value for _, value in story.overflowed.all("slamon_probe_results_total", result="local_error"))
    assert lost == 0
    assert ours > 1000


def test_a_stopped_process_measured_nothing(story: Faults) -> None:
    assert_not_the_providers(story, "stopped")
    statement = story.statements["stopped"]
    assert statement.time["local_fault"] == 0
    known = story.after.by("state", "slamon_target_state_seconds_total", target="stopped/line")
    assert near(int(known["unknown"] * SECOND), length(story.stopped), TOLERANCE + INTERVAL)
    assert known["down"] == 0
    told = [float(each) for each in re.findall(r"nothing could be observed for (\d+\.\d+) s: suspended", story.log)]
    assert near(int(max(told) * SECOND), length(story.stopped), TOLERANCE + INTERVAL)


def test_a_clock_that_is_set_makes_no_outage(story: Faults) -> None:
    assert_not_the_providers(story, "steady")
    assert story.clock.value("slamon_clock_steps_total") == 1
    known = story.clock.by("state", "slamon_target_state_seconds_total", target="steady/line")
    assert near(int(known["unknown"] * SECOND), STEP, 2 * SECOND + TOLERANCE)
    assert known["down"] == 0


def test_an_outage_and_a_packet_filter_part_where_the_filter_does(story: Faults) -> None:
    first, second = outages(story, "split")
    assert near(first[0], story.split.start)
    assert near(first[1], story.filtered.start)
    assert near(second[0], story.filtered.end)
    assert near(second[1], story.split.end)
    statement = story.statements["split"]
    assert near(statement.time["local_fault"], length(story.filtered))
    assert statement.downtime == sum(end - start for start, end in (first, second))


def test_an_outage_goes_on_behind_a_stopped_process(story: Faults) -> None:
    first, second = outages(story, "both")
    assert near(first[0], story.both.start)
    assert near(first[1], story.stopped.start)
    assert near(second[0], story.stopped.end)
    assert near(second[1], story.both.end)
    assert story.statements["both"].downtime == sum(end - start for start, end in (first, second))


def test_an_outage_goes_on_behind_a_clock_that_was_set(story: Faults) -> None:
    first, second = outages(story, "cut")
    assert near(first[0], story.cut.start)
    assert near(first[1], story.stepped, TOLERANCE + SECOND)  # the clock is looked at once a second
    assert near(second[0], story.stepped + STEP, TOLERANCE + SECOND)
    assert near(second[1], story.cut.end + STEP)
    assert story.statements["cut"].downtime == sum(end - start for start, end in (first, second))


def test_the_path_is_kept_with_the_outage_and_marked_where_the_provider_begins(story: Faults) -> None:
    ((start, end),) = [(line.start, line.end) for line in story.statements["mirror"].outages]
    assert end is not None
    began, ended = (path for path in story.report["paths"] if path["contract"] == "mirror")
    for path in (began, ended):
        assert (path["target"], path["outage"]) == ("mirror/line", str(start))
        assert (path["since"], path["until"]) == (str(start), str(end))
    assert [hop["address"] for hop in began["hops"]] == [CUSTOMER, None, None, None, None]
    assert (began["moment"], began["reached"]) == (Moment.BEGAN, False)
    assert start < int(began["started"]) < end
    assert (began["last_customer_hop"], began["first_provider_hop"], began["ended_before_demarcation"]) == (
        1,
        None,
        True,
    )
    assert [hop["address"] for hop in ended["hops"]] == [CUSTOMER, PROVIDER, faults.TARGETS["mirror"]]
    assert (ended["moment"], ended["reached"]) == (Moment.ENDED, True)
    assert (ended["last_customer_hop"], ended["first_provider_hop"], ended["ended_before_demarcation"]) == (1, 2, False)
    assert [path for path in story.asked["paths"] if path["contract"] == "mirror"] == [began, ended]
    # it is shown, and it is the provider's downtime all the same
    assert story.statements["mirror"].time["provider_down"] == end - start
    text = " ".join(story.text.split())
    assert f"when it fell silent: 1 {CUSTOMER} (last of the customer), 2 *" in text
    assert "no hop of the provider answered: evidence of a fault on the customer's side" in text
    assert (
        f"when it answered again: 1 {CUSTOMER} (last of the customer), 2 {PROVIDER} (first of the provider), 3 " in text
    )
