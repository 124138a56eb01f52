"""A rule of repetition (RRULE of RFC 5545) on a wall clock → when it occurs: for `slamon exclude add --repeat` and calendar files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import NamedTuple

from slamon.errors import UsageError
from slamon.model import S
from slamon.sla import calendar
from slamon.sla.calendar import EPOCH, YEARS

MOST = 1000
"""Occurrences of one rule: weekly for 19 years. More is a mistake, or a contract's `service_hours`."""

_FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
"""Nobody maintains a line hourly; and a rule that never occurs is found out in seconds only for these."""
_BY = ("BYSETPOS", "BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYDAY", "BYHOUR", "BYMINUTE", "BYSECOND")
_PARTS = ("FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", *_BY)
_POSITIVE = re.compile(r"[1-9]\d{0,5}")
_UNTIL = re.compile(r"(\d{8})(?:T(\d{6})(Z?))?")
_DAY = timedelta(days=1)


class Rule(NamedTuple):
    """What a text says, its bound apart from when it would occur."""

    repeats: str
    times: int | None
    until: date | datetime | None
    """The last day, or the last instant: with UTC, or by the wall clock the rule is read on."""


def spans(text: str, first: int, last: int, timezone: str, *, by_clock: bool) -> list[tuple[int, int]]:
    """Every occurrence of the rule `text` on the clock of `timezone`, the first of them `[first, last)`.

    `by_clock`: each ends at the same reading of the clock; else each takes the same time. Raises UsageError.
    """
    if first % S or last % S:
        raise UsageError("--repeat: a series begins and ends on whole seconds; leave out the fractions")
    zone = calendar.zone(timezone)
    wall, until = (calendar.civil(each, timezone).replace(tzinfo=None, fold=0) for each in (first, last))
    found = [(first, last)]
    try:
        for each in occurrences(read(text), wall, zone)[1:]:
            start = instant_at(each, zone)
            end = instant_at(each + (until - wall), zone) if by_clock else start + last - first
            if end <= start:  # the clocks went over it
                end = start + (until - wall) // timedelta(seconds=1) * S
            found.append((calendar.checked(start), calendar.checked(end)))
    except ValueError as error:
        raise UsageError(f"--repeat: {error} (got {text!r})") from error
    return found


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
    count, until = parts.pop("COUNT", None), parts.pop("UNTIL", None)
    if count is not None and not _POSITIVE.fullmatch(count):
        raise ValueError("COUNT is no number above 0; write for example COUNT=12")
    repeats = ";".join(f"{key}={value}" for key, value in parts.items())
    return Rule(repeats, None if count is None else int(count), None if until is None else _until(until))


def occurrences(rule: Rule, first: datetime, zone: tzinfo, *, before: int | None = None) -> list[datetime]:
    """When it occurs, on the wall clock (naive) that also shows `first`; those that begin before the instant `before`.

    Raises ValueError (`reason; fix`): for a rule of no end and no `before`, one that occurs more than `MOST` times, one that
    `first` does not fit (RFC 5545 gives that no meaning), and one that cannot be read.
    """
    if rule.times is None and rule.until is None and before is None:
        raise ValueError("it has no end; add COUNT=12, or UNTIL=20271231, for example")
    found: list[datetime] = []
    for number, wall in enumerate(_walls(rule.repeats, first)):
        if number == 0 and wall != first:
            raise ValueError(
                f"it does not occur at {first:%Y-%m-%d %H:%M}, where it begins; begin at {wall:%Y-%m-%d %H:%M}"
            )
        if number == rule.times or _past(rule, wall, zone, before):
            break
        if len(found) == MOST:
            raise ValueError(f"it occurs more than {MOST} times; end it sooner, by COUNT or UNTIL")
        if rule.until is None or _through(wall, rule.until, zone):
            found.append(wall)
    if not found:
        raise ValueError("it never occurs; mend its parts or its end")
    return [wall for wall in found if before is None or instant_at(wall, zone) < before]


def instant_at(wall: datetime, zone: tzinfo) -> int:
    """The instant at which clocks show the naive `wall` (RFC 5545, 3.3.5): the first of two; one never shown by the offset before."""
    moment = wall.replace(tzinfo=zone, fold=0)
    if moment.astimezone(UTC).astimezone(zone).replace(tzinfo=None, fold=0) != wall:
        offset = (wall - _DAY).replace(tzinfo=zone).utcoffset() or timedelta()
        moment = (wall - offset).replace(tzinfo=UTC)
    return (moment - EPOCH) // timedelta(microseconds=1) * 1000


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

    try:
        rule = rrulestr(repeats, dtstart=first)
    except ValueError as error:
        raise ValueError(f"not a rule of repetition ({error}); see RRULE in RFC 5545") from error
    yield from (wall for wall in rule if wall.year in YEARS)


def _past(rule: Rule, wall: datetime, zone: tzinfo, before: int | None) -> bool:
    """Whether nothing from here on can lie within the bounds: a day later no clock that is put back shows what they do."""
    earlier = wall - _DAY
    return (before is not None and instant_at(earlier, zone) >= before) or (
        rule.until is not None and not _through(earlier, rule.until, zone)
    )


def _through(wall: datetime, until: date | datetime, zone: tzinfo) -> bool:
    if not isinstance(until, datetime):
        return wall.date() <= until
    if until.tzinfo is None:
        return wall <= until
    return instant_at(wall, zone) <= (until - EPOCH) // timedelta(microseconds=1) * 1000
