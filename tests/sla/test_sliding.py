from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from slamon.model import DAY, HOUR, MINUTE, S
from slamon.sla.conditions import growing, stretches
from slamon.sla.growth import RISING, Ramp, Step, Window, summed
from slamon.sla.lines import Period
from slamon.sla.measured import Measured
from slamon.sla.sliding import Spell, of_ramps, of_steps
from slamon.sla.terms.measures import Measure, Side, Subject
from slamon.sla.terms.outages import OutageRule
from tests.sla.book import AVAILABILITY, CHRONIC, Book, at, condition, contract, line, objective, outage, sliding

DOWNTIME = Subject(measure=Measure.DOWNTIME)


def runs(true: list[int]) -> list[tuple[int, int]]:
    """Instants in order → longest stretches of neighbours."""
    found: list[tuple[int, int]] = []
    for instant in true:
        if found and found[-1][1] + 1 == instant:
            found[-1] = (found[-1][0], instant)
        else:
            found.append((instant, instant))
    return found


# --- against brute force ------------------------------------------------------------------------------------------------------

steps = st.lists(
    st.builds(
        lambda begins, lag, strict, amount: Step(begins, begins + lag, begins + lag + strict, Fraction(amount)),
        st.integers(0, 30),
        st.integers(0, 9),
        st.booleans(),
        st.integers(1, 3),
    ),
    max_size=8,
)


@given(found=steps, size=st.integers(0, 12), side=st.sampled_from(sorted(RISING)), least=st.integers(1, 5))
def test_steps_in_windows_as_counted_one_by_one(found: list[Step], size: int, side: Side, least: int) -> None:
    def members(end: int) -> list[Step]:
        return [step for step in found if end - size <= step.begins <= end]

    def true(end: int) -> bool:
        return side.reached(sum(step.amount for step in members(end)), least)

    got = of_steps(found, size, side, Fraction(least))
    assert [(spell.begins, spell.last) for spell in got] == runs([end for end in range(60) if true(end)])
    for spell in got:
        reaches = [summed(members(end), side, Fraction(least)) for end in range(spell.begins, spell.last + 1)]
        assert spell.first == min(reach.first for reach in reaches if reach is not None)
        assert spell.since <= spell.first


lengths = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 6), st.integers(1, 3)), max_size=6)


@given(
    pieces=lengths,
    size=st.integers(1, 20),
    side=st.sampled_from(sorted(RISING)),
    threshold=st.fractions(Fraction(1, 3), 12, max_denominator=3),
    start=st.integers(0, 20),
)
def test_downtime_in_windows_as_summed_instant_by_instant(
    pieces: list[tuple[int, int, int]], size: int, side: Side, threshold: Fraction, start: int
) -> None:
    ramps, edge = [], 0
    for gap, length, weight in pieces:
        ramps.append(Ramp(edge + gap, edge + gap + length, Fraction(weight, 2)))
        edge += gap + length
    counted = [sum((r.weight for r in ramps if r.start <= second < r.end), start=Fraction(0)) for second in range(120)]
    ends = Window(start, 90)
    got = of_ramps(ramps, ends, size, side, threshold)
    true = [end for end in range(start, 91) if side.reached(sum(counted[max(0, end - size) : end]), threshold)]
    assert [(spell.begins, spell.last) for spell in got] == runs(true)
    assert all(spell.first == spell.begins and 0 <= spell.first - spell.since <= 1 for spell in got)


# --- of a history -------------------------------------------------------------------------------------------------------------


def spells(
    book: Book, subject: Subject, side: Side, threshold: Fraction | int | str, size: str, period: str = "2026-07"
) -> list[Spell]:
    return list(stretches(condition(subject, side, threshold, within=sliding(size)), book, book.period(period)))


def chronic(*outages: str, as_of: str = "2026-08-01") -> list[Spell]:
    book = Book(
        contract=contract(), as_of=at(as_of), outages=[outage(text) for text in outages], known_from=at("2026-06-01")
    )
    return spells(book, CHRONIC, Side.AT_LEAST, 3, "30d")


def test_first_and_last_begin_at_most_the_length_apart() -> None:
    (spell,) = chronic("2026-06-20 00:00 + 31m", "2026-07-05 00:00 + 45m", "2026-07-19 00:00 + 31m")
    assert spell.since == at("2026-07-19 00:30")
    assert (spell.begins, spell.last) == (at("2026-07-19"), at("2026-07-20"))
    assert chronic("2026-06-20 00:00 + 31m", "2026-07-05 00:00 + 45m", "2026-07-20 00:00 + 31m") != []
    assert chronic("2026-06-20 00:00 + 31m", "2026-07-05 00:00 + 45m", "2026-07-20 00:00:00.000000001 + 31m") == []
    assert chronic("2026-06-20 00:00 + 31m", "2026-07-05 00:00 + 45m", "2026-07-21 00:00 + 31m") == []


def test_an_outage_of_just_the_length_is_not_over_it() -> None:
    assert chronic("2026-06-20 00:00 + 31m", "2026-07-05 00:00 + 30m", "2026-07-19 00:00 + 31m") == []


def test_nothing_is_known_before_it_has_happened() -> None:
    outages = ["2026-06-20 00:00 + 31m", "2026-07-05 00:00 + 45m", "2026-07-19 00:00 + 31m"]
    assert chronic(*outages, as_of="2026-07-19 00:30") == []
    assert len(chronic(*outages, as_of="2026-07-19 00:30:01")) == 1
    assert chronic(*outages, as_of="2026-06-30") == []


def test_a_stretch_that_began_before_the_period_keeps_its_beginning() -> None:
    (spell,) = chronic(*(f"2026-06-{day} 00:00 + 31m" for day in (20, 22, 29)), "2026-07-05 00:00 + 1h")
    assert spell.since == at("2026-06-29 00:30")
    assert spell.last == at("2026-06-29") + 23 * DAY  # until 22 June leaves, with 5 July still there


def test_two_stretches_in_one_period() -> None:
    book = Book(
        contract=contract(),
        as_of=at("2026-08-01"),
        outages=[outage(f"2026-07-{day} 00:00 + 1h") for day in ("01", "02", "20", "21")],
    )
    found = spells(book, CHRONIC, Side.AT_LEAST, 2, "7d")
    assert [spell.since for spell in found] == [at("2026-07-02 00:30"), at("2026-07-21 00:30")]


def test_downtime_is_clipped_to_the_window() -> None:
    outages = [outage("2026-06-30 00:00 + 26h")]
    book = Book(contract=contract(), as_of=at("2026-08-01"), outages=outages)
    (spell,) = spells(book, DOWNTIME, Side.OVER, "24h", "30d")
    assert (spell.since, spell.first) == (at("2026-07-01"), at("2026-07-01") + 1)
    # From 30 July 02:00 on less than 24 h of it are in the window.
    assert spell.last == at("2026-07-30 02:00") - 1
    assert spells(book, DOWNTIME, Side.OVER, "24h", "30d", "2026-06") == []
    (spell,) = spells(book, DOWNTIME, Side.AT_LEAST, "24h", "30d", "2026-06")
    assert spell.since == spell.first == at("2026-07-01")
    assert spells(book, DOWNTIME, Side.OVER, "24h", "1d", "2026-07") == []


def test_weighed_downtime() -> None:
    rule = OutageRule(weigh_by=4, weigh_noun="users")
    outages = [outage("2026-07-01 00:00 + 8h", weight=Fraction(1, 4))]
    book = Book(contract=contract(outage=rule), as_of=at("2026-08-01"), outages=outages)
    (spell,) = spells(book, DOWNTIME, Side.AT_LEAST, "1h", "30d")
    assert spell.since == at("2026-07-01 04:00")


def test_little_enough_in_a_window_is_seen_only_in_whole_windows() -> None:
    book = Book(
        contract=contract(),
        as_of=at("2026-08-01"),
        known_from=at("2026-07-01"),
        outages=[outage("2026-07-10 00:00 + 31m"), outage("2026-07-18 00:00 + 31m")],
    )
    found = spells(book, CHRONIC, Side.AT_MOST, 0, "7d")
    assert [(spell.begins, spell.last) for spell in found] == [
        (at("2026-07-08"), at("2026-07-10") - 1),
        (at("2026-07-17") + 1, at("2026-07-18") - 1),
        (at("2026-07-25") + 1, at("2026-08-01")),
    ]
    assert [spell.begins for spell in spells(book, DOWNTIME, Side.BELOW, "63m", "30d")] == [at("2026-07-31")]
    assert [spell.begins for spell in spells(book, DOWNTIME, Side.BELOW, "63m", "31d")] == [at("2026-08-01")]
    assert spells(book, DOWNTIME, Side.BELOW, "62m", "30d") == []
    assert spells(book, DOWNTIME, Side.BELOW, "63m", "32d") == []


def test_at_least_nothing_is_always_true() -> None:
    book = Book(contract=contract(), as_of=at("2026-07-20"), known_from=at("2026-07-01"))
    assert spells(book, CHRONIC, Side.AT_LEAST, 0, "30d") == [
        Spell(at("2026-07-01"), at("2026-07-20"), at("2026-07-01"), at("2026-07-01"))
    ]


def test_availability_of_any_window_to_the_second() -> None:
    book = Book(
        contract=contract(),
        as_of=at("2026-08-01"),
        outages=[outage("2026-07-10 06:00 + 9h"), outage("2026-07-12 00:00 + 9h"), outage("2026-07-20 00:00 + 1h")],
    )
    found = spells(book, AVAILABILITY, Side.BELOW, "98.75%", "30d")  # 9 h of 720
    assert len(found) == 1
    assert 0 < found[0].since - at("2026-07-12") <= S
    assert found[0].last == at("2026-08-01")
    assert spells(book, AVAILABILITY, Side.BELOW, "90%", "30d") == []


def test_a_window_false_at_first_true_in_between() -> None:
    book = Book(contract=contract(), as_of=at("2026-08-01"), outages=[outage("2026-07-10 06:00 + 12h")])
    (spell,) = spells(book, AVAILABILITY, Side.AT_MOST, "50%", "1d")
    assert abs(spell.since - at("2026-07-10 18:00")) <= S
    assert at("2026-07-10 18:00") <= spell.last <= at("2026-07-11 06:00")


def test_values_other_than_availability_are_looked_at_where_windows_end_at_midnight_or_with_an_outage() -> None:
    loss = Subject(measure=Measure.LOSS, objective="loss")

    class Lossy(Book):
        def measured(self, period: Period) -> Measured:
            found = super().measured(period)
            bad = period.end >= at("2026-07-10 12:00")
            return replace(found, objectives={"loss": line(self.contract.objective("loss"), Fraction(bad))})

    book = Lossy(contract=contract(objectives=(objective("loss", measure=Measure.LOSS),)), as_of=at("2026-08-01"))
    (spell,) = spells(book, loss, Side.OVER, "1%", "30d")
    assert spell.since == at("2026-07-11")
    assert growing(book, book.period("2026-07"), loss) is None


def test_an_exclusion_delays_what_counts() -> None:
    first = outage("2026-07-01 00:00 + 3h", excluded=((at("2026-07-01 00:10"), at("2026-07-01 02:10")),))
    book = Book(contract=contract(), as_of=at("2026-08-01"), outages=[first, outage("2026-07-02 00:00 + 31m")])
    (spell,) = spells(book, CHRONIC, Side.AT_LEAST, 1, "2h")[:1]
    assert spell.since == at("2026-07-01 00:00") + 2 * HOUR + 30 * MINUTE
    assert spells(book, CHRONIC, Side.AT_LEAST, 2, "1d")[0].since == at("2026-07-02 00:30")
