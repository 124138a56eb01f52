"""Contract clauses → terms: defaults, what is taken over, what is warned about, what is looked up."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from slamon.config.contract import latency_limits, read_contract
from slamon.config.nodes import Mapping, Node, parse
from slamon.errors import Problem
from slamon.model import HOUR, MS
from slamon.sla.terms import Contract
from slamon.sla.terms.clause import Clause
from slamon.sla.terms.credits import Cap, Give, Tier
from slamon.sla.terms.measures import Measure, Rounding, Side, Subject
from slamon.sla.terms.objectives import Form, Level, Objective, Total
from slamon.sla.terms.times import Span
from tests.config.contracts import HEAD, PRICED, SERVICES, contract, mistakes, terms_of

CASES = sorted((Path(__file__).parents[1] / "sla" / "cases").glob("*.yaml"))
SIMPLE = """
service: hq-dia
provider: Acme Telecom
timezone: America/New_York
price: 1000 USD/month
objectives:
  availability: {target: 99.9%, minimum: 99.5%}
credits:
  availability: {below: {99.9%: 10%, 99.5%: 25%}}
"""


def by_name(terms: Contract) -> dict[str, Objective]:
    return {objective.name: objective for objective in terms.objectives}


def test_the_simple_case_and_its_defaults() -> None:
    terms, warnings = contract(SIMPLE)
    [objective] = terms.objectives
    [credit] = terms.credits
    assert (objective.measure, objective.total, objective.over) == (Measure.AVAILABILITY, Total.IN_SCOPE, "worst")
    assert objective.target == Level(value=Fraction(999, 1000), side=Side.AT_LEAST)
    assert objective.minimum == Level(value=Fraction(995, 1000), side=Side.AT_LEAST)
    assert credit.tiers == (
        Tier(threshold=Fraction(999, 1000), give=Give(share=Fraction(1, 10))),
        Tier(threshold=Fraction(995, 1000), give=Give(share=Fraction(1, 4))),
    )
    assert credit.subject == Subject(measure=Measure.AVAILABILITY, objective="availability")
    assert (credit.side, credit.cap) == (Side.BELOW, None)
    assert terms.caps == (Cap(span=Span.PERIOD, share=Fraction(1), clause=terms.clause),)
    assert warnings == [
        "dir/slamon.yml:2:1: contracts.hq: no `claim`: every credit is owed without anybody claiming it",
        (
            "dir/slamon.yml:2:1: contracts.hq: no `caps`: the credits of a period are capped at 100% of its charge; "
            "write `caps: {period: 100%}` to say so, or `caps: {}` for no cap"
        ),
    ]


def test_every_clause_knows_where_it_stands_without_folders() -> None:
    terms, _ = contract(
        SIMPLE
        + "exclusions: [{class: customer}]\nclaim: {by: 30 days after period end}\nwithhold: {overdue: {over: 0 days}}\n"
        + "terminate:\n  customer:\n    downtime: {over: 12h}\nbonuses: {availability: {over: {99.99%: 1%}}}\n"
    )
    assert terms.clause == Clause(path="contracts.hq", place="slamon.yml:2")
    assert terms.objectives[0].clause == Clause(path="contracts.hq.objectives.availability", place="slamon.yml:7")
    assert terms.credits[0].clause == Clause(path="contracts.hq.credits.availability", place="slamon.yml:9")
    assert terms.exclusions[0].clause == Clause(path="contracts.hq.exclusions[0]", place="slamon.yml:10")
    assert terms.claim is not None
    assert terms.claim.clause == Clause(path="contracts.hq.claim", place="slamon.yml:11")
    assert terms.withhold[0].clause == Clause(path="contracts.hq.withhold.overdue", place="slamon.yml:12")
    assert terms.terminations[0].condition.clause == Clause(
        path="contracts.hq.terminate.customer.downtime", place="slamon.yml:15"
    )
    assert terms.bonuses[0].credit.clause == Clause(path="contracts.hq.bonuses.availability", place="slamon.yml:16")


# --- objectives measured on others --------------------------------------------------------------------------------------------


def test_an_objective_that_only_averages_or_rounds_reads_the_value_of_the_other() -> None:
    found = by_name(
        terms_of(
            PRICED
            + """
objectives:
  availability: {target: 99.9%, total: net, mean_of: 2 periods, round: 0.01%, display: 0.1% down}
  billed: {measure: availability, round: 0.1%}
  mean: {measure: billed, mean_of: 3 periods, target: 99%}
  again: {measure: availability}
"""
        )
    )
    tenth = Rounding(step=Fraction(1, 1000))
    assert (found["billed"].base, found["billed"].round, found["billed"].mean_of) == ("availability", tenth, 1)
    assert (found["mean"].base, found["mean"].round, found["mean"].mean_of) == ("billed", None, 3)
    assert (found["again"].base, found["again"].target, found["again"].round) == ("availability", None, None)
    assert {objective.total for objective in found.values()} == {Total.NET}
    assert found["again"].display == found["availability"].display
    assert found["availability"].base is None


def test_an_objective_that_changes_what_is_measured_takes_over_the_definition() -> None:
    found = by_name(
        terms_of(
            PRICED
            + """
objectives:
  latency: {statistic: p95, packets: all, during: always, target: 30ms, mean_of: 2 periods, round: 1ms}
  spare: {measure: latency, service: spare, target: 50ms}
  median: {measure: spare, statistic: median, packets: received, during: available}
  raw: {measure: availability, total: 720h, target: 99%}
"""
        )
    )
    spare, median = found["spare"], found["median"]
    assert (spare.base, spare.service, spare.packets_all, spare.always) == (None, "spare", True, True)
    assert (spare.statistic, spare.mean_of, spare.round) == (
        found["latency"].statistic,
        2,
        Rounding(step=Fraction(MS)),
    )
    assert (median.service, median.packets_all, median.always, median.target) == ("spare", False, False, None)
    assert median.statistic is not None
    assert median.statistic.form is Form.MEDIAN
    assert (found["raw"].base, found["raw"].total) == (None, 720 * HOUR)


def test_a_mean_of_periods_of_a_measure_without_its_objective() -> None:
    found = by_name(terms_of(HEAD + "objectives: {three: {measure: availability, mean_of: 3 periods}}\n"))
    assert (found["three"].base, found["three"].mean_of) == (None, 3)


def test_an_excess_is_in_the_scale_of_its_objective() -> None:
    found = by_name(
        terms_of(
            HEAD
            + """
objectives:
  too-slow: {measure: excess of latency, target: 150%}
  latency: {statistic: mean, target: 30ms}
  deficit: {measure: excess of availability}
  availability: {target: 99%}
"""
        )
    )
    assert found["too-slow"].subject == Subject(measure=Measure.EXCESS, objective="latency")
    assert found["too-slow"].target == Level(value=Fraction(3, 2), side=Side.AT_MOST)


def test_the_share_of_good_packets_falls_as_it_gets_worse() -> None:
    terms = terms_of(
        PRICED
        + """
objectives: {fast: {measure: latency, statistic: share at_most 30ms, target: 95%}}
credits: {fast: {below: {95%: 10%}}}
"""
    )
    assert terms.objectives[0].target == Level(value=Fraction(95, 100), side=Side.AT_LEAST)
    assert latency_limits([terms]) == (30 * MS,)


# --- what entries are about ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "threshold", "subject"),
    [
        ("availability", "below: {99%", Subject(measure=Measure.AVAILABILITY, objective="availability")),
        ("downtime", "over: {1h", Subject(measure=Measure.DOWNTIME)),
        ("each outage", "over: {1h", Subject(measure=Measure.EACH_OUTAGE)),
        ("outages", "over: {3", Subject(measure=Measure.OUTAGES)),
        ("outages over 1h30m", "over: {3", Subject(measure=Measure.OUTAGES, side=Side.OVER, length=90 * 60 * 10**9)),
        (
            "days with outage at_least 5m",
            "over: {3",
            Subject(measure=Measure.DAYS_WITH_OUTAGE, side=Side.AT_LEAST, length=300 * 10**9),
        ),
        ("days with outage", "over: {3", Subject(measure=Measure.DAYS_WITH_OUTAGE)),
        ("each day out", "over: {3 days", Subject(measure=Measure.EACH_DAY_OUT)),
        ("latency", "over: {30ms", Subject(measure=Measure.LATENCY, objective="latency")),
        ("jitter", "over: {30ms", Subject(measure=Measure.JITTER, objective="jitter")),
        ("loss", "over: {1%", Subject(measure=Measure.LOSS, objective="loss")),
        ("restore", "over: {4h", Subject(measure=Measure.RESTORE, objective="restore")),
        ("notify", "over: {15m", Subject(measure=Measure.NOTIFY, objective="notify")),
        ("excess of latency", "over: {150%", Subject(measure=Measure.EXCESS, objective="latency")),
        ("bad slots", "over: {3", Subject(measure=Measure.BAD_SLOTS)),
        ("runs of 10 bad slots", "over: {3", Subject(measure=Measure.RUNS, run=10)),
        ("points", "at_least: {3", Subject(measure=Measure.POINTS)),
        ("tickets", "over: {3", Subject(measure=Measure.TICKETS)),
        ("overdue", "over: {3 days", Subject(measure=Measure.OVERDUE)),
        ("breach of the duty to pay", "over: {3 days", Subject(measure=Measure.BREACH, duty="the duty to pay")),
        ("own", "below: {99%", Subject(measure=Measure.AVAILABILITY, objective="own")),
        ("long", "over: {3", Subject(measure=Measure.OUTAGES, objective="long", side=Side.OVER, length=10**9)),
    ],
)
def test_what_a_credit_compares(word: str, threshold: str, subject: Subject) -> None:
    objectives = """
objectives:
  own: {measure: availability, total: net}
  long: {measure: outages over 1s}
  latency: {statistic: mean, target: 30ms}
  jitter: {statistic: mean, definition: ipdv}
  loss: {statistic: pooled}
  restore: {statistic: max}
  notify: {statistic: mean}
"""
    for text in (
        f"credits: {{{word}: {{{threshold}: 1%}}}}}}",
        f"credits: {{x: {{measure: {word}, {threshold}: 1%}}}}}}",
    ):
        assert terms_of(PRICED + objectives + text).credits[0].subject == subject


def test_an_entry_about_each_outage_is_not_about_the_longest() -> None:
    terms = terms_of(
        PRICED
        + "objectives: {each outage: {target: 4h}, longest: {measure: each outage}}\n"
        + "credits: {each outage: {over: {4h: 5%}}, longest: {over: {4h: 5%}}}\ncombine: sum\n"
    )
    assert [credit.subject for credit in terms.credits] == [
        Subject(measure=Measure.EACH_OUTAGE),
        Subject(measure=Measure.EACH_OUTAGE, objective="longest"),
    ]


def test_an_entry_reads_the_objective_of_its_name() -> None:
    terms = terms_of(
        PRICED + "objectives: {downtime: {round: 1m up}}\ncredits: {downtime: {per: started 1h, give: 1%}}\n"
    )
    assert terms.credits[0].subject == Subject(measure=Measure.DOWNTIME, objective="downtime")


def test_availability_brings_its_objective_along_once() -> None:
    terms = terms_of(
        PRICED
        + "credits: {availability: {below: {99%: 1%}}}\nearn_back: {availability: {at_least: 99%}}\n"
        + "terminate: {provider: {x: {measure: availability, over: 99%}}}\n"
    )
    assert [(objective.name, objective.target) for objective in terms.objectives] == [("availability", None)]


# --- money --------------------------------------------------------------------------------------------------------------------


def test_no_cap_is_said_and_not_assumed() -> None:
    terms, warnings = contract(SIMPLE + "caps: {}\n")
    assert terms.caps == ()
    assert len(warnings) == 1


def test_money_alone_needs_no_price_and_has_no_cap() -> None:
    terms, warnings = contract(HEAD + "credits: {availability: {below: {99%: 9.98 GBP}}}\n")
    assert (terms.prices, terms.currency, terms.caps) == ((), "GBP", ())
    assert terms.credits[0].tiers[0].give == Give(amount=Fraction(499, 50))
    assert warnings[1] == (
        "dir/slamon.yml:1:1: contracts.hq: no `caps` and no `price`: the credits are not capped; "
        "write `caps: {}` to say so, or for example `caps: {month: 500 USD}`"
    )


def test_points_are_no_money() -> None:
    terms, warnings = contract(
        HEAD + "credits: {outages: {per: each, give: 1 point}, downtime: {over: {1h: 5 points}}}\n"
    )
    assert terms.caps == ()
    assert [credit.money for credit in terms.credits] == [False, False]
    assert len(warnings) == 1


def test_points_become_money_in_a_table_of_their_own() -> None:
    terms = terms_of(PRICED + "credits: {outages: {per: each, give: 1 points}, points: {at_least: {3: 5%, 6: 10%}}}\n")
    assert [credit.money for credit in terms.credits] == [False, True]


@pytest.mark.parametrize(
    ("period", "price", "tiers", "shrinks"),
    [
        ("quarter", "100 USD/month", "{99.9%: 10%, 99%: 29 USD}", True),
        ("quarter", "100 USD/month", "{99.9%: 10%, 99%: 30 USD}", False),
        ("month", "1200 USD/year", "{99.9%: 9 USD, 99%: 8%}", True),
        ("month", "1200 USD/year", "{99.9%: 8 USD, 99%: 8%}", False),
        ("rolling 720h", "100 USD/month", "{99.9%: 10%, 99%: 1 USD}", False),
        ("month", "100 USD/month", "{99.9%: higher of 5 USD and 10%, 99%: 9%}", True),
        ("month", "100 USD/month", "{99.9%: higher of 5 USD and 10%, 99%: higher of 11 USD and 1%}", False),
        ("rolling 720h", "100 USD/month", "{99.9%: higher of 5 USD and 10%, 99%: 1%}", False),
        ("month", "100 USD/month", "{99.9%: 6 points, 99%: 5 points}", True),
    ],
)
def test_what_shrinks_is_compared_in_money(period: str, price: str, tiers: str, shrinks: bool) -> None:
    text = f"{HEAD}price: {price}\nperiod: {period}\ncredits: {{availability: {{below: {tiers}}}}}\n"
    if shrinks:
        assert [line.split(": ")[2].partition(" (")[0] for line in mistakes(text)] == [
            "this gives less than the tier before it, although it is worse"
        ]
    else:
        assert terms_of(text).credits


@pytest.mark.parametrize(
    ("period", "twice"),
    [
        ("month", "month"),
        ("quarter", "quarter"),
        ("year", "year"),
        ("contract year\nterm: {from: 2026-01-01}", "contract_year"),
    ],
)
@pytest.mark.parametrize("turn", [1, -1])
def test_two_caps_of_the_same_time(period: str, twice: str, turn: int) -> None:
    first, second = ("period", twice)[::turn]
    text = f"{PRICED}period: {period}\ncaps: {{{first}: 100%, {second}: 50%}}\n"
    found = mistakes(text)
    assert len(found) == 1
    assert f"caps.{second}: the period is a {twice.replace('_', ' ')}: two caps of the same time; keep one" in found[0]


def test_caps_of_a_billing_month_and_of_the_civil_month_are_two() -> None:
    terms = terms_of(PRICED + "period: month from 15\ncaps: {period: 100%, month: 50%}\n")
    assert [cap.span for cap in terms.caps] == [Span.PERIOD, Span.MONTH]


# --- warnings -----------------------------------------------------------------------------------------------------------------


def test_a_promise_without_money_is_not_warned_about() -> None:
    terms, warnings = contract(HEAD + "objectives: {availability: {target: 99%}}\n")
    assert warnings == []
    assert latency_limits([terms]) == ()


def test_a_ticket_nobody_measures_by_is_warned_about_once() -> None:
    claim = "claim: {report: 1h after ticket opened, by: 30 days after ticket closed}\n"
    _, warnings = contract(HEAD + claim)
    assert warnings == [
        (
            "dir/slamon.yml:1:1: contracts.hq: a deadline begins when a ticket is opened, and no outage is measured by its "
            "ticket; add `outage: {ends: ticket}`, or know that a deadline without its ticket is not computed"
        )
    ]
    for clock in ("starts: ticket", "starts: later", "ends: ticket", "ends: sooner"):
        assert contract(f"{HEAD}{claim}outage: {{{clock}}}\n")[1] == []


@pytest.mark.parametrize(
    ("durations", "percents", "said"),
    [
        ("4m19s: 1%", "99.99%: 1%", "in 30 days 99.99% is down for 4m19s200ms, not 4m19s"),
        ("43m12s: 1%, 8h: 3%", "99.9%: 1%, 99%: 3%", "in 30 days 99% is down for 7h12m, not 8h"),
        ("43m12s: 1%, 7h12m: 3%", "99.9%: 1%, 99%: 3%", None),
        ("43m12s: 1%", "99.9%: 1%, 99%: 3%", None),
    ],
)
def test_a_table_of_durations_that_disagrees_with_one_of_percents(
    durations: str, percents: str, said: str | None
) -> None:
    _, warnings = contract(
        f"{PRICED}caps: {{}}\nclaim: {{}}\ncombine: highest\ncredits:\n  downtime: {{over: {{{durations}}}}}\n"
        f"  availability: {{below: {{{percents}}}}}\n"
    )
    assert [warning.partition(": ")[2] for warning in warnings] == (
        []
        if said is None
        else [
            (
                f"contracts.hq.credits: the table downtime in durations and availability in percents disagree: {said}; "
                "keep the one the paper says, and write in `notes` which"
            )
        ]
    )


def test_a_statistic_that_sums_do_not_give_is_warned_about() -> None:
    """Once, where it is defined: not where its value is only shown or given levels."""
    _, warnings = contract(
        HEAD
        + "objectives:\n  latency: {statistic: p95}\n  jitter:\n    definition: ipdv\n    statistic: p95\n"
        + "  shown: {measure: jitter, target: 5ms}\n  loss: {statistic: worst 15m}\n"
        + "  smooth: {measure: jitter, definition: rfc3550, statistic: mean}\n  steady: {measure: jitter, statistic: mean_abs}\n"
    )
    reason = "the daemon judges by sums of packets, which do not give this: the value stays unknown"
    assert warnings == [
        (
            f"dir/slamon.yml:8:16: contracts.hq.objectives.jitter.statistic: {reason} (got 'p95'); "
            "of ipdv jitter the sums give mean_abs"
        ),
        (
            f"dir/slamon.yml:10:21: contracts.hq.objectives.loss.statistic: {reason} (got 'worst 15m'); "
            "of loss the sums give mean, pooled"
        ),
        (
            f"dir/slamon.yml:11:61: contracts.hq.objectives.smooth.statistic: {reason} (got 'mean'); "
            "of rfc3550 jitter the sums give nothing"
        ),
    ]


# --- references ---------------------------------------------------------------------------------------------------------------


def test_references_are_checked_against_the_services() -> None:
    latency = "\n  latency: {target: 30ms, statistic: mean, over: c}"
    found = mistakes(SIMPLE.replace("hq-dia", "hq-dai").replace("99.5%}", "99.5%}" + latency, 1))
    assert found == ["f.yml:2:10: contracts.hq.service: there is no such service (got 'hq-dai'); did you mean hq-dia?"]
    found = mistakes(SIMPLE.replace("99.5%}", "99.5%}" + latency, 1))
    assert found == [
        (
            "f.yml:8:50: contracts.hq.objectives.latency.over: the service hq-dia has no such target (got 'c'); "
            "write one of a, b, pooled, worst"
        )
    ]


@pytest.mark.parametrize(
    ("over", "service", "full"),
    [
        ("b", "", "hq-dia/b"),
        ("hq-dia/b", "", "hq-dia/b"),
        ("worst", "", "worst"),
        ("c", ", service: spare", "spare/c"),
        ("c", ", service: {all: [hq-dia, spare]}", "spare/c"),
    ],
)
def test_a_target_is_named_by_its_key_or_in_full(over: str, service: str, full: str) -> None:
    text = f"{HEAD}objectives: {{latency: {{statistic: mean, over: {over}{service}}}}}\n"
    terms, _ = contract(text, services=True)
    assert terms.objectives[0].over == full


def test_a_contract_that_is_supported_by_others() -> None:
    assert mistakes(HEAD + "supported_by: {any: [uc-a, uc-b]}\n", contracts=("uc-a", "hq")) == [
        "f.yml:4:28: contracts.hq.supported_by.any[1]: there is no such contract (got 'uc-b'); did you mean uc-a?"
    ]


# --- the whole ----------------------------------------------------------------------------------------------------------------


def test_the_hash_is_of_the_terms_and_nothing_else() -> None:
    terms, _ = contract(SIMPLE)
    reordered = (
        "# signed in May\n"
        + "\n".join(reversed(SIMPLE.strip().split("\nobjectives")[0].split("\n")))
        + "\nobjectives"
        + SIMPLE.split("\nobjectives")[1]
    )
    same, _ = contract(reordered)
    other, _ = contract(SIMPLE.replace("99.9%: 10%", "99.9%: 11%"))
    assert len(terms.text_sha256) == 64
    assert same.text_sha256 == terms.text_sha256
    assert other.text_sha256 != terms.text_sha256


def test_all_mistakes_of_a_contract_at_once() -> None:
    found = mistakes(
        SIMPLE.replace("99.9%: 10%, 99.5%: 25%", "99.5%: 25%, 99.9%: 10")
        .replace("minimum: 99.5%", "minimum: 99.95%")
        .replace("provider", "providre")
        .replace("1000 USD/month", "1000")
    )
    assert sorted(line.split(" ", 1)[0] + " " + line.split(": ")[1] for line in found) == [
        "f.yml:2:1: contracts.hq",
        "f.yml:3:1: contracts.hq.providre",
        "f.yml:5:8: contracts.hq.price",
        "f.yml:7:42: contracts.hq.objectives.availability.minimum",
        "f.yml:9:38: contracts.hq.credits.availability.below.99.9%",
        "f.yml:9:45: contracts.hq.credits.availability.below.99.9%",
    ]


def test_a_contract_that_is_no_mapping() -> None:
    assert mistakes("just text\n") == [
        "f.yml:1:1: contracts.hq: this must be a mapping (lines of `key: value`) (got 'just text')"
    ]


def test_the_limit_of_a_share_is_the_last_nanosecond_that_is_on_its_lower_side() -> None:
    """So that the count of those within it is the share, or what the share leaves."""
    for side, limit in (("over", 25 * MS), ("at_most", 25 * MS), ("below", 25 * MS - 1), ("at_least", 25 * MS - 1)):
        terms = terms_of(f"{HEAD}objectives: {{latency: {{statistic: share {side} 25ms}}}}\n")
        assert latency_limits([terms]) == (limit,)


def test_latency_limits_are_of_every_rule_and_version() -> None:
    terms = terms_of(
        PRICED
        + """
objectives:
  latency: {target: 30ms, minimum: 60ms, statistic: p99.9}
  mean: {measure: latency, statistic: mean, target: 20ms}
  jitter: {statistic: mean, definition: pdv, target: 5ms}
  slow: {measure: latency, statistic: share over 25ms, target: 1%}
credits:
  latency: {over: {30ms: 5%, 90ms: 10%}}
  mean: {over: 21ms, per: started 1ms, give: 1%}
  slow: {over: {1%: 1%}}
combine: sum
bonuses: {mean: {below: {15ms: 1%}}}
earn_back: {mean: {below: 16ms}}
withhold: {slow: {below: 50%}}
terminate: {customer: {latency: {over: 200ms}}}
amendments: [{effective: 2026-07-01, objectives: {latency: {statistic: mean, target: 10ms}}, credits: {}, bonuses: {},
  earn_back: {}, withhold: {}, terminate: {}}]
"""
    )
    assert latency_limits([terms]) == tuple(ms * MS for ms in (10, 15, 16, 20, 21, 25, 30, 60, 90, 200))


def test_where_values_come_from() -> None:
    terms = terms_of(
        SIMPLE
        + "  net: {measure: availability, below: {98%: 30%}}\ncombine: sum\nexclusions: [{class: a, notice: 1h}]\n"
    )
    origins = terms.origins
    assert (origins["price"], origins["timezone"], origins["unknown"]) == ("written", "written", "default")
    assert (origins["credits.net.measure"], origins["credits.net.cap"]) == ("written", "default")
    assert (origins["exclusions"], origins["exclusions[0]"], origins["exclusions[0].notice"]) == ("written",) * 3
    assert (origins["exclusions[0].hours"], origins["outage"], origins["caps"]) == ("default",) * 3


def test_what_an_objective_takes_over_comes_from_the_other() -> None:
    origins = terms_of(
        HEAD + "objectives: {availability: {total: net, target: 99%}, billed: {measure: availability, round: 0.1%}}\n"
    ).origins
    assert origins["objectives.billed.total"] == "from availability"
    assert (origins["objectives.billed.target"], origins["objectives.billed.round"]) == ("default", "written")
    assert origins["objectives.availability.statistic"] == "default"


def contracts_of(file: Path) -> list[tuple[str, Node]]:
    problems: list[Problem] = []
    root = parse(file.read_text(encoding="utf-8"), file.name, problems)
    assert isinstance(root, Mapping)
    found = root.get("contracts")
    assert isinstance(found, Mapping)
    return [(name.text, node) for name, node in found.items]


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_the_contracts_of_the_worked_cases_are_read(file: Path) -> None:
    problems: list[Problem] = []
    for name, node in contracts_of(file):
        assert read_contract(name, node, problems, services=None), [str(problem) for problem in problems]
    assert problems == []


def test_there_are_worked_cases() -> None:
    assert len(CASES) >= 31
    assert SERVICES
