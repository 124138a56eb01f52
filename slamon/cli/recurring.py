"""`slamon exclude add --repeat`: the spans of a window that repeats."""

from __future__ import annotations

from datetime import timedelta

from slamon.errors import UsageError
from slamon.ical.rules import instant_at, occurrences, read
from slamon.model import S
from slamon.sla import calendar


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
