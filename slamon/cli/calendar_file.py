"""A calendar file (.ics, RFC 5545) → the spans of its events, repeated ones each time, or every mistake in it with its line."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, NamedTuple

from slamon.cli.calendar_lines import EVENT, Block, blocks_of, components_of
from slamon.errors import Place, Problem, UsageError
from slamon.ical import rules
from slamon.ical.rules import instant_at
from slamon.model import S
from slamon.sla import calendar

MOST = 10_000
"""Occurrences of one file: ten times what one rule may have."""
_TIMES = ("DTSTART", "DTEND", "DURATION", "RRULE", "RECURRENCE-ID")
_ONCE = ("UID", *_TIMES, "STATUS", "SEQUENCE", "SUMMARY", "URL")
"""What of an event is read, besides lists of dates; mistakes in other properties are nobody's business here."""
_LISTS = ("EXDATE", "RDATE")
_DURATION = re.compile(r"\+?P(?:(\d{1,4})W|(?:(\d{1,4})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,7})S)?)?)")


class Occurrence(NamedTuple):
    """One time at which an event takes place."""

    uid: str
    original: int
    """When it begins by the event's rule, wherever it was moved to."""
    start: int
    end: int
    summary: str
    url: str
    repeated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """What a file says. What it mentions and does not give as an occurrence was cancelled, or moved elsewhere."""

    name: str
    sha256: str
    occurrences: tuple[Occurrence, ...]
    """Ascending."""
    uids: frozenset[str]
    """Events that are here as a whole."""
    parts: frozenset[tuple[str, int]]
    """UID and original start of single occurrences that are here without the event they belong to."""


class _MistakeError(ValueError):
    """`reason; fix` of one property."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass(slots=True)
class _Event:
    """An event as it is written; `moments` of a date are midnights of the contract's zone."""

    block: Block
    uid: str
    zone: tzinfo
    first: datetime
    whole_days: bool
    sequence: int
    cancelled: bool
    original: int | None
    """Start of the occurrence it stands for; None = it is the event itself."""
    summary: str
    url: str
    length: tuple[int, int]
    """Civil days, and nanoseconds after them."""
    without: frozenset[int] = frozenset()
    extra: tuple[datetime, ...] = ()

    def span(self, wall: datetime, timezone: str) -> tuple[int, int]:
        days, rest = self.length
        start = _instant(wall, self, timezone)
        end = _instant(wall + timedelta(days=days), self, timezone) + rest if days else start + rest
        return calendar.checked(start), calendar.checked(end)


def read(path: Path, timezone: str, *, before: int | None = None) -> Calendar:
    """The events of a file; `timezone`: of times that name none, and of whole days. `before`: no occurrence from then on.

    Raises UsageError with a line for every mistake.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: the file cannot be read: {error.strerror}") from error
    problems: list[Problem] = []
    blocks = blocks_of(path, data, problems)
    components = components_of(path, data, problems)
    events: list[_Event] = []
    found = [event for component in components for event in component.walk(EVENT)]
    if not problems and len(found) != len(blocks):
        problems.append(Problem(place=Place(file=str(path), line=1), path="", reason="its events cannot be told apart"))
    if problems:  # what is broken as a file has no events that could be told apart
        raise _refusal(problems)
    for block, event in zip(blocks, found, strict=True):
        try:
            events.append(_event(block, event, timezone, cancelled=_method(components) == "CANCEL"))
        except _MistakeError as error:
            problems.append(_problem(path, block, error))
    events = _latest(path, events, problems)
    occurrences: list[Occurrence] = []
    for each in events:
        if len(occurrences) > MOST:
            break
        try:
            occurrences += _occurrences(each, events, timezone, before)
        except _MistakeError as error:
            problems.append(_problem(path, each.block, error))
    if len(occurrences) > MOST:
        problems.append(
            Problem(
                place=Place(file=str(path), line=1),
                path="",
                reason=f"more than {MOST} occurrences",
                fix="split the file",
            )
        )
    if problems:
        raise _refusal(problems)
    whole = frozenset(each.uid for each in events if each.original is None)
    return Calendar(
        name=path.name,
        sha256=hashlib.sha256(data).hexdigest(),
        occurrences=tuple(sorted(occurrences, key=lambda each: (each.start, each.end, each.uid))),
        uids=whole,
        parts=frozenset(
            (each.uid, each.original) for each in events if each.original is not None and each.uid not in whole
        ),
    )


def _refusal(problems: list[Problem]) -> UsageError:
    ordered = sorted(problems, key=lambda each: each.place or Place(file="", line=0))
    return UsageError("\n".join(map(str, ordered)))


def _problem(path: Path, block: Block, error: _MistakeError) -> Problem:
    reason, _, fix = str(error).partition("; ")
    line, value = block.lines.get(error.name, [(block.line, None)])[0]
    return Problem(place=Place(file=str(path), line=line), path=error.name, reason=reason, value=value, fix=fix or None)


def _method(components: Sequence[Any]) -> str:
    return next((str(each["METHOD"]).upper() for each in components if "METHOD" in each), "")


def _event(block: Block, event: Any, timezone: str, *, cancelled: bool) -> _Event:
    for name, message in event.errors:
        if name in {*_ONCE, *_LISTS} - {"RRULE", "DURATION"}:  # those two are read from the text
            raise _MistakeError(name, f"cannot be read ({message}); see {name} in RFC 5545")
    for name in _ONCE:
        if len(block.lines.get(name, ())) > 1:
            raise _MistakeError(name, "stands here twice; leave one")
    uid = _printable("".join(block.values("UID")))
    if not uid:
        raise _MistakeError("UID", "an event has no name by which it is known again; give it a UID")
    if "DTSTART" not in event:
        raise _MistakeError("DTSTART", "an event does not say when it begins; give it a DTSTART")
    begins = _moment(event["DTSTART"], "DTSTART")
    zone = _zone(begins, timezone)
    found = _Event(
        block=block,
        uid=uid,
        zone=zone,
        first=_wall(begins),
        whole_days=not isinstance(begins, datetime),
        sequence=_sequence(event),
        cancelled=cancelled or str(event.get("STATUS", "")).upper() == "CANCELLED",
        original=None,
        summary=_printable(event.get("SUMMARY", "")),
        url=_printable(event.get("URL", "")),
        length=(0, 0),
    )
    found.length = _length(event, found, begins, timezone)
    if "RECURRENCE-ID" in event:
        if "RANGE" in event["RECURRENCE-ID"].params:
            raise _MistakeError(
                "RECURRENCE-ID", "a change of all that follow cannot be read; end the event and begin another"
            )
        moment = _moment(event["RECURRENCE-ID"], "RECURRENCE-ID")
        found.original = _instant_of(moment, timezone)
    found.without = frozenset(_instant_of(each, timezone) for each in _moments(event, "EXDATE"))
    found.extra = tuple(_on_clock(each, found, timezone) for each in _moments(event, "RDATE"))
    try:
        start, end = found.span(found.first, timezone)
    except ValueError as error:
        raise _MistakeError("DTSTART", str(error)) from error
    if end <= start and not found.cancelled:
        raise _MistakeError("DTEND", "the event takes no time; give it a DTEND after its DTSTART, or a DURATION")
    return found


def _printable(text: object) -> str:
    """In one line, and nothing that moves a terminal's cursor: a file of somebody else must not write the screen."""
    return " ".join("".join(each if each.isprintable() else " " for each in str(text)).split())


def _sequence(event: Any) -> int:
    try:
        return int(event.get("SEQUENCE", 0))
    except ValueError as error:
        raise _MistakeError("SEQUENCE", "is no number; see SEQUENCE in RFC 5545") from error


def _length(event: Any, found: _Event, begins: date, timezone: str) -> tuple[int, int]:
    """A DTEND is so much elapsed time after the start, each time (RFC 5545, 3.8.5.3), a DURATION's days are those of the calendar."""
    texts = found.block.values("DURATION")
    if texts and "DTEND" in event:
        raise _MistakeError("DURATION", "an event has two ends; leave DTEND or DURATION")
    if texts:
        match = _DURATION.fullmatch(texts[0].strip().upper())
        weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups()) if match else (0,) * 5
        if match is None or (found.whole_days and (hours or minutes or seconds)):
            raise _MistakeError(
                "DURATION", "no length of this event; write for example P1D" + ("" if found.whole_days else ", PT2H")
            )
        return 7 * weeks + days, (hours * 3600 + minutes * 60 + seconds) * S
    if "DTEND" not in event:
        return int(found.whole_days), 0
    ends = _moment(event["DTEND"], "DTEND")
    if isinstance(ends, datetime) == found.whole_days:
        raise _MistakeError("DTEND", "one end is a day and the other a time; write both alike")
    if found.whole_days:
        return (ends - begins).days, 0
    return 0, _instant_of(ends, timezone) - _instant_of(begins, timezone)


def _occurrences(each: _Event, events: Sequence[_Event], timezone: str, before: int | None) -> list[Occurrence]:
    if each.cancelled:
        return []
    if each.original is not None:
        start, end = each.span(each.first, timezone)
        return (
            []
            if before is not None and start >= before
            else [_occurrence(each, each.original, start, end, repeated=True)]
        )
    moved = {other.original for other in events if other.uid == each.uid and other.original is not None}
    repeats = each.block.values("RRULE")
    if "EXRULE" in each.block.lines:
        raise _MistakeError("EXRULE", "a rule of what is left out is no longer part of calendars; write EXDATE")
    walls = [each.first]
    if repeats:
        try:
            walls = rules.occurrences(rules.read(repeats[0]), each.first, each.zone, before=before)
        except ValueError as error:
            bound = "" if "no end" not in str(error) else ", or import with --until"
            raise _MistakeError("RRULE", f"{error}{bound}") from error
    found = {}
    for wall in (*walls, *each.extra):
        try:
            start, end = each.span(wall, timezone)
        except ValueError as error:
            raise _MistakeError("RRULE", str(error)) from error
        if start not in each.without and start not in moved and (before is None or start < before):
            found[start] = _occurrence(each, start, start, end, repeated=bool(repeats or each.extra))
    return list(found.values())


def _occurrence(each: _Event, original: int, start: int, end: int, *, repeated: bool) -> Occurrence:
    return Occurrence(each.uid, original, start, end, each.summary, each.url, repeated)


def _latest(path: Path, events: Sequence[_Event], problems: list[Problem]) -> list[_Event]:
    """Of several versions of an event, or of one of its occurrences, the one of the highest SEQUENCE."""
    latest: dict[tuple[str, int | None], _Event] = {}
    for each in events:
        key = (each.uid, each.original)
        other = latest.get(key)
        if other is not None and other.sequence == each.sequence:
            error = _MistakeError(
                "UID", f"the same event as in line {other.block.line}; give it another UID or a higher SEQUENCE"
            )
            problems.append(_problem(path, each.block, error))
        elif other is None or other.sequence < each.sequence:
            latest[key] = each
    return list(latest.values())


def _moments(event: Any, name: str) -> list[date]:
    entries = event.get(name, [])
    listed = entries if isinstance(entries, list) else [entries]
    return [_moment(each, name, entry.params) for entry in listed for each in entry.dts]


def _moment(value: Any, name: str, params: Any = None) -> date:
    moment = getattr(value, "dt", None)
    if not isinstance(moment, date):
        raise _MistakeError(name, "neither a day nor a time; see RFC 5545")
    named = (value.params if params is None else params).get("TZID")
    if named and isinstance(moment, datetime) and moment.tzinfo is None:
        raise _MistakeError(
            name, f"{named} is no time zone that is known; write one of the tz database, such as Europe/Berlin"
        )
    return moment


def _zone(moment: date, timezone: str) -> tzinfo:
    own = moment.tzinfo if isinstance(moment, datetime) else None
    return own or calendar.zone(timezone)


def _wall(moment: date) -> datetime:
    """Naive; of a day its midnight."""
    if isinstance(moment, datetime):
        return moment.replace(tzinfo=None, fold=0)
    return datetime(moment.year, moment.month, moment.day)  # noqa: DTZ001  the wall clock of `_zone`


def _instant_of(moment: date, timezone: str) -> int:
    if isinstance(moment, datetime):
        return instant_at(_wall(moment), _zone(moment, timezone))
    return calendar.midnight(moment, timezone)


def _instant(wall: datetime, event: _Event, timezone: str) -> int:
    return calendar.midnight(wall.date(), timezone) if event.whole_days else instant_at(wall, event.zone)


def _on_clock(moment: date, event: _Event, timezone: str) -> datetime:
    """A moment on the clock that the event's rule is read on."""
    if event.whole_days or not isinstance(moment, datetime):
        return _wall(moment)
    at = calendar.EPOCH + timedelta(microseconds=_instant_of(moment, timezone) // 1000)
    return at.astimezone(event.zone).replace(tzinfo=None, fold=0)
