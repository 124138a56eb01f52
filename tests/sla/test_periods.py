"""Periods of every kind partition time; prices are charged whole for whole periods and by days for parts."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from fractions import Fraction
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from slamon.errors import UsageError
from slamon.model import DAY, HOUR, S
from slamon.sla import calendar, periods
from slamon.sla.lines import Period
from slamon.sla.terms import Contract, PeriodKind, PeriodRule, Price, Prorate, Term
from slamon.sla.terms.clause import Clause
from slamon.sla.terms.times import Span

ZONES = sorted(files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())

MONTH = PeriodRule()
QUARTER = PeriodRule(kind=PeriodKind.QUARTER)
YEAR = PeriodRule(kind=PeriodKind.YEAR)
CONTRACT_YEAR = PeriodRule(kind=PeriodKind.CONTRACT_YEAR)
BILLING = PeriodRule(kind=PeriodKind.BILLING_MONTH, day=15)
ROLLING = PeriodRule(kind=PeriodKind.ROLLING, length=720 * HOUR)
TILED = [MONTH, QUARTER, YEAR, CONTRACT_YEAR, BILLING]
TERM = Term(start=date(2024, 2, 29))


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * S


def terms(period: PeriodRule = MONTH, timezone: str = "UTC", **rest: Any) -> Contract:
    return Contract(
        name="test",
        service="link",
        provider="Example",
        timezone=timezone,
        clause=Clause(path="contracts.test"),
        period=period,
        **rest,
    )


def span(contract: Contract, name: str) -> tuple[int, int]:
    found = periods.period(contract, name)
    return found.start, found.end


# --- names --------------------------------------------------------------------------------------------------------------------


def test_a_month_runs_from_local_midnight_to_local_midnight() -> None:
    here = terms(timezone="America/New_York")
    assert periods.period(here, "2026-03") == Period(
        name="2026-03", start=utc("2026-03-01 05:00"), end=utc("2026-04-01 04:00")
    )
    months = [periods.period(here, name) for name in ("2026-03", "2026-06", "2026-11")]
    assert [(each.end - each.start) // HOUR for each in months] == [743, 720, 721]
    assert [(b - a) // HOUR for a, b in [span(terms(timezone="Europe/Berlin"), "2026-03")]] == [743]
    minutes = [(b - a) // (60 * S) for a, b in (span(terms(), each) for each in ("2026-01", "2026-04", "2028-02"))]
    assert minutes == [44640, 43200, 41760]


@pytest.mark.parametrize("own", [*TILED, ROLLING], ids=lambda rule: rule.kind)
def test_civil_periods_have_their_name_in_any_contract(own: PeriodRule) -> None:
    contract = terms(own, "America/New_York", term=TERM)
    for name, start, end in (
        ("2026-08", "2026-08-01 04:00", "2026-09-01 04:00"),
        ("2026-Q2", "2026-04-01 04:00", "2026-07-01 04:00"),
        ("2026-Q4", "2026-10-01 04:00", "2027-01-01 05:00"),
        ("2026", "2026-01-01 05:00", "2027-01-01 05:00"),
    ):
        assert periods.period(contract, name) == Period(name=name, start=utc(start), end=utc(end))
    kind = {"2026-08": PeriodKind.MONTH, "2026-Q2": PeriodKind.QUARTER, "2026": PeriodKind.YEAR}
    for name, owner in kind.items():
        assert periods.own(contract, periods.period(contract, name)) is (owner is own.kind)


def test_billing_months_and_contract_years_are_named_by_their_first_day() -> None:
    billing = terms(BILLING, "America/New_York")
    assert periods.period(billing, "2026-06-15") == Period(
        name="2026-06-15", start=utc("2026-06-15 04:00"), end=utc("2026-07-15 04:00")
    )
    yearly = terms(CONTRACT_YEAR, term=Term(start=date(2026, 4, 16)))
    assert periods.period(yearly, "2027-04-16") == Period(
        name="2027-04-16", start=utc("2027-04-16"), end=utc("2028-04-16")
    )


def test_a_contract_year_from_29_february_begins_on_the_last_of_february() -> None:
    contract = terms(CONTRACT_YEAR, term=TERM)
    found = [periods.current(contract, utc("2024-02-29"))]
    for _ in range(4):
        found.append(periods.shift(contract, found[-1], 1))
    assert [each.name for each in found] == ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]
    assert periods.current(contract, utc("2028-02-28")).name == "2027-02-28"


def test_a_rolling_period_ends_where_its_name_says() -> None:
    contract = terms(ROLLING, "America/New_York")
    found = Period(name="2026-03-15 00:00-04:00", start=utc("2026-02-13 04:00"), end=utc("2026-03-15 04:00"))
    for name in ("2026-03-15", "2026-03-15 00:00", "2026-03-15T04:00Z", "2026-02-13 04:00Z + 720h", found.name):
        assert periods.period(contract, name) == found
    assert periods.own(contract, found)


def test_any_span_is_a_period_and_has_the_name_of_what_it_is() -> None:
    here = terms(timezone="America/New_York")
    odd = periods.period(here, "2026-06-10 02:00 to 05:00")
    assert odd == Period(
        name="2026-06-10 02:00-04:00 to 2026-06-10 05:00-04:00",
        start=utc("2026-06-10 06:00"),
        end=utc("2026-06-10 09:00"),
    )
    assert periods.period(here, odd.name) == odd
    assert not periods.own(here, odd)
    assert periods.period(here, "2026-06-01 to 2026-07-01").name == "2026-06"
    assert periods.period(here, "2026-04-01 to 2026-07-01").name == "2026-Q2"
    assert periods.period(terms(BILLING), "2026-06-15 + 30d").name == "2026-06-15"
    first = PeriodRule(kind=PeriodKind.BILLING_MONTH, day=1)
    assert periods.period(terms(first), "2026-06").name == "2026-06-01"


@pytest.mark.parametrize(
    ("rule", "name", "message"),
    [
        (MONTH, "2026-13", "'2026-13' is not a period of test: not an instant"),
        (MONTH, "2026-6", "not an instant"),
        (MONTH, "June", "write 2026-06, 2026-Q2, 2026"),
        (MONTH, "2026-06 ", "not an instant"),
        (MONTH, "2026-Q5", "not an instant"),
        (MONTH, "0000-01", "outside the years 1970 to 2261; write a year between"),
        (MONTH, "9999", "outside the years"),
        (MONTH, "1969-Q4", "outside the years"),
        (MONTH, "2026-06-10 05:00 to 02:00", "the span ends before it begins"),
        (MONTH, "2026-06 to 2026-08", "not an instant"),
        (
            MONTH,
            "2026-06-15",
            "'2026-06-15' is not a period of test; write 2026-06, 2026-Q2, 2026, or a span such as 2026-06-10 02:00 + 3h",
        ),
        (BILLING, "2026-06-15 00:00", "write 2026-06, 2026-Q2, 2026, the first day of a billing month, or a span"),
        (BILLING, "2026-06-14", "'2026-06-14' is not the first day of a billing month of test; write 2026-05-15"),
        (CONTRACT_YEAR, "2026-02-27", "'2026-02-27' is not the first day of a contract year of test; write 2025-02-28"),
        (ROLLING, "2026-06-31", "not an instant"),
    ],
)
def test_other_names_are_no_periods(rule: PeriodRule, name: str, message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        periods.period(terms(rule, term=TERM), name)


def test_contract_years_need_the_first_day_of_the_contract() -> None:
    contract = terms(CONTRACT_YEAR)
    message = "test has no contract years without a first day; write for example term: {from: 2026-01-01}"
    with pytest.raises(UsageError, match=re.escape(message)):
        periods.current(contract, utc("2026-06-01"))
    june = periods.period(terms(), "2026-06")
    with pytest.raises(UsageError, match=re.escape(message)):
        periods.spanning(terms(), june.start, Span.CONTRACT_YEAR, june)


def names(contract: Contract, text: str) -> list[str]:
    return [each.name for each in periods.several(contract, text)]


def test_several_periods_are_each_of_them() -> None:
    assert names(terms(), "2026-11 to 2027-02") == ["2026-11", "2026-12", "2027-01", "2027-02"]
    assert names(terms(), "2026-Q3 to 2027-Q1") == ["2026-Q3", "2026-Q4", "2027-Q1"]
    assert names(terms(ROLLING), "2026 to 2028") == ["2026", "2027", "2028"]
    assert names(terms(), "2026-06 to 2026-06") == names(terms(), "2026-06") == ["2026-06"]
    assert names(terms(BILLING), "2026-06-15 to 2026-08-15") == ["2026-06-15", "2026-07-15", "2026-08-15"]
    yearly = terms(CONTRACT_YEAR, term=TERM)
    assert names(yearly, "2024-02-29 to 2025-02-28") == ["2024-02-29", "2025-02-28"]


def test_what_are_no_two_periods_is_a_span() -> None:
    assert names(terms(), "2026-06-15 to 2026-06-17") == ["2026-06-15 00:00Z to 2026-06-17 00:00Z"]
    assert names(terms(BILLING), "2026-06-15 to 2026-06-17") == ["2026-06-15 00:00Z to 2026-06-17 00:00Z"]
    assert names(terms(BILLING), "2026-06-15 02:00 to 05:00") == ["2026-06-15 02:00Z to 2026-06-15 05:00Z"]
    assert names(terms(BILLING), "2026-06-13 to 2026-06-15") == ["2026-06-13 00:00Z to 2026-06-15 00:00Z"]
    assert names(terms(ROLLING), "2026-06-15 to 2026-06-17") == ["2026-06-15 00:00Z to 2026-06-17 00:00Z"]
    assert names(terms(ROLLING), "2026-06-17") == ["2026-06-17 00:00Z"]


@pytest.mark.parametrize("text", ["2026-06 to 2026-05", "2026-05 to 2026-Q3", "2026-Q2 to 2026-08"])
def test_periods_lead_to_later_ones_of_their_kind(text: str) -> None:
    with pytest.raises(UsageError, match="does not lead from a period to a later one of its kind"):
        periods.several(terms(), text)


# --- order --------------------------------------------------------------------------------------------------------------------


def test_current_and_previous() -> None:
    assert periods.current(terms(), utc("2026-01-01")).name == "2026-01"
    assert periods.current(terms(), utc("2026-01-01") - 1).name == "2025-12"
    assert periods.previous(terms(), utc("2026-01-15 12:00")).name == "2025-12"
    assert periods.current(terms(timezone="Pacific/Auckland"), utc("2026-01-31 12:00")).name == "2026-02"
    assert periods.current(terms(QUARTER), utc("2026-01-15")).name == "2026-Q1"
    assert periods.previous(terms(QUARTER), utc("2026-01-15")).name == "2025-Q4"
    assert periods.previous(terms(YEAR), utc("2026-01-15")).name == "2025"
    assert periods.current(terms(BILLING), utc("2026-01-14 23:59")).name == "2025-12-15"
    assert periods.current(terms(BILLING), utc("2026-01-15")).name == "2026-01-15"


def test_an_hour_of_the_old_month_may_come_after_the_first_midnight_of_the_new_one() -> None:
    # Newfoundland put 00:01 of 1 November 2009 back to 23:01 of 31 October: those 59 minutes belong to November.
    here = terms(timezone="America/St_Johns")
    assert periods.current(here, utc("2009-11-01 02:31:01")).name == "2009-11"
    assert periods.current(here, utc("2009-11-01 02:30") - 1).name == "2009-10"


def test_a_rolling_period_is_the_same_all_day_long() -> None:
    contract = terms(ROLLING, "America/New_York")
    today = utc("2026-03-08 05:00"), utc("2026-03-09 04:00")
    for instant in (today[0], today[0] + HOUR, today[1] - 1):
        assert periods.current(contract, instant) == Period(
            name="2026-03-09 00:00-04:00", start=today[1] - 720 * HOUR, end=today[1]
        )
        assert periods.previous(contract, instant).end == today[0]
    assert periods.current(contract, today[1]).name == "2026-03-10 00:00-04:00"


def test_periods_are_counted_from_one_another() -> None:
    june = periods.period(terms(), "2026-06")
    assert [periods.shift(terms(), june, n).name for n in (-6, -1, 0, 1, 8)] == [
        "2025-12",
        "2026-05",
        "2026-06",
        "2026-07",
        "2027-02",
    ]
    quarter = periods.period(terms(), "2026-Q1")
    assert [periods.shift(terms(), quarter, n).name for n in (-1, 0, 2)] == ["2025-Q4", "2026-Q1", "2026-Q3"]
    odd = periods.period(terms(), "2026-06-10 02:00 to 05:00")
    assert periods.shift(terms(), odd, 1).name == "2026-06-10 05:00Z to 2026-06-10 08:00Z"
    assert periods.shift(terms(), odd, -2).name == "2026-06-09 20:00Z to 2026-06-09 23:00Z"
    window = periods.period(terms(ROLLING), "2026-06-30")
    assert [periods.shift(terms(ROLLING), window, n).name for n in (-1, 1)] == [
        "2026-05-31 00:00Z",
        "2026-07-30 00:00Z",
    ]


def test_the_own_periods_that_begin_in_a_span() -> None:
    begin, end = utc("2026-04-01"), utc("2026-07-01")
    assert [each.name for each in periods.inside(terms(), begin, end)] == ["2026-04", "2026-05", "2026-06"]
    assert [each.name for each in periods.inside(terms(), begin + 1, end + 1)] == ["2026-05", "2026-06", "2026-07"]
    assert [each.name for each in periods.inside(terms(BILLING), begin, end)] == [
        "2026-04-15",
        "2026-05-15",
        "2026-06-15",
    ]
    assert periods.inside(terms(YEAR), begin, end) == ()
    windows = periods.inside(terms(ROLLING), begin, end)
    assert [(each.start - begin) // DAY for each in windows] == [0, 30, 60, 90]
    assert windows[0].name == "2026-05-01 00:00Z"


def test_the_civil_stretches_an_instant_lies_in() -> None:
    contract = terms(BILLING, "America/New_York", term=Term(start=date(2025, 6, 20)))
    june = periods.period(contract, "2026-06-15")
    at = utc("2026-06-10 12:00")
    found = [periods.spanning(contract, at, each, june) for each in Span]
    assert found == [
        (june.start, june.end),
        span(contract, "2026-06"),
        span(contract, "2026-Q2"),
        span(contract, "2026"),
        (utc("2025-06-20 04:00"), utc("2026-06-20 04:00")),
    ]


def test_the_periods_that_share_a_cap_begin_in_its_span() -> None:
    def shared(contract: Contract, name: str, of: Span) -> list[str]:
        return [each.name for each in periods.sharing(contract, periods.period(contract, name), of)]

    contract = terms(term=Term(start=date(2026, 4, 16)))
    months = [each.name for each in periods.several(contract, "2026-04 to 2028-04")]
    assert shared(contract, "2026-06", Span.PERIOD) == ["2026-06"]
    assert shared(contract, "2026-06", Span.QUARTER) == ["2026-04", "2026-05", "2026-06"]
    for name in ("2026-03", "2026-04", "2026-05", "2027-04"):
        assert shared(contract, name, Span.CONTRACT_YEAR) == months[:13]
    assert shared(contract, "2027-05", Span.CONTRACT_YEAR) == months[13:]
    aligned = terms(term=Term(start=date(2026, 4, 1)))
    assert shared(aligned, "2026-04", Span.CONTRACT_YEAR) == months[:12]
    assert shared(aligned, "2027-04", Span.CONTRACT_YEAR) == months[12:24]
    rolling = terms(ROLLING, term=Term(start=date(2026, 4, 16)))
    assert shared(rolling, "2026-05-16", Span.CONTRACT_YEAR)[0] == "2026-05-16 00:00Z"


def test_the_last_amendment_that_took_force_holds() -> None:
    second = terms(QUARTER, effective=date(2026, 7, 1))
    third = terms(YEAR, effective=date(2027, 1, 1))
    contract = terms(timezone="America/New_York", amendments=(second, third))
    assert periods.version(contract, utc("2026-07-01 03:59")) is contract
    assert periods.version(contract, utc("2026-07-01 04:00")) is second
    assert periods.version(contract, utc("2027-01-01 05:00")) is third
    found = [periods.period(contract, "2026-05")]
    for _ in range(5):
        found.append(periods.shift(contract, found[-1], 1))
    assert [each.name for each in found] == ["2026-05", "2026-06", "2026-Q3", "2026-Q4", "2027", "2028"]
    assert [periods.shift(contract, found[-1], -n) for n in range(6)] == found[::-1]
    assert periods.inside(contract, found[0].start, found[-1].end) == tuple(found)
    always = terms(YEAR)
    assert periods.version(terms(amendments=(always,)), 0) is always


def test_periods_that_begin_to_roll() -> None:
    contract = terms(amendments=(terms(ROLLING, effective=date(2026, 7, 1)),))
    june = periods.period(contract, "2026-06")
    assert (june.name, periods.own(contract, june)) == ("2026-06", True)
    after = periods.shift(contract, june, 1)
    assert (after.start, after.name) == (june.end, "2026-07-31 00:00Z")
    assert periods.period(contract, "2026-07-31") == after
    with pytest.raises(UsageError, match="'2026-07-01' is not a period of test"):
        periods.period(contract, "2026-07-01")


def test_periods_that_cease_to_roll() -> None:
    contract = terms(ROLLING, amendments=(terms(effective=date(2026, 7, 1)),))
    last = periods.period(contract, "2026-07-01")
    assert (last.name, periods.own(contract, last)) == ("2026-07-01 00:00Z", True)
    assert periods.shift(contract, last, 1).name == "2026-07"
    assert periods.shift(contract, last, -1).name == "2026-06-01 00:00Z"
    assert periods.shift(contract, periods.period(contract, "2026-07"), -1) == last


def test_the_window_that_ends_with_the_first_instant_of_new_terms_is_by_them() -> None:
    week = PeriodRule(kind=PeriodKind.ROLLING, length=168 * HOUR)
    contract = terms(ROLLING, amendments=(terms(week, effective=date(2026, 7, 1)),))
    for after, length in ((1, 168 * HOUR), (0, 720 * HOUR)):
        start = utc("2026-07-01") + after
        before = periods.shift(contract, Period(name="", start=start, end=start + 168 * HOUR), -1)
        assert (before.start, before.end) == (start - length, start)


# --- properties ---------------------------------------------------------------------------------------------------------------


@given(st.sampled_from(ZONES), st.sampled_from(TILED), st.integers(utc("1971-03-01"), utc("2060-01-01")))
@example("America/Asuncion", MONTH, utc("2017-09-15"))
@example("Pacific/Apia", MONTH, utc("2011-12-15"))
@example("Pacific/Kiritimati", MONTH, utc("1994-12-15"))
@example("America/St_Johns", MONTH, utc("2009-11-01 02:32"))
@example("Antarctica/Vostok", MONTH, utc("1994-10-15"))
def test_periods_partition_time(zone: str, rule: PeriodRule, instant: int) -> None:
    contract = terms(rule, zone, term=TERM)
    this, before, after = (
        periods.current(contract, instant),
        periods.previous(contract, instant),
        periods.shift(contract, periods.current(contract, instant), 1),
    )
    assert before.start < before.end == this.start <= instant < this.end == after.start < after.end
    assert periods.own(contract, this)
    assert periods.period(contract, this.name) == this
    assert periods.shift(contract, after, -2) == before
    assert periods.inside(contract, before.start, after.end) == (before, this, after)
    first = calendar.day(this.start, zone)
    assert calendar.civil(this.start, zone).date() >= first
    assert calendar.day(this.start - 1, zone) < first


@given(
    st.sampled_from(ZONES),
    st.sampled_from([*TILED, ROLLING]),
    st.integers(utc("1971-03-01"), utc("2060-01-01")),
    st.integers(1, 900 * DAY),
)
def test_every_stretch_of_time_has_one_name(zone: str, rule: PeriodRule, start: int, length: int) -> None:
    contract = terms(rule, zone, term=TERM)
    text = f"{calendar.written(start, 'UTC')} to {calendar.written(start + length, 'UTC')}"
    found = periods.period(contract, text)
    assert (found.start, found.end) == (start, start + length)
    assert periods.period(contract, found.name) == found
    for n in (1, -1):
        beside = periods.shift(contract, found, n)
        assert (beside.start == found.end) if n > 0 else (beside.end == found.start)
        assert periods.shift(contract, beside, -n) == found
        if " to " in found.name or periods.own(contract, found) is (rule is ROLLING):
            assert beside.end - beside.start == length


# --- charges ------------------------------------------------------------------------------------------------------------------


def charge(contract: Contract, name: str) -> Fraction | None:
    return periods.charge(contract, *span(contract, name))


def prices(*each: Price | int, per: Span = Span.MONTH) -> dict[str, Any]:
    listed = tuple(one if isinstance(one, Price) else Price(amount=Fraction(one), per=per) for one in each)
    return {"prices": listed, "currency": "USD"}


def test_without_a_price_there_is_no_charge() -> None:
    assert charge(terms(), "2026-06") is None


def test_a_partial_first_month_is_charged_by_the_day() -> None:
    contract = terms(term=Term(start=date(2026, 4, 16)), **prices(1200))
    assert charge(contract, "2026-04") == 600
    assert charge(contract, "2026-05") == 1200
    assert charge(contract, "2026-03") == 0
    assert charge(contract, "2026-Q2") == 3000
    assert charge(contract, "2026") == 600 + 8 * 1200


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Europe/London", "Pacific/Apia"])
def test_whole_periods_are_charged_whole_however_long_they_are(zone: str) -> None:
    def found(name: str, per: Span) -> Fraction | None:
        return charge(terms(timezone=zone, **prices(1200, per=per)), name)

    for month in ("2026-02", "2026-03", "2026-11", "2011-12", "2028-02"):
        assert [found(month, each) for each in (Span.MONTH, Span.QUARTER, Span.YEAR)] == [1200, 400, 100]
    for quarter in ("2026-Q1", "2011-Q4", "2028-Q1"):
        assert [found(quarter, each) for each in (Span.MONTH, Span.QUARTER, Span.YEAR)] == [3600, 1200, 300]
    for year in ("2026", "2028"):
        assert [found(year, each) for each in (Span.MONTH, Span.QUARTER, Span.YEAR)] == [14400, 4800, 1200]


def test_a_part_of_a_unit_is_charged_by_the_days_of_the_largest_that_fits() -> None:
    # Of the quarter from January to March 2026, 90 days, the 50 from 10 February.
    late = Term(start=date(2026, 2, 10))
    assert charge(terms(QUARTER, term=late, **prices(900, per=Span.QUARTER)), "2026-Q1") == 500
    # Paid by the month, February is cut and March is not.
    assert charge(terms(QUARTER, term=late, **prices(280)), "2026-Q1") == 190 + 280
    # A yearly price in a month is a twelfth of it, by the days of that month.
    assert charge(terms(term=late, **prices(336, per=Span.YEAR)), "2026-02") == 19
    assert charge(terms(YEAR, term=late, **prices(365, per=Span.YEAR)), "2026") == 325
    assert charge(terms(YEAR, term=Term(end=date(2028, 2, 29)), **prices(366, per=Span.YEAR)), "2028") == 60


def test_billing_months_are_the_units_of_a_monthly_price() -> None:
    contract = terms(BILLING, term=Term(start=date(2026, 6, 20)), **prices(300))
    assert charge(contract, "2026-06-15") == 250
    assert charge(contract, "2026-07-15") == 300
    # July has 14 days of the billing month from 15 June and 17 of the 31 of the next one.
    assert charge(contract, "2026-07") == Fraction(300 * 14, 30) + Fraction(300 * 17, 31)
    assert charge(terms(BILLING, **prices(1200, per=Span.YEAR)), "2026-06-15") == 100


def test_contract_years_are_the_units_of_a_yearly_price() -> None:
    for first in (date(2026, 2, 15), date(2024, 2, 29), date(2025, 1, 31)):
        for per, amount in ((Span.YEAR, 1200), (Span.QUARTER, 300), (Span.MONTH, 100)):
            contract = terms(CONTRACT_YEAR, term=Term(start=first), **prices(amount, per=per))
            year = periods.current(contract, utc("2027-06-01"))
            assert periods.charge(contract, year.start, year.end) == 1200
    short = terms(
        CONTRACT_YEAR, term=Term(start=date(2026, 4, 16), end=date(2026, 4, 25)), **prices(365, per=Span.YEAR)
    )
    assert charge(short, "2026-04-16") == 10


def test_a_rolling_period_is_charged_by_the_days_of_its_months() -> None:
    contract = terms(ROLLING, **prices(930))
    assert charge(contract, "2026-07-10") == Fraction(930 * 21, 30) + 270
    assert charge(contract, "2026-02-01 + 7d") == Fraction(930, 4)


def test_a_day_cut_in_two_belongs_to_the_part_it_begins_in() -> None:
    contract = terms(**prices(300))
    assert charge(contract, "2026-06-10 00:00 to 2026-06-10 02:00") == 10
    assert charge(contract, "2026-06-10 02:00 to 2026-06-11 00:00") == 0
    assert charge(contract, "2026-06-09 02:00 to 2026-06-11 01:00") == 20


def test_by_the_second_the_elapsed_time_is_charged() -> None:
    # March 2026 has 743 hours in New York; the last 17 days are 408 of them.
    contract = terms(
        timezone="America/New_York", term=Term(start=date(2026, 3, 15)), prorate=Prorate.SECOND, **prices(743)
    )
    assert charge(contract, "2026-03") == 408
    assert charge(contract, "2026-04") == 743
    assert periods.charge(contract, utc("2026-04-10 00:00"), utc("2026-04-10 12:00")) == Fraction(743, 60)
    assert charge(terms(prorate=Prorate.SECOND, **prices(1200, per=Span.YEAR)), "2026-02") == 100


def test_without_prorating_a_unit_of_which_a_part_is_in_the_term_is_charged_whole() -> None:
    def found(name: str, rule: PeriodRule = MONTH, per: Span = Span.MONTH) -> Fraction | None:
        last = Term(start=date(2026, 4, 30), end=date(2026, 7, 1))
        return charge(terms(rule, term=last, prorate=Prorate.NONE, **prices(1200, per=per)), name)

    assert [found(f"2026-0{n}") for n in range(3, 9)] == [0, 1200, 1200, 1200, 1200, 0]
    assert found("2026") == 4800
    assert found("2026-Q2", QUARTER, Span.QUARTER) == found("2026-Q3", QUARTER, Span.QUARTER) == 1200
    assert found("2026-05-15", BILLING) == 1200
    # A window is no unit cut short by the term: its parts of months stay parts.
    assert found("2026-06-16", ROLLING) == Fraction(1200 * 15, 31) + 600


@pytest.mark.parametrize("prorate", list(Prorate))
def test_two_prices_share_a_period_by_its_days(prorate: Prorate) -> None:
    raised = Price(amount=Fraction(1550), since=date(2026, 3, 16))
    contract = terms(timezone="America/New_York", prorate=prorate, **prices(1240, raised))
    assert charge(contract, "2026-02") == 1240
    assert charge(contract, "2026-03") == 15 * 40 + 16 * 50
    assert charge(contract, "2026-04") == 1550
    yearly = terms(prorate=prorate, **prices(310, Price(amount=Fraction(3720), per=Span.YEAR, since=date(2026, 3, 31))))
    assert charge(yearly, "2026-03") == 310
    assert charge(yearly, "2026-Q2") == 930


def test_a_price_may_change_with_the_term_and_before_it_time_is_free() -> None:
    contract = terms(
        term=Term(start=date(2026, 4, 16)),
        **prices(
            Price(amount=Fraction(3000), since=date(2026, 4, 21)), Price(amount=Fraction(6000), since=date(2026, 4, 26))
        ),
    )
    assert charge(contract, "2026-04") == 5 * 100 + 5 * 200
    both = terms(
        **prices(3000, Price(amount=Fraction(6000), since=date(2026, 4, 16))), term=Term(start=date(2026, 4, 11))
    )
    assert charge(both, "2026-04") == 5 * 100 + 15 * 200
    seconds = terms(**prices(3000, Price(amount=Fraction(6000), since=date(2026, 4, 16))), prorate=Prorate.SECOND)
    assert charge(seconds, "2026-04-15 12:00 to 2026-04-16 12:00") == 50 + 100


def test_amendments_change_the_term_and_how_parts_are_charged() -> None:
    money = prices(1200)
    longer = terms(term=Term(start=date(2026, 1, 1), end=date(2027, 3, 15)), effective=date(2027, 1, 1), **money)
    contract = terms(term=Term(start=date(2026, 1, 1), end=date(2026, 12, 31)), amendments=(longer,), **money)
    assert [charge(contract, each) for each in ("2026", "2027-01", "2027")] == [
        14400,
        1200,
        2400 + Fraction(1200 * 15, 31),
    ]
    whole = terms(term=longer.term, effective=date(2027, 2, 1), prorate=Prorate.NONE, **money)
    assert charge(terms(term=longer.term, amendments=(whole,), **money), "2027") == 3600
    yearly = prices(365, per=Span.YEAR)
    cut = terms(YEAR, amendments=(terms(YEAR, effective=date(2026, 7, 2), **yearly),), **yearly)
    assert charge(cut, "2026") == 365


@given(
    st.sampled_from(ZONES),
    st.sampled_from([*TILED, ROLLING]),
    st.sampled_from([Span.MONTH, Span.QUARTER, Span.YEAR]),
    st.sampled_from([Prorate.DAY, Prorate.SECOND]),
    st.lists(st.integers(utc("2024-03-01 12:00"), utc("2030-01-01")), min_size=3, max_size=3, unique=True),
    st.dates(date(2024, 3, 1), date(2030, 1, 1)),
)
def test_charges_of_parts_add_up(
    zone: str, rule: PeriodRule, per: Span, prorate: Prorate, cuts: list[int], since: date
) -> None:
    a, b, c = sorted(cuts)
    changed = prices(1200, Price(amount=Fraction(700), per=Span.MONTH, since=since), per=per)
    contract = terms(rule, zone, term=TERM, prorate=prorate, **changed)
    parts = [periods.charge(contract, *part) for part in ((a, b), (b, c))]
    # Every cut lies within a month, or the units of a part could be larger ones.
    if all(calendar.midnight(calendar.day(cut, zone), zone) != cut for cut in (a, b, c)):
        assert sum(part for part in parts if part is not None) == periods.charge(contract, a, c)


# --- edges --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "example"),
    [
        (MONTH, ""),
        (BILLING, ", the first day of a billing month"),
        (CONTRACT_YEAR, ", the first day of a contract year"),
        (ROLLING, ", the instant a period ends, such as 2026-06-15 00:00"),
    ],
    ids=lambda value: "",
)
def test_what_could_be_a_name_is_said_by_the_kind_of_the_own_periods(rule: PeriodRule, example: str) -> None:
    message = f"'June' is not a period of test; write 2026-06, 2026-Q2, 2026{example}, or a span such as 2026-06-10 02:00 + 3h"
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        periods.period(terms(rule, term=TERM), "June")


def test_a_period_of_one_nanosecond_is_judged_by_the_terms_in_force_in_it() -> None:
    """The terms begin to roll where it begins; every period that ends by then is one of the month."""
    contract = terms(amendments=(terms(ROLLING, effective=date(2026, 7, 1)),))
    begins = utc("2026-07-01")
    assert periods.period(contract, "2026-07-01 00:00:00.000000001") == Period(
        name="2026-07-01 00:00:00.000000001Z", start=begins + 1 - 720 * HOUR, end=begins + 1
    )
    late = Period(name="", start=begins + 1 - 720 * HOUR, end=begins + 1)
    assert periods.own(contract, late)
    written = "2026-06-01 00:00:00.000000001 to 2026-07-01 00:00:00.000000001"
    assert periods.period(contract, written).name == "2026-07-01 00:00:00.000000001Z"


def test_the_period_before_a_change_is_the_last_of_the_old_terms() -> None:
    contract = terms(BILLING, amendments=(terms(MONTH, effective=date(2026, 7, 1)),))
    assert periods.previous(contract, utc("2026-07-10")).name == "2026-06-15"
    rolls = terms(ROLLING, amendments=(terms(MONTH, effective=date(2026, 7, 1)),))
    assert periods.previous(rolls, utc("2026-06-10 12:00")).name == "2026-06-10 00:00Z"


def test_three_ends_are_no_periods() -> None:
    with pytest.raises(UsageError, match="not a period of test"):
        periods.several(terms(), "2026-01 to 2026-02 to 2026-03")


def test_half_a_contract_year_is_charged_by_its_months() -> None:
    """Each of 12 months since the first day is a twelfth, however many days it has."""
    contract = terms(
        CONTRACT_YEAR,
        term=Term(start=date(2026, 1, 16)),
        prices=(Price(since=None, amount=Fraction(1200), per=Span.YEAR),),
    )
    assert periods.charge(contract, utc("2026-01-16"), utc("2026-02-16")) == 100
    assert periods.charge(contract, utc("2026-02-16"), utc("2026-03-16")) == 100
    assert periods.charge(contract, utc("2026-02-16"), utc("2026-02-17")) == Fraction(100, 28)


def test_a_price_without_a_first_day_holds_from_the_first_nanosecond() -> None:
    contract = terms(
        prices=(Price(since=None, amount=Fraction(31), per=Span.MONTH),),
        prorate=Prorate.SECOND,
    )
    assert periods.charge(contract, 0, 1) == Fraction(1, DAY)


def test_a_unit_that_begins_where_the_term_ends_is_free_also_without_prorating() -> None:
    contract = terms(
        term=Term(start=date(2026, 1, 1), end=date(2026, 6, 30)),
        prices=(Price(since=None, amount=Fraction(100), per=Span.MONTH),),
        prorate=Prorate.NONE,
    )
    assert periods.charge(contract, utc("2026-05-01"), utc("2026-08-01")) == 200


def test_a_billing_year_is_charged_by_billing_months() -> None:
    contract = terms(
        BILLING,
        term=Term(start=date(2026, 2, 20)),
        prices=(Price(since=None, amount=Fraction(1200), per=Span.YEAR),),
    )
    assert periods.charge(contract, utc("2026-01-15"), utc("2027-01-15")) == 1000 + Fraction(2300, 28)
