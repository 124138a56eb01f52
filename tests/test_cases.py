"""`slamon test`: files of contracts, declared facts and expected figures; that each figure is compared and each mistake is named."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from textwrap import dedent, indent

import pytest

from slamon.cases import Report, run
from slamon.cases.facts import LATER as LATER_FACTS
from slamon.cases.facts import LATER_EXCLUSION, LATER_SPAN
from slamon.cases.figures import LATER, NAMED, PLAIN

CASES = sorted((Path(__file__).parent / "sla" / "cases").glob("*.yaml"))

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
    assert {path.stem for path in CASES} >= {"B01", "B02", "C01", "D01", "E17"}


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_worked_cases(path: Path) -> None:
    report = run([path])
    assert report.exit_code == 0, report.text()
    assert all(outcome.figures for outcome in report.outcomes)


FACTS = """{
      down: [2026-06-10 02:00 to 05:00, {at: 2026-06-20 00:00 + 6000s}],
      unknown: [2026-06-25 00:00 + 6h],
      exclusions: [{class: customer, at: 2026-06-10 01:00 to 04:00}, {class: maintenance, at: 2026-06-10 03:00 + 30m}],
      readings: {2026-06: {delay: 45ms}}}"""
FIGURES = {
    "total": ("2570400s", "2570401s"),
    "downtime": ("9600s", "2h40m1s"),
    "raw_downtime": ("16800s", "4h"),
    "excluded": ("3h", "10801s"),
    "unknown": ("6h", "0s"),
    "availability": ("99.626517%", "99.626518%"),
    "raw_availability": ("99.35%", "99.36%"),
    "low": ("98.796%", "98.797%"),
    "high": ("99.630%", "99.62%"),
    "coverage": ("99.17%", "99.16%"),
    "status": ("below_target", "met"),
    "outages": ("2", "1"),
    "charge": ("1000.00 USD", "1000.00 EUR"),
    "credit": ("140.00 USD", "139.99 USD"),
    "lost_to_cap": ("0.00 USD", "0.01 USD"),
    "credit_share": ("14%", "1/7"),
    "uncapped_share": ("14/100", "15%"),
    "excluded_by": ("{customer: 9000s, maintenance: 30m}", "{customer: 10800s}"),
    "values": ("{delay: 45.000ms, availability: 99.6265%}", "{delay: 46ms}"),
    "lines": ("{availability: 100.00 USD, delay: 40.00 USD}", "{delay: 39 USD}"),
    "outage_spans": ("[2026-06-10 02:00 to 05:00, 2026-06-20 + 1h40m]", "[2026-06-10 02:00 to 05:00]"),
}
"""Key → what is right and what is not, for FACTS."""


def test_every_key_is_tried() -> None:
    assert set(FIGURES) == {*PLAIN, *NAMED, "outage_spans"}


@pytest.mark.parametrize("key", FIGURES)
def test_a_figure_agrees_or_differs(tmp_path: Path, key: str) -> None:
    right, wrong = FIGURES[key]
    good = expecting(tmp_path, f"{key}: {right}", FACTS)
    assert (good.exit_code, good.failures) == (0, 0), good.text()
    bad = expecting(tmp_path, f"{key}: {wrong}", FACTS)
    assert (bad.exit_code, bad.failures) == (1, 1), bad.text()
    (failure,) = bad.outcomes[0].failures
    assert failure.key.partition(".")[0] == key
    assert failure.expected == wrong.strip("{}").split(": ")[-1]
    assert failure.got != failure.expected


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
        "undefined",
        "no money",
        "None",
    ]
    assert expecting(tmp_path, "values: {delay: undefined}").exit_code == 0
    assert [f.got for f in expecting(tmp_path, "availability: undefined").outcomes[0].failures] == ["100.000000%"]


@pytest.mark.parametrize("key", LATER)
def test_figures_not_built_yet_are_refused_as_such(tmp_path: Path, key: str) -> None:
    assert said(expecting(tmp_path, f"{key}: 1")) == [
        f"case.yaml:19:17: tests[0].expect.2026-06.{key}: not yet supported; leave it out, or keep it in the notes"
    ]


@pytest.mark.parametrize("key", LATER_FACTS)
def test_facts_not_built_yet_are_refused_as_such(tmp_path: Path, key: str) -> None:
    (problem,) = said(expecting(tmp_path, "total: 30d", f"{{{key}: []}}"))
    assert f"tests[0].facts.{key}: not yet supported" in problem


FIRST = "case.yaml:16:51: tests[0].facts.exclusions[0]"
A_SPAN = "write for example 2026-06-10 02:00 to 05:00, or 2026-06-10 02:00 + 3h"
A_STATUS = "write one of met, below_target, below_minimum, unknown"


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("tests: []\ntest: []\n", ["case.yaml:17:1: test: unknown key; did you mean tests?"]),
        (
            "tests: []\ncontract_files: [x]\n",
            ["case.yaml:17:1: contract_files: not yet supported; leave it out, or keep it in the notes"],
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
                "case.yaml:16:19: tests[0].expect.2026-13: '2026-13' is not a period of hq; write a month such as 2026-10",
                "case.yaml:16:32: tests[0].expect.2026-02 to 2026-01: the periods end before they begin; exchange them",
            ],
        ),
        (
            "tests: [{expect: {2026-06: {total: 30, status: fine, availability: 1, credit: 5, outages: many, credit_share: x}}}]\n",
            [
                "case.yaml:16:36: tests[0].expect.2026-06.total: a duration needs a unit (got '30'); write for example 30s",
                f"case.yaml:16:48: tests[0].expect.2026-06.status: not a status (got 'fine'); {A_STATUS}",
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
                "case.yaml:16:56: tests[0].expect.2026-06.values.delay: not a delay (got '5'); write for example 19.5ms",
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
            "tests: [{expect: {}, facts: {down: [later, [x], {}, {at: 2026-06-01 + 1h, vantage: v1}], unknown: 5}}]\n",
            [
                f"case.yaml:16:37: tests[0].facts.down[0]: not a span of time (got 'later'); {A_SPAN}",
                "case.yaml:16:44: tests[0].facts.down[1]: this must be a span of time or a mapping (got 'a list')",
                "case.yaml:16:49: tests[0].facts.down[2]: the key `at` is missing; add `at: …`",
                "case.yaml:16:75: tests[0].facts.down[3].vantage: not yet supported; leave it out, or keep it in the notes",
                "case.yaml:16:99: tests[0].facts.unknown: this must be a list [ … ] (got '5')",
            ],
        ),
        (
            "tests: [{expect: {}, facts: {exclusions: [{class: maintenence, at: 2026-06-01 + 1h}, {class: customer}, 5]}}]\n",
            [
                f"{FIRST}.class: not a class of the contract's exclusions (got 'maintenence'); did you mean maintenance?",
                "case.yaml:16:86: tests[0].facts.exclusions[1]: the key `at` is missing; add `at: …`",
                "case.yaml:16:105: tests[0].facts.exclusions[2]: this must be a mapping (key: value lines) (got '5')",
            ],
        ),
        (
            "tests: [{expect: {}, facts: {readings: {June: {}, 2026-06: {dealy: 1ms, delay: 5%, availability: 1ms}}}}]\n",
            [
                "case.yaml:16:41: tests[0].facts.readings.June: 'June' is not a period of hq; write a month such as 2026-10",
                "case.yaml:16:61: tests[0].facts.readings.2026-06.dealy: the contract has no such objective; did you mean delay?",
                "case.yaml:16:80: tests[0].facts.readings.2026-06.delay: not a duration (got '5%'); write for example 10s, 1h30m or 250ms",
                "case.yaml:16:98: tests[0].facts.readings.2026-06.availability: not a percentage (got '1ms'); write for example 99.95%",
            ],
        ),
    ],
)
def test_mistakes_are_named_with_their_place_and_fix(tmp_path: Path, text: str, problems: list[str]) -> None:
    found = said(checked(tmp_path, text))
    assert found == problems


@pytest.mark.parametrize("key", [*LATER_SPAN])
def test_keys_of_spans_not_built_yet(tmp_path: Path, key: str) -> None:
    (problem,) = said(expecting(tmp_path, "total: 30d", f"{{down: [{{at: 2026-06-01 + 1h, {key}: x}}]}}"))
    assert problem.endswith(f"down[0].{key}: not yet supported; leave it out, or keep it in the notes")


@pytest.mark.parametrize("key", [*LATER_EXCLUSION])
def test_keys_of_exclusions_not_built_yet(tmp_path: Path, key: str) -> None:
    fact = f"{{exclusions: [{{class: customer, at: 2026-06-01 + 1h, {key}: 2026-06-01}}]}}"
    (problem,) = said(expecting(tmp_path, "total: 30d", fact))
    assert problem.endswith(f"exclusions[0].{key}: not yet supported; leave it out, or keep it in the notes")


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
    assert said(checked(tmp_path, "contracts: {}\ntests: [{expect: {}}]\n", head="")) == []


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
