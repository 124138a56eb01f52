"""The kind `icmp`: its settings, what it says it can end with, and that it is a prober like any other."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from slamon.clock import Clock
from slamon.model import Result
from slamon.probe import Context
from slamon.probes.icmp import PROBE, Icmp
from slamon.stats import Stats
from tests.icmp.rig import Pinger, heard
from tests.netlab.namespace import Namespace, inside


def test_settings_arrive_as_text() -> None:
    assert PROBE.settings is Icmp
    assert Icmp().payload == 56
    assert Icmp.model_validate({"payload": "1400"}).payload == 1400


@pytest.mark.parametrize("wrong", [{"payload": "15"}, {"payload": "65508"}, {"payload": "56B"}, {"size": "56"}])
def test_settings_that_would_not_work_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Icmp.model_validate(wrong)


def test_it_ends_in_nothing_it_cannot_know() -> None:
    expected = {"success", "timeout", "send_error", "local_error", "icmp_error", "dns_error"}
    assert {result.value for result in PROBE.results} == expected


@pytest.mark.parametrize(("family", "header"), [(4, 20), (6, 40)])
def test_the_cost_is_two_packets_with_their_headers(family: int, header: int) -> None:
    assert PROBE.wire_cost(Icmp(payload=100), family) == (2, 2 * (header + 8 + 100))


@pytest.mark.system
async def test_opened_it_measures_and_closed_it_leaves_nothing_open() -> None:
    namespace = Namespace()
    try:
        with inside(namespace):
            rig = Pinger()
            stats = Stats()
            shot = rig.shot("127.0.0.1")
            async with PROBE.open(Context(clock=Clock(), stats=stats, warn=rig.warnings.append)) as prober:
                prober.fire([shot])
                while heard(shot).in_flight:
                    prober.drain()
                assert heard(shot).last.result is Result.SUCCESS
                assert len(stats.sockets) == 1
                prober.fire([shot])
            assert stats.sockets == []
            assert heard(shot).in_flight == 0
    finally:
        namespace.close()
