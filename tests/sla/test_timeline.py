"""Interval sets and timelines against sets of single instants."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slamon.sla.timeline import (
    Spans,
    Timeline,
    clip,
    combine,
    filled,
    intersect,
    length,
    overlaps,
    subtract,
    tagged,
    union,
)

END = 40
edges = st.integers(0, END)
spans = st.lists(st.tuples(edges, edges), max_size=8)


def points(of: Spans) -> set[int]:
    return {i for start, end in of for i in range(start, end)}


def proper(of: Spans) -> bool:
    """Ascending, not empty, neither overlapping nor touching."""
    return all(start < end for start, end in of) and all(a[1] < b[0] for a, b in pairwise(of))


def values(timeline: Timeline[str]) -> dict[int, str]:
    return {i: value for start, end, value in timeline.pieces for i in range(start, end)}


@st.composite
def timelines(draw: st.DrawFn) -> Timeline[str]:
    cuts = sorted(draw(st.sets(edges, min_size=0, max_size=8)))
    return Timeline.of((a, b, draw(st.sampled_from("abc"))) for a, b in pairwise(cuts))


@given(spans, spans, edges, edges)
def test_interval_sets_do_what_sets_of_instants_do(
    left: list[tuple[int, int]], right: list[tuple[int, int]], a: int, b: int
) -> None:
    x, y = union(left), union(right)
    assert points(x) == {i for start, end in left for i in range(start, end)}
    assert points(intersect(x, y)) == points(x) & points(y)
    assert points(subtract(x, y)) == points(x) - points(y)
    assert points(clip(x, a, b)) == points(x) & set(range(a, b))
    assert length(x) == len(points(x))
    assert all(map(proper, (x, intersect(x, y), subtract(x, y), clip(x, a, b))))


@given(timelines(), spans, edges, edges)
def test_timelines_do_what_tables_of_instants_do(
    timeline: Timeline[str], cover: list[tuple[int, int]], a: int, b: int
) -> None:
    table, covered = values(timeline), union(cover)
    assert values(timeline.clip(a, b)) == {i: v for i, v in table.items() if a <= i < b}
    assert values(timeline.within(a, b, "z")) == {i: table.get(i, "z") for i in range(a, b)}
    assert values(timeline.overlay(covered, "z")) == {i: "z" if i in points(covered) else v for i, v in table.items()}
    assert points(timeline.spans("ab")) == {i for i, v in table.items() if v in "ab"}
    assert timeline.lengths() == {v: list(table.values()).count(v) for v in set(table.values())}
    for made in (timeline.clip(a, b), timeline.within(a, b, "z"), timeline.overlay(covered, "z")):
        assert all(p.start < p.end for p in made.pieces)
        assert all(p.end == q.start and p.value != q.value for p, q in pairwise(made.pieces))


@given(timelines(), timelines())
def test_two_timelines_are_combined_where_both_are_defined(left: Timeline[str], right: Timeline[str]) -> None:
    a, b = values(left), values(right)
    assert values(combine(lambda v, w: v + w, left, right)) == {i: a[i] + b[i] for i in a.keys() & b.keys()}
    met = {i: value for start, end, value in overlaps(left.pieces, right.pieces) for i in range(start, end)}
    assert met == {i: (a[i], b[i]) for i in a.keys() & b.keys()}


@given(spans, edges, edges)
def test_holes_are_filled(some: list[tuple[int, int]], a: int, b: int) -> None:
    inside = points(union(some))
    assert values(filled(tagged(union(some), "in"), a, b, "out")) == {
        i: "in" if i in inside else "out" for i in range(a, b)
    }


def test_a_timeline_knows_its_ends_and_has_no_gaps() -> None:
    timeline = Timeline.of([(1, 3, "a"), (3, 4, "a"), (4, 4, "b"), (4, 9, "c")])
    assert (timeline.start, timeline.end) == (1, 9)
    assert timeline.pieces == ((1, 4, "a"), (4, 9, "c"))
    with pytest.raises(ValueError, match="no gaps: 3 is followed by 4"):
        Timeline.of([(1, 3, "a"), (4, 5, "a")])
    empty: Timeline[str] = Timeline()
    with pytest.raises(IndexError):
        _ = empty.start
    with pytest.raises(IndexError):
        _ = empty.end
