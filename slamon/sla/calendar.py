"""Civil time: days and wall clocks of a zone as UTC instants. The one home of time zones; the rules are those of the tzdata package."""

from __future__ import annotations

import re
import zoneinfo
from bisect import bisect_left
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

import tzdata  # type: ignore[import-untyped]

from slamon.errors import UsageError
from slamon.model import S
from slamon.units import duration

# Never the system's files: the same facts must give the same statement on every host.
zoneinfo.reset_tzpath(())

TZDATA: str = tzdata.IANA_VERSION
"""Version of the zone rules, for example `2026a`; part of every statement."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
YEARS = range(1970, 2262)
"""Years an instant and a period may lie in: nanoseconds since 1970 in the 64 bits of a stored integer end in April 2262."""

END = (datetime(YEARS.stop, 1, 1, tzinfo=UTC) - EPOCH) // timedelta(seconds=1) * S
"""The first instant after them, in UTC."""

_OUTSIDE = f"outside the years {YEARS.start} to {YEARS.stop - 1}; write an instant in them"

FOREVER = (datetime(9999, 12, 31, tzinfo=UTC) - EPOCH) // timedelta(seconds=1) * S
"""Later than the end of any period, nanoseconds: where what has no end is said to end."""

_CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?"
_TIME = re.compile(_CLOCK)
_INSTANT = re.compile(rf"(\d{{4}}-\d{{2}}-\d{{2}})(?:[ T]({_CLOCK})(Z|[+-]\d{{2}}:\d{{2}})?)?")
_READABLE = timedelta(minutes=1)
"""Offsets are written in whole minutes; the few older ones that are not cannot be written."""


def zone(name: str) -> zoneinfo.ZoneInfo:
    """Raises UsageError for a name the tzdata package does not have."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
        raise UsageError(f"{name!r} is not a time zone of the tz database") from error


def civil(instant: int, timezone: str) -> datetime:
    """Wall clock of the zone at an instant, to the microsecond (rounded down)."""
    return (EPOCH + timedelta(microseconds=instant // 1000)).astimezone(zone(timezone))


def instants(wall: datetime, timezone: str) -> tuple[int, ...]:
    """The instants at which the zone's clocks show the naive `wall`: one, none (clocks go forward) or two (back), ascending."""
    at = zone(timezone)
    found = {_utc(wall.replace(tzinfo=at, fold=fold)) for fold in (0, 1)}
    return tuple(sorted(instant for instant in found if civil(instant, timezone).replace(tzinfo=None) == wall))


def instant(text: str, timezone: str) -> int:
    """`2026-11-01 01:30[:00[.5]][Z|-04:00]` → nanoseconds; without an offset it is the wall clock of the zone, without a time midnight.

    A `T` may stand for the space (ISO 8601). Raises ValueError (`reason; fix`), also for a wall time that occurs twice or never.
    """
    match = _INSTANT.fullmatch(text)
    moment = None
    clock, _, fraction = ((match and match[2]) or "00:00").partition(".")
    if match:
        offset = match[3] or ""
        with suppress(ValueError):  # of a date or an offset that does not exist, such as 2026-02-30
            moment = datetime.fromisoformat(f"{match[1]} {clock}{offset}")
    if match is None or moment is None:
        raise ValueError("not an instant; write for example 2026-06-10 02:00, or 2026-06-10 02:00Z")
    if moment.year not in YEARS:
        raise ValueError(_OUTSIDE)
    if match[3]:
        found = _utc(moment)
    elif match[2] is None:
        found = midnight(moment.date(), timezone)
    else:
        found = _shown(moment, timezone)
    return checked(found + int(fraction.ljust(9, "0")))


def checked(instant: int) -> int:
    """The instant itself. Raises ValueError (`reason; fix`) when it lies outside `YEARS`."""
    if not 0 <= instant < END:
        raise ValueError(_OUTSIDE)
    return instant


def _shown(moment: datetime, timezone: str) -> int:
    """The one instant at which the zone's clocks show a time."""
    found = instants(moment, timezone)
    if not found:
        raise ValueError(
            f"the clocks of {timezone} never show this time; they go forward there, write an earlier or later one"
        )
    if len(found) == 2:
        readings = " or ".join(written(each, timezone) for each in found)
        raise ValueError(f"the clocks of {timezone} show this time twice; write {readings}")
    return found[0]


def written(instant: int, timezone: str) -> str:
    """An instant as `instant` reads it back, on the zone's clock with its offset: `2026-11-01 01:30-04:00`, `2026-06-10 02:00Z`."""
    local = civil(instant, timezone)
    offset = local.utcoffset()
    if not offset or offset % _READABLE:
        local, offset = civil(instant, "UTC"), None
    fraction = f"{instant % S:09}".rstrip("0")
    clock = (
        f"{local:%H:%M}" + (f":{local:%S}" if local.second or fraction else "") + (f".{fraction}" if fraction else "")
    )
    return f"{local:%Y-%m-%d} {clock}{local.isoformat()[-6:] if offset else 'Z'}"


def span(text: str, timezone: str) -> tuple[int, int]:
    """`INSTANT to INSTANT`, `INSTANT to HH:MM[:SS]` (same civil day) or `INSTANT + DURATION` → `[start, end)`.

    Raises ValueError (`reason; fix`).
    """
    first, to, last = text.partition(" to ")
    begin, plus, length = text.partition(" + ")
    if to:
        start = instant(first, timezone)
        end = instant(f"{civil(start, timezone):%Y-%m-%d} {last}" if _TIME.fullmatch(last) else last, timezone)
    elif plus:
        start = instant(begin, timezone)
        end = checked(start + duration(length))
    else:
        raise ValueError("not a span of time; write for example 2026-06-10 02:00 to 05:00, or 2026-06-10 02:00 + 3h")
    if end <= start:
        raise ValueError("the span ends before it begins, or at once; exchange its ends or write its length")
    return start, end


@lru_cache(maxsize=4096)
def midnight(day: date, timezone: str) -> int:
    """The first instant of a civil day."""
    return at(day, 0, timezone)


def at(day: date, second: int, timezone: str, *, last: bool = False) -> int:
    """The instant of a civil day at which the zone's clocks show `second` s past midnight; 86 400 is the midnight that ends the day.

    Of a reading that occurs twice the first one, or the `last`; for one that never occurs, the jump of the clocks over it.
    """
    if second == 86_400:
        return midnight(day + timedelta(days=1), timezone)
    wall = datetime(day.year, day.month, day.day) + timedelta(seconds=second)  # noqa: DTZ001  the wall clock of `timezone`
    found = instants(wall, timezone)
    if found:
        return found[-1 if last else 0]
    # PEP 495: in a gap fold 1 reads with the offset after the jump (an instant before it) and fold 0 with the one before (after it).
    before, after = (_utc(wall.replace(tzinfo=zone(timezone), fold=fold)) // S for fold in (1, 0))
    seconds = range(before, after)
    return (before + bisect_left(seconds, wall, key=lambda n: civil(n * S, timezone).replace(tzinfo=None))) * S


def day(instant: int, timezone: str) -> date:
    """The civil day an instant belongs to: the last one to have begun, even where clocks then go back across its midnight."""
    shown = civil(instant, timezone).date()
    return next(each for each in (shown + timedelta(days=1), shown) if midnight(each, timezone) <= instant)


def days(start: int, end: int, timezone: str) -> int:
    """How many civil days begin in `[start, end)`."""
    return (_first(end, timezone) - _first(start, timezone)).days


def _first(instant: int, timezone: str) -> date:
    """The first civil day that begins at an instant or after it."""
    found = day(instant, timezone)
    return found if midnight(found, timezone) == instant else found + timedelta(days=1)


def _utc(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1) * 1000
