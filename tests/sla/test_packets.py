"""Delay and loss of the packets that count: exact sums, percentiles within 1 %, and verdicts that are exact at every limit."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from slamon.model import MINUTE, MS, Result, S
from slamon.record import distribution
from slamon.record.packing import Packed, pack
from slamon.record.rows import Record
from slamon.sla.packets import EXACT_LIMIT, Packets, count
from tests.sla.build import LOST, OK, Shot, records, shots

EVER = ((0, 10**6 * S),)
delays = st.lists(st.integers(0, 200 * MS), min_size=1, max_size=60)


def answered(rtts: list[int], *, every: int = 10, start: int = 0) -> list[Shot]:
    return [Shot(start + every * i, OK, rtt) for i, rtt in enumerate(rtts)]


def packets(sent: list[Shot], *, one_by_one: bool = False, **options: bool | tuple[int, ...]) -> Packets:
    made = records(sent, **options)  # type: ignore[arg-type]
    return count(made, EVER, spacing=10 * S, one_by_one=one_by_one)


def true_percentile(rtts: list[int], p: Fraction) -> int:
    return sorted(rtts)[ceil(p * len(rtts)) - 1]


@given(delays, st.fractions(Fraction(1, 1000), Fraction(1)), st.integers(0, 60), st.integers(-3, 3))
def test_percentiles_are_close_and_on_the_right_side_of_every_limit(
    rtts: list[int], p: Fraction, which: int, beside: int
) -> None:
    limit = max(0, rtts[which % len(rtts)] + beside)
    true = true_percentile(rtts, p)
    found = packets(answered(rtts), limits=(limit,)).percentile(p)
    assert found is not None
    assert abs(found - true) <= max(1, true // 100)
    assert (found <= limit) == (true <= limit)
    assert packets(answered(rtts), one_by_one=True).percentile(p) == true
    assert packets(answered(rtts), one_by_one=True, raw=False, limits=(limit,)).percentile(p) == found


def test_without_packets_there_is_nothing_to_say() -> None:
    nothing = Packets()
    assert (nothing.loss, nothing.mean, nothing.percentile(Fraction(1, 2)), nothing.sent) == (None, None, None, 0)
    lost = packets([Shot(0, LOST)])
    assert (lost.loss, lost.mean, lost.percentile(Fraction(1, 2))) == (Fraction(1), None, None)


def test_twenty_delays_and_the_two_largest_lost() -> None:
    """The 95th of 20 is the 19th; of the 18 that arrive it is the 18th (conditional on arrival)."""
    rtts = [n * MS for n in range(10, 30)]
    p95 = Fraction(95, 100)
    assert packets(answered(rtts), one_by_one=True).percentile(p95) == 28 * MS
    assert packets(answered(rtts)).mean == Fraction(39, 2) * MS
    sent = [*answered(rtts[:18]), Shot(180, LOST), Shot(190, LOST)]
    some = packets(sent, one_by_one=True)
    assert [some.percentile(p95), some.loss] == [27 * MS, Fraction(1, 10)]


@given(st.lists(st.lists(st.integers(0, 99 * MS), max_size=8), min_size=1, max_size=4), st.booleans())
def test_parts_add_in_any_order(parts: list[list[int]], one_by_one: bool) -> None:
    made = [
        packets(answered(rtts, start=600 * i), one_by_one=one_by_one, limits=(5 * MS,)) for i, rtts in enumerate(parts)
    ]
    everything = [shot for i, rtts in enumerate(parts) for shot in answered(rtts, start=600 * i)]
    whole = packets(everything, one_by_one=one_by_one, limits=(5 * MS,))
    assert sum(made, start=Packets()).percentile(Fraction(1, 2)) == whole.percentile(Fraction(1, 2))
    forward, backward = sum(made, start=Packets()), sum(reversed(made), start=Packets())
    assert forward == backward
    assert (forward.received, forward.rtt_sum, forward.buckets, forward.exact) == (
        whole.received,
        whole.rtt_sum,
        whole.buckets,
        whole.exact,
    )


def test_a_limit_counts_only_while_it_was_in_force_for_all() -> None:
    old, new = packets(answered([1, 2, 3]), limits=(2, 7)), packets(answered([1, 9], start=600), limits=(2,))
    assert (old + new).within == {2: 3}
    silent = packets([Shot(900, LOST)], limits=(4,))
    assert (old + silent).within == (silent + old).within == {2: 2, 7: 3}
    assert (silent + packets([Shot(960, LOST)], limits=(6,))).within == {4: 0, 6: 0}


def test_exact_percentiles_end_where_unpacking_gets_dear() -> None:
    half = packets(answered([5] * (EXACT_LIMIT // 2), every=1), one_by_one=True)
    assert half.exact == {5: EXACT_LIMIT // 2}
    both = half + half
    assert both.exact == {5: EXACT_LIMIT}
    one = packets(answered([5]), one_by_one=True)
    assert (both + one).exact is None
    assert packets(answered([5] * (EXACT_LIMIT + 1), every=1), one_by_one=True).exact is None


def test_results_other_than_success_have_no_delay() -> None:
    sent = [
        Shot(0, OK, 10),
        Shot(10, Result.BAD_RESPONSE, 500),
        Shot(20, Result.CONNECT_ERROR),
        Shot(30, Result.SEND_ERROR),
    ]
    for found in (packets(sent), count(records(sent), ((0, 35 * S),), spacing=10 * S, one_by_one=True)):
        assert (found.received, found.lost, found.rtt_count, found.rtt_sum) == (2, 0, 1, 10)


def test_an_edge_inside_a_minute_takes_the_packets_on_its_side() -> None:
    made = records(shots("......xxx..."), limits=(20_000_000, 1))
    part = count(made, ((15 * S, 95 * S),), spacing=10 * S, one_by_one=False)
    assert (part.received, part.lost, part.rtt_count) == (5, 3, 5)
    assert part.within == {20_000_000: 5, 1: 0}
    assert count(made, ((60 * S, 80 * S),), spacing=10 * S, one_by_one=False).lost == 2
    several = count(made, ((0, 5 * S), (15 * S, 25 * S), (50 * S, 60 * S)), spacing=10 * S, one_by_one=False)
    assert several.received == 3
    assert count(made, (), spacing=10 * S, one_by_one=False) == Packets()
    blind = records(shots("......"), raw=False)
    assert count(blind, ((15 * S, 95 * S),), spacing=10 * S, one_by_one=True) == Packets()


def test_variation_of_a_cut_minute_is_of_neighbours_sent_without_a_missed_slot() -> None:
    rows = [
        Packed(0, OK, 20, None),
        Packed(10 * S, OK, 10, None),
        Packed(20 * S, LOST, None, None),
        Packed(30 * S, OK, 25, None),
        Packed(50 * S, OK, 100, None),
        Packed(59 * S, OK, 96, None),
        Packed(59 * S + 1, Result.BAD_RESPONSE, 7, None),
    ]
    record = Record(start=0, length=MINUTE, raw=pack(0, rows))
    found = count([record], ((1, 59 * S + 2),), spacing=10 * S, one_by_one=False)
    assert (found.ipdv_sum, found.ipdv_count) == (10 + 4, 2)
    whole = replace(record, ipdv_sum=77, ipdv_count=3)
    kept = count([whole], ((0, MINUTE),), spacing=10 * S, one_by_one=False)
    assert (kept.ipdv_sum, kept.ipdv_count) == (77, 3)


def test_the_pair_over_the_start_of_a_cut_minute_is_what_its_sums_have_more_of() -> None:
    """The packet before is in another minute; one that no pair ends with has nothing more."""
    rows = [Packed(MINUTE + second * S, OK, rtt, None) for second, rtt in ((5, 30), (15, 20), (35, 60), (45, 61))]
    for across, found in (((14, 1), (14 + 10, 2)), ((0, 0), (10, 1))):
        record = Record(
            start=MINUTE,
            length=MINUTE,
            ipdv_sum=10 + 1 + across[0],
            ipdv_count=2 + across[1],
            raw=pack(MINUTE, rows),
        )
        part = count([record], ((0, MINUTE + 40 * S),), spacing=10 * S, one_by_one=False)
        assert (part.ipdv_sum, part.ipdv_count) == found
        rest = count([record], ((MINUTE + 40 * S, 2 * MINUTE),), spacing=10 * S, one_by_one=False)
        assert (rest.ipdv_sum, rest.ipdv_count) == (1, 1)


def test_a_limit_inside_the_bucket_decides_the_side() -> None:
    """1 000 000 and 1 000 001 ns share a bucket of the grid; only the count within the limit tells them apart."""
    for rtt in (1_000_000, 1_000_001):
        found = packets(answered([5, rtt, rtt, rtt, 9 * MS]), raw=False, limits=(1_000_000,)).percentile(Fraction(1, 2))
        assert found is not None
        assert (found <= 1_000_000) == (rtt <= 1_000_000)


def test_small_delays_are_exact() -> None:
    assert packets(answered([1, 100, 100, 127]), raw=False).percentile(Fraction(1, 2)) == 100


def test_extremes_are_exact_without_raw() -> None:
    rtts = [3_333_333, 7_777_777, 9_999_999]
    found = packets(answered(rtts), raw=False)
    assert [found.percentile(Fraction(1)), found.percentile(Fraction(1, 100))] == [9_999_999, 3_333_333]
    middle = found.percentile(Fraction(1, 2))
    assert middle is not None
    assert distribution.bucket(int(middle)) == distribution.bucket(7_777_777)
