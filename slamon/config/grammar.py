"""The value grammars of the contract language: one text → one exact value. Each raises ValueError as `reason; fix`."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from slamon import units
from slamon.config.reader import nearest
from slamon.model import DAY
from slamon.sla.calendar import YEARS
from slamon.sla.terms import PeriodKind, PeriodRule
from slamon.sla.terms.conditions import Where, Within
from slamon.sla.terms.measures import Dimension, Side
from slamon.sla.terms.outages import BadSlot, SlotRule
from slamon.sla.terms.times import Anchor, Deadline, Lead, Span, Weekly

LONGEST = 36_525 * DAY
"""A hundred years: no deadline or window of a contract is longer, and civil days stay inside the calendar."""
MOST_PERIODS = 1200
"""A hundred years of months."""

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CIVIL_SPANS = ("month", "quarter", "year")
SIDES = "|".join(Side)

_DAYS = re.compile(r"(\d{1,5}) (business )?days?")
_NUMBER = re.compile(r"\d+(\.\d+)?")
_DURATION = re.compile(r"(\d+(us|ms|[smhd]))+")
_WEEKDAY = "|".join(WEEKDAYS)
_WEEKLY = re.compile(r"(\S+) (\d{2}):(\d{2})-(\d{2}):(\d{2})( except holidays)?")
_ORDINAL = re.compile(r"(\d{1,4})(st|nd|rd|th)")


class Amount(NamedTuple):
    """A quantity in the unit of its measure; `business` only of days."""

    value: Fraction
    business: bool = False


def unit_of(text: str) -> Dimension | None:
    """The dimension a quantity is written in; None for what is no quantity."""
    if text.endswith("%"):
        return Dimension.RATIO
    if _DAYS.fullmatch(text):
        return Dimension.DAYS
    if _DURATION.fullmatch(text):
        return Dimension.DURATION
    return Dimension.COUNT if re.fullmatch(r"\d+", text) else None


_FITS = {
    Dimension.RATIO: "a percentage",
    Dimension.DURATION: "a duration",
    Dimension.COUNT: "a number",
    Dimension.DAYS: "in days",
}


def quantity(text: str, dimension: Dimension, what: str, *, example: str, most: Fraction | None = None) -> Amount:
    """A level, threshold or unit of `what`, a measure of that dimension. `most` is the largest it can be."""
    written = unit_of(text)
    bare = written is Dimension.COUNT and dimension is not Dimension.DAYS  # said better by the unit's own grammar
    if written not in {None, dimension} and not bare:
        raise ValueError(f"the unit does not fit: {what} is {_FITS[dimension]}; write for example {example}")
    if dimension is Dimension.RATIO:
        ratio = units.percent(text)
        if most is not None and ratio > most:
            raise ValueError("more than 100%; write a percentage from 0% to 100%")
        return Amount(ratio)
    if dimension is Dimension.DURATION:
        return Amount(Fraction(units.duration(text, bare="ms" if example.endswith("ms") else "s")))
    if dimension is Dimension.COUNT:
        return Amount(Fraction(units.count(text)))
    days, business = civil_days(text)
    return Amount(Fraction(days), business)


def civil_days(text: str) -> tuple[int, bool]:
    """`10 days` → (10, False), `2 business days` → (2, True)."""
    match = _DAYS.fullmatch(text)
    if not match or int(match[1]) > LONGEST // DAY:
        raise ValueError("not a number of days; write for example 10 days or 2 business days")
    return int(match[1]), bool(match[2])


def civil_date(text: str) -> date:
    match = re.fullmatch(r"\d{4}-\d{2}-\d{2}", text)
    try:
        found = date.fromisoformat(text) if match else None
    except ValueError:  # of a day that does not exist, such as 2026-02-30
        found = None
    if found is None or found.year not in YEARS:
        raise ValueError("not a date; write for example 2026-04-16")
    return found


@cache
def zones() -> frozenset[str]:
    """Names of the zones in the pinned tzdata package, the only rules statements are judged by."""
    return frozenset(files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())


def zone(text: str) -> str:
    if text in zones():
        return text
    near = nearest(text, zones())
    raise ValueError(
        f"not a time zone of the IANA database; {f'did you mean {near}?' if near else 'write for example Europe/Paris'}"
    )


def ratio(text: str) -> Fraction:
    """A percentage of a whole, 0% to 100%."""
    value = units.percent(text)
    if value > 1:
        raise ValueError("more than 100%; write for example 50%")
    return value


def price(text: str) -> tuple[Fraction, str, Span]:
    """`1000 USD/month` → (1000, "USD", Span.MONTH)."""
    amount, currency, per = units.price(text)
    if amount < 0:
        raise ValueError("a price is not negative; write for example 1000 USD/month")
    return amount, currency, Span(per)


def minimum_credit(text: str) -> tuple[bool, Fraction, str]:
    """`over 1 USD` → (exclusive, amount, currency)."""
    side, _, amount = text.partition(" ")
    if side not in {"over", "at_least"}:
        raise ValueError("the side is not said; write over 1 USD or at_least 1 USD")
    return side == "over", *units.money(amount)


def bounded(text: str) -> int:
    """A duration longer than nothing and not longer than any contract, nanoseconds."""
    length = units.duration(text)
    if not 0 < length <= LONGEST:
        raise ValueError("a length of time is more than 0s and at most 36525d; write for example 30m")
    return length


def lead(text: str) -> Lead:
    """The notice of an exclusion: a duration, or civil days."""
    if _DAYS.fullmatch(text):
        days, business = civil_days(text)
        return Lead(days=days, business=business)
    try:
        return Lead(elapsed=bounded(text))
    except ValueError as error:
        raise ValueError("not a lead time; write for example 240h, 10 days or 5 business days") from error


def allowance(text: str) -> tuple[int, Span]:
    """`4h per month` → (nanoseconds, Span.MONTH)."""
    match = re.fullmatch(rf"(\S+) per ({'|'.join(CIVIL_SPANS)})", text)
    if not match:
        raise ValueError("not an allowance; write for example 4h per month (or quarter, year)")
    return units.duration(match[1]), Span(match[2])


def weekdays(text: str) -> frozenset[int]:
    """`daily`, `mon`, `mon-fri`, `mon,wed`: Monday 0 … Sunday 6. A range may go over Sunday."""
    if text == "daily":
        return frozenset(range(7))
    found: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(rf"({_WEEKDAY})(?:-({_WEEKDAY}))?", part)
        if not match:
            raise ValueError("not days of the week; write daily, mon-fri, or mon,wed")
        first = WEEKDAYS.index(match[1])
        last = WEEKDAYS.index(match[2] or match[1])
        found |= {(first + at) % 7 for at in range((last - first) % 7 + 1)}
    return frozenset(found)


def weekly(text: str) -> Weekly:
    """`mon-fri 08:00-18:00 except holidays`. Hours that end before they start run into the next day: `22:00-06:00`."""
    match = _WEEKLY.fullmatch(text)
    if not match:
        raise ValueError("not hours of the week; write for example mon-fri 08:00-18:00")
    days = weekdays(match[1])
    hours = [int(part) for part in match.groups()[1:5]]
    start, end = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
    if max(hours[1], hours[3]) > 59 or start >= 24 * 60 or end > 24 * 60:
        raise ValueError("no such time of day; write 00:00 to 24:00")
    if start == end:
        raise ValueError("hours of no length; write for example 08:00-18:00, or 00:00-24:00 for a whole day")
    return Weekly(weekdays=days, start=start * 60, end=end * 60, except_holidays=bool(match[6]), text=text)


def period(text: str) -> PeriodRule:
    """`month`, `quarter`, `year`, `contract year`, `month from 15` or `rolling 720h`."""
    if text in {PeriodKind.MONTH, PeriodKind.QUARTER, PeriodKind.YEAR, PeriodKind.CONTRACT_YEAR}:
        return PeriodRule(kind=PeriodKind(text))
    if match := re.fullmatch(r"month from (\d{1,2})", text):
        if not 1 <= int(match[1]) <= 28:
            raise ValueError("not every month has this day; write month from 1 to month from 28")
        return PeriodRule(kind=PeriodKind.BILLING_MONTH, day=int(match[1]))
    if text.startswith("rolling "):
        return PeriodRule(kind=PeriodKind.ROLLING, length=bounded(text.removeprefix("rolling ")))
    raise ValueError("not a period; write month, quarter, year, contract year, month from 15, or rolling 720h")


def consecutive(key: str) -> Callable[[str], tuple[int, bool]]:
    """A converter of `3 failures`, `1 success` or `2 slots` → (how many, of slots)."""
    plural = {"after": "failures", "until": "successes"}[key]
    words = {plural, "failure" if key == "after" else "success"}

    def convert(text: str) -> tuple[int, bool]:
        number, _, word = text.partition(" ")
        slots = word in {"slot", "slots"}
        if not re.fullmatch(r"[1-9]\d{0,3}", number) or not (slots or word in words):
            raise ValueError(f"not a number of {plural} or slots; write for example 3 {plural}")
        return int(number), slots

    return convert


def bad_slot(text: str) -> BadSlot:
    """`loss over 50%`, `down whole`, `down at_least 60s`. Some slot can be bad by it, and some good."""
    if text == "down whole":
        return BadSlot(rule=SlotRule.DOWN_WHOLE)
    if match := re.fullmatch(r"loss over (\S+)", text):
        threshold = ratio(match[1])
        if threshold == 1:
            fix = "write less than 100%, such as loss over 99.999% for a slot that loses all its packets"
            raise ValueError(f"no slot is ever bad by this rule; {fix}")
        return BadSlot(rule=SlotRule.LOSS, threshold=threshold)
    if match := re.fullmatch(r"down (at_least|over) (\S+)", text):
        side, length = Side(match[1]), units.duration(match[2])
        if side is Side.AT_LEAST and length == 0:
            raise ValueError("every slot is bad by this rule; write more than 0s, such as down at_least 60s")
        return BadSlot(rule=SlotRule.DOWN, side=side, threshold=Fraction(length))
    raise ValueError("not a rule for slots; write loss over 50%, down whole, or down at_least 60s")


def weigh_by(text: str) -> tuple[int, str]:
    """`4000 users` → (4000, "users")."""
    match = re.fullmatch(r"([1-9]\d{0,11}) (\S.*)", text)
    if not match:
        raise ValueError("not a number of something; write for example 4000 users")
    return int(match[1]), match[2]


def deadline(text: str) -> Deadline:
    """`72h after outage start`, `7 business days after period end`, `28th of next month`, `end of 2nd next period`."""
    example = "write for example 30 days after period end, 72h after outage start, 28th of next month"
    length, after, word = text.partition(" after ")
    if after:
        anchor = _anchor(word)
        if _DAYS.fullmatch(length):
            days, business = civil_days(length)
            return Deadline(text=text, anchor=anchor, days=days, business=business)
        if match := re.fullmatch(r"(\d+)d", length):
            days_written, hours = match[1], int(match[1]) * 24
            raise ValueError(
                f"{length} does not say civil days or hours; write `{days_written} days after …` or `{hours}h after …`"
            )
        if not re.fullmatch(r"(\d+h)?(\d+m)?", length):
            raise ValueError(f"not a deadline; {example}")
        elapsed = units.duration(length)
        if elapsed > LONGEST:
            raise ValueError("a deadline is at most a hundred years; write for example 72h after outage start")
        return Deadline(text=text, anchor=anchor, elapsed=elapsed)
    if text.endswith(" of next month"):
        number = _ordinal(text.removesuffix(" of next month"))
        if not 1 <= number <= 28:
            raise ValueError("not every month has this day; write 1st to 28th of next month")
        return Deadline(text=text, day_of_next_month=number)
    if match := re.fullmatch(r"end of (\S+) next period", text):
        number = _ordinal(match[1])
        if not 1 <= number <= MOST_PERIODS:
            raise ValueError("no such period; write for example end of 2nd next period")
        return Deadline(text=text, end_of_period=number)
    raise ValueError(f"not a deadline; {example}")


def _anchor(word: str) -> Anchor:
    words = [anchor.value for anchor in Anchor]
    if word in words:
        return Anchor(word)
    near = nearest(word, words)
    hint = f"did you mean {near}?" if near else f"write one of {', '.join(words)}"
    raise ValueError(f"a deadline cannot begin there; {hint}")


def _ordinal(text: str) -> int:
    """`1st`, `2nd`, `3rd`, `28th`; the ending must be that of the number."""
    match = _ORDINAL.fullmatch(text)
    if match:
        number = int(match[1])
        ending = "th" if number % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
        if match[2] == ending:
            return number
    raise ValueError("not an ordinal number; write for example 28th or 2nd")


def within(text: str) -> Within:
    """`any 720h`, `3 consecutive periods`, `2 of 6 periods`, `next 2 periods`, `every period of quarter`."""
    if text.startswith("any "):
        return Within(where=Where.ANY, length=bounded(text.removeprefix("any ")), text=text)
    if match := re.fullmatch(r"(?:(\d+) consecutive|(\d+) of (\d+)|next (\d+)) periods?", text):
        first, n, m, following = (None if part is None else _periods(part) for part in match.groups())
        if first is not None:
            return Within(where=Where.CONSECUTIVE, n=first, text=text)
        if following is not None:
            return Within(where=Where.NEXT, n=following, text=text)
        if n is not None and m is not None and n > m:
            raise ValueError(f"a window that can never be: {n} of {m} periods; write for example 2 of 6 periods")
        return Within(where=Where.OF, n=n, m=m, text=text)
    if match := re.fullmatch(r"every period of (quarter|year)", text):
        return Within(where=Where.EVERY, span=Span(match[1]), text=text)
    raise ValueError(
        "not a window; write any 720h, 3 consecutive periods, 2 of 6 periods, next 2 periods, or every period of quarter"
    )


def mean_of(text: str) -> int:
    """`3 periods` → 3."""
    match = re.fullmatch(r"(\d+) periods?", text)
    if not match:
        raise ValueError("not a number of periods; write for example 3 periods")
    return _periods(match[1])


def _periods(number: str) -> int:
    if len(number) > 4 or not 1 <= int(number) <= MOST_PERIODS:
        raise ValueError(f"not a number of periods from 1 to {MOST_PERIODS}; write for example 3 periods")
    return int(number)


def sha256(text: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise ValueError("not a SHA-256; write its 64 hexadecimal digits, in lower case")
    return text
