from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from slamon.sla.conditions import Truth, described, figure, holds
from slamon.sla.facts import Breach, Facts, Payment, Ticket
from slamon.sla.terms.composition import Group
from slamon.sla.terms.conditions import Where, Within
from slamon.sla.terms.measures import Measure, Rounding, Side, Subject
from slamon.sla.terms.objectives import Form, Level, Statistic
from slamon.sla.terms.times import Span
from tests.sla.book import (
    AVAILABILITY,
    CHRONIC,
    Book,
    at,
    condition,
    consecutive,
    contract,
    objective,
    outage,
    percents,
    sliding,
)
from tests.sla.build import latency

DOWNTIME = Subject(measure=Measure.DOWNTIME)
OVERDUE = Subject(measure=Measure.OVERDUE)
MEAN = Subject(measure=Measure.AVAILABILITY, objective="three-months")
BELOW = Side.BELOW


def book(*outages: str, as_of: str = "2026-07-01", **rest: Any) -> Book:
    own = rest.pop("contract", contract())
    return Book(contract=own, as_of=at(as_of), outages=[outage(each) for each in outages], **rest)


def ask(history: Book, subject: Subject, side: Side, threshold: Fraction | int | str, **rest: Any) -> Truth:
    name = rest.pop("period", "2026-06")
    return holds(condition(subject, side, threshold, **rest), history, history.period(name))


# --- one period ---------------------------------------------------------------------------------------------------------------


def test_a_ratio_is_that_of_the_whole_period() -> None:
    own = book("2026-06-10 00:00 + 72h")
    truth = ask(own, AVAILABILITY, BELOW, "95%")
    assert (truth.value, truth.since) == (True, at("2026-07-01"))
    assert truth.text == "availability below 95%: 90%"
    assert ask(own, AVAILABILITY, BELOW, "90%").value is False
    assert ask(own, AVAILABILITY, Side.AT_MOST, "90%").value is True


def test_a_ratio_is_not_known_before_the_period_ends() -> None:
    truth = ask(book("2026-06-10 00:00 + 72h", as_of="2026-06-30"), AVAILABILITY, BELOW, "95%")
    assert (truth.value, truth.since, truth.text) == (None, None, "availability below 95%: not ended")
    assert ask(book(values=percents(m2026_05="1")), AVAILABILITY, BELOW, "95%").text.endswith(": unknown")
    assert ask(book(as_of="2026-06-01"), AVAILABILITY, BELOW, "95%").text.endswith(": not begun")


def test_nothing_holds_in_a_period_before_anything_is_known() -> None:
    own = book(known_from=at("2026-07-01"), as_of="2026-08-01")
    assert ask(own, AVAILABILITY, Side.AT_LEAST, "1%").value is False
    assert ask(own, CHRONIC, Side.AT_MOST, 5).value is False


def test_the_excess_of_an_objective() -> None:
    target = Level(value=Fraction(1, 2), side=Side.AT_LEAST)
    own = book("2026-06-10 00:00 + 72h", contract=contract(objectives=(objective(target=target),)))
    excess = Subject(measure=Measure.EXCESS, objective="availability")
    truth = ask(own, excess, Side.AT_LEAST, "80%")
    assert (truth.value, truth.text) == (True, "excess of availability at least 80%: 80%")


def test_what_grows_is_true_as_soon_as_it_is() -> None:
    early = book("2026-06-10 00:00 + 31m", "2026-06-12 00:00 + 31m", as_of="2026-06-20")
    truth = ask(early, CHRONIC, Side.AT_LEAST, 2)
    assert (truth.value, truth.since) == (True, at("2026-06-12 00:30"))
    assert truth.text == "outages over 30m at least 2: 2"
    assert ask(early, CHRONIC, Side.OVER, 2).value is None
    assert ask(book("2026-06-10 00:00 + 31m"), CHRONIC, Side.OVER, 2).value is False


def test_what_grows_and_shall_not_is_known_when_the_period_ends() -> None:
    early = book("2026-06-10 00:00 + 31m", as_of="2026-06-20")
    assert ask(early, CHRONIC, Side.AT_MOST, 1).value is None
    assert ask(early, CHRONIC, BELOW, 1).value is False
    truth = ask(book("2026-06-10 00:00 + 31m"), CHRONIC, Side.AT_MOST, 1)
    assert (truth.value, truth.since) == (True, at("2026-07-01"))


def test_downtime_and_its_figures() -> None:
    truth = ask(book("2026-06-10 00:00 + 26h"), DOWNTIME, Side.OVER, "24h")
    assert (truth.value, truth.since) == (True, at("2026-06-11"))
    assert truth.text == "downtime over 1d: 1d2h"


# --- objectives of what grows -------------------------------------------------------------------------------------------------


def counted(**rest: Any) -> Book:
    own = objective("incidents", measure=Measure.OUTAGES, subject=CHRONIC, **rest)
    readings: Mapping[str, Mapping[str, Fraction]] = {}
    return book("2026-06-10 00:00 + 31m", contract=contract(objectives=(own,)), values=readings)


INCIDENTS = Subject(measure=Measure.OUTAGES, objective="incidents")


def test_an_objective_of_what_grows_grows() -> None:
    assert ask(counted(), INCIDENTS, Side.AT_LEAST, 1).since == at("2026-06-10 00:30")
    plain = objective("downtime", measure=Measure.DOWNTIME)
    own = book("2026-06-10 00:00 + 3h", contract=contract(objectives=(plain,)))
    downtime = Subject(measure=Measure.DOWNTIME, objective="downtime")
    assert ask(own, downtime, Side.OVER, "1h").since == at("2026-06-10 01:00")
    assert ask(own, downtime, Side.OVER, "1h").text == "downtime over 1h: 3h"


@pytest.mark.parametrize(
    "rest",
    [
        {"mean_of": 3},
        {"round": Rounding(step=Fraction(1))},
        {"service": Group(of=("a", "b"), need=1)},
    ],
)
def test_an_objective_that_does_more_is_a_value_of_the_whole_period(rest: dict[str, Any]) -> None:
    own = counted(**rest)
    assert ask(own, INCIDENTS, Side.AT_LEAST, 1).text.endswith(": unknown")


def test_a_value_that_was_given_is_one_of_the_whole_period() -> None:
    own = counted()
    own.values = {"2026-06": {"incidents": Fraction(4)}}
    truth = ask(own, INCIDENTS, Side.AT_LEAST, 4)
    assert (truth.value, truth.since) == (True, at("2026-07-01"))
    assert truth.text == "incidents at least 4: 4"


# --- several periods ----------------------------------------------------------------------------------------------------------


def months(**values: str) -> Book:
    return book(values=percents(**values), as_of="2026-04-01", known_from=at("2026-01-01"))


def test_consecutive_periods() -> None:
    three = {"period": "2026-03", "within": consecutive(3)}
    truth = ask(months(m2026_01="99.2", m2026_02="98.7", m2026_03="98.3"), AVAILABILITY, BELOW, "99.5%", **three)
    assert (truth.value, truth.since) == (True, at("2026-04-01"))
    assert (
        truth.text
        == "availability below 99.5% within 3 consecutive periods: 2026-01 99.2%, 2026-02 98.7%, 2026-03 98.3%"
    )
    met = months(m2026_01="99.2", m2026_02="99.5", m2026_03="98.3")
    assert ask(met, AVAILABILITY, BELOW, "99.5%", **three).value is False
    hole = months(m2026_01="99.2", m2026_03="98.3")
    assert ask(hole, AVAILABILITY, BELOW, "99.5%", **three).value is None
    young = months(m2026_01="99.2", m2026_02="98.7")
    assert ask(young, AVAILABILITY, BELOW, "99.5%", period="2026-02", within=consecutive(3)).value is False
    unended = book(values=percents(m2026_02="90", m2026_03="90"), as_of="2026-04-10")
    assert ask(unended, AVAILABILITY, BELOW, "99%", period="2026-04", within=consecutive(3)).value is None


def test_n_of_the_last_m_periods() -> None:
    two_of_three = {"period": "2026-03", "within": Within(where=Where.OF, n=2, m=3, text="2 of 3 periods")}
    found = months(m2026_01="99", m2026_02="99.5", m2026_03="99")
    truth = ask(found, AVAILABILITY, BELOW, "99.5%", **two_of_three)
    assert (truth.value, truth.since) == (True, at("2026-04-01"))
    earlier = months(m2026_01="99", m2026_02="99", m2026_03="99.5")
    assert ask(earlier, AVAILABILITY, BELOW, "99.5%", **two_of_three).since == at("2026-03-01")
    assert ask(months(m2026_01="99", m2026_03="99.5"), AVAILABILITY, BELOW, "99.5%", **two_of_three).value is None
    once = months(m2026_01="99", m2026_02="99.5", m2026_03="99.5")
    assert ask(once, AVAILABILITY, BELOW, "99.5%", **two_of_three).value is False


def test_the_next_periods() -> None:
    rest = {"period": "2026-04", "within": Within(where=Where.NEXT, n=2, text="next 2 periods")}
    both = book(values=percents(m2026_05="99.95", m2026_06="99.93"))
    truth = ask(both, AVAILABILITY, Side.AT_LEAST, "99.9%", **rest)
    assert (truth.value, truth.since) == (True, at("2026-07-01"))
    one = book(values=percents(m2026_05="99.95", m2026_06="99.89"))
    assert ask(one, AVAILABILITY, Side.AT_LEAST, "99.9%", **rest).value is False
    early = book(values=percents(m2026_05="99.95"), as_of="2026-06-30")
    assert ask(early, AVAILABILITY, Side.AT_LEAST, "99.9%", **rest).value is None
    lost = book(values=percents(m2026_05="99.8"), as_of="2026-06-30")
    assert ask(lost, AVAILABILITY, Side.AT_LEAST, "99.9%", **rest).value is False


def test_every_period_of_the_quarter() -> None:
    rest = {"within": Within(where=Where.EVERY, span=Span.QUARTER, text="every period of quarter")}
    own = months(m2026_01="99.995", m2026_02="99.99", m2026_03="100")
    for name in ("2026-01", "2026-02", "2026-03"):
        truth = ask(own, AVAILABILITY, Side.AT_LEAST, "99.99%", period=name, **rest)
        assert (truth.value, truth.since) == (True, at("2026-04-01"))
    own = months(m2026_01="99.995", m2026_02="99.98", m2026_03="100")
    assert ask(own, AVAILABILITY, Side.AT_LEAST, "99.99%", period="2026-01", **rest).value is False
    early = book(values=percents(m2026_01="100", m2026_02="100"), as_of="2026-03-15")
    assert ask(early, AVAILABILITY, Side.AT_LEAST, "99.99%", period="2026-01", **rest).value is None


def test_periods_whose_terms_do_not_have_the_objective() -> None:
    later = contract(effective=date(2026, 3, 1))
    own = book(contract=contract(objectives=(), amendments=(later,)), as_of="2026-04-01")
    truth = ask(own, AVAILABILITY, Side.AT_LEAST, "50%", period="2026-03", within=consecutive(2))
    assert (truth.value, truth.text.endswith("2026-02 not agreed, 2026-03 100%")) == (None, True)


# --- windows ------------------------------------------------------------------------------------------------------------------


def test_any_window_that_ends_in_the_period() -> None:
    rest = {"within": sliding("30d")}
    own = book("2026-05-20 00:00 + 31m", "2026-06-05 00:00 + 45m", "2026-06-18 00:00 + 31m")
    truth = ask(own, CHRONIC, Side.AT_LEAST, 3, **rest)
    assert (truth.value, truth.since) == (True, at("2026-06-18 00:30"))
    assert truth.text == "outages over 30m at least 3 within any 30d: 3 by 2026-06-18 00:30Z"
    truth = ask(own, CHRONIC, Side.AT_LEAST, 4, **rest)
    assert (truth.value, truth.text) == (False, "outages over 30m at least 4 within any 30d: in no window")
    assert ask(own, CHRONIC, Side.AT_LEAST, 3, period="2026-08", **rest).value is None
    down = book("2026-06-10 00:00 + 26h")
    assert (
        ask(down, DOWNTIME, Side.OVER, "24h", **rest).text == "downtime over 1d within any 30d: 1d by 2026-06-11 00:00Z"
    )


def test_availability_in_any_window() -> None:
    own = book("2026-06-10 00:00 + 72h", as_of="2026-06-20")
    truth = ask(own, AVAILABILITY, BELOW, "95%", within=sliding("30d"))
    assert truth.value is True
    assert truth.since is not None
    assert at("2026-06-11 12:00") <= truth.since <= at("2026-06-11 12:00:01")
    assert truth.text.startswith("availability below 95% within any 30d: 94.99")


# --- conduct ------------------------------------------------------------------------------------------------------------------


def test_overdue_is_judged_when_the_period_ends_or_now() -> None:
    payments = Facts(
        payments=(Payment(at("2026-06-05"), at("2026-07-10")), Payment(at("2026-05-05"), at("2026-05-09")))
    )
    truth = ask(book(facts=payments, as_of="2026-08-01"), OVERDUE, Side.OVER, 20)
    assert (truth.value, truth.since, truth.text) == (True, at("2026-07-01"), "overdue over 20 days: 26 days")
    assert ask(book(facts=payments, as_of="2026-08-01"), OVERDUE, Side.OVER, 26).value is False
    assert ask(book(facts=payments, as_of="2026-06-20"), OVERDUE, Side.OVER, 20).value is False
    assert ask(book(facts=payments, as_of="2026-08-01"), OVERDUE, Side.OVER, 0, period="2026-05").value is False
    truth = ask(book(facts=payments, as_of="2026-08-01"), OVERDUE, Side.AT_MOST, 26)
    assert (truth.value, truth.since) == (True, at("2026-07-01"))
    truth = ask(book(facts=payments), OVERDUE, Side.OVER, 15, business=True)
    assert (truth.value, truth.text) == (True, "overdue over 15 business days: 18 business days")


def test_tickets_and_breaches() -> None:
    facts = Facts(
        tickets=(Ticket(at("2026-06-03"), None), Ticket(at("2026-06-04"), None)),
        breaches=(Breach("access", at("2026-06-10 09:00"), at("2026-06-10 12:00")),),
    )
    own = book(facts=facts)
    assert ask(own, Subject(measure=Measure.TICKETS), Side.AT_LEAST, 2).since == at("2026-06-04")
    truth = ask(own, Subject(measure=Measure.BREACH, duty="access"), Side.OVER, 0)
    assert (truth.value, truth.since) == (True, at("2026-06-10 09:00"))
    assert truth.text == "breach of access over 0 days: 1 day"


# --- words --------------------------------------------------------------------------------------------------------------------


def test_words() -> None:
    share = Statistic(form=Form.SHARE, text="share over 10ms", side=Side.OVER, threshold=Fraction(10_000_000))
    late = replace(latency("mean", name="late"), statistic=share)
    own = contract(objectives=[late, objective("three-months")])
    assert described(condition(MEAN, BELOW, "97%"), own) == "three-months below 97%"
    assert figure(condition(AVAILABILITY, BELOW, 1), Fraction(2, 3), own) == "66.666667%"
    assert figure(condition(AVAILABILITY, BELOW, 1), Fraction(1), own) == "100%"
    assert figure(condition(CHRONIC, BELOW, 1), Fraction(3), own) == "3"
    shares = condition(Subject(measure=Measure.LATENCY, objective="late"), Side.OVER, "0.1%")
    assert described(shares, own) == "late over 0.1%", "a share of packets, not a time"
