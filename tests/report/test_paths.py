"""Path evidence for people and machines: where it is shown, what is marked, what is said where no path could be taken."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC

from slamon.model import DAY, HOUR, S
from slamon.path import Border, Evidence, Hop, Moment, Trace, Traced
from slamon.report.json import document, dumps
from slamon.report.paths import MOST_PATHS, SHORT, lines
from slamon.report.text import render
from slamon.sla.statement import Statement, from_json
from slamon.trace import NO_PRIVILEGE

NOON = 1_781_193_600 * S  # 2026-06-11 12:00 in New York
HOPS = (
    Hop(distance=1, address="10.0.0.1", rtts=(5,)),
    Hop(distance=2, address="198.51.100.1"),
    Hop(distance=3, address=None),
)
TRACE = Trace(
    address="192.0.2.1", family=4, started=NOON + 3 * S, duration=S, hops=HOPS, reached=False, ended="nobody answered"
)
BEGAN = Traced(target="hq-dia/ping", moment=Moment.BEGAN, since=NOON, until=NOON + 60 * S, trace=TRACE)


def said(border: Border | None, traced: Traced = BEGAN) -> str:
    ((when, text),) = lines([Evidence("hq-internet", NOON, traced, border)], UTC)
    assert when == "2026-06-11 16:00:03Z"
    return text


def test_the_hops_on_either_side_of_the_demarcation_are_marked() -> None:
    assert said(Border(1, 2, short=False)) == (
        "hq-dia/ping (192.0.2.1), when it fell silent: 1 10.0.0.1 (last of the customer), "
        "2 198.51.100.1 (first of the provider), 3 *; nobody answered"
    )
    assert said(Border(2, None, short=True)).endswith(
        f"2 198.51.100.1 (last of the customer), 3 *; nobody answered; {SHORT}"
    )
    assert said(None).endswith("fell silent: 1 10.0.0.1, 2 198.51.100.1, 3 *; nobody answered")


def test_no_path_was_taken_and_why() -> None:
    text = said(None, replace(BEGAN, trace=replace(TRACE, hops=(), ended=NO_PRIVILEGE)))
    assert text == f"hq-dia/ping (192.0.2.1), when it fell silent: {NO_PRIVILEGE}"
    assert "CAP_NET_RAW" in text


def test_of_many_only_so_many_are_listed() -> None:
    every = [Evidence("c", NOON, BEGAN, None)] * (MOST_PATHS + 3)
    found = list(lines(every, UTC))
    assert len(found) == MOST_PATHS + 1
    assert found[-1] == ("", "and 3 more; all of them in the JSON report")


def test_they_stand_with_the_outages_of_their_contract(judged: Callable[..., Statement]) -> None:
    statement = judged(down=[(NOON, 2593)])
    evidence = [
        Evidence(statement.contract, NOON, BEGAN, Border(1, 2, short=False)),
        Evidence("other", NOON, BEGAN, None),
    ]
    text = render([statement], evidence)
    assert text.index("Outages (1)") < text.index("Paths in outages (1)") < text.index("Credits")
    assert "2026-06-11 12:00:03-04:00  hq-dia/ping (192.0.2.1), when it fell silent" in text
    found = json.loads(dumps(document([statement], evidence[:1], as_of=NOON + DAY + HOUR)))
    (one,) = found["paths"]
    assert (one["contract"], one["outage"]) == (statement.contract, str(NOON))
    assert (one["last_customer_hop"], one["first_provider_hop"], one["ended_before_demarcation"]) == (1, 2, False)
    # the statement is what it is without them
    (alone,) = found["statements"]
    assert from_json(alone) == statement
