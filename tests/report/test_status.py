"""`slamon status` as text and as JSON: the same figures, from the same values."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction

from slamon.live import Failing
from slamon.model import MINUTE, MS, Result, S
from slamon.record.rows import Record
from slamon.report.status import Measured, ServiceStatus, Status, TargetStatus, document, measured, render
from slamon.sla.facts import State

NOW = 1_795_514_400 * S  # 2026-11-24 10:00:00Z


def record(start: int, *, received: int, lost: int, rtt: int) -> Record:
    return Record(
        start=start,
        length=MINUTE,
        received=received,
        lost=lost,
        rtt_count=received,
        rtt_sum=received * rtt,
        rtt_max=rtt,
    )


def status() -> Status:
    ping = TargetStatus(
        name="hq-dia/ping",
        probe="icmp",
        address="192.0.2.1",
        state=State.DOWN,
        since=NOW - 200 * S,
        measured=Measured(
            span=(NOW - 4 * MINUTE, NOW - MINUTE), received=28, lost=2, rtt_mean=Fraction(12 * MS), rtt_max=20 * MS
        ),
        last_result=Result.TIMEOUT,
        last_result_at=NOW - 3 * S,
    )
    name = TargetStatus(
        name="hq-dia/name",
        probe="dns",
        address=None,
        state=State.UNKNOWN,
        since=None,
        measured=Measured(),
    )
    service = ServiceStatus(
        name="hq-dia",
        state=State.DOWN,
        since=NOW - 200 * S,
        outages=3,
        outage_start=NOW - 200 * S,
        targets=(ping, name),
    )
    quiet = ServiceStatus(name="lab", state=State.UP, since=NOW - MINUTE, outages=1, outage_start=None, targets=())
    return Status(vantage="hq", as_of=NOW, settled=NOW - 4 * S, running=True, services=(service, quiet))


def test_the_window_is_half_open_and_weighs_by_packets() -> None:
    records = [
        record(NOW - 6 * MINUTE, received=60, lost=60, rtt=MS),
        record(NOW - 5 * MINUTE, received=10, lost=0, rtt=10 * MS),
        record(NOW - MINUTE, received=30, lost=10, rtt=20 * MS),
        record(NOW, received=60, lost=60, rtt=MS),
    ]
    found = measured(records, NOW)
    assert (found.received, found.lost, found.loss) == (40, 10, Fraction(1, 5))
    assert (found.rtt_mean, found.rtt_max) == (Fraction(35 * MS, 2), 20 * MS)
    assert found.span == (NOW - 5 * MINUTE, NOW)


def test_of_the_minute_that_goes_on_nothing_is_said() -> None:
    closed = [record(NOW - n * MINUTE, received=6, lost=0, rtt=MS) for n in (6, 5, 4, 3, 2, 1)]
    found = measured(closed, NOW + 30 * S)
    assert (found.received, found.span) == (24, (NOW - 4 * MINUTE, NOW))
    cut_short = measured(closed, NOW - 20 * S)
    assert (cut_short.received, cut_short.span) == (30, (NOW - 5 * MINUTE, NOW - 20 * S)), "by a stop"


def test_nothing_measured_is_neither_zero_nor_whole() -> None:
    found = measured([], NOW)
    assert (found.loss, found.rtt_mean, found.rtt_max, found.span) == (None, None, None, None)


def test_text() -> None:
    assert render(status()).splitlines() == [
        "vantage hq, daemon running, as of 2026-11-24 10:00:00Z",
        "judged up to 2026-11-24 09:59:56Z (4s ago)",
        "delay and loss of what was sent from 2026-11-24 09:56:00Z to 2026-11-24 09:59:00Z",
        "",
        "service / target       state       for  since                     delay       loss  last",
        "hq-dia                 down     3m 20s  2026-11-24 09:56:40Z                        3 outages",
        "  ping icmp 192.0.2.1  down     3m 20s  2026-11-24 09:56:40Z  12.000 ms  6.666667%  timeout",
        "  name dns unresolved  unknown       –  –                             –          –  –",
        "lab                    up           1m  2026-11-24 09:59:00Z                        1 outage",
    ]


def test_colour_is_only_where_it_is_asked_for() -> None:
    assert "\x1b" not in render(status())
    assert "\x1b[31mdown" in render(status(), colour=True)


def test_json_says_the_same() -> None:
    found = json.loads(json.dumps(document(status())))
    assert found["as_of"] == str(NOW)
    service, quiet = found["services"]
    assert (service["state"], service["outage_start"], quiet["outage_start"]) == ("down", str(NOW - 200 * S), None)
    ping, name = service["targets"]
    assert ping["loss"] == {"exact": "1/15", "display": "6.666667%"}
    assert ping["rtt_mean"] == {"exact": "12000000/1", "display": "12.000 ms"}
    assert (ping["last_result"], ping["received"], ping["lost"]) == ("timeout", 28, 2)
    assert (name["address"], name["loss"], name["rtt_mean"], name["since"]) == (None, None, None, None)
    assert (ping["span"], ping["window"]) == ([str(NOW - 4 * MINUTE), str(NOW - MINUTE)], str(3 * MINUTE))
    assert (name["span"], name["window"]) == (None, "0")
    text = render(status())
    for figure in (ping["loss"]["display"], ping["rtt_mean"]["display"]):
        assert figure in text


def test_heavy_loss_is_not_green() -> None:
    ping = replace(status().services[0].targets[0], state=State.UP, failing=Failing(24, 30))
    service = replace(status().services[0], state=State.UP, outage_start=None, targets=(ping,), lossy=True)
    found = replace(status(), services=(service,))
    assert [line.split()[:5] for line in render(found).splitlines()[5:]] == [
        ["hq-dia", "lossy", "3m", "20s", "2026-11-24"],
        ["ping", "icmp", "192.0.2.1", "lossy", "3m"],
    ]
    assert "\x1b[33mlossy" in render(found, colour=True)
    (said,) = json.loads(json.dumps(document(found)))["services"]
    assert (said["state"], said["lossy"]) == ("up", True)
    assert said["targets"][0]["lossy"] is True
    assert said["targets"][0]["failing"] == {"exact": "4/5", "display": "80.000000%"}


def test_only_what_is_up_is_called_lossy() -> None:
    ping = replace(status().services[0].targets[0], failing=Failing(24, 30))
    assert (ping.state, ping.lossy) == (State.DOWN, False)
