"""`slamon test`: files of contracts, declared facts and expected figures; that each figure is compared and each mistake is named."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest

from slamon.cases import Report, run, wanted
from slamon.cases.figures import LISTS, NAMED, PLAIN, RIGHT
from slamon.cases.wanted import Grammar
from slamon.model import DAY, HOUR, MINUTE, MS, US
from slamon.sla.calendar import instant
from slamon.sla.lines import Due
from slamon.sla.terms import Contract
from slamon.sla.terms.clause import Clause

DOCS = Path(__file__).parents[1] / "docs"
CASES = sorted((Path(__file__).parent / "sla" / "cases").rglob("*.yaml"))

HEAD = """\
contracts:
  hq:
    service: link
    provider: Example
    timezone: Europe/Berlin
    price: 1000 USD/month
    exclusions: [{class: maintenance}, {class: customer}]
    objectives:
      availability: {target: 99.9%, minimum: 99.5%}
      delay: {measure: latency, statistic: p95, target: 30ms}
    credits:
      availability: {below: {99.9%: 10%, 99.5%: 1/3}}
      delay: {over: {30ms: 40 USD}}
    combine: sum
    caps: {month: 35%}
"""


def checked(tmp_path: Path, text: str, *, head: str = HEAD) -> Report:
    file = tmp_path / "case.yaml"
    file.write_text(head + dedent(text), encoding="utf-8")
    return run([file])


def expecting(tmp_path: Path, figures: str, facts: str = "{}") -> Report:
    return checked(tmp_path, f"tests:\n  - facts: {facts}\n    expect:\n      2026-06: {{{figures}}}\n")


def said(report: Report) -> list[str]:
    """Problems without the folder of the file."""
    return [str(problem).rpartition("/")[2] for problem in report.problems]


def test_there_are_worked_cases() -> None:
    assert {path.stem[0] for path in CASES} >= set("ABCDEFGH")
    assert len(CASES) >= 31


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_worked_cases(path: Path) -> None:
    report = run([path])
    assert report.exit_code == 0, report.text()
    assert all(outcome.figures for outcome in report.outcomes)


FULL = """\
contracts:
  full:
    service: link
    provider: Example
    timezone: UTC
    price: 3000 USD/month
    exclusions: [{class: maintenance, notice: 24h}, {class: customer}]
    objectives:
      availability: {target: 99.9%, minimum: 90%, display: 0.1% down}
      delay: {measure: latency, statistic: mean, target: 30ms}
      delays: {measure: latency, statistic: max}
    credits:
      each outage: {over: {1h: 5%, 2h: 10%}}
      hours: {measure: downtime, per: started 1h, give: 1 USD}
      marks: {measure: outages, per: each, give: 2 points}
      days: {measure: each day out, at_least: {1 day: 5 USD, 2 days: 10 USD}}
    combine: sum
    caps: {month: 500 USD}
    bonuses: {availability: {at_least: {90%: 1%}}}
    earn_back: {availability: {at_least: 99%, within: next 1 periods}}
    claim: {report: 2 days after period end, by: 10 days after period end}
    terminate:
      customer:
        chronic:
          measure: outages
          at_least: 2
          within: any 30d
          notice: 30 days after right arises
          cure: 72h after right arises
          exercise: 60 days after right arises
    supported_by: {any: [below]}
  below: {service: fibre, provider: Example, timezone: UTC, objectives: {availability: {target: 99%}}}
"""
FACTS = """{
      down: [2026-06-10 00:00 + 2h, 2026-06-20 22:00 to 2026-06-23 06:00],
      unknown: [2026-06-28 00:00 + 6h],
      exclusions: [
        {class: maintenance, at: 2026-06-10 01:00 + 30m, notified: 2026-06-01 01:00},
        {class: maintenance, at: 2026-06-25 00:00 + 1h, notified: 2026-06-24 12:00}],
      tickets: [{opened: 2026-06-10 00:30, closed: 2026-06-10 02:00}, {opened: 2026-06-20 22:00, closed: 2026-06-23 06:00}],
      claims: [{period: 2026-06, lodged: 2026-07-11 12:00}],
      closed: [2026-07-02],
      readings: {2026-06: {delay: 30.25ms}}}"""
"""Two outages of 2 h (1.5 h of which count) and of 56 h over two whole days; six hours nobody measured."""
FIGURES = {
    "total": ("714h", "720h"),
    "downtime": ("57h30m", "57h30m1s"),
    "raw_downtime": ("58h", "57h30m"),
    "excluded": ("30m", "90m"),
    "unknown": ("6h", "0s"),
    "availability": ("91.946779%", "91.946778%"),
    "raw_availability": ("91.877%", "91.876%"),
    "low": ("91.181%", "91.180%"),
    "high": ("92.01%", "92.02%"),
    "coverage": ("99.17%", "99.16%"),
    "status": ("below_target", "below_minimum"),
    "outages": ("2", "1"),
    "points": ("4", "2"),
    "charge": ("3000.00 USD", "3000.00 EUR"),
    "credit": ("500.00 USD", "499.99 USD"),
    "lost_to_cap": ("23 USD", "22 USD"),
    "credit_share": ("1/6", "16%"),
    "uncapped_share": ("17.43%", "17.44%"),
    "earned_back": ("500.00 USD", "0.00 USD"),
    "payable": ("0.00 USD", "500.00 USD"),
    "bonus": ("30.00 USD", "0.00 USD"),
    "adjustment": ("0.00 USD", "-1.00 USD"),
    "claim": ("late", "in_time"),
    "report_by": ("2026-07-02", "2026-07-03"),
    "claim_by": ("2026-07-10", "2026-07-11 00:00"),
    "revision": ("1", "2"),
    "supportable": ("99%", "98%"),
    "promise": ("unsupported", "supported"),
    "outage_spans": (
        "[2026-06-10 00:00 to 02:00, 2026-06-20 22:00 to 2026-06-23 06:00]",
        "[2026-06-10 00:00 to 02:00]",
    ),
    "outage_days": ("[2026-06-10, 2026-06-20, 2026-06-21, 2026-06-22, 2026-06-23]", "[2026-06-10, 2026-06-20]"),
    "per_outage": ("[5%, 1/10]", "[1/10, 5%]"),
    "credit_days": ("[2026-06-21, 2026-06-22]", "[2026-06-21, 2026-06-23]"),
    "exclusions": ("[accepted, refused]", "[accepted]"),
    "notice_given": ("[216h, 12h]", "[216h, 12h, 1h]"),
    "excluded_by": ("{maintenance: 30m, customer: 0s}", "{customer: 30m}"),
    "clocks": ("{measured: 58h, ticket: 57h30m}", "{ticket: 58h}"),
    "counts": (
        (
            "{outages: 2, outages over 90m: 1, days with outage: 5, days with outage at_least 6h: 3, tickets: 2, points: 4,"
            " bad slots: 0, runs of 2 bad slots: 0}"
        ),
        "{outages at_least 90m: 1}",
    ),
    "values": ("{delay: 30.250ms, availability: 91.9468%, delays: undefined}", "{delay: 30.26ms}"),
    "shown": ("{availability: 91.9%}", "{availability: 91.95%}"),
    "units": ("{hours: 58}", "{hours: 57.5}"),
    "lines": ("{each outage: 450.00 USD, hours: 58.00 USD, days: 15.00 USD, marks: 0.00 USD}", "{hours: 57.50 USD}"),
}
"""Key → what is right and what is not, for FACTS as known a month later."""
RIGHTS = {
    "arises": ("2026-06-20", "2026-06-23"),
    "notice_by": ("2026-07-20", "2026-07-20 12:00"),
    "cure_ends": ("2026-06-23 22:00", "2026-06-23"),
    "exercise_by": ("2026-08-19", "2026-08-18"),
    "state": ("lapsed", "open"),
}
"""The right to terminate that arises as the second outage begins."""


def full(tmp_path: Path, figures: str) -> Report:
    text = (
        f"tests:\n  - {{contract: full, as_of: 2026-08-01, facts: {FACTS},\n     expect: {{2026-06: {{{figures}}}}}}}\n"
    )
    return checked(tmp_path, text, head=FULL)


def test_every_key_is_tried() -> None:
    assert {*FIGURES, "samples"} == {*PLAIN, *LISTS, *NAMED}
    assert set(RIGHTS) == set(RIGHT)


@pytest.mark.parametrize("key", FIGURES)
def test_a_figure_agrees_or_differs(tmp_path: Path, key: str) -> None:
    right, wrong = FIGURES[key]
    good = full(tmp_path, f"{key}: {right}")
    assert (good.exit_code, good.failures) == (0, 0), good.text()
    bad = full(tmp_path, f"{key}: {wrong}")
    assert (bad.exit_code, bad.failures) == (1, 1), bad.text()
    (failure,) = bad.outcomes[0].failures
    assert failure.key.partition(".")[0] == key
    assert failure.expected == wrong.strip("{}").split(": ")[-1]
    assert failure.got != failure.expected


@pytest.mark.parametrize("key", RIGHTS)
def test_what_is_said_of_a_right(tmp_path: Path, key: str) -> None:
    right, wrong = RIGHTS[key]
    good = full(tmp_path, f"rights: {{chronic: {{{key}: {right}}}}}")
    assert (good.exit_code, good.failures) == (0, 0), good.text()
    bad = full(tmp_path, f"rights: {{chronic: {{{key}: {wrong}}}}}")
    assert [(f.key, f.expected) for f in bad.outcomes[0].failures] == [(f"rights.chronic.{key}", wrong)]


def test_rights_are_complete(tmp_path: Path) -> None:
    (failure,) = full(tmp_path, "rights: {}").outcomes[0].failures
    assert (failure.key, failure.expected, failure.got) == ("rights", "{}", "{chronic}")
    quiet = checked(
        tmp_path,
        "tests: [{contract: full, expect: {2026-06: {rights: {chronic: {state: open}}}, 2026-05: {rights: {}}}}]\n",
        head=FULL,
    )
    assert [(f.key, f.got) for f in quiet.outcomes[0].failures] == [
        ("rights", "{}"),
        ("rights.chronic.state", "no such right"),
    ]


def test_a_failure_says_file_test_period_key_expected_and_got(tmp_path: Path) -> None:
    report = checked(
        tmp_path,
        """\
        tests:
          - name: half an hour
            facts: {down: [2026-06-10 00:00 + 30m]}
            expect:
              2026-05: {downtime: 0s}
              2026-06:
                downtime: 1801s
                credit: 0.00 USD
                values: {delay: 5ms}
                outage_spans: []
        """,
    )
    file = tmp_path / "case.yaml"
    assert report.text() == dedent(
        f"""\
        {file}: half an hour (contract hq)
          22:  2026-06  downtime      expected 1801s  got 30m
          24:  2026-06  values.delay  expected 5ms    got undefined
          25:  2026-06  outage_spans  expected []     got [2026-06-10 00:00:00 to 2026-06-10 00:30:00]
        1 test in 1 file, 5 figures: 1 failed
        """
    )


def test_junit(tmp_path: Path) -> None:
    good, broken = tmp_path / "good.yaml", tmp_path / "broken.yaml"
    good.write_text(
        HEAD + "tests:\n  - expect: {2026-06: {status: met}}\n  - {name: b & c, expect: {2026-06: {total: 30d}}}\n"
    )
    broken.write_text("contracts: {}\ntests: 5\n")
    report = run([good, broken])
    root = ET.fromstring(report.junit())
    suites = {suite.get("name"): suite for suite in root}
    assert set(suites) == {str(good), str(broken)}
    assert {k: suites[str(good)].get(k) for k in ("tests", "failures", "errors")} == {
        "tests": "2",
        "failures": "1",
        "errors": "0",
    }
    first, second = suites[str(good)]
    assert (first.get("name"), second.get("name"), len(second)) == ("test 1", "b & c", 0)
    assert first[0].get("message") == "2026-06 status: expected met, got unknown"
    assert {k: suites[str(broken)].get(k) for k in ("tests", "failures", "errors")} == {
        "tests": "1",
        "failures": "0",
        "errors": "1",
    }
    assert "tests: this must be a list" in (suites[str(broken)][0][0].text or "")
    assert report.exit_code == 2


def test_files_that_load_are_run_beside_one_that_does_not(tmp_path: Path) -> None:
    broken, missing = tmp_path / "broken.yaml", tmp_path / "missing.yaml"
    broken.write_text("")
    report = run([CASES[0], broken, missing, tmp_path])
    assert len(report.outcomes) > 0
    assert report.exit_code == 2
    assert said(report)[:2] == [
        "broken.yaml:1: the file is empty; add contracts and tests",
        "missing.yaml:1: cannot be read: No such file or directory",
    ]
    assert "cannot be read: Is a directory" in str(report.problems[2])
    assert report.text().endswith("3 problems: 3 files not run\n")
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe")
    assert said(run([binary])) == ["binary.yaml:1: cannot be read: not text in UTF-8"]
    assert run([binary]).text().endswith("1 problem: 1 file not run\n")


def test_what_is_known_is_known_at_as_of(tmp_path: Path) -> None:
    report = checked(
        tmp_path,
        """\
        facts: {down: [2026-06-10 00:00 + 30m, 2026-06-20 00:00 + 30m]}
        tests:
          - as_of: 2026-06-15
            expect: {2026-06: {downtime: 30m, outages: 1}}
          - as_of: 2026-06-20 00:10+02:00
            expect: {2026-06: {downtime: 40m, outages: 2, outage_spans: [2026-06-10 + 30m, 2026-06-20 + 10m]}}
          - expect:
              2026-05 to 2026-07: {coverage: 100%}
              2026-06: {downtime: 1h}
        """,
    )
    assert report.exit_code == 0, report.text()
    assert [outcome.figures for outcome in report.outcomes] == [2, 3, 4]


def test_facts_of_the_file_and_of_the_test_are_joined(tmp_path: Path) -> None:
    report = checked(
        tmp_path,
        """\
        facts:
          down: [2026-06-10 00:00 + 30m]
          exclusions: [{class: customer, at: 2026-06-10 00:00 + 5m}]
          readings: {2026-06: {delay: 5ms}, 2026-05 to 2026-07: {availability: 50%}}
        tests:
          - facts:
              down: [2026-06-11 00:00 + 30m]
              exclusions: [{class: maintenance, at: 2026-06-11 00:00 + 10m}]
              readings: {2026-06: {availability: 99.9%}}
            expect:
              2026-05: {availability: 50%}
              2026-06: {raw_downtime: 1h, downtime: 45m, availability: 99.9%, values: {delay: 5ms}}
        """,
    )
    assert report.exit_code == 0, report.text()


def test_a_straddling_outage_is_counted_where_it_began(tmp_path: Path) -> None:
    report = checked(
        tmp_path,
        """\
        facts: {down: [2026-05-31 23:50 to 2026-06-01 00:20, 2026-06-05 00:00 + 1h]}
        tests:
          - facts: {exclusions: [{class: customer, at: 2026-06-05 00:00 + 1h}]}
            expect:
              2026-05: {downtime: 10m, outages: 1}
              2026-06: {downtime: 20m, outages: 0, outage_spans: [2026-06-01 + 20m]}
        """,
    )
    assert report.exit_code == 0, report.text()


def test_shared_facts_may_be_about_what_only_another_contract_has(tmp_path: Path) -> None:
    bare = indent("bare: {service: link, provider: Example, timezone: UTC}\n", "  ")
    report = checked(
        tmp_path,
        """\
        facts:
          down: [2026-06-10 02:00Z + 1h]
          exclusions: [{class: customer, at: 2026-06-10 02:00Z + 1h}]
          readings: {2026-06: {delay: 1ms}}
        tests:
          - {contract: hq, expect: {2026-06: {downtime: 0s}}}
          - {contract: bare, expect: {2026-06: {downtime: 1h, excluded: 0s, availability: 99.86%}}}
        """,
        head=HEAD + bare,
    )
    assert report.exit_code == 0, report.text()


def test_money_and_values_that_do_not_exist(tmp_path: Path) -> None:
    head = "contracts: {bare: {service: link, provider: Example, timezone: UTC}}\n"
    facts = "{unknown: [2026-06-01 to 2026-07-01]}"
    text = f"tests: [{{facts: {facts}, expect: {{2026-06: {{availability: undefined, low: 0%, high: 100%, status: unknown}}}}}}]\n"
    assert checked(tmp_path, text, head=head).exit_code == 0
    text = f"tests: [{{facts: {facts}, expect: {{2026-06: {{credit: 1 USD, availability: 5%, credit_share: 1/2}}}}}}]\n"
    assert [f.got for o in checked(tmp_path, text, head=head).outcomes for f in o.failures] == [
        "no money",
        "undefined",
        "0",
    ]
    assert expecting(tmp_path, "values: {delay: undefined}").exit_code == 0
    assert [f.got for f in expecting(tmp_path, "availability: undefined").outcomes[0].failures] == ["100.000000%"]


COUNTING = "bad slots, days with outage, days with outage over 30m, outages, outages over 30m, points, runs of 2 bad slots, tickets"
NOT_LATER = "does not lead from a period to a later one of its kind; write for example 2026-01 to 2026-03"
A_PERIOD = "write 2026-06, 2026-Q2, 2026, or a span such as 2026-06-10 02:00 + 3h"
AN_INSTANT = "write for example 2026-06-10 02:00, or 2026-06-10 02:00Z"
A_SPAN = "write for example 2026-06-10 02:00 to 05:00, or 2026-06-10 02:00 + 3h"
A_STATUS = "met, below_target, below_minimum, unknown"


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("tests: []\ntest: []\n", ["case.yaml:17:1: test: unknown key; did you mean tests?"]),
        ("tests: []\ncontract_files: x\n", ["case.yaml:17:17: contract_files: this must be a list [ … ] (got 'x')"]),
        (
            "tests: []\ncontract_files: [{}]\n",
            ["case.yaml:17:18: contract_files[0]: this must be a path (got 'a mapping')"],
        ),
        ("facts: {}\n", ["case.yaml:1:1: the key `tests` is missing; add `tests: …`"]),
        ("tests: [5]\n", ["case.yaml:16:9: tests[0]: this must be a mapping (key: value lines) (got '5')"]),
        (
            "tests: [{expect: {2026-06: 5}, facts: 5}]\n",
            [
                "case.yaml:16:28: tests[0].expect.2026-06: this must be a mapping (key: value lines) (got '5')",
                "case.yaml:16:39: tests[0].facts: this must be a mapping (key: value lines) (got '5')",
            ],
        ),
        ("tests: [{name: x}]\n", ["case.yaml:16:9: tests[0]: the key `expect` is missing; add `expect: …`"]),
        (
            "tests: [{expects: {}, expect: {}}]\n",
            ["case.yaml:16:10: tests[0].expects: unknown key; did you mean expect?"],
        ),
        (
            "tests: [{contract: hg, as_of: x, expect: {}}]\n",
            ["case.yaml:16:20: tests[0].contract: no contract of this file (got 'hg'); write one of hq"],
        ),
        (
            "tests: [{contract: , expect: {}}]\n",
            ["case.yaml:16:19: tests[0].contract: no value; write one, or leave the key out"],
        ),
        (
            "tests: [{as_of: noon, expect: {}}]\n",
            [
                "case.yaml:16:17: tests[0].as_of: not an instant (got 'noon'); write for example 2026-06-10 02:00, or 2026-06-10 02:00Z"
            ],
        ),
        (
            "tests: [{expect: {2026-13: {}, 2026-02 to 2026-01: {}}}]\n",
            [
                "case.yaml:16:19: tests[0].expect.2026-13: '2026-13' is not a period of hq: not an instant; "
                + AN_INSTANT,
                "case.yaml:16:32: tests[0].expect.2026-02 to 2026-01: '2026-02 to 2026-01' " + NOT_LATER,
            ],
        ),
        (
            "tests: [{expect: {2026-06: {total: 30, status: fine, availability: 1, credit: 5, outages: many, credit_share: x}}}]\n",
            [
                "case.yaml:16:36: tests[0].expect.2026-06.total: a duration needs a unit (got '30'); write for example 30s",
                f"case.yaml:16:48: tests[0].expect.2026-06.status: not one of {A_STATUS} (got 'fine')",
                "case.yaml:16:68: tests[0].expect.2026-06.availability: a percentage needs its sign (got '1'); write 1%",
                "case.yaml:16:79: tests[0].expect.2026-06.credit: an amount needs its currency (got '5'); write for example 5 USD",
                "case.yaml:16:91: tests[0].expect.2026-06.outages: not a whole number (got 'many'); write for example 3",
                "case.yaml:16:111: tests[0].expect.2026-06.credit_share: not a percentage (got 'x'); write for example 99.95%",
            ],
        ),
        (
            "tests: [{expect: {2026-06: {values: {dely: 5ms, delay: 5}, excluded_by: {weather: 1h}, lines: [1]}}}]\n",
            [
                "case.yaml:16:38: tests[0].expect.2026-06.values.dely: unknown key; did you mean delay?",
                "case.yaml:16:56: tests[0].expect.2026-06.values.delay: a duration needs a unit (got '5'); write for example 5s",
                "case.yaml:16:74: tests[0].expect.2026-06.excluded_by.weather: unknown key; write one of customer, maintenance",
                "case.yaml:16:95: tests[0].expect.2026-06.lines: this must be a mapping (key: value lines) (got 'a list')",
            ],
        ),
        (
            "tests: [{expect: {2026-06: {outage_spans: 5, totl: 1h}}}]\n",
            [
                "case.yaml:16:43: tests[0].expect.2026-06.outage_spans: this must be a list [ … ] (got '5')",
                "case.yaml:16:46: tests[0].expect.2026-06.totl: unknown key; did you mean total?",
            ],
        ),
        (
            "tests: [{expect: {2026-06: {outage_spans: [yesterday, {}]}}}]\n",
            [
                f"case.yaml:16:44: tests[0].expect.2026-06.outage_spans[0]: not a span of time (got 'yesterday'); {A_SPAN}",
                "case.yaml:16:55: tests[0].expect.2026-06.outage_spans[1]: this must be one value (got 'a mapping')",
            ],
        ),
        (
            "tests: [{expect: {2026-06: {rights: {cronic: {}}, samples: {delay: 5}, counts: {outage: 1, downtime: 1h}}}}]\n",
            [
                "case.yaml:16:38: tests[0].expect.2026-06.rights.cronic: unknown key",
                "case.yaml:16:68: tests[0].expect.2026-06.samples.delay: a duration needs a unit (got '5'); write for example 5s",
                "case.yaml:16:81: tests[0].expect.2026-06.counts.outage: not a measure that counts; did you mean outages?",
                f"case.yaml:16:92: tests[0].expect.2026-06.counts.downtime: not a measure that counts; write one of {COUNTING}",
            ],
        ),
        (
            "tests: [{expect: {2026-06: {clocks: {wall: 1h}, claim_by: soon, promise: yes, outage_days: [x], units: {delay: x}}}}]\n",
            [
                "case.yaml:16:38: tests[0].expect.2026-06.clocks.wall: unknown key; write one of measured, ticket",
                f"case.yaml:16:59: tests[0].expect.2026-06.claim_by: not an instant (got 'soon'); {AN_INSTANT}",
                "case.yaml:16:74: tests[0].expect.2026-06.promise: not one of supported, unsupported (got 'yes')",
                "case.yaml:16:93: tests[0].expect.2026-06.outage_days[0]: not a date (got 'x'); write for example 2026-04-16",
                "case.yaml:16:112: tests[0].expect.2026-06.units.delay: not a number (got 'x'); write for example 3 or 0.0069",
            ],
        ),
        (
            "tests: [{expect: {}, facts: {down: [later]}}]\n",
            [f"case.yaml:16:37: tests[0].facts.down[0]: not a span of time (got 'later'); {A_SPAN}"],
        ),
    ],
)
def test_mistakes_are_named_with_their_place_and_fix(tmp_path: Path, text: str, problems: list[str]) -> None:
    found = said(checked(tmp_path, text))
    assert found == problems


def test_contracts_of_other_files(tmp_path: Path) -> None:
    (tmp_path / "terms").mkdir()
    (tmp_path / "terms" / "days.ics").write_text(
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20260602\nEND:VEVENT\nEND:VCALENDAR\n", encoding="utf-8"
    )
    (tmp_path / "terms" / "whole.yaml").write_text(
        dedent(
            """\
            services: {link: {targets: {a: {address: 192.0.2.1}}}}
            web: {port: nonsense}
            contracts:
              office:
                service: link
                provider: Example
                timezone: UTC
                holidays: [days.ics]
                service_hours: mon-fri 08:00-18:00 except holidays
                supported_by: {all: [hq]}
            """
        ),
        encoding="utf-8",
    )
    text = "contract_files: [terms/whole.yaml]\ntests: [{contract: office, expect: {2026-06: {total: 210h, promise: supported}}}]\n"
    report = checked(tmp_path, text)
    assert report.exit_code == 1, report.text()
    (failure,) = report.outcomes[0].failures
    assert (failure.key, failure.got) == ("promise", "none"), "the contract itself promises nothing"
    only = "contract_files: [terms/whole.yaml]\ntests: [{expect: {2026-06: {total: 210h}}}]\n"
    (problem,) = said(checked(tmp_path, only, head=""))
    assert problem.startswith("whole.yaml:10:"), "supported_by names a contract that is not there"


def test_mistakes_in_the_files_of_contracts(tmp_path: Path) -> None:
    for name, text in {
        "twice": "contracts: {hq: {service: a, provider: b, timezone: UTC}}",
        "empty": "",
        "broken": "contracts: {",
        "none": "services: {}",
        "binary": "",
    }.items():
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe")
    names = ", ".join(f"{name}.yaml" for name in ("twice", "empty", "broken", "none", "binary", "missing"))
    problems = checked(tmp_path, f"contract_files: [{names}]\ntests: []\n").problems
    assert [(p.place.line if p.place else 0, p.path, p.reason) for p in problems] == [
        (1, "", "not YAML: expected the node content, but found '<stream end>'"),
        (16, "contract_files[1]", "the file is empty"),
        (16, "contract_files[4]", "cannot be read: not text in UTF-8"),
        (16, "contract_files[5]", "cannot be read: No such file or directory"),
        (1, "", "the key `contracts` is missing"),
        (1, "contracts.hq", "another contract of this test file has the name"),
    ]


def test_a_file_without_contracts(tmp_path: Path) -> None:
    (problem,) = said(checked(tmp_path, "tests: []\n", head=""))
    assert problem.startswith("case.yaml:1:1: the key `contracts` is missing: a test judges contracts")


def test_the_sample_a_statistic_is_of(tmp_path: Path) -> None:
    head = HEAD.replace("statistic: p95", "statistic: p95, during: always")
    series = "series: [{from: 2026-06-10, every: 1s, values: 10ms lost 19.5ms*2}]"
    right = f"tests: [{{facts: {{{series}}}, expect: {{2026-06: {{samples: {{delay: 10ms lost 19.5ms 20ms}}}}}}}}]\n"
    assert checked(tmp_path, right, head=head).exit_code == 0
    for wrong in ("10ms lost 19.5ms", "10ms 10ms 19.5ms*2", "lost*2 19.5ms*2", "10ms lost 19.5ms 19.4ms"):
        text = right.replace("10ms lost 19.5ms 20ms", wrong)
        (failure,) = checked(tmp_path, text, head=head).outcomes[0].failures
        assert failure.got == "10ms lost 19ms500us 19ms500us"


TERMS = Contract(name="c", service="s", provider="p", timezone="America/New_York", clause=Clause(path=""))
MIDNIGHT = instant("2026-07-02", TERMS.timezone)


@pytest.mark.parametrize(
    ("grammar", "text", "same", "other", "shown"),
    [
        (wanted.duration, "90m", 90 * MINUTE, None, "undefined"),
        (wanted.lead, "90m", 90 * MINUTE, None, "undefined"),
        (wanted.duration, "90m", Fraction(90 * MINUTE), 90 * MINUTE + 1, "1h30m1ns"),
        (wanted.whole, "3", 3, 4, "4"),
        (wanted.number, "0.0069", Fraction(5, 720), Fraction(7, 1000), "0.0070"),
        (wanted.number, "undefined", None, Fraction(1, 3), "0.333333"),
        (wanted.percent, "99.90%", Fraction(99895, 100_000), Fraction(99894, 100_000), "99.89%"),
        (wanted.percent, "-2.5%", Fraction(-1, 40), None, "undefined"),
        (wanted.percent, "undefined", None, Fraction(1), "100.000000%"),
        (wanted.share, "1/30", Fraction(1, 30), Fraction(1, 31), "1/31"),
        (wanted.share, "1/30", Fraction(1, 30), None, "undefined"),
        (wanted.share, "3%", Fraction(3, 100), Fraction(4, 100), "4%"),
        (wanted.delay, "19.5ms", 19_450 * US, 19_449 * US, "19.4ms"),
        (wanted.delay, "28ms", 28 * MS + 1, 29 * MS, "29ms"),
        (wanted.delay, "-1.5us", Fraction(-1500), None, "undefined"),
        (wanted.delay, "4h", 4 * HOUR, 4 * HOUR + MINUTE, "4h1m"),
        (wanted.delay, "1h30m", 90 * MINUTE, 91 * MINUTE, "1h31m"),
        (wanted.delay, "undefined", None, 5 * MS, "5.000000ms"),
        (wanted.days, "3 days", Fraction(3), Fraction(1), "1 day"),
        (wanted.days, "undefined", None, Fraction(2), "2 days"),
        (wanted.lead, "240h", 240 * HOUR, 241 * HOUR, "10d1h"),
        (wanted.lead, "undefined", None, HOUR, "1h"),
        (wanted.money, "9.98 GBP", (Fraction(9975, 1000), "GBP"), (Decimal("9.98"), "EUR"), "9.98 EUR"),
        (wanted.money, "-100.00 USD", (Decimal("-100.00"), "USD"), (None, "USD"), "no money"),
        (wanted.money, "1 JPY", (Fraction(1), "JPY"), (Fraction(1), None), "no money"),
        (wanted.word(["met", "unknown"]), "met", "met", "unknown", "unknown"),
        (wanted.day, "2026-07-02", date(2026, 7, 2), date(2026, 7, 3), "2026-07-03"),
        (wanted.due, "2026-07-02", Due(at=MIDNIGHT + DAY, day=date(2026, 7, 2)), None, "none"),
        (wanted.due, "2026-07-02", Due(at=MIDNIGHT), Due(at=MIDNIGHT + HOUR), "2026-07-02 01:00:00"),
        (
            wanted.due,
            "2026-07-02 00:00",
            Due(at=MIDNIGHT),
            Due(at=MIDNIGHT, day=date(2026, 7, 1)),
            "2026-07-01",
        ),
        (wanted.due, "2026-07-02 04:00Z", Due(at=MIDNIGHT), Due(at=MIDNIGHT, day=date(2026, 7, 2)), "2026-07-02"),
        (
            wanted.span,
            "2026-07-02 + 1h",
            (MIDNIGHT, MIDNIGHT + HOUR),
            (MIDNIGHT, MIDNIGHT + MINUTE),
            "2026-07-02 00:00:00 to 2026-07-02 00:01:00",
        ),
        (wanted.samples, "lost 5ms*2", (None, 5 * MS, Fraction(5 * MS)), (None, 5 * MS), "lost 5ms"),
        (wanted.samples, "lost", (None,), (5 * MS,), "5ms"),
        (wanted.samples, "5ms", (5 * MS,), (None,), "lost"),
    ],
)
def test_when_two_figures_are_the_same(grammar: Grammar[Any], text: str, same: Any, other: Any, shown: str) -> None:
    expected = grammar(text, TERMS)
    assert expected.agrees(same)
    assert not expected.agrees(other)
    assert expected.shows(other) == shown
    assert expected.shows(same) != shown


def test_periods_of_any_length(tmp_path: Path) -> None:
    report = checked(
        tmp_path,
        """\
        facts: {down: [2026-06-10 00:00 + 30m, 2026-05-31 23:50 to 2026-06-01 00:20]}
        tests:
          - expect:
              2026-Q2: {downtime: 1h, total: 91d}
              2026: {downtime: 1h}
              2026-06-10 00:10 to 2026-06-11 00:10: {downtime: 20m, total: 24h}
              2026-05 to 2026-06: {coverage: 100%}
        """,
    )
    assert report.exit_code == 0, report.text()


@pytest.mark.parametrize(
    ("heading", "text"),
    [
        ("File", "{contracts: {}, tests: [], zzz: 1}"),
        ("Test", "{contracts: {}, tests: [{expect: {}, zzz: 1}]}"),
        ("Facts", "{contracts: CONTRACTS, tests: [{expect: {}, facts: {zzz: 1}}]}"),
        ("Span", "{contracts: CONTRACTS, tests: [{expect: {}, facts: {down: [{zzz: 1}]}}]}"),
        ("Series", "{contracts: CONTRACTS, tests: [{expect: {}, facts: {series: [{zzz: 1}]}}]}"),
        ("Exclusion", "{contracts: CONTRACTS, tests: [{expect: {}, facts: {exclusions: [{zzz: 1}]}}]}"),
    ],
)
def test_every_key_is_documented(tmp_path: Path, heading: str, text: str) -> None:
    """An unknown key is answered with the keys there are."""
    terms = "{c: {service: a, provider: p, timezone: UTC, objectives: {availability: {target: 99%}}}}"
    report = checked(tmp_path, text.replace("CONTRACTS", terms), head="")
    (problem,) = [problem for problem in report.problems if problem.reason == "unknown key"]
    assert sorted(chapter(heading)) == str(problem.fix).removeprefix("write one of ").split(", ")


def test_every_figure_is_documented() -> None:
    assert sorted(chapter("Figures")) == sorted([*PLAIN, *LISTS, *NAMED, "rights"])
    assert sorted(chapter("Right")) == sorted(RIGHT)


def test_the_example_of_the_documentation_passes(tmp_path: Path) -> None:
    (example,) = re.findall(r"^```yaml\n(.*?)^```$", (DOCS / "tests.md").read_text("utf-8"), re.DOTALL | re.MULTILINE)
    report = checked(tmp_path, "", head=example)
    assert report.exit_code == 0, report.text()
    assert [outcome.figures for outcome in report.outcomes] == [4, 3]


def chapter(heading: str) -> list[str]:
    """The keys of the table below a heading of docs/tests.md."""
    text = (DOCS / "tests.md").read_text(encoding="utf-8")
    match = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert match, heading
    return re.findall(r"^\| `(\w+)` \|", match[1], re.MULTILINE)


def test_a_mistake_in_the_facts_of_the_file_is_said_once(tmp_path: Path) -> None:
    report = checked(tmp_path, "facts: {down: [later]}\ntests: [{expect: {}}, {expect: {}}]\n")
    assert len(report.problems) == 1
    shared = checked(tmp_path, "facts: {exclusions: [{class: weather, at: 2026-06-01 + 1h}]}\ntests: [{expect: {}}]\n")
    assert len(shared.problems) == 1


def test_without_a_single_contract_the_test_must_name_one(tmp_path: Path) -> None:
    other = indent("other: {service: link, provider: Example, timezone: UTC}\n", "  ")
    report = checked(tmp_path, "tests: [{expect: {}}]\n", head=HEAD + other)
    assert said(report) == [
        "case.yaml:17:9: tests[0]: the key `contract` is missing: the file has 2 contracts; add `contract: …`"
    ]
    assert said(checked(tmp_path, "contracts: {}\ntests: [{expect: {}}]\n", head="")) == [
        "case.yaml:1:1: contracts: no contract; write at least one, or name a file that has one"
    ]
    (tmp_path / "none.yaml").write_text("contracts: {}\n", encoding="utf-8")
    (problem,) = said(checked(tmp_path, "contract_files: [none.yaml]\ntests: [{expect: {}}]\n", head=""))
    assert "contracts: no contract" in problem


def test_contracts_and_rights_that_are_no_mappings(tmp_path: Path) -> None:
    assert said(checked(tmp_path, "contracts: 5\ntests: [{expect: {}}]\n", head="")) == [
        "case.yaml:1:12: contracts: this must be a mapping (key: value lines) (got '5')"
    ]
    (problem,) = full(tmp_path, "rights: {chronic: soon}").problems
    assert str(problem).endswith("rights.chronic: this must be a mapping (key: value lines) (got 'soon')")
    (tmp_path / "list.yaml").write_text("contracts: [hq]\n", encoding="utf-8")
    (problem,) = checked(tmp_path, "contract_files: [list.yaml]\ntests: []\n").problems
    assert str(problem).endswith("list.yaml:1:12: contracts: this must be a mapping (key: value lines) (got 'a list')")


def test_a_contract_that_does_not_load_stops_its_file(tmp_path: Path) -> None:
    report = checked(tmp_path, "contracts: {x: {service: link}}\ntests: [{as_of: noon, expect: {}}]\n", head="")
    assert len(report.problems) >= 2
    assert report.exit_code == 2
    assert "the key `timezone` is missing" in "".join(said(report))


def test_yaml_that_is_none_is_reported(tmp_path: Path) -> None:
    assert len(checked(tmp_path, "contracts: {\n", head="").problems) == 1
    assert said(checked(tmp_path, "- 1\n", head="")) == [
        "case.yaml:1:1: this must be a mapping (key: value lines) (got 'a list')"
    ]
