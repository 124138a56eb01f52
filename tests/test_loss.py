"""Failures that are no outage: which rows count, what the window's edge cuts, and when a target is called lossy."""

from __future__ import annotations

from fractions import Fraction

import pytest

from slamon.live.loss import WINDOW, Failing, failing
from slamon.model import Result, S
from slamon.record.rows import Run

NOW = 10_000 * S
LETTERS = {
    ".": Result.SUCCESS,
    "x": Result.TIMEOUT,
    "i": Result.ICMP_ERROR,
    "5": Result.BAD_RESPONSE,
    "o": Result.LOCAL_ERROR,
}


def runs(letters: str, end: int = NOW, every: int = S) -> list[Run]:
    """One letter a probe, the last sent `every` before `end`."""
    found: list[Run] = []
    for n, letter in enumerate(letters):
        at = end - (len(letters) - n) * every
        if found and found[-1].result is LETTERS[letter]:
            found[-1] = found[-1]._replace(last_sent=at, until=at + every, samples=found[-1].samples + 1)
        else:
            found.append(Run(at, at, at + every, 1, LETTERS[letter]))
    return found


@pytest.mark.parametrize(
    ("letters", "failed", "decided"),
    [
        ("", 0, 0),
        ("." * 20, 0, 20),
        ("xx." * 10, 20, 30),
        ("..xxx..", 0, 4),  # an outage
        ("..xix..", 0, 4),  # of two kinds of failure
        ("..xxoxx..", 4, 8),  # parted by one that failed on our side
        ("..5.i.x", 3, 7),
        ("..xx", 2, 4),  # may yet become one
        ("ooo", 0, 0),
    ],
)
def test_rows_too_short_for_an_outage_count(letters: str, failed: int, decided: int) -> None:
    assert failing(runs(letters), 3, NOW) == Failing(failed, decided)


def test_the_rule_decides_what_an_outage_is() -> None:
    assert failing(runs("xxxx." * 10), 5, NOW) == Failing(40, 50)
    assert failing(runs("xxxx." * 10), 4, NOW) == Failing(0, 10)


def test_only_the_window_counts() -> None:
    assert failing(runs("x." * 1000), 3, NOW) == Failing(150, 300)
    # a run over the window's edge counts by its probes within, one every seven seconds
    (run,) = runs("." * 100, every=7 * S)
    inside = sum(NOW - WINDOW <= NOW - n * 7 * S < NOW for n in range(1, 101))
    assert failing([run], 3, NOW) == Failing(0, inside)
    assert failing(runs(".x" * 5, end=NOW - WINDOW), 3, NOW) == Failing(0, 0)


def test_an_outage_over_the_windows_edge_is_none_of_it() -> None:
    assert failing(runs("x" * 3 + "." * 299), 3, NOW) == Failing(0, 299)


@pytest.mark.parametrize(
    ("failed", "decided", "lossy"), [(3, 30, True), (3, 31, False), (2, 2, False), (24, 30, True), (0, 0, False)]
)
def test_lossy_from_a_tenth_and_three_failures_on(failed: int, decided: int, lossy: bool) -> None:
    assert Failing(failed, decided).lossy is lossy
    assert Failing(failed, decided).ratio == (Fraction(failed, decided) if decided else None)
