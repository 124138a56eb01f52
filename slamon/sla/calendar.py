"""Civil time: the contract's months as UTC instants. The one home of time zones; the rules are those of the tzdata package."""

from __future__ import annotations

import re
import zoneinfo
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

import tzdata  # type: ignore[import-untyped]

from slamon.errors import UsageError
from slamon.model import S
from slamon.sla.lines import Period
from slamon.sla.terms import Contract
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

_INSTANT = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2}(?::\d{2})?)(?:(?<=:\d{2}:\d{2})\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})?)?"
)
_TIME = re.compile(r"\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?")
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


def period(contract: Contract, name: str) -> Period:
    """The period of that name, `2026-10`. Raises UsageError."""
    match = _MONTH.fullmatch(name)
    if not match:
        raise UsageError(f"{name!r} is not a period of {contract.name}; write a month such as 2026-10")
    if int(match[1]) not in YEARS:
        raise UsageError(
            f"{name!r} is outside the years {YEARS.start} to {YEARS.stop - 1}; write a month such as 2026-10"
        )
    return _month(contract.timezone, int(match[1]), int(match[2]))


def current(contract: Contract, instant: int) -> Period:
    """The period `instant` lies in."""
    local = civil(instant, contract.timezone)
    found = _month(contract.timezone, local.year, local.month)
    # Where clocks go back across midnight, the last hour of a month is written twice: once inside the next month.
    return (
        found
        if instant < found.end
        else _month(contract.timezone, local.year + local.month // 12, local.month % 12 + 1)
    )


def previous(contract: Contract, instant: int) -> Period:
    """The period before the one `instant` lies in."""
    return current(contract, current(contract, instant).start - 1)


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
    return tuple(sorted(instant for instant in found if civil(instant, timezone).replace(tzinfo=None, fold=0) == wall))


def instant(text: str, timezone: str) -> int:
    """`2026-11-01 01:30[:00[.5]][Z|-04:00]` → nanoseconds; without an offset it is the wall clock of the zone, without a time midnight.

    `T` may stand for the blank (RFC 3339), and a second may have up to nine decimals. Raises ValueError (`reason; fix`), also for
    a wall time that occurs twice or never, and for an instant outside `YEARS`.
    """
    match = _INSTANT.fullmatch(text)
    moment = None
    if match:
        offset = (match[4] or "").replace("Z", "+00:00")
        with suppress(ValueError):  # of a date, a time or an offset that does not exist, such as 2026-02-30
            moment = datetime.fromisoformat(f"{match[1]} {match[2] or '00:00'}{offset}")
    if match is None or moment is None:
        raise ValueError("not an instant; write for example 2026-06-10 02:00, or 2026-06-10 02:00Z")
    if moment.year not in YEARS:
        raise ValueError(_OUTSIDE)
    if match[4]:
        found = _utc(moment)
    elif match[2] is None:
        found = midnight(moment.date(), timezone)
    else:
        found = _wall(moment, timezone)
    return checked(found + int((match[3] or "").ljust(9, "0")))


def checked(instant: int) -> int:
    """The instant itself. Raises ValueError (`reason; fix`) when it lies outside `YEARS`."""
    if not 0 <= instant < END:
        raise ValueError(_OUTSIDE)
    return instant


def _wall(moment: datetime, timezone: str) -> int:
    found = instants(moment, timezone)
    if not found:
        raise ValueError(
            f"the clocks of {timezone} never show this time; they go forward there, write an earlier or later one"
        )
    if len(found) == 2:
        readings = " or ".join(civil(each, timezone).isoformat(sep=" ", timespec="minutes") for each in found)
        raise ValueError(f"the clocks of {timezone} show this time twice; write {readings}")
    return found[0]


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


def midnight(day: date, timezone: str) -> int:
    """The first instant of a civil day."""
    wall = datetime(day.year, day.month, day.day)  # noqa: DTZ001  the wall clock of `timezone`
    found = instants(wall, timezone)
    if found:
        return found[0]
    # The clocks skip midnight: what the offset before reads it as is the jump itself, at which the day begins. (In no zone does
    # such a jump begin before midnight; a test looks at all of them.)
    return _utc(wall.replace(tzinfo=zone(timezone), fold=0))


def _utc(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1) * 1000


@lru_cache(maxsize=1024)
def _month(timezone: str, year: int, month: int) -> Period:
    first = date(year, month, 1)
    after = date(year + month // 12, month % 12 + 1, 1)
    return Period(name=f"{year:04}-{month:02}", start=midnight(first, timezone), end=midnight(after, timezone))
