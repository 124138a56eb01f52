"""Where a path passes into the provider's part, which paths belong to an outage, and when nothing can be said."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from slamon.path import Border, Hop, Moment, Trace, Traced, border, network, of_outage, shown

PROVIDER = ("198.51.100.0/24", "2001:db8::/32")


def trace(*addresses: str | None, reached: bool = False, started: int = 100, family: int = 4) -> Trace:
    hops = tuple(Hop(distance=n, address=address) for n, address in enumerate(addresses, 1))
    return Trace(
        address="203.0.113.9", family=family, started=started, duration=1, hops=hops, reached=reached, ended=""
    )


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (trace("10.0.0.1", "10.0.0.2", "198.51.100.1", None), Border(2, 3, short=False)),
        (trace("10.0.0.1", None, "198.51.100.1", "198.51.100.2"), Border(1, 3, short=False)),
        (trace("198.51.100.1", None), Border(None, 1, short=False)),
        (trace("10.0.0.1", None, None), Border(1, None, short=True)),
        (trace(None, None), Border(None, None, short=True)),
        (trace("10.0.0.1", "203.0.113.9", reached=True), None),
        (trace(), None),
        (trace("2001:db8::1", family=6), Border(None, 1, short=False)),
        (trace("fe80::1%eth0", None, family=6), Border(1, None, short=True)),
    ],
)
def test_the_border(found: Trace, expected: Border | None) -> None:
    assert border(found, PROVIDER) == expected


def test_nothing_is_said_without_a_demarcation_of_the_family() -> None:
    assert border(trace("10.0.0.1"), ()) is None
    assert border(trace("10.0.0.1"), ("2001:db8::/32",)) is None


def test_a_network_is_an_address_or_a_prefix() -> None:
    assert str(network("198.51.100.1")) == "198.51.100.1/32"
    with pytest.raises(ValueError, match="host bits"):
        network("198.51.100.1/24")


def traced(since: int, until: int | None, started: int, moment: Moment = Moment.BEGAN, target: str = "a/b") -> Traced:
    return Traced(target=target, moment=moment, since=since, until=until, trace=trace(started=started))


@pytest.mark.parametrize(
    ("known", "start", "end", "wanted"),
    [
        # (since, until, started) of each silence; indices of those that belong to [start, end)
        ([(10, 20, 12)], 10, 20, [0]),
        ([(5, 20, 7)], 10, 20, [0]),  # fell silent before the others of its service
        ([(10, 20, 12)], 20, 30, []),  # half-open on both sides
        ([(30, 40, 32)], 20, 30, []),
        ([(15, None, 16)], 10, 20, [0]),  # no daemon saw its end
        ([(5, None, 12)], 10, 20, [0]),  # traced in it
        ([(5, None, 7)], 10, 20, []),
        ([(5, None, 7)], 10, None, [0]),  # goes on, and so does the outage
        ([(1, None, 2), (5, None, 7)], 10, None, [1]),
        ([(12, None, 13), (15, None, 16)], 10, None, [0, 1]),
    ],
)
def test_a_path_belongs_to_the_outages_its_silence_overlaps(
    known: Sequence[tuple[int, int | None, int]], start: int, end: int | None, wanted: list[int]
) -> None:
    every = [traced(since, until, started) for since, until, started in known]
    assert of_outage(every, start, end) == tuple(every[n] for n in wanted)


def test_paths_come_by_target_and_time() -> None:
    late, early = traced(10, 20, 21, Moment.ENDED), traced(10, 20, 12)
    other = traced(10, 20, 13, target="a/a")
    assert of_outage([late, early, other], 10, 20) == (other, early, late)


def test_a_first_hop_of_the_provider_that_never_answers_shows_nothing() -> None:
    began = Traced(target="a/b", moment=Moment.BEGAN, since=10, until=20, trace=trace("10.0.0.1", None))
    hidden = trace("10.0.0.1", None, "203.0.113.9", reached=True)
    seen = trace("10.0.0.1", "198.51.100.1", "203.0.113.9", reached=True)
    for after, expected in ((hidden, None), (seen, Border(1, None, short=True))):
        ended = Traced(target="a/b", moment=Moment.ENDED, since=10, until=20, trace=after)
        first, _ = shown("c", 10, [began, ended], {"a/b": PROVIDER})
        assert first.border == expected
    # of another silence, or another target, it says nothing
    other = Traced(target="a/b", moment=Moment.ENDED, since=30, until=40, trace=hidden)
    assert shown("c", 10, [began, other], {"a/b": PROVIDER})[0].border == Border(1, None, short=True)
