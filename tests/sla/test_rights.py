from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from slamon.sla.facts import Breach, Facts, Notice, Payment, Ticket
from slamon.sla.lines import RightLine, RightState
from slamon.sla.rights import rights
from slamon.sla.terms import Contract, PeriodKind, PeriodRule
from slamon.sla.terms.conditions import Condition, Party, Scope, Where, Within
from slamon.sla.terms.measures import Measure, Side, Subject
from slamon.sla.terms.outages import BelongsTo, OutageRule
from slamon.sla.terms.times import Anchor, Span
from tests.sla.book import (
    AVAILABILITY,
    CHRONIC,
    ROLLING_30,
    Book,
    at,
    condition,
    consecutive,
    contract,
    day,
    deadline,
    objective,
    outage,
    percents,
    sliding,
    termination,
)

BELOW = Side.BELOW
DOWNTIME = Subject(measure=Measure.DOWNTIME)
OVERDUE = Subject(measure=Measure.OVERDUE)
EACH = Subject(measure=Measure.EACH_OUTAGE)
MISSED_3 = condition(AVAILABILITY, BELOW, "99.5%", name="missed", within=consecutive(3))
THREE_IN_30 = condition(CHRONIC, Side.AT_LEAST, 3, name="chronic", within=sliding("30d"))


def terms(ground: Condition, **rest: Any) -> Contract:
    own: Contract = rest.pop("contract", contract())
    return replace(own, terminations=(termination(ground, **rest),))


def book(own: Contract, *outages: Any, as_of: str = "2026-08-01", **rest: Any) -> Book:
    found = [outage(each) if isinstance(each, str) else each for each in outages]
    return Book(contract=own, as_of=at(as_of), outages=found, **rest)


def arising(history: Book, *names: str) -> dict[str, list[str]]:
    """Period → the days on which its rights arose."""
    found = {name: [line.arises.isoformat() for line in rights(history, history.period(name))] for name in names}
    return {name: days for name, days in found.items() if days}


def only(history: Book, name: str) -> RightLine:
    (line,) = rights(history, history.period(name))
    return line


# --- when it arises -----------------------------------------------------------------------------------------------------------


def test_three_consecutive_months_missed() -> None:
    own = terms(MISSED_3, notice=deadline(Anchor.PERIOD_END, days=30), scope=Scope.SERVICE)
    history = book(own, values=percents(m2026_01="99.2", m2026_02="98.7", m2026_03="98.3"), as_of="2026-04-01")
    line = only(history, "2026-03")
    assert (line.name, line.party, line.scope) == ("missed", Party.CUSTOMER, Scope.SERVICE)
    assert (line.arises, line.arose_at) == (day("2026-04-01"), at("2026-04-01"))
    assert line.notice_by is not None
    assert line.notice_by.day == day("2026-04-30")
    assert line.because.endswith("2026-01 99.2%, 2026-02 98.7%, 2026-03 98.3%")
    assert line.clause == MISSED_3.clause
    met = book(own, values=percents(m2026_01="99.2", m2026_02="99.5", m2026_03="98.3"), as_of="2026-04-01")
    assert arising(met, "2026-03") == {}


def test_a_right_arises_once_as_long_as_it_stays_true() -> None:
    values = percents(m2026_01="99", m2026_02="99", m2026_03="99", m2026_04="99", m2026_05="99.9", m2026_06="99")
    own = book(terms(MISSED_3), values=values)
    assert arising(own, *(f"2026-{month:02}" for month in range(1, 8))) == {"2026-03": ["2026-04-01"]}


def test_the_plain_mean_of_three_months() -> None:
    mean = objective("three-months", base="availability", mean_of=3)
    ground = condition(Subject(measure=Measure.AVAILABILITY, objective="three-months"), BELOW, "97%", name="three")
    values = {"2026-03": {"three-months": Fraction(969, 1000)}}
    own = terms(ground, contract=contract(objectives=(objective(), mean)))
    assert arising(book(own, values=values, as_of="2026-04-01"), "2026-03") == {"2026-03": ["2026-04-01"]}
    values = {"2026-03": {"three-months": Fraction(97, 100)}}
    assert arising(book(own, values=values, as_of="2026-04-01"), "2026-03") == {}


def test_three_outages_in_any_30_days() -> None:
    own = terms(THREE_IN_30, notice=deadline(Anchor.RIGHT_ARISES, days=30))
    found = book(own, "2026-06-20 00:00 + 31m", "2026-07-05 00:00 + 45m", "2026-07-19 00:00 + 31m")
    line = only(found, "2026-07")
    assert (line.arises, line.arose_at) == (day("2026-07-19"), at("2026-07-19 00:30"))
    assert line.notice_by is not None
    assert line.notice_by.day == day("2026-08-18")
    assert line.because == "outages over 30m at least 3 within any 30d: 3 by 2026-07-19 00:30Z"
    assert arising(found, "2026-06", "2026-08") == {}
    late = book(own, "2026-06-20 00:00 + 31m", "2026-07-05 00:00 + 45m", "2026-07-21 00:00 + 31m")
    assert arising(late, "2026-06", "2026-07") == {}
    short = book(own, "2026-06-20 00:00 + 31m", "2026-07-05 00:00 + 30m", "2026-07-19 00:00 + 31m")
    assert arising(short, "2026-06", "2026-07") == {}


def test_each_stretch_has_its_own_right_in_the_period_it_arose_in() -> None:
    ground = condition(CHRONIC, Side.AT_LEAST, 2, within=sliding("7d"))
    own = book(terms(ground), *(f"2026-{text} 00:00 + 1h" for text in ("07-01", "07-02", "07-20", "07-21", "07-25")))
    assert arising(own, "2026-06", "2026-07") == {"2026-07": ["2026-07-02", "2026-07-21"]}


def test_over_midnight_at_the_end_of_a_month() -> None:
    ground = condition(DOWNTIME, Side.OVER, "24h", within=sliding("30d"))
    own = terms(ground)
    assert arising(book(own, "2026-06-30 00:00 + 26h"), "2026-06", "2026-07") == {"2026-07": ["2026-07-01"]}
    least = terms(replace(ground, side=Side.AT_LEAST))
    assert arising(book(least, "2026-06-30 00:00 + 26h"), "2026-06", "2026-07") == {"2026-06": ["2026-07-01"]}
    # At the month's end it is just 24 hours.
    assert arising(book(own, "2026-06-30 00:00 + 26h", as_of="2026-07-01"), "2026-06") == {}


def test_the_civil_day_is_that_of_the_contracts_zone() -> None:
    ground = condition(EACH, Side.OVER, "12h", name="each outage")
    own = book(terms(ground, contract=contract(timezone="America/New_York")), "2026-06-11 00:00 + 13h")
    assert arising(own, "2026-06") == {"2026-06": ["2026-06-11"]}
    own = book(terms(ground, contract=contract(timezone="America/New_York")), "2026-06-10 15:00 + 13h")
    assert arising(own, "2026-06") == {"2026-06": ["2026-06-10"]}  # 03:00 UTC is 23:00 the evening before


def test_what_grows_arises_before_the_period_has_ended() -> None:
    own = terms(condition(DOWNTIME, Side.OVER, "24h"))
    assert arising(book(own, "2026-06-10 00:00 + 30h", as_of="2026-06-20"), "2026-06") == {"2026-06": ["2026-06-11"]}
    assert arising(book(own, "2026-06-10 00:00 + 30h", as_of="2026-06-11"), "2026-06") == {}
    both = book(own, "2026-06-10 00:00 + 30h", "2026-07-10 00:00 + 30h")
    assert arising(both, "2026-06", "2026-07") == {"2026-06": ["2026-06-11"]}


def test_an_outage_that_is_counted_where_it_ends_has_a_right_no_earlier() -> None:
    rule = OutageRule(belongs_to=BelongsTo.END)
    own = terms(condition(CHRONIC, Side.AT_LEAST, 1), contract=contract(outage=rule))
    assert arising(book(own, "2026-06-30 23:00 + 2h"), "2026-06", "2026-07") == {"2026-07": ["2026-07-01"]}


def test_nothing_arises_after_now() -> None:
    own = terms(MISSED_3)
    values = percents(m2026_01="99.2", m2026_02="98.7", m2026_03="98.3")
    assert arising(book(own, values=values, as_of="2026-03-31"), "2026-03") == {}


def test_the_next_periods_are_judged_by_the_last_of_them() -> None:
    ground = replace(MISSED_3, within=Within(where=Where.NEXT, n=2, text="next 2 periods"))
    values = percents(m2026_01="99.9", m2026_02="98.7", m2026_03="98.3")
    own = book(terms(ground), values=values, as_of="2026-04-01")
    assert arising(own, "2026-01", "2026-02", "2026-03") == {"2026-03": ["2026-04-01"]}


def test_every_period_of_a_quarter_arises_in_its_last() -> None:
    ground = replace(MISSED_3, within=Within(where=Where.EVERY, span=Span.QUARTER, text="every period of quarter"))
    bad = {f"m2026_{month:02}": "99" for month in range(1, 7)}
    own = book(terms(ground), values=percents(**bad))
    names = [f"2026-{month:02}" for month in range(1, 8)]
    assert arising(own, *names) == {"2026-03": ["2026-04-01"]}
    good = book(terms(ground), values=percents(**{**bad, "m2026_02": "100"}))
    assert arising(good, *names) == {"2026-06": ["2026-07-01"]}


def test_a_span_of_several_periods_has_their_rights() -> None:
    values = percents(m2026_01="99.2", m2026_02="98.7", m2026_03="98.3")
    own = book(terms(MISSED_3), values=values, as_of="2026-04-01")
    assert arising(own, "2026-Q1") == {"2026-Q1": ["2026-04-01"]}
    assert arising(own, "2026-01-01 to 2026-03-15") == {}


def test_rolling_periods_are_judged_every_day() -> None:
    ground = condition(AVAILABILITY, BELOW, "99%")
    own = book(terms(ground, contract=contract(period=ROLLING_30)), "2026-06-10 12:00 + 8h")
    ends = [f"2026-06-{number:02} 00:00" for number in range(10, 14)]
    assert arising(own, *ends) == {"2026-06-11 00:00": ["2026-06-11"]}


def test_quarters() -> None:
    ground = condition(AVAILABILITY, BELOW, "99%")
    quarters = PeriodRule(kind=PeriodKind.QUARTER)
    own = book(terms(ground, contract=contract(period=quarters)), "2026-05-10 00:00 + 30h")
    assert arising(own, "2026-Q1", "2026-Q2") == {"2026-Q2": ["2026-07-01"]}


# --- the customer's conduct ---------------------------------------------------------------------------------------------------


def test_payments_overdue() -> None:
    ground = condition(OVERDUE, Side.OVER, 30, name="overdue")
    own = terms(ground, party=Party.PROVIDER, exercise=deadline(Anchor.RIGHT_ARISES, days=30))
    facts = Facts(payments=(Payment(at("2026-06-05"), at("2026-07-10")), Payment(at("2026-07-12"), None)))
    line = only(book(own, facts=facts), "2026-07")
    assert (line.party, line.arises) == (Party.PROVIDER, day("2026-07-06"))
    assert line.because == "overdue over 30 days: since 2026-07-06 00:00Z"
    history = book(own, facts=facts, as_of="2026-10-01")
    assert arising(history, "2026-06", "2026-07", "2026-08", "2026-09") == {
        "2026-07": ["2026-07-06"],
        "2026-08": ["2026-08-12"],
    }
    assert arising(book(own, facts=facts, as_of="2026-07-05 23:00"), "2026-07") == {}
    in_time = terms(replace(ground, side=Side.AT_MOST), party=Party.PROVIDER)
    assert arising(
        book(in_time, facts=facts, as_of="2026-07-01", known_from=at("2026-05-01")), "2026-05", "2026-06"
    ) == {"2026-05": ["2026-06-01"]}
    twice = terms(replace(ground, within=consecutive(2), threshold=Fraction(10)), party=Party.PROVIDER)
    facts = Facts(payments=(Payment(at("2026-05-05"), None),))
    assert arising(book(twice, facts=facts), "2026-05", "2026-06", "2026-07") == {"2026-06": ["2026-07-01"]}
    assert arising(book(twice, facts=facts, as_of="2026-06-30"), "2026-06") == {}


def test_days_in_breach() -> None:
    ground = condition(Subject(measure=Measure.BREACH, duty="access"), Side.OVER, 10, name="no access")
    facts = Facts(breaches=(Breach("access", at("2026-05-25"), at("2026-06-20")),))
    own = terms(ground, party=Party.PROVIDER)
    assert arising(book(own, facts=facts), "2026-05", "2026-06", "2026-07") == {"2026-06": ["2026-06-04"]}


# --- notice and exercise ------------------------------------------------------------------------------------------------------


def state(own: Contract, as_of: str, *notices: str, name: str = "missed") -> RightState:
    values = percents(m2026_01="99.2", m2026_02="98.7", m2026_03="98.3")
    facts = Facts(notices=tuple(Notice(name, at(text)) for text in notices))
    return only(book(own, values=values, as_of=as_of, facts=facts), "2026-03").state


def test_notice_lapses() -> None:
    own = terms(MISSED_3, notice=deadline(Anchor.RIGHT_ARISES, days=29))
    assert state(own, "2026-04-30 23:59") is RightState.OPEN
    assert state(own, "2026-05-01") is RightState.LAPSED
    assert state(own, "2026-05-02", "2026-04-30 23:00") is RightState.OPEN
    assert state(own, "2026-05-02", "2026-05-01") is RightState.LAPSED
    assert state(own, "2026-05-02", "2026-03-31") is RightState.LAPSED  # given before there was a right
    assert state(own, "2026-05-02", "2026-05-01", "2026-04-02") is RightState.OPEN
    assert state(own, "2026-05-02", "2026-04-02", name="another") is RightState.LAPSED


def test_a_notice_of_the_day_it_arises_is_no_earlier() -> None:
    own = terms(THREE_IN_30, notice=deadline(Anchor.RIGHT_ARISES, days=1))
    facts = Facts(notices=(Notice("chronic", at("2026-07-19")),))
    outages = ["2026-06-20 00:00 + 31m", "2026-07-05 00:00 + 45m", "2026-07-19 00:00 + 31m"]
    line = only(book(own, *outages, facts=facts), "2026-07")
    assert (line.notice_given, line.state) == (at("2026-07-19"), RightState.OPEN)


def test_exercise_lapses() -> None:
    own = terms(MISSED_3, exercise=deadline(Anchor.RIGHT_ARISES, days=60))
    assert state(own, "2026-05-31") is RightState.OPEN
    assert state(own, "2026-06-01") is RightState.LAPSED
    after_notice = terms(MISSED_3, exercise=deadline(Anchor.NOTICE, days=10))
    assert state(after_notice, "2027-01-01") is RightState.OPEN
    assert state(after_notice, "2026-04-12", "2026-04-01 09:00") is RightState.LAPSED
    assert state(after_notice, "2026-04-11", "2026-04-01 09:00") is RightState.OPEN


def test_deadlines_after_the_outage_and_its_ticket() -> None:
    ground = condition(EACH, Side.OVER, "12h")
    own = terms(
        ground,
        notice=deadline(Anchor.OUTAGE_START, elapsed="72h"),
        cure=deadline(Anchor.TICKET_CLOSED, days=3),
        exercise=deadline(Anchor.OUTAGE_END, days=30),
    )
    facts = Facts(tickets=(Ticket(at("2026-06-10 01:00"), at("2026-06-12")), Ticket(at("2026-06-20"), None)))
    outages = ["2026-06-02 00:00 + 1h", "2026-06-10 00:00 + 13h", "2026-06-20 00:00 + 1h"]
    line = only(book(own, *outages, facts=facts), "2026-06")
    assert line.notice_by is not None
    assert line.notice_by.at == at("2026-06-13")
    assert line.exercise_by is not None
    assert line.exercise_by.day == day("2026-07-10")
    assert line.cure_ends is not None
    assert line.cure_ends.day == day("2026-06-15")
    unknown = only(book(own, "2026-06-10 00:00 + 13h"), "2026-06")
    assert unknown.cure_ends is None
    never = terms(condition(DOWNTIME, Side.BELOW, "1h"), exercise=deadline(Anchor.OUTAGE_END, days=30))
    assert only(book(never, known_from=at("2026-06-01")), "2026-06").exercise_by is None


# --- cure ---------------------------------------------------------------------------------------------------------------------

CURE = deadline(Anchor.NOTICE, days=30)


@pytest.mark.parametrize(
    ("april", "as_of", "expected"),
    [
        ("100", "2026-05-05", RightState.CURING),
        ("99.5", "2026-05-06", RightState.CURED),
        ("99.4", "2026-05-06", RightState.OPEN),
        ("99.5", "2026-07-01", RightState.CURED),
        ("99.4", "2026-07-01", RightState.LAPSED),
        (None, "2026-05-06", RightState.OPEN),
    ],
)
def test_cured_by_the_periods_that_end_in_time(april: str | None, as_of: str, expected: RightState) -> None:
    own = terms(MISSED_3, cure=CURE, exercise=deadline(Anchor.RIGHT_ARISES, days=60))
    values = percents(m2026_01="99.2", m2026_02="98.7", m2026_03="98.3", m2026_05="100")
    if april is not None:
        values |= percents(m2026_04=april)
    facts = Facts(notices=(Notice("missed", at("2026-04-05 10:00")),))
    line = only(book(own, values=values, as_of=as_of, facts=facts), "2026-03")
    assert line.cure_ends is not None
    assert line.cure_ends.day == day("2026-05-05")
    assert line.state is expected


def test_without_notice_there_is_nothing_to_cure() -> None:
    own = terms(MISSED_3, cure=CURE)
    assert state(own, "2026-06-01") is RightState.OPEN
    assert state(terms(MISSED_3, cure=CURE, notice=deadline(Anchor.RIGHT_ARISES, days=5)), "2026-06-01") is (
        RightState.LAPSED
    )


def cured(ground: Condition, *outages: Any, notice: str, cure_days: int = 10, **rest: Any) -> RightState:
    own = terms(ground, cure=deadline(Anchor.NOTICE, days=cure_days), contract=rest.pop("contract", contract()))
    facts = rest.pop("facts", Facts())
    facts = replace(facts, notices=(Notice("right", at(notice)),))
    return only(book(own, *outages, facts=facts, **rest), rest.pop("period", "2026-06")).state


def test_measured_over_the_time_from_notice_to_cure() -> None:
    ground = condition(AVAILABILITY, BELOW, "99%")
    first = "2026-06-10 00:00 + 30h"
    assert cured(ground, first, notice="2026-07-05") is RightState.CURED
    # 30 hours in July, before the notice
    assert cured(ground, first, "2026-07-02 00:00 + 30h", notice="2026-07-05") is RightState.CURED
    assert cured(ground, first, "2026-07-06 00:00 + 3h", notice="2026-07-05") is RightState.OPEN


def test_cured_when_outages_are_few_enough() -> None:
    ground = condition(CHRONIC, Side.AT_LEAST, 2)
    first = ["2026-06-10 00:00 + 1h", "2026-06-11 00:00 + 1h"]
    assert cured(ground, *first, "2026-06-15 00:00 + 1h", notice="2026-06-12") is RightState.CURED
    third = ["2026-06-15 00:00 + 1h", "2026-06-16 00:00 + 1h"]
    assert cured(ground, *first, *third, notice="2026-06-12") is RightState.OPEN


def test_an_outage_that_goes_on_is_not_cured() -> None:
    ground = condition(EACH, Side.OVER, "12h")
    assert cured(ground, "2026-06-10 00:00 + 30d", notice="2026-06-12") is RightState.OPEN
    assert cured(ground, "2026-06-10 00:00 + 3d", notice="2026-06-12") is RightState.CURED


def test_cured_by_payment() -> None:
    ground = condition(OVERDUE, Side.OVER, 5)
    paid = Facts(payments=(Payment(at("2026-06-01"), at("2026-06-20")),))
    assert cured(ground, notice="2026-06-12", facts=paid) is RightState.CURED
    assert cured(ground, notice="2026-06-12", cure_days=2, facts=paid) is RightState.OPEN


def test_a_breach_is_cured_when_it_has_ended() -> None:
    ground = condition(Subject(measure=Measure.BREACH, duty="access"), Side.OVER, 5)
    breach = Facts(breaches=(Breach("access", at("2026-06-01"), at("2026-06-20")),))
    assert cured(ground, notice="2026-06-12", facts=breach) is RightState.CURED
    assert cured(ground, notice="2026-06-12", cure_days=2, facts=breach) is RightState.OPEN


def test_the_cure_of_a_mean_needs_whole_periods() -> None:
    mean = objective("mean", base="availability", mean_of=2)
    ground = condition(Subject(measure=Measure.AVAILABILITY, objective="mean"), BELOW, "97%")
    own = contract(objectives=(objective(), mean))
    values = {"2026-06": {"mean": Fraction(9, 10)}, "2026-07": {"mean": Fraction(98, 100)}}
    rest: dict[str, Any] = {"values": values, "contract": own, "notice": "2026-07-01"}
    assert cured(ground, cure_days=31, **rest, as_of="2026-09-01") is RightState.CURED
    assert cured(ground, cure_days=10, **rest) is RightState.OPEN


def test_the_cure_is_measured_where_only_later_terms_have_the_objective() -> None:
    later = replace(terms(condition(AVAILABILITY, BELOW, "99%"), cure=CURE), effective=day("2026-06-01"))
    own = contract(objectives=(), amendments=(replace(later, amendments=()),))
    facts = Facts(notices=(Notice("right", at("2026-07-01")),))
    history = book(own, "2026-06-10 00:00 + 30h", facts=facts, as_of="2026-08-15")
    assert only(history, "2026-06").state is RightState.CURED


def test_a_cure_that_needs_no_notice_begins_with_the_right() -> None:
    ground = condition(AVAILABILITY, BELOW, "99%")
    own = terms(ground, cure=deadline(Anchor.RIGHT_ARISES, days=10))
    history = book(own, "2026-06-10 00:00 + 30h", as_of="2026-07-05")
    assert only(history, "2026-06").state is RightState.CURING
    history = book(own, "2026-06-10 00:00 + 30h", as_of="2026-07-15")
    assert only(history, "2026-06").state is RightState.CURED
