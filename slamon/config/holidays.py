"""The holidays of a contract: dates, calendar files (RFC 5545), and the public holidays of a country or region."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import Any

from slamon.config.edge import Report
from slamon.config.grammar import civil_date
from slamon.config.nodes import Sequence as Nodes
from slamon.config.reader import suggestion
from slamon.sla.terms import Term

YEARS = range(2015, 2041)
"""Of a contract without an end: no published list of holidays is sure of later years."""
REPEATS = 10_000
"""Days of one repeating event; a daily one of 26 years has fewer."""

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
    """The civil days of a calendar's events in those years, repeated ones each time. Raises ValueError (`reason; fix`)."""
    from icalendar import Calendar  # noqa: PLC0415  takes long, and few contracts need it

    try:
        components = Calendar.from_ical(path.read_bytes(), multiple=True)
    except OSError as error:
        raise ValueError(
            f"the file cannot be read: {error.strerror}; paths start at the folder of this file"
        ) from error
    except ValueError as error:
        raise ValueError("not a calendar (RFC 5545); export it again as .ics") from error
    found: set[date] = set()
    for component in components:
        for event in component.walk("VEVENT"):
            found |= _days(event, years)
    return found


def _days(event: Any, years: range) -> set[date]:
    """The days from DTSTART up to DTEND (exclusive; one day without it), and their repetitions by RRULE without EXDATE."""
    try:
        first = _day(event.decoded("DTSTART"))
        after = _day(event.decoded("DTEND")) if "DTEND" in event else first + timedelta(days=1)
    except (KeyError, ValueError, TypeError) as error:
        raise ValueError("an event without the day it is on; give it a DTSTART") from error
    length = max(1, min((after - first).days, 366))
    starts = _repeated(event, first, years) if "RRULE" in event else [first]
    return {
        start + timedelta(days=at)
        for start in starts
        for at in range(length)
        if (start + timedelta(days=at)).year in years
    }


def _repeated(event: Any, first: date, years: range) -> list[date]:
    from dateutil.rrule import rrulestr  # noqa: PLC0415

    rule = event["RRULE"].to_ical().decode()
    begin = datetime(first.year, first.month, first.day)  # noqa: DTZ001  civil days, of no zone
    try:
        repeats = rrulestr(re.sub(r"(UNTIL=\d{8})T\d{6}Z?", r"\1", rule), dtstart=begin)
    except ValueError as error:
        raise ValueError(f"an event repeats by a rule that is none: {rule}; see RRULE in RFC 5545") from error
    days = (moment.date() for moment in repeats.xafter(begin, count=REPEATS, inc=True))
    left_out = {_day(each.dt) for entry in _listed(event.get("EXDATE")) for each in entry.dts}
    return [day for day in takewhile(lambda day: day.year < years.stop, days) if day not in left_out]


def _day(value: object) -> date:
    """An event with a time of day is on the day its own clock shows. Raises TypeError for what was no date."""
    if not isinstance(value, date):
        raise TypeError
    return value.date() if isinstance(value, datetime) else value


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
