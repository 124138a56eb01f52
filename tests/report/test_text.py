"""The report people read: right to the last digit against the JSON, and worth sending to the other party."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slamon.cases.running import judge, read_file
from slamon.errors import Problem
from slamon.model import DAY, HOUR, MINUTE, MS, S
from slamon.report import json as report_json
from slamon.report.arithmetic import MOST_PARTS
from slamon.report.text import MOST_OUTAGES, render
from slamon.sla.facts import Charge, Lodged, Notice, Payment
from slamon.sla.lines import DEGRADED, LOCAL_FAULT, UNKNOWN, UP
from slamon.sla.statement import OutageLine, Statement, Status, from_json, to_json
from slamon.sla.terms import Claim, Price, UnknownTime
from slamon.sla.terms.clause import Clause
from slamon.sla.terms.conditions import Bonus, Condition, Party, Termination
from slamon.sla.terms.credits import Combine, Count, Credit, CreditBase, Give, Per, Tier
from slamon.sla.terms.measures import Measure, Side, Subject
from slamon.sla.terms.objectives import Level, Objective
from slamon.sla.terms.outages import ExclusionClass
from slamon.sla.terms.times import Anchor, Deadline, Lead, Span
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
  objective            value  target  minimum  status
  availability    99.899683%   99.9%    99.5%  below target
  latency p95   23.412345 ms   40 ms        –  met

Availability
  availability                      99.899683%   of 29d 22h (2584800 s)
  downtime that counts                 43m 13s   2593 s
  more than the target allows             8.2s
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
  latency       23.412345 ms → no credit (contracts.hq-internet.credits.latency, slamon.yml:42)
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
    text = render([judged(down=[(NOON, 129_600)], latency=61 * MS, limit=Fraction(1, 5))])
    assert "Availability 95.000000% is below the minimum of 99.5%: 1d 12h of downtime" in text
    assert "Latency (p95) 61.000 ms is above the target of 40 ms." in text
    assert "95.000000% < 99.5% → 25% × 1000.00 USD = 250.00 USD" in text
    assert "61.000 ms > 40 ms → 1/30 × 1000.00 USD = 33.333333… USD → rounded 33.33 USD" in text
    totals = re.findall(r"^  (together|cap of the month|owed) +(-?[\d.]+) USD", text, re.MULTILINE)
    assert totals == [("together", "283.33"), ("cap of the month", "-83.33"), ("owed", "200.00")]
    assert "200.00 USD (contracts.hq-internet.caps.month, slamon.yml:43)" in text
    assert "Credit owed: 200.00 USD (83.33 USD removed by caps).\n" in text


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
    assert "before exclusions       99.899961%   downtime 43m 13s (2593 s)" in text
    assert "1   maintenance  2026-06-11 11:50:00-04:00  2026-06-11 13:50:00-04:00    2h   43m 13s" in text
    declared = (
        "1 declared 2026-06-01 00:00:00-04:00 by anna; announced 3d ahead; router swap, ticket ACME-1234 (contracts."
    )
    assert declared in re.sub(r"\s+", " ", text)
    assert re.search(r"maintenance +2h +7200 +0\.277778%  excluded: maintenance", text)


def test_an_exclusion_says_who_declared_it_as_what_and_what_shows_it(judged: Judge) -> None:
    one = judged(down=[(NOON, 2593)], excluded=[("maintenance", NOON - 600 * S, 7200)])
    (line,) = one.exclusions
    shown = dataclasses.replace(
        line, role="provider", ticket="CHG-1234", evidence=("mail of 3 June", "https://example.com/rfo")
    )
    text = flat(render([dataclasses.replace(one, exclusions=(shown,))]))
    assert (
        "by anna (provider); announced 3d ahead; router swap, ticket ACME-1234; ticket CHG-1234; "
        "evidence: mail of 3 June, https://example.com/rfo (contracts." in text
    )


def test_a_share_that_is_nearly_whole_is_not_printed_as_whole(judged: Judge) -> None:
    one = judged(down=[(NOON, 1)], latency=None)
    down = Fraction(S // 10, 365 * DAY)
    statement = dataclasses.replace(
        one, time={UP: 365 * DAY - S // 10, "provider_down": S // 10}, in_scope=365 * DAY, availability=1 - down
    )
    statement = dataclasses.replace(
        statement, objectives=tuple(dataclasses.replace(line, value=1 - down) for line in one.objectives[:1])
    )
    text = render([statement])
    assert re.search(r"^  availability  99\.9999997%  ", text, re.MULTILINE)
    assert re.search(r"^  availability +99\.9999997%   of", text, re.MULTILINE)
    assert re.search(r"^  up +\S+ 23h 59m 59\.9s +\S+  99\.9999997%  service up", text, re.MULTILINE)
    assert re.search(r"^  provider_down +0\.1s +0\.100 +0\.0000003%  service down", text, re.MULTILINE)
    document: Any = to_json(statement)
    assert document["availability"]["display"] == "99.9999997%"


def test_an_open_period_says_what_is_certain_and_what_is_not(judged: Judge) -> None:
    settled = START + 12 * DAY
    text = render([judged(down=[(NOON, 2593)], sampled=61 * MS, as_of=settled)])
    assert "BELOW TARGET so far\n" in text
    assert "Credit owed: 100.00 USD, certain already.\n" in text
    assert "At stake: 33.33 USD more, if the values so far stay as they are.\n" in text
    assert "judged as if every second after 2026-06-13 00:00:00-04:00 were up" in text
    assert "Figures read from packets may lag up to a minute behind that instant.\n" in text
    assert re.search(r"left until below the minimum +2h 52m 47s", text)
    assert re.search(r"left until the next credit +2h 52m 47s", text)
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


def flat(text: str) -> str:
    """Without line breaks and columns."""
    return re.sub(r"\s+", " ", text)


def test_what_too_little_measured_time_gives_is_never_certain(judged: Judge) -> None:
    settled = START + 12 * DAY
    text = render([judged(down=[(NOON, 7200)], unknown=[(START, 10 * 86_400)], as_of=settled)])
    assert "hq-internet 2026-06: UNKNOWN so far\n" in text
    owed = "Credit owed: 100.00 USD, computed from too little measured time (16.666667%, 50% needed). "
    assert owed in flat(text)
    assert re.search(r"owed +100\.00 USD +10\.000000% of the charge of 1000\.00 USD; computed from too little", text)
    assert "certain" not in text
    table = render([judged(down=[(NOON, 7200)], unknown=[(START, 10 * 86_400)], as_of=settled), judged()])
    assert re.search(r"unknown +99\.583333% +16\.666667% +100\.00 USD\*", table)
    assert "* computed from too little measured time\n" in table


def test_coverage_is_that_of_the_time_that_counts(judged: Judge) -> None:
    excluded = [("maintenance", START, 20 * 86_400)]
    text = render([judged(unknown=[(START + 20 * DAY, 6 * 86_400)], excluded=excluded)])
    assert "Nothing can be said: 40.000000% of the elapsed time that counts was measured, the contract asks" in text
    assert re.search(r"coverage of what counts +40\.000000% +excluded time left out \(50% needed\)", text)


def test_unmeasured_time_that_alone_decides_what_is_owed_is_said_to(judged: Judge) -> None:
    text = flat(render([judged(down=[(NOON, 2590)], unknown=[(START, 7200)])]))
    assert "2h of the period were not measured: had it been up, less would be owed." in text
    text = flat(render([judged(down=[(NOON, 2590)], unknown=[(START, 20_000)])]))
    assert "not measured: had it been up, less would be owed; had it been down, more would be owed." in text
    assert "not measured: had" not in flat(render([judged(down=[(NOON, 2593)], unknown=[(START, 7200)])]))
    assert "were not measured: had it been down, more" in flat(render([judged(unknown=[(START, 7200)])]))
    assert "not measured: had" not in flat(render([judged(unknown=[(START, 2500)])]))


def test_a_tier_stricter_than_the_target_is_named(judged: Judge) -> None:
    strict = credit(Measure.AVAILABILITY, Side.BELOW, {Fraction(9999, 10_000): Give(share=Fraction(1, 20))})
    strict = dataclasses.replace(strict, subject=Subject(measure=Measure.AVAILABILITY, objective="availability"))
    text = flat(render([judged(down=[(NOON, 1000)], credits=(strict,))]))
    assert "hq-internet 2026-06: MET" in text
    assert (
        "Every objective is met: 16m 40s of downtime, 26m 32s less than the target allows. The credit own is given all the "
        "same: availability 99.961420% is below its threshold of 99.99%, which is stricter than the target of 99.9%. "
        "Credit owed: 50.00 USD." in text
    )


def test_a_closed_period_has_nothing_left(judged: Judge) -> None:
    assert "left until" not in render([judged(down=[(NOON, 1000)])])
    assert "lag" not in render([judged(sampled=23 * MS)])
    assert "left until below the target" in render([judged(down=[(NOON, 1000)], as_of=NOON + DAY)])


def test_a_refused_exclusion_says_why(judged: Judge) -> None:
    classes = (ExclusionClass(name="maintenance", clause=Clause(path="c"), notice=Lead(elapsed=10 * DAY)),)
    text = render([judged(down=[(NOON, 2593)], excluded=[("maintenance", NOON, 3600)], exclusions=classes)])
    assert re.search(r"maintenance +2026-06-11 12:00:00-04:00 +2026-06-11 13:00:00-04:00 +0s +0s +refused\n", text)
    assert "announced 3d ahead; refused: notice of 3d, the contract asks for 10d; router swap" in flat(text)


def test_a_cap_over_several_periods_shows_what_the_earlier_ones_spent(judged: Judge) -> None:
    april = START - 40 * DAY
    text = flat(
        render(
            [judged(down=[(april, 129_600), (NOON, 129_600)], latency=None, limit=Fraction(1, 10), span=Span.QUARTER)]
        )
    )
    assert "together 250.00 USD" in text
    assert "cap of the quarter -200.00 USD 300.00 USD − 250.00 USD for earlier periods = 50.00 USD (contracts" in text
    assert "owed 50.00 USD" in text
    text = flat(
        render([judged(down=[(april, 2600), (NOON, 2600)], latency=None, limit=Fraction(1, 10), span=Span.QUARTER)])
    )
    assert "cap of the quarter – 300.00 USD − 100.00 USD for earlier periods = 200.00 USD, not reached (" in text


def credit(measure: Measure, side: Side | None, tiers: dict[Fraction, Give], **fields: object) -> Credit:
    table = tuple(Tier(threshold=threshold, give=give) for threshold, give in tiers.items())
    made = Credit(name="own", subject=Subject(measure=measure), clause=Clause(path="c.own"), side=side, tiers=table)
    return dataclasses.replace(made, **fields)  # type: ignore[arg-type]  # any field


def arithmetic(statement: Statement) -> str:
    return flat(render([statement], width=200).partition("Credits\n")[2].partition("owed")[0])


def test_each_outage_has_its_arithmetic_on_its_own_line(judged: Judge) -> None:
    each = credit(
        Measure.EACH_OUTAGE,
        Side.OVER,
        {Fraction(5 * MINUTE): Give(share=Fraction(1, 30)), Fraction(HOUR): Give(amount=Fraction(75))},
    )
    down = [(NOON, 300), (NOON + HOUR, 301), (NOON + 3 * HOUR, 3601)]
    text = render([judged(down=down, credits=(each,))], width=200)
    assert re.search(
        r"own +2026-06-11 13:00:00-04:00: 5m 1s > 5m → 1/30 × 1000\.00 USD = 33\.333333… USD\n"
        r" +2026-06-11 15:00:00-04:00: 1h 1s > 1h → 75\.00 USD\n"
        r" +1 outage below every threshold → no credit\n"
        r" +together 108\.333333… USD → rounded 108\.33 USD \(c\.own\)\n",
        text,
    )
    assert "own no outage counts → no credit (c.own)" in arithmetic(judged(credits=(each,)))
    assert "own 1 outage below every threshold → no credit (c.own)" in arithmetic(
        judged(down=[(NOON, 300)], credits=(each,))
    )


def test_many_outages_that_give_are_not_all_written_out(judged: Judge) -> None:
    each = credit(Measure.EACH_OUTAGE, Side.OVER, {Fraction(MINUTE): Give(amount=Fraction(1))})
    down = [(START + n * HOUR, 61) for n in range(MOST_PARTS + 3)]
    text = arithmetic(judged(down=down, credits=(each,)))
    assert text.count("1m 1s > 1m → 1.00 USD") == MOST_PARTS
    assert "and 3 more; all of them in the JSON report together 43.00 USD" in text


def test_a_day_of_an_outage_is_a_day(judged: Judge) -> None:
    each = credit(Measure.EACH_DAY_OUT, Side.AT_LEAST, {Fraction(2): Give(amount=Fraction(5))})
    text = arithmetic(judged(down=[(NOON, 3 * 86_400)], credits=(each,)))
    assert "own 2026-06-13: 2 days ≥ 2 days → 5.00 USD 1 day below every threshold → no credit (c.own)" in text


@pytest.mark.parametrize(
    ("per", "give", "cap", "text"),
    [
        (
            Per(count=Count.STARTED, unit=Fraction(HOUR), text="started 1h"),
            Give(share=Fraction(1, 30)),
            None,
            "2h 30m → 3 units (started 1h) → 3 × 1/30 × 1000.00 USD = 100.00 USD",
        ),
        (
            Per(count=Count.COMPLETED, unit=Fraction(2 * HOUR), text="completed 2h"),
            Give(amount=Fraction(20)),
            None,
            "2h 30m → 1 unit (completed 2h) → 1 × 20.00 USD = 20.00 USD",
        ),
        (
            Per(count=Count.EXACT, unit=Fraction(720 * HOUR), text="exact 720h"),
            Give(share=Fraction(2)),
            Give(amount=Fraction(6)),
            (
                "2h 30m → 0.003472… units (exact 720h) → 0.003472… × 200% × 1000.00 USD = 6.944444… USD → cap of this "
                "credit: 6.00 USD"
            ),
        ),
        (
            Per(count=Count.STARTED, unit=Fraction(HOUR), text="started 1h"),
            Give(points=2),
            None,
            "2h 30m → 3 units (started 1h) → 6 points",
        ),
    ],
)
def test_credits_per_unit(judged: Judge, per: Per, give: Give, cap: Give | None, text: str) -> None:
    own = credit(Measure.DOWNTIME, None, {}, per=per, give=give, cap=cap)
    assert f"own {text} (c.own)" in arithmetic(judged(down=[(NOON, 9000)], credits=(own,)))


def test_points_are_said_and_added(judged: Judge) -> None:
    own = credit(Measure.OUTAGES, None, {}, per=Per(count=Count.EACH, text="each"), give=Give(points=1))
    text = flat(render([judged(down=[(NOON, 60)], credits=(own,))]))
    assert "own 1 → 1 point (c.own)" in text
    assert "Credit owed: 0.00 USD. Points: 1. " in text
    text = flat(
        render([judged(down=[(NOON, 60)], credits=(own,), currency=None, prices=(), limit=None, as_of=NOON + DAY)])
    )
    assert "Points: 1, certain already. " in text


def test_a_contract_without_a_currency_speaks_of_shares(judged: Judge) -> None:
    statement = judged(down=[(NOON, 2593)], currency=None, prices=(), limit=None)
    statement = dataclasses.replace(statement, credit_share=Fraction(1, 10))
    text = flat(render([statement]))
    assert "Credit owed: 10.000000% of the charge. " in text
    assert "99.899961% < 99.9% → 10% of the charge (contracts" in text
    assert "owed 10.000000% of the charge" in text


def test_the_time_paid_by_another_credit(judged: Judge) -> None:
    each = credit(Measure.EACH_OUTAGE, Side.OVER, {Fraction(HOUR): Give(amount=Fraction(75))}, name="each")
    total = credit(Measure.DOWNTIME, Side.OVER, {Fraction(HOUR): Give(amount=Fraction(80))})
    text = arithmetic(judged(down=[(NOON, 3601)], credits=(each, total), combine=Combine.SAME_TIME))
    stands = "does not stand: another credit stands for the same time (c.own)"
    assert f"each 2026-06-11 12:00:00-04:00: 1h 1s > 1h → 75.00 USD; {stands}" in text
    assert "own 1h 1s > 1h → 80.00 USD (c.own)" in text
    highest = arithmetic(judged(down=[(NOON, 3601)], credits=(each, total), combine=Combine.HIGHEST))
    assert "→ 75.00 USD does not stand beside the highest credit (c.own)" in highest


def test_what_is_not_paid_says_by_which_clause(judged: Judge) -> None:
    overdue = Condition(
        name="overdue",
        subject=Subject(measure=Measure.OVERDUE),
        side=Side.OVER,
        threshold=Fraction(0),
        clause=Clause(path="contracts.hq.withhold.overdue", place="slamon.yml:50"),
    )
    unpaid = {"payments": (Payment(due=START + DAY),)}
    text = flat(render([judged(down=[(NOON, 2593)], withhold=(overdue,), facts=unpaid)]))
    assert (
        "Credit owed: 100.00 USD. Payable: 0.00 USD; the credit is withheld (contracts.hq.withhold.overdue, slamon.yml:50)."
        in text
    )
    assert "withheld shown and not payable (contracts.hq.withhold.overdue, slamon.yml:50) payable 0.00 USD" in text
    good = dataclasses.replace(
        overdue, subject=Subject(measure=Measure.DOWNTIME), side=Side.AT_MOST, threshold=Fraction(DAY)
    )
    text = flat(render([judged(down=[(NOON, 2593)], earn_back=(good,))]))
    assert "Credit owed: 100.00 USD. Payable: 0.00 USD; 100.00 USD were earned back." in text
    assert "earned back -100.00 USD payable 0.00 USD" in text


def test_a_bonus_has_its_arithmetic(judged: Judge) -> None:
    own = credit(Measure.DOWNTIME, Side.AT_MOST, {Fraction(HOUR): Give(share=Fraction(1, 50))})
    text = flat(render([judged(bonuses=(Bonus(credit=own),))]))
    assert "Bonus for the provider: 20.00 USD." in text
    assert "Bonuses own 0s ≤ 1h → 2% × 1000.00 USD = 20.00 USD (c.own)" in text
    text = flat(render([judged(down=[(NOON, 3601)], bonuses=(Bonus(credit=own),), credits=())]))
    assert "Bonuses own 1h 1s → no bonus (c.own)" in text
    assert "Bonus for" not in text


CLAIM = Claim(
    report=Deadline(text="5 days after outage end", anchor=Anchor.OUTAGE_END, days=5),
    by=Deadline(text="30 days after period end", anchor=Anchor.PERIOD_END, days=30),
    clause=Clause(path="contracts.hq.claim", place="slamon.yml:60"),
)


def test_a_claim_says_by_when_and_whether_it_was_in_time(judged: Judge) -> None:
    def text(as_of: int, *lodged: int) -> str:
        facts = {"claims": tuple(Lodged(period="2026-06", at=at) for at in lodged)}
        return flat(render([judged(down=[(NOON, 2593)], claim=CLAIM, facts=facts, as_of=as_of)]))

    first = START + 31 * DAY
    assert (
        "It has to be claimed by 2026-07-30; the fault has to be reported by 2026-06-16 (contracts.hq.claim, slamon.yml:60)."
        in text(first)
    )
    assert "Claim to be reported by 2026-06-16 to be claimed by 2026-07-30 claimed not yet state open (con" in text(
        first
    )
    assert "It had to be claimed by 2026-07-30 and was not (contracts" in text(START + 70 * DAY)
    on_time = text(START + 70 * DAY, first)
    assert "It was claimed in time, on 2026-07-02 00:00:00-04:00 (it had to be by 2026-07-30)." in on_time
    assert "It was claimed too late, on 2026-08-05" in text(START + 70 * DAY, START + 65 * DAY)
    assert "claim" not in flat(render([judged(claim=CLAIM)]))


def test_a_right_to_terminate_says_whose_why_and_by_when(judged: Judge) -> None:
    ground = Condition(
        name="chronic",
        subject=Subject(measure=Measure.OUTAGES),
        side=Side.AT_LEAST,
        threshold=Fraction(2),
        clause=Clause(path="contracts.hq.terminate.customer.chronic", place="slamon.yml:70"),
    )
    right = Termination(
        party=Party.CUSTOMER,
        condition=ground,
        notice=Deadline(text="30 days after right arises", anchor=Anchor.RIGHT_ARISES, days=30),
        exercise=Deadline(text="60 days after notice", anchor=Anchor.NOTICE, days=60),
    )
    down = [(NOON, 60), (NOON + DAY, 60)]

    def text(as_of: int, *notices: int) -> str:
        facts = {"notices": tuple(Notice(right="chronic", at=at) for at in notices)}
        return flat(render([judged(down=down, terminations=(right,), facts=facts, as_of=as_of)]))

    assert "Rights" not in flat(render([judged(down=down[:1], terminations=(right,))]))
    found = text(START + 31 * DAY)
    arises = re.search(
        r"The customer may terminate the contract since (\S+): chronic, notice to be given by (\S+)\.", found
    )
    assert arises
    assert (
        f"chronic open: customer may terminate the contract; outages at least 2: 2; arose {arises[1]}; notice by "
        in found
    )
    given = text(START + 31 * DAY, START + 31 * DAY)
    assert "notice given 2026-07-02 00:00:00-04:00; exercise by 2026-08-31 (contracts.hq.terminate.customer" in given
    assert "chronic, to be exercised by 2026-08-31." in given
    lapsed = text(START + 70 * DAY)
    assert "chronic lapsed: customer may" in lapsed
    assert "The customer may" not in lapsed


def test_a_later_revision_says_what_it_changes(judged: Judge) -> None:
    statement = dataclasses.replace(judged(down=[(NOON, 2593)]), revision=2, adjustment=Decimal("-150.00"))
    text = flat(render([statement]))
    assert "That is 150.00 USD less than when the statement was closed." in text
    assert "since it was closed -150.00 USD revision 2" in text
    assert "Revision 2." in text


def test_several_periods_together_have_a_sum_without_arithmetic(judged: Judge) -> None:
    one = judged(down=[(NOON, 129_600)], limit=Fraction(1, 5))
    text = flat(render([dataclasses.replace(one, credits=(), caps=())]))
    assert "The sum of the periods in it; their statements have the arithmetic." in text
    assert "removed by caps -50.00 USD owed 200.00 USD" in text


def test_what_is_rounded_and_printed_by_the_contract_is_said(judged: Judge) -> None:
    (availability, latency) = judged().objectives
    rounded = dataclasses.replace(availability, value=Fraction(999, 1000), exact=Fraction(99_895, 100_000))
    printed = dataclasses.replace(latency, shown=Fraction(23 * MS))
    text = flat(render([dataclasses.replace(judged(), objectives=(rounded, printed))]))
    assert "availability rounded by the contract from 99.895000%" in text
    assert "latency printed by the contract as 23 ms" in text


def test_time_that_is_weighed_or_unmeasured_and_counts_is_said(judged: Judge) -> None:
    one = judged(down=[(NOON, 3600)], unknown=[(START, 7200)])
    text = flat(render([dataclasses.replace(one, downtime=Fraction(1200 * S))]))
    assert "downtime that counts 20m 1200 s; weighed" in text
    text = flat(render([judged(down=[(NOON, 3600)], unknown=[(START, 7200)], unknown_time=UnknownTime.DOWN)]))
    assert "downtime that counts 3h 10800 s; unmeasured time counts as down" in text


def test_degraded_time_clocks_bad_slots_and_support(judged: Judge) -> None:
    one = judged(down=[(NOON, 3600)])
    statement = dataclasses.replace(
        one,
        time={**one.time, DEGRADED: 60 * S, UP: one.time[UP] - 60 * S},
        clocks={"measured": HOUR, "ticket": 30 * MINUTE},
        bad_slots=tuple((START + n * MINUTE, START + (n + 1) * MINUTE) for n in range(MOST_OUTAGES + 1)),
        supportable=Fraction(99, 100),
        promise=False,
    )
    text = flat(render([statement]))
    assert "degraded 1m 60 0.002315% service up, but degraded" in text
    assert "outages as measured 1h 3600 s outages by their tickets 30m 1800 s" in text
    assert "Bad slots (41) 2026-06-01 00:00:00-04:00 to 2026-06-01 00:01:00-04:00" in text
    assert "and 1 more; all of them in the JSON report" in text
    assert "supported by other contracts 99.000000% less than is promised here" in text


def test_an_objective_that_only_the_other_side_meets(judged: Judge) -> None:
    strict = Objective(
        name="availability",
        measure=Measure.AVAILABILITY,
        clause=Clause(path="c"),
        target=Level(value=Fraction(1), side=Side.OVER),
    )
    text = flat(render([judged(objectives=(strict,), credits=(), latency=None)]))
    assert "Availability 100.000000% is not above the target of 100%" in text
    assert "availability 100.000000% > 100% – below target" in text


def test_nothing_has_elapsed(judged: Judge) -> None:
    text = render([judged(latency=None, as_of=START)])
    assert "Nothing can be said: no time in scope of this period has elapsed.\n" in text


def test_one_objective_is_silent_beside_another(judged: Judge) -> None:
    text = flat(render([judged(latency=None)]))
    assert "Nothing can be said about latency: not measured." in text
    worse = judged(down=[(NOON, 2593)])
    assert worse.objectives[0].status is Status.BELOW_TARGET
    target = dataclasses.replace(worse.objectives[0], worst="hq-dia/ping")
    text = flat(render([dataclasses.replace(worse, objectives=(target, *worse.objectives[1:]))]))
    assert "is below the target of 99.9%, at hq-dia/ping: 43m 13s of downtime" in text
    assert "99.899961% 99.9% 99.5% below target hq-dia/ping" in text


def test_a_share_of_something_else_than_the_charge_says_of_what(judged: Judge) -> None:
    charges = {"charges": {"2026-06": Charge(billed=Fraction(1000), paid=Fraction(800))}}
    text = flat(render([judged(down=[(NOON, 2593)], facts=charges, credit_base=CreditBase.PAID)]))
    assert "99.899961% < 99.9% → 10% × 800.00 USD = 80.00 USD" in text
    assert "owed 80.00 USD 10.000000% of 800.00 USD (charge 1000.00 USD)" in text


WORKED = sorted((Path(__file__).parents[1] / "sla" / "cases").glob("*.yaml"))


def worked(file: Path) -> Iterator[Statement]:
    problems: list[Problem] = []
    for case in read_file(file, problems):
        for period in dict.fromkeys(expectation.period for expectation in case.expectations):
            yield judge(case, period).statement
    assert problems == []


CONTRACT = """\
contracts:
  hq:
    service: line
    provider: Acme
    timezone: UTC
    price: {price}
    objectives: {{{objective}}}
    credits: {{{credit}}}
    exclusions: [{{class: maintenance}}]
    {also}
    caps: {{}}
tests:
  - facts: {{{facts}}}
    {as_of}
    expect: {{2026-06: {{status: met}}}}
"""
"""What it expects is not asked: the report is looked at."""


def june(
    folder: Path,
    facts: str,
    *,
    objective: str = "availability: {target: 99.9%}",
    credit: str = "availability: {below: {99.9%: 10%}}",
    price: str = "1000 USD/month",
    also: str = "",
    as_of: str = "",
) -> str:
    """The report of a month."""
    file = folder / "test.yml"
    text = CONTRACT.format(facts=facts, objective=objective, credit=credit, price=price, also=also, as_of=as_of)
    file.write_text(text)
    (statement,) = worked(file)
    return flat(render([statement]))


HOUR_DOWN = "down: [2026-06-12 02:00 to 03:00]"


def test_a_budget_is_of_the_value_as_the_contract_rounds_it(tmp_path: Path) -> None:
    text = june(tmp_path, HOUR_DOWN, objective="availability: {target: 99.9%, round: 0.1%}")
    assert "hq 2026-06: MET" in text
    assert "more than the target allows" not in text
    open_ = june(
        tmp_path, HOUR_DOWN, objective="availability: {target: 99.9%, round: 0.1%}", as_of="as_of: 2026-06-20 00:00"
    )
    assert "left until below the target 4m 48s" in open_  # 99.85 % of June is 64 min 48 s of downtime
    over = june(tmp_path, "down: [2026-06-12 02:00 to 03:05]", objective="availability: {target: 99.9%, round: 0.1%}")
    assert "more than the target allows 12s" in over


@pytest.mark.parametrize("as_of", ["", "as_of: 2026-06-20 00:00"], ids=["closed", "open"])
def test_a_mean_of_several_periods_has_no_budget_of_one(tmp_path: Path, as_of: str) -> None:
    mean = "availability: {target: 99.9%, mean_of: 3 periods}"
    text = june(tmp_path, HOUR_DOWN, objective=mean, also="term: {from: 2026-01-01}", as_of=as_of)
    assert "the target allows" not in text
    assert "left until below" not in text


def test_the_longest_outage_of_a_period_is_one_value(tmp_path: Path) -> None:
    longest = {"objective": "longest: {measure: each outage, target: 4h}", "credit": "longest: {over: {4h: 10%}}"}
    text = june(tmp_path, "down: [2026-06-10 02:00 to 07:00, 2026-06-12 02:00 to 03:00]", **longest)
    assert "longest 5h > 4h → 10% × 1000.00 USD = 100.00 USD" in text
    assert "longest 1h → no credit" in june(tmp_path, HOUR_DOWN, **longest)


def test_the_arithmetic_is_right_in_the_digits_that_are_printed(tmp_path: Path) -> None:
    text = june(tmp_path, HOUR_DOWN, price="1000 USD/year", credit="availability: {below: {99.9%: 200%}}")
    assert "200% × 83.333333… USD = 166.666667… USD → rounded 166.67 USD" in text
    assert "200.000000% of the charge of 83.333333… USD" in text


def test_nothing_measured_of_what_counts_is_said(tmp_path: Path) -> None:
    facts = "exclusions: [{class: maintenance, at: 2026-06-01 to 2026-06-21}], unknown: [2026-06-21 to 2026-07-01]"
    text = june(tmp_path, facts)
    assert "Nothing can be said: 0.000000% of the elapsed time that counts was measured, the contract asks for" in text


@pytest.mark.parametrize(
    ("unknown", "fault", "blind"),
    [
        (UnknownTime.EXCLUDED, "fault on the customer's side, does not count", "not measured"),
        (
            UnknownTime.DOWN,
            "fault on the customer's side, counts as unmeasured time does: down",
            "not measured, counts as down",
        ),
    ],
)
def test_a_fault_of_our_own_side_counts_as_unmeasured_time_does(
    judged: Judge, unknown: UnknownTime, fault: str, blind: str
) -> None:
    one = judged(unknown=[(START, 7200)], unknown_time=unknown)
    time = {**one.time, LOCAL_FAULT: 3600 * S, UNKNOWN: 3600 * S}
    text = flat(render([dataclasses.replace(one, time=time)]))
    assert f"local_fault 1h 3600 0.138889% {fault} unknown 1h 3600 0.138889% {blind} in scope" in text


@pytest.mark.parametrize("file", WORKED, ids=lambda file: file.stem)
def test_the_report_of_every_worked_case_reads(file: Path) -> None:
    statements = list(worked(file))
    assert statements
    for statement in statements:
        text = render([statement])
        assert max(map(len, text.splitlines())) <= 100
        assert max(map(len, render([statement], width=60).splitlines())) <= 60
        assert not re.search(r"None|Fraction|\(\)|\S {2,}\(contracts", text)
        data: Any = to_json(statement)
        assert from_json(json.loads(json.dumps(data))) == statement
        if statement.credits and statement.credit is not None:
            assert f"Credit owed: {data['credit']['display']}" in text
        if statement.payable != statement.credit:
            assert f"payable {data['payable']['display']}" in flat(text)
        for line in (line for line in data["credits"] if Fraction(line["exact"]["exact"])):
            assert line["rounded"]["display"] in text


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
    text = render([judged(down=[(START + n * HOUR, 60 + n) for n in range(MOST_OUTAGES + 1)])])
    assert "and 1 shorter one of 1m; all of them in the JSON report" in text


def test_an_outage_of_several_causes_and_from_before(judged: Judge) -> None:
    outage = OutageLine(
        start=START,
        end=START + 90 * S,
        duration=90 * S,
        by_cause={"provider_down": 30 * S, "maintenance": 60 * S},
        began=START - HOUR,
        counted=False,
        charged=Fraction(40 * MINUTE),
    )
    text = re.sub(r"\s+", " ", render([dataclasses.replace(judged(), outages=(outage,))]))
    assert "1m 30s provider_down 30s, maintenance 1m; began 2026-05-31 23:00:00-04:00; counts as 40m in all" in text
    assert "in all; an outage of the period it began in" in text


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
    assert (document["schema"], document["as_of"]) == (2, str(START))
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
    limit=st.none() | st.fractions(0, 1, max_denominator=1000),
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
    limit: Fraction | None,
    price: Fraction,
    combine: Combine,
) -> None:
    statement = judged(
        down=[(START + day * DAY, length) for day, length in down],
        unknown=[(START, unknown)] if unknown else [],
        excluded=[(cause, START + day * DAY, length) for cause, day, length in excluded],
        latency=latency,
        as_of=START + elapsed * S,
        limit=limit,
        prices=(Price(amount=price),),
        combine=combine,
    )
    text = render([statement], width=200)
    document: Any = json.loads(report_json.dumps(report_json.document([statement], as_of=0)))["statements"][0]
    figures = displays(document)
    head, _, time = text.partition("Time in scope\n")
    time, _, rest = time.partition("\n\n")
    body = head + rest
    assert set(re.findall(r"(?<![\d.])\d+\.\d{6}%", body)) <= figures
    money = set(re.findall(r"-?\d+\.\d\d USD", body))
    computed = {f"{-line.removed} USD" for line in statement.caps}
    computed |= {format_money(line.gives, "USD") for line in statement.credits if line.gives.denominator <= 100}
    assert money <= figures | computed
    assert f"Credit owed: {document['credit']['display']}" in body
    if document["at_stake"]["exact"] != "0/1":
        assert f"At stake: {document['at_stake']['display']} more" in body
    for figure in (
        document["credit"],
        document["availability"],
        document["coverage"],
        *(c["value"] for c in document["credits"] if c["measure"] == "availability"),
    ):
        assert figure is None or figure["display"] in body
    seconds = [Decimal(found) for found in re.findall(r"(?:s|m|h|d) +(\d+) +[\d.]+%", time)]
    assert sum(seconds[:-1]) == seconds[-1] == 30 * 86_400
