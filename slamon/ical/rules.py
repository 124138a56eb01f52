"""A rule of repetition (RRULE of RFC 5545) on a wall clock → when it occurs: for declared exclusions, calendar files and holidays."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import chain
from typing import NamedTuple

from slamon.sla.calendar import EPOCH, YEARS

MOST = 1000
"""Occurrences of one rule of exclusions: weekly for 19 years. More is a mistake, or a contract's `service_hours`."""

_FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
"""Nobody maintains a line hourly, and no holiday is shorter than a day; only of these a rule that never occurs is found out soon."""
_LIMITS: Mapping[str, range] = {
    "BYSETPOS": range(1, 367),
    "BYMONTH": range(1, 13),
    "BYMONTHDAY": range(1, 32),
    "BYYEARDAY": range(1, 367),
    "BYWEEKNO": range(1, 54),
    "BYHOUR": range(24),
    "BYMINUTE": range(60),
    "BYSECOND": range(60),
}
_FROM_THE_END = frozenset({"BYSETPOS", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO"})
"""Lists of numbers that may be negative."""
_PARTS = ("FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", *_LIMITS)
_POSITIVE = re.compile(r"[1-9]\d{0,5}")
_NUMBER = re.compile(r"[+-]?\d{1,3}")
_WEEKDAY = re.compile(r"(?:[+-]?(\d{1,2}))?(?:MO|TU|WE|TH|FR|SA|SU)")
_UNTIL = re.compile(r"(\d{8})(?:T(\d{6})(Z?))?")
_DAY = timedelta(days=1)

_LATER = 7600
"""Years, 19 times the 400 after which the calendar repeats, its weekdays too: dateutil looks for an occurrence up to the year 9999,
and for one that never comes that takes seconds. So much later it looks a few hundred years ahead."""


class Rule(NamedTuple):
    """What a text says, its bound apart from when it would occur."""

    repeats: str
    times: int | None
    until: date | datetime | None
    """The last day, or the last instant: with UTC, or by the wall clock the rule is read on."""


def read(text: str) -> Rule:
    """`FREQ=WEEKLY;BYDAY=SU;COUNT=12`, also with `RRULE:` in front. Raises ValueError (`reason; fix`)."""
    pairs = [part.partition("=") for part in text.strip().upper().removeprefix("RRULE:").split(";")]
    parts = {key: value for key, _, value in pairs}
    if len(parts) < len(pairs) or not all(value for _, _, value in pairs):
        raise ValueError("not a rule of repetition; write for example FREQ=WEEKLY;BYDAY=SU;COUNT=12")
    if unknown := [key for key in parts if key not in _PARTS]:
        raise ValueError(f"{unknown[0]} is no part of a rule; write {', '.join(_PARTS)}")
    if parts.get("FREQ") not in _FREQUENCIES:
        raise ValueError(f"it does not say how often; write FREQ={' or FREQ='.join(_FREQUENCIES)}")
    if not _POSITIVE.fullmatch(parts.get("INTERVAL", "1")):
        raise ValueError("INTERVAL is no number above 0; write for example INTERVAL=2")
    if "COUNT" in parts and "UNTIL" in parts:
        raise ValueError("it has two bounds; write COUNT or UNTIL")
    _check_lists(parts)
    count, until = parts.pop("COUNT", None), parts.pop("UNTIL", None)
    if count is not None and not _POSITIVE.fullmatch(count):
        raise ValueError("COUNT is no number above 0; write for example COUNT=12")
    repeats = ";".join(f"{key}={value}" for key, value in parts.items())
    return Rule(repeats, None if count is None else int(count), None if until is None else _until(until))


def within(rule: Rule, first: datetime, zone: tzinfo) -> Iterator[datetime]:
    """When it occurs within its own bounds, from `first` on and up to the last of `calendar.YEARS`, on the wall clock (naive) of `zone`.

    It need not occur at `first`. Raises ValueError (`reason; fix`) when it never occurs.
    """
    found = False
    for number, wall in enumerate(_walls(rule.repeats, first)):
        if number == rule.times or not _through(wall - _DAY, rule.until, zone):
            break  # a day later no clock that is put back shows what lies within the bound
        if _through(wall, rule.until, zone):
            found = True
            yield wall
    if not found:
        raise ValueError("it never occurs; mend its parts or its end")


def occurrences(rule: Rule, first: datetime, zone: tzinfo, *, before: int | None = None) -> list[datetime]:
    """When it occurs, on the wall clock (naive) that also shows `first`; those that begin before the instant `before`.

    Raises ValueError (`reason; fix`): for a rule of no end and no `before`, one that occurs more than `MOST` times, one that
    `first` does not fit (RFC 5545 gives that no meaning), and one that never occurs.
    """
    if rule.times is None and rule.until is None and before is None:
        raise ValueError("it has no end; add COUNT=12, or UNTIL=20271231, for example")
    walls = within(rule, first, zone)
    begins = next(walls)
    if begins != first:
        raise ValueError(
            f"it does not occur at {first:%Y-%m-%d %H:%M}, where it begins; begin at {begins:%Y-%m-%d %H:%M}"
        )
    found: list[datetime] = []
    for wall in chain((begins,), walls):
        if before is None or instant_at(wall, zone) < before:
            if len(found) == MOST:
                raise ValueError(f"it occurs more than {MOST} times; end it sooner, by COUNT or UNTIL")
            found.append(wall)
        elif instant_at(wall - _DAY, zone) >= before:
            break  # as in `within`
    return found


def instant_at(wall: datetime, zone: tzinfo) -> int:
    """The instant at which clocks show the naive `wall` (RFC 5545, 3.3.5): the first of two; one never shown by the offset before."""
    moment = wall.replace(tzinfo=zone, fold=0)
    if moment.astimezone(UTC).astimezone(zone).replace(tzinfo=None, fold=0) != wall:
        offset = (wall - _DAY).replace(tzinfo=zone).utcoffset() or timedelta()
        moment = (wall - offset).replace(tzinfo=UTC)
    return (moment - EPOCH) // timedelta(microseconds=1) * 1000


def _check_lists(parts: Mapping[str, str]) -> None:
    """Raises ValueError for what dateutil would take for never, or trip over."""
    for key, limits in _LIMITS.items():
        for text in parts[key].split(",") if key in parts else ():
            number = int(text) if _NUMBER.fullmatch(text) else None
            if number not in limits and not (number is not None and key in _FROM_THE_END and -number in limits):
                signed = f", or {-limits[-1]} to {-limits[0]}" if key in _FROM_THE_END else ""
                raise ValueError(f"{key} cannot be {text}; write {limits[0]} to {limits[-1]}{signed}")
    most = {"MONTHLY": 5, "YEARLY": 5 if "BYMONTH" in parts else 53}.get(parts["FREQ"], 0)
    for text in parts["BYDAY"].split(",") if "BYDAY" in parts else ():
        match = _WEEKDAY.fullmatch(text)
        if match is None or (match[1] is not None and not 1 <= int(match[1]) <= most):
            example = ", or -1MO for the last" if most else ", and no number with this FREQ"
            raise ValueError(f"BYDAY cannot be {text}; write for example MO{example}")
    if parts.get("WKST", "MO") not in {"MO", "TU", "WE", "TH", "FR", "SA", "SU"}:
        raise ValueError(f"WKST cannot be {parts['WKST']}; write for example WKST=MO")


def _until(text: str) -> date | datetime:
    match = _UNTIL.fullmatch(text)
    at = None
    if match:
        with suppress(ValueError):  # of a day that does not exist, such as 20260230
            at = datetime.strptime(match[1] + (match[2] or "000000"), "%Y%m%d%H%M%S")  # noqa: DTZ007  that of the rule, or follows
    if match is None or at is None:
        raise ValueError("UNTIL is no day and no instant; write for example UNTIL=20271231")
    if match[2] is None:
        return at.date()
    return at.replace(tzinfo=UTC) if match[3] else at


def _walls(repeats: str, first: datetime) -> Iterator[datetime]:
    from dateutil.rrule import rrulestr  # noqa: PLC0415  takes long, and few commands need it

    rule = rrulestr(repeats, dtstart=first.replace(year=first.year + _LATER))
    with suppress(ValueError):  # in the week in which the calendar of dateutil ends
        for wall in rule:
            year = wall.year - _LATER
            if year >= YEARS.stop:
                return
            yield wall.replace(year=year)


def _through(wall: datetime, until: date | datetime | None, zone: tzinfo) -> bool:
    """Whether the rule has not ended before that."""
    if until is None:
        return True
    if not isinstance(until, datetime):
        return wall.date() <= until
    if until.tzinfo is None:
        return wall <= until
    return instant_at(wall, zone) <= (until - EPOCH) // timedelta(microseconds=1) * 1000
