"""The values a test file writes that no contract has: delays with decimals or a sign, samples, plain numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction

from slamon import units
from slamon.config import grammar
from slamon.sla.facts import Sample
from slamon.sla.terms.measures import Dimension
from slamon.sla.terms.objectives import Form, Objective

LOST = "lost"
RECEIVED = "ok"

MOST_SAMPLES = 5_000_000
"""Samples of one series: a month at one a second is 2.7 million, and a mistyped repeat must not eat the memory."""

_ROUNDED = re.compile(r"-?(?:\d+\.\d+(?:us|ms|[smhd])|\d+(?:us|ms|s))")
_DELAY = re.compile(r"(-?)(\d+\.\d+)(us|ms|s|m|h|d)")
_PACKETS = re.compile(r"(\d+)/(\d+)")
_REPEATED = re.compile(r"(.+?)(?:\*(\d+))?")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def delay(text: str) -> Fraction:
    """`19.5ms`, `1m30s`, `-10ms` → nanoseconds. Raises ValueError."""
    match = _DELAY.fullmatch(text)
    if match:
        return Fraction(match[1] + match[2]) * units.UNIT_NS[match[3]]
    return _signed(text, lambda digits: Fraction(units.duration(digits)))


def percent(text: str) -> Fraction:
    """A percentage that may be negative: `-2.5%` → −1/40. Raises ValueError."""
    return _signed(text, units.percent)


def number(text: str) -> Fraction:
    """`3`, `0.0069`. Raises ValueError."""
    if not _NUMBER.fullmatch(text):
        raise ValueError("not a number; write for example 3 or 0.0069")
    return Fraction(text)


def days(text: str) -> Fraction:
    """`3 days`, `10 business days` → 3, 10. Raises ValueError."""
    return Fraction(grammar.civil_days(text)[0])


QUANTITY: dict[Dimension, Callable[[str], Fraction]] = {
    Dimension.RATIO: percent,
    Dimension.DURATION: delay,
    Dimension.COUNT: number,
    Dimension.DAYS: days,
}
"""How a value of each dimension is written."""


def dimension(objective: Objective) -> Dimension:
    """What an objective's value is in: its measure's unit, unless it is a share of the samples."""
    shares = objective.statistic is not None and objective.statistic.form is Form.SHARE
    return Dimension.RATIO if shares else objective.dimension


def unit(text: str) -> str | None:
    """That of a duration written to so many digits: `19.5ms`, `28ms`, `1.25h`. None where it is meant exactly: `4h`, `1m30s`."""
    return text.lstrip("-0123456789.") if _ROUNDED.fullmatch(text) else None


def samples(text: str, start: int, every: int) -> tuple[Sample, ...]:
    """`ok*10 lost 20ms 5% 100/30` → one sample each, the first at `start`. Raises ValueError."""
    written = words(text)
    read = {word: _sample(word) for word in dict.fromkeys(written)}
    return tuple(Sample(start + every * n, *read[word]) for n, word in enumerate(written))


def words(text: str) -> list[str]:
    """The words of a list of samples, each so often as `word*n` says. Raises ValueError."""
    parts = [(match[1], int(match[2] or 1)) for match in map(_REPEATED.fullmatch, text.split()) if match]
    if sum(times for _, times in parts) > MOST_SAMPLES:
        raise ValueError(f"more than {MOST_SAMPLES} samples; write fewer, further apart")
    if any(times == 0 for _, times in parts):
        raise ValueError("a sample that is repeated no times; leave it out")
    return [word for word, times in parts for _ in range(times)]


def _sample(word: str) -> tuple[int, Fraction, int | None]:
    packets = _PACKETS.fullmatch(word)
    if word == RECEIVED:
        return 1, Fraction(0), None
    if word == LOST:
        return 1, Fraction(1), None
    if packets:
        sent, lost = int(packets[1]), int(packets[2])
        if lost > sent or sent == 0:
            raise ValueError(f"{word} is more packets lost than sent; write sent/lost, for example 100/30")
        return sent, Fraction(lost, sent), None
    if word.endswith("%"):
        share = units.percent(word)
        if share > 1:
            raise ValueError(f"{word} is more than all packets; write 100%")
        return 1, share, None
    try:
        return 1, Fraction(0), int(delay(word))
    except ValueError as error:
        raise ValueError(f"{word!r} is no sample; write ok, lost, a delay such as 20ms, 5%, or 100/30") from error


def _signed(text: str, convert: Callable[[str], Fraction]) -> Fraction:
    return -convert(text[1:]) if text.startswith("-") else convert(text)
