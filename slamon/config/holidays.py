"""The holidays of a contract: dates, calendar files (RFC 5545), and the public holidays of a country or region."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache
from pathlib import Path
from typing import Any

from slamon.config.edge import Report
from slamon.config.grammar import civil_date
from slamon.config.nodes import Sequence as Nodes
from slamon.config.reader import suggestion
from slamon.ical import rules
from slamon.ical.parsed import components
from slamon.sla import calendar
from slamon.sla.terms import Term

YEARS = range(2015, 2041)
"""Of a contract without an end: no published list of holidays is sure of later years."""
FIRST = 1583
"""The first whole year of the calendar that rules of repetition are read by."""
MOST = 250_000
"""How often one event may begin; a daily one does so less often in all years there are."""
_ONCE = ("DTSTART", "DTEND", "DURATION", "RRULE", "RECURRENCE-ID", "STATUS")
_MOMENTS = ("DTSTART", "DTEND", "RECURRENCE-ID", "RDATE", "EXDATE")

_CODE = re.compile(r"([A-Z]{2,3})(?:-([A-Za-z0-9 ]{1,30}))?")


def holidays(written: Sequence[str] | None, report: Report, folder: Path | None, term: Term) -> frozenset[date]:
    """Every holiday the key names, in the years of the term. `folder`: where relative paths start; None = here."""
    found: set[date] = set()
    years = _years(term)
    several = isinstance(report.below("holidays").node, Nodes) if written is not None else False
    for at, text in enumerate(written or ()):
        where = ("holidays", at) if several else ("holidays",)
        try:
            found |= _holidays(text, folder, years)
        except ValueError as error:
            reason, _, fix = str(error).partition("; ")
            report.say(where, reason, fix=fix or None)
    return frozenset(found)


def _years(term: Term) -> range:
    first = YEARS.start if term.start is None else term.start.year
    last = max(first, YEARS.stop - 1) if term.end is None else term.end.year
    return range(first, last + 1)


def _holidays(text: str, folder: Path | None, years: range) -> set[date]:
    if text.endswith(".ics"):
        return calendar_file((folder or Path()) / text, years)
    if match := _CODE.fullmatch(text):
        return set(_public(match[1], match[2], years))
    try:
        return {civil_date(text)}
    except ValueError as error:
        raise ValueError(
            "neither a date, a calendar file nor a country; write for example 2026-12-25, holidays.ics or US-NY"
        ) from error


@cache
def _public(country: str, region: str | None, years: range) -> frozenset[date]:
    from holidays import country_holidays, list_supported_countries  # noqa: PLC0415  takes long, and few contracts need it

    countries = list_supported_countries(include_aliases=True)
    if country not in countries:
        raise ValueError(
            f"no country whose holidays are known; {suggestion(country, countries) or 'write for example US-NY'}"
        )
    try:
        return frozenset(country_holidays(country, subdiv=region, years=years))
    except NotImplementedError as error:
        regions = sorted(countries[country])
        hint = suggestion(f"{region}", regions) or f"write for example {country}" + (
            f"-{regions[0]}" if regions else ""
        )
        raise ValueError(f"no region of {country} whose holidays are known; {hint}") from error


def calendar_file(path: Path, years: range) -> set[date]:
    """The civil days of a calendar's events in those years, repeated ones each time, but for what was cancelled or moved elsewhere.

    Raises ValueError (`reason; fix`).
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(
            f"the file cannot be read: {error.strerror}; paths start at the folder of this file"
        ) from error
    events = [event for component in components(data) for event in component.walk("VEVENT")]
    for event in events:
        _check(event)
    moved: dict[str, list[Any]] = {}
    for event in events:
        if "RECURRENCE-ID" in event:
            moved.setdefault(str(event.get("UID")), []).append(event["RECURRENCE-ID"])
    held = (event for event in events if str(event.get("STATUS", "")).upper() != "CANCELLED")
    return {
        day
        for event in held
        for day in _days(event, years, [] if "RECURRENCE-ID" in event else moved.get(str(event.get("UID")), []))
    }


def _days(event: Any, years: range, moved: Sequence[Any]) -> set[date]:
    """The days of each time it takes place (RFC 5545, 3.8.5): by DTSTART, RRULE and RDATE, without EXDATE and those that were `moved`."""
    begins = event["DTSTART"].dt
    zone = begins.tzinfo if isinstance(begins, datetime) else None
    first = _day(begins, zone)
    repeats = "RRULE" in event and first.year < calendar.YEARS.stop
    starts = _repeated(event, begins, zone, years) if repeats else {first}
    starts |= {_day(each.dt, zone) for each in _moments(event, "RDATE")}
    starts -= {_day(each.dt, zone) for each in (*_moments(event, "EXDATE"), *moved)}
    length = _length(event, begins, zone)
    days = {
        start + timedelta(days=at)
        for start in starts
        if years.start <= start.year + 1 <= years.stop  # none is longer than a year
        for at in range(length)
    }
    return {day for day in days if day.year in years}


def _length(event: Any, begins: date, zone: tzinfo | None) -> int:
    """Days of each, up to DTEND (exclusive) or for DURATION; one without either, and a year at most."""
    after = begins
    with suppress(OverflowError):  # at the end of the year 9999
        if "DURATION" in event:
            after = begins + event["DURATION"].dt
        elif "DTEND" in event:
            after = event["DTEND"].dt
    return max(1, min((_day(after, zone) - _day(begins, zone)).days, 366))


def _check(event: Any) -> None:
    """Raises ValueError for an event whose days cannot be told."""
    twice = [name for name in _ONCE if isinstance(event.get(name), list)]
    if twice:
        raise ValueError(f"an event has two {twice[0]}; leave one")
    for name, message in event.errors:
        if name in {*_ONCE, *_MOMENTS}:
            raise ValueError(f"the {name} of an event cannot be read ({message}); see {name} in RFC 5545")
    if "DTEND" in event and "DURATION" in event:
        raise ValueError("an event has two ends; leave DTEND or DURATION")
    if "DTSTART" not in event:
        raise ValueError("an event without the day it is on; give it a DTSTART")
    for name in _MOMENTS:
        if not all(isinstance(getattr(each, "dt", None), date) for each in _moments(event, name)):
            raise ValueError(f"the {name} of an event is neither a day nor a time; see {name} in RFC 5545")
    if "RECURRENCE-ID" in event and "RANGE" in event["RECURRENCE-ID"].params:
        raise ValueError("a change of all that follow cannot be read; end the event and begin another")


def _repeated(event: Any, begins: date, zone: tzinfo | None, years: range) -> set[date]:
    """The days it begins on, up to the last of the years."""
    text = event["RRULE"].to_ical().decode()
    try:
        return set(_begun(text, begins, zone, years))
    except ValueError as error:
        raise ValueError(f"the event of {_day(begins, zone)} repeats by {text}: {error}") from error


def _begun(text: str, begins: date, zone: tzinfo | None, years: range) -> Iterator[date]:
    """One by one, as often as it begins. Raises ValueError (`reason; fix`)."""
    if begins.year < FIRST:
        raise ValueError(f"it begins before {FIRST}, the first whole year of this calendar; write a later DTSTART")
    rule = rules.read(text)
    if zone is None and isinstance(rule.until, datetime):  # a bound by a clock that the event does not have
        rule = rule._replace(until=rule.until.date())
    first = datetime.combine(begins, begins.time() if isinstance(begins, datetime) else time())
    for number, wall in enumerate(rules.within(rule, first, zone or UTC)):
        if wall.year >= years.stop:
            return
        if number == MOST:
            raise ValueError(f"it occurs more than {MOST} times; leave out BYHOUR, BYMINUTE and BYSECOND")
        yield wall.date()


def _day(value: date, zone: tzinfo | None) -> date:
    """An event with a time of day is on the day its own clock shows, that of `zone`."""
    if not isinstance(value, datetime):
        return value
    if zone is not None and value.tzinfo is not None:
        with suppress(OverflowError):  # at the end of the year 9999
            return value.astimezone(zone).date()
    return value.date()


def _moments(event: Any, name: str) -> list[Any]:
    """What stands there of a name of `_MOMENTS`, which may be a list, or several."""
    found = event.get(name, [])
    entries = found if isinstance(found, list) else [found]
    return [each for entry in entries for each in getattr(entry, "dts", [entry])]
