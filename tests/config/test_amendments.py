"""Later versions of a contract: merged key by key, complete, at the end of a period."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest

from slamon.sla.terms import Price
from slamon.sla.terms.clause import Clause
from slamon.sla.terms.times import Span
from tests.config.contracts import HEAD, PRICED, mistakes, terms_of

TERMS = PRICED + "objectives: {availability: {target: 99.9%}}\ncredits: {availability: {below: {99.9%: 10%}}}\n"


def test_each_version_is_complete_and_takes_over_what_it_does_not_say() -> None:
    terms = terms_of(
        TERMS
        + """
amendments:
  - {effective: 2026-07-01, objectives: {availability: {target: 99.5%}}}
  - effective: 2027-01-01
    credits: {downtime: {over: {1h: 5%}}}
"""
    )
    first, second = terms.amendments
    assert (terms.effective, first.effective, second.effective) == (None, date(2026, 7, 1), date(2027, 1, 1))
    targets = [version.objectives[0].target for version in (terms, first, second)]
    assert [target and target.value for target in targets] == [
        Fraction(999, 1000),
        Fraction(995, 1000),
        Fraction(995, 1000),
    ]
    assert [version.credits[0].name for version in (first, second)] == ["availability", "downtime"]
    assert first.text_sha256 == second.text_sha256 == terms.text_sha256
    assert first.clause == Clause(path="contracts.hq.amendments[0]", place="slamon.yml:1")
    assert (first.origins["objectives"], first.origins["credits"], second.origins["objectives"]) == (
        "amended",
        "written",
        "written",
    )


def test_the_price_may_change_on_any_day_and_all_versions_know_its_history() -> None:
    terms = terms_of(
        TERMS
        + """
amendments:
  - {effective: 2026-06-15, price: 1100 USD/month}
  - {effective: 2026-07-01, unknown: up}
  - {effective: 2026-07-20, price: 3600 USD/quarter}
"""
    )
    assert terms.prices == (
        Price(amount=Fraction(1000)),
        Price(amount=Fraction(1100), since=date(2026, 6, 15)),
        Price(amount=Fraction(3600), per=Span.QUARTER, since=date(2026, 7, 20)),
    )
    assert {version.prices for version in terms.amendments} == {terms.prices}


def test_the_text_that_is_hashed_holds_the_amendments() -> None:
    before = terms_of(TERMS)
    assert terms_of(TERMS + "amendments: []\n").amendments == ()
    after = terms_of(TERMS + "amendments: [{effective: 2026-07-01, unknown: up}]\n")
    assert before.text_sha256 != after.text_sha256


@pytest.mark.parametrize(
    ("period", "day", "allowed"),
    [
        ("month", "2026-07-01", True),
        ("month", "2026-07-02", False),
        ("quarter", "2026-07-01", True),
        ("quarter", "2026-06-01", False),
        ("month from 15", "2026-06-15", True),
        ("month from 15", "2026-06-01", False),
        ("year", "2027-01-01", True),
        ("contract year\nterm: {from: 2026-04-16}", "2027-04-16", True),
        ("contract year\nterm: {from: 2026-04-16}", "2027-01-01", False),
        ("rolling 720h", "2026-07-02", True),
    ],
)
def test_other_keys_change_at_the_end_of_a_period(period: str, day: str, allowed: bool) -> None:
    text = f"{TERMS}period: {period}\namendments: [{{effective: {day}, unknown: up}}]\n"
    if allowed:
        assert len(terms_of(text).amendments) == 1
    else:
        [found] = mistakes(text)
        assert "contracts.hq.amendments[0].effective: `unknown` changes inside the period" in found


def test_the_boundary_is_that_of_the_version_before() -> None:
    text = TERMS + "amendments: [{effective: 2026-07-01, period: quarter}, {effective: DAY, unknown: up}]\n"
    assert len(terms_of(text.replace("DAY", "2026-10-01")).amendments) == 2
    assert "`unknown` changes inside the period 2026-Q3" in mistakes(text.replace("DAY", "2026-08-01"))[0]


@pytest.mark.parametrize(
    ("period", "amendment", "inside"),
    [
        ("month", "{effective: 2026-04-01, period: quarter}", None),
        ("month", "{effective: 2026-02-01, period: quarter}", "2026-Q1"),
        ("month", "{effective: 2026-02-15, period: quarter}", "2026-02"),
        ("month", "{effective: 2026-02-01, period: month from 15}", "2026-01-15"),
        ("quarter", "{effective: 2026-04-01, period: month}", None),
        ("rolling 720h", "{effective: 2026-02-15, period: month}", "2026-02"),
        ("rolling 720h", "{effective: 2026-02-01, period: month}", None),
        ("month", "{effective: 2026-02-01, period: rolling 720h}", None),
        ("rolling 720h", "{effective: 2026-02-15, period: rolling 168h}", None),
        ("month", "{effective: 2026-03-16, period: contract year, term: {from: 2026-03-16}}", "2026-03"),
        ("month", "{effective: 2026-04-01, period: contract year, term: {from: 2026-04-01}}", None),
    ],
)
def test_a_new_period_begins_with_one(period: str, amendment: str, inside: str | None) -> None:
    text = f"{TERMS}period: {period}\namendments: [{amendment}]\n"
    if inside is None:
        assert len(terms_of(text).amendments) == 1
    else:
        [found] = mistakes(text)
        assert f"changes inside the period {inside} " in found


def test_what_is_written_instead_begins_a_period_of_both_versions() -> None:
    [found] = mistakes(TERMS + "amendments: [{effective: 2026-02-15, period: quarter}]\n")
    assert found.endswith("only `price` may; write the first day of a period, such as 2026-01-01 or 2026-04-01")
    [found] = mistakes(TERMS + "amendments: [{effective: 2026-02-15, period: month from 15}]\n")
    assert found.endswith(
        "only `price` may; no day begins a period of both versions: end this contract with `term` and begin a new one"
    )


def test_the_time_zone_never_changes() -> None:
    [found] = mistakes(TERMS + "amendments: [{effective: 2026-07-01, timezone: UTC}]\n")
    assert found == (
        "f.yml:7:38: contracts.hq.amendments[0].timezone: all versions of a contract have one time zone; leave it out, or end this "
        "contract with `term` and begin a new one"
    )
    wrong = TERMS.replace("America/New_York", "Atlantis")
    found, also = mistakes(wrong + "amendments: [{effective: 2026-07-01, timezone: Europe/Paris}]\n")
    assert "contracts.hq.timezone: not a time zone" in found
    assert "all versions of a contract have one time zone" in also


def test_a_mistake_the_contract_has_anyway_is_said_once() -> None:
    found = mistakes(TERMS.replace("99.9%}", "99.9}") + "amendments: [{effective: 2026-07-01, unknown: up}]\n")
    assert found == [
        "f.yml:5:37: contracts.hq.objectives.availability.target: a percentage needs its sign (got '99.9'); write 99.9%"
    ]


def test_versions_before_the_term_are_refused() -> None:
    found = mistakes(TERMS + "term: {from: 2026-07-01}\namendments: [{effective: 2026-07-01, unknown: up}]\n")
    assert found == [
        (
            "f.yml:8:26: contracts.hq.amendments[0].effective: takes force on or before the version before it, of 2026-07-01 "
            "(got '2026-07-01'); list amendments in order"
        )
    ]


def test_an_amendment_may_bring_the_first_price() -> None:
    terms = terms_of(HEAD + "amendments: [{effective: 2026-07-01, price: 10 EUR/month}]\n")
    assert terms.prices == (Price(amount=Fraction(10), since=date(2026, 7, 1)),)
