"""The report people read: right to the last digit against the JSON, and worth sending to the other party."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import hypothesis
from hypothesis import given
from hypothesis import strategies as st

from slamon.model import DAY, HOUR, MS, S
from slamon.report import json as report_json
from slamon.report.text import MOST_OUTAGES, render
from slamon.sla.statement import OutageLine, Statement, from_json
from slamon.sla.terms import Combine
from slamon.units import format_money

Judge = Callable[..., Statement]

START = 1_780_286_400 * S
"""June 2026 in New York."""
NOON = START + 10 * DAY + 12 * HOUR

BREACH = """\
hq-internet 2026-06: BELOW TARGET
Acme Telecom, service hq-dia, for Example Corp (SLA)
2026-06-01 00:00:00-04:00 to 2026-07-01 00:00:00-04:00, America/New_York

Availability 99.899683% is below the target of 99.9%: 43m 13s of downtime, 8.2s more than the target
allows.
Credit owed: 100.00 USD.

Objectives
  objective          value  target  minimum  status
  availability  99.899683%   99.9%    99.5%  below target
  latency p95    23.412 ms   40 ms        –  met

Availability
  availability                      99.899683%   of 29d 22h (2584800 s)
  downtime that counts                 43m 13s   2593 s
  more than the target allows             8.2s
  left until below the minimum      2h 52m 11s   10331 s
  left until the next credit        2h 52m 11s   10331 s
  if all unmeasured time was up     99.899961%
  if all unmeasured time was down   99.622184%
  coverage                          99.722222%   of the elapsed time in scope measured (50% needed)

Time in scope
  category              duration  seconds        share
  up             29d 21h 16m 47s  2582207   99.622184%  service up
  provider_down          43m 13s     2593    0.100039%  service down, counts
  unknown                     2h     7200    0.277778%  not measured
  in scope                   30d  2592000  100.000000%

Outages (1)
  from                       to                         duration  cause
  2026-06-11 12:00:00-04:00  2026-06-11 12:43:13-04:00   43m 13s  provider_down

Credits
  availability  99.899683% < 99.9% → 10% × 1000.00 USD = 100.00 USD
                (contracts.hq-internet.credits.availability, slamon.yml:41)
  latency       23.412 ms → no credit (contracts.hq-internet.credits.latency, slamon.yml:42)
  owed   100.00 USD   10.000000% of the charge of 1000.00 USD

Notes
  - 'Month' is read as the calendar month in New York.

Judged as of 2026-07-02 00:00:00-04:00 on facts settled up to 2026-07-01 00:00:00-04:00.
Terms: sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08.
Zone rules: tzdata """


def test_the_whole_report_of_a_breach(judged: Judge) -> None:
    statement = judged(down=[(NOON, 2593)], unknown=[(START, 7200)])
    assert render([statement]) == f"{BREACH}{statement.tzdata}.\n"


def test_a_month_that_was_met(judged: Judge) -> None:
    text = render([judged(down=[(NOON, 1000)])])
    assert "hq-internet 2026-06: MET\n" in text
    assert "Every objective is met: 16m 40s of downtime, 26m 32s less than the target allows.\n" in text
    assert "Credit owed: 0.00 USD.\n" in text
    assert "availability  99.961420% → no credit (contracts" in text
    assert "Exclusions" not in text


def test_the_cap_shows_what_it_took(judged: Judge) -> None:
    text = render([judged(down=[(NOON, 129_600)], latency=61 * MS, cap=Fraction(1, 5))])
    assert "Availability 95.000000% is below the minimum of 99.5%: 1d 12h of downtime" in text
    assert "Latency (p95) 61.000 ms is above the target of 40 ms." in text
    assert "95.000000% < 99.5% → 25% × 1000.00 USD = 250.00 USD" in text
    assert "61.000 ms > 40 ms → 1/30 × 1000.00 USD = 33.333333… USD → rounded 33.33 USD" in text
    totals = re.findall(r"^  (together|removed by the cap|owed) +(-?[\d.]+) USD", text, re.MULTILINE)
    assert totals == [("together", "283.33"), ("removed by the cap", "-83.33"), ("owed", "200.00")]


def test_a_line_that_does_not_stand_says_why(judged: Judge) -> None:
    text = render([judged(down=[(NOON, 129_600)], latency=61 * MS, combine=Combine.HIGHEST)])
    assert re.sub(r"\s+", " ", text).count("does not stand beside the highest credit") == 1
    assert "Credit owed: 250.00 USD." in text
    text = render([judged(down=[(NOON, 2593)], minimum_credit=Fraction(500))])
    assert "does not stand: below the least credit that is paid" in re.sub(r"\s+", " ", text)
    assert "Credit owed: 0.00 USD." in text


def test_an_exclusion_says_what_it_took_away(judged: Judge) -> None:
    text = render([judged(down=[(NOON, 2593)], excluded=[("maintenance", NOON - 600 * S, 7200)])])
    assert "Every objective is met: 0s of downtime" in text
    assert "before exclusions               99.899961%   downtime 43m 13s (2593 s)" in text
    assert "1   maintenance  2026-06-11 11:50:00-04:00  2026-06-11 13:50:00-04:00    2h   43m 13s" in text
    assert "1  anna: router swap, ticket ACME-1234" in text
    assert re.search(r"maintenance +2h +7200 +0\.277778%  excluded: maintenance", text)


def test_an_open_period_says_what_is_certain_and_what_is_not(judged: Judge) -> None:
    settled = START + 12 * DAY
    text = render([judged(down=[(NOON, 2593)], latency=61 * MS, as_of=settled)])
    assert "BELOW TARGET so far\n" in text
    assert "Credit owed: 100.00 USD, certain already.\n" in text
    assert "At stake: 33.33 USD more, if the values so far stay as they are.\n" in text
    assert "judged as if every second after 2026-06-13 00:00:00-04:00 were up" in text
    assert "at stake, not owed yet" in re.sub(r"\s+", " ", text)
    assert re.search(r"not_elapsed +18d +1555200 ", text)
    still = render([judged(down=[(settled - 60 * S, 3600)], as_of=settled)])
    assert re.search(r"2026-06-12 23:59:00-04:00  still down +1m  provider_down", still)


def test_nothing_measured_is_said_and_not_counted(judged: Judge) -> None:
    text = render([judged(unknown=[(START, 30 * 86_400)], latency=None)])
    assert "hq-internet 2026-06: UNKNOWN\n" in text
    assert "Nothing can be said: no time of this period was measured.\n" in text
    assert re.search(r"availability +–   nothing was measured\n", text)
    assert re.search(r"availability +– +99\.9% +99\.5% +unknown", text)
    assert "nothing measured → no credit" in text


def test_too_little_measured(judged: Judge) -> None:
    text = render([judged(unknown=[(START, 20 * 86_400)])])
    assert "Nothing can be said: 33.333333% of the elapsed time was measured, the contract asks for 50%.\n" in text


def test_several_contracts_begin_with_a_table(judged: Judge) -> None:
    one, two = judged(), dataclasses.replace(judged(down=[(NOON, 2593)]), contract="branch")
    head, *reports = render([one, two]).split("─" * 100)
    assert len(reports) == 2
    assert re.search(r"^hq-internet  2026-06  met +100\.000000%  100\.000000% +0\.00 USD", head, re.MULTILINE)
    assert re.search(r"^branch       2026-06  below target +99\.899961%  100\.000000% +100\.00 USD", head, re.MULTILINE)


def test_many_outages_are_summed_up_not_lost(judged: Judge) -> None:
    text = render([judged(down=[(START + n * HOUR, 60 + n) for n in range(50)])])
    assert "Outages (50)\n" in text
    assert text.count("provider_down\n") == MOST_OUTAGES
    rest = sum(60 + n for n in range(10))
    assert f"and 10 shorter ones, together {rest // 60}m {rest % 60}s; all of them in the JSON report" in text


def test_an_outage_of_several_causes_and_from_before(judged: Judge) -> None:
    outage = OutageLine(
        start=START,
        end=START + 90 * S,
        duration=90 * S,
        by_cause={"provider_down": 30 * S, "maintenance": 60 * S},
        began=START - HOUR,
    )
    text = re.sub(r"\s+", " ", render([dataclasses.replace(judged(), outages=(outage,))]))
    assert "1m 30s provider_down 30s, maintenance 1m; began 2026-05-31 23:00:00-04:00, counted" in text


def test_text_is_plain_unless_asked(judged: Judge) -> None:
    statement = dataclasses.replace(judged(), notes=("[bold]not markup[/bold] :smile:",))
    text = render([statement])
    assert "\x1b" not in text
    assert "[bold]not markup[/bold] :smile:" in text
    assert not re.search(r" $", text, re.MULTILINE)
    assert max(map(len, text.splitlines())) <= 100
    assert "\x1b[1;32mMET\x1b[0m" in render([statement], colour=True)
    assert max(map(len, render([statement], width=72).splitlines())) <= 72


def test_the_json_document_is_what_was_judged(judged: Judge) -> None:
    statements = [judged(down=[(NOON, 2593)]), judged()]
    text = report_json.dumps(report_json.document(statements, as_of=START))
    document = json.loads(text)
    assert (document["schema"], document["as_of"]) == (1, str(START))
    assert [from_json(data) for data in document["statements"]] == statements


def displays(value: Any) -> set[str]:
    """Every text for people in a JSON document."""
    if isinstance(value, dict):
        own = {value["display"]} if "display" in value else set()
        return own.union(*map(displays, value.values()))
    return set().union(*map(displays, value)) if isinstance(value, list) else set()


@given(
    down=st.lists(st.tuples(st.integers(0, 29), st.integers(1, 86_400)), max_size=5),
    unknown=st.integers(0, 10 * 86_400),
    excluded=st.lists(
        st.tuples(st.sampled_from(["customer", "maintenance"]), st.integers(0, 29), st.integers(1, 86_400)), max_size=2
    ),
    latency=st.none() | st.integers(1, 100 * MS),
    elapsed=st.integers(1, 31 * 86_400),
    cap=st.none() | st.fractions(0, 1, max_denominator=1000),
    price=st.fractions(1, 10_000, max_denominator=100),
    combine=st.sampled_from(list(Combine)),
)
@hypothesis.settings(max_examples=60, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
def test_every_figure_of_the_text_is_the_figure_of_the_json(
    judged: Judge,
    down: list[tuple[int, int]],
    unknown: int,
    excluded: list[tuple[str, int, int]],
    latency: int | None,
    elapsed: int,
    cap: Fraction | None,
    price: Fraction,
    combine: Combine,
) -> None:
    statement = judged(
        down=[(START + day * DAY, length) for day, length in down],
        unknown=[(START, unknown)] if unknown else [],
        excluded=[(cause, START + day * DAY, length) for cause, day, length in excluded],
        latency=latency,
        as_of=START + elapsed * S,
        cap=cap,
        price=price,
        combine=combine,
    )
    text = render([statement], width=200)
    document: Any = json.loads(report_json.dumps(report_json.document([statement], as_of=0)))["statements"][0]
    figures = displays(document)
    head, _, time = text.partition("Time in scope\n")
    time, _, rest = time.partition("\n\n")
    body = head + rest
    assert set(re.findall(r"\d+\.\d{6}%", body)) <= figures
    money = set(re.findall(r"-?\d+\.\d\d USD", body))
    computed = {f"{-statement.lost_to_cap} USD"} if statement.lost_to_cap else set()
    computed |= {format_money(line.gives, "USD") for line in statement.credits if line.gives.denominator <= 100}
    assert money <= figures | computed
    for figure in (
        document["credit"],
        document["availability"],
        document["coverage"],
        *(c["value"] for c in document["credits"]),
    ):
        assert figure is None or figure["display"] in body
    seconds = [Decimal(found) for found in re.findall(r"(?:s|m|h|d) +(\d+) +[\d.]+%", time)]
    assert sum(seconds[:-1]) == seconds[-1] == 30 * 86_400
