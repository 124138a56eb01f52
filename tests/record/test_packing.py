from __future__ import annotations

import random  # noqa: TID251  seeded below: the same noise every time
from collections.abc import Callable, Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slamon.model import MS, RESULT_CODE, US, Result, S
from slamon.record.packing import Packed, cut, join, pack, pack_plain, unpack
from tests.record.worlds import T0

SENDS = st.one_of(
    st.lists(st.integers(0, 60 * S - 1), max_size=150, unique=True).map(sorted),
    st.lists(st.integers(0, 60 * S // US - 1), max_size=150, unique=True).map(lambda us: sorted(at * US for at in us)),
)


@st.composite
def rows(draw: st.DrawFn) -> list[Packed]:
    optional_rtt = st.one_of(st.none(), st.integers(0, 40 * MS), st.integers(0, 1 << 40))
    optional_hop = st.one_of(st.none(), st.just(57), st.integers(0, 255))
    return [
        Packed(T0 + sent, draw(st.sampled_from(list(Result))), draw(optional_rtt), draw(optional_hop))
        for sent in draw(SENDS)
    ]


def plainly(start: int, samples: Iterable[Packed]) -> bytes:
    """As a minute that closes does it."""
    rows = list(samples)
    return pack_plain(
        rows[0].sent - start if rows else 0,
        [after.sent - row.sent for row, after in pairwise(rows)],
        bytes(RESULT_CODE[row.result] for row in rows),
        [-1 if row.rtt is None else row.rtt for row in rows],
        [-1 if row.hop_limit is None else row.hop_limit for row in rows],
    )


WAYS = pytest.mark.parametrize("packed", [pack, plainly])
Way = Callable[[int, Iterable[Packed]], bytes]


@WAYS
@given(rows())
def test_every_sample_comes_back_exactly(packed: Way, samples: list[Packed]) -> None:
    assert unpack(T0, packed(T0, samples)) == samples


@WAYS
@given(rows(), st.randoms(use_true_random=False))
def test_parts_of_a_minute_join(packed: Way, samples: list[Packed], chance: random.Random) -> None:
    sides = [chance.random() < 0.5 for _ in samples]
    parts = [[s for s, side in zip(samples, sides, strict=True) if side is left] for left in (True, False)]
    assert join(T0, [(T0, packed(T0, part)) for part in parts]) == pack(T0, samples)


@WAYS
@given(rows().filter(bool), st.data())
def test_torn_bytes_are_refused(packed: Way, samples: list[Packed], data: st.DataObject) -> None:
    whole = packed(T0, samples)
    torn = whole[: data.draw(st.integers(0, len(whole) - 1))]
    with pytest.raises(ValueError, match=r"packed|packing|runs|column|version"):
        unpack(T0, torn)
    with pytest.raises(ValueError, match="too many"):
        unpack(T0, whole + b"\0")


@WAYS
@given(rows(), st.lists(st.integers(0, 60), max_size=4, unique=True).map(sorted))
def test_pieces_come_out_and_join_again(packed: Way, samples: list[Packed], edges: list[int]) -> None:
    at = [T0 + edge * S for edge in [0, *edges, 61]]
    pieces = list(pairwise(at))
    cuts = cut(T0, packed(T0, samples), pieces)
    inside = [[one for one in samples if begin <= one.sent < end] for begin, end in pieces]
    assert [
        [] if data is None else unpack(begin, data) for (begin, _), data in zip(pieces, cuts, strict=True)
    ] == inside
    parts = [(begin, data) for (begin, _), data in zip(pieces, cuts, strict=True) if data is not None]
    assert join(T0, parts) == pack(T0, samples)


def test_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match="version 9; this slamon reads versions 1, 2 and 3"):
        unpack(T0, b"\x09" + pack(T0, [])[1:])


EVEN = [
    Packed(T0 + 123 * MS + i * S + (i * 7919 % 1000) * 1013, Result.SUCCESS, 20 * MS + i * i * 1001, 57)
    for i in range(5)
]
WHOLE = [one._replace(sent=one.sent // US * US) for one in EVEN]
UNEVEN = [
    Packed(T0 + 5 * MS, Result.SUCCESS, 3 * MS, 64),
    Packed(T0 + 1 * S + 7, Result.TIMEOUT, None, None),
    Packed(T0 + 9 * S, Result.ICMP_ERROR, None, None),
]


@pytest.mark.parametrize(
    ("written", "samples"),
    [
        ("0105c0050080d3a675fa9aebb9070014000000607cb984ba27d43d00000080b489130e000040fa40fac48c903e3905", EVEN),
        ("0103c001010104010180ade2048efbf3b407000101b2a29f8c1a809bee0200004001", UNEVEN),
        ("0205c0050080d3a67580a8d6b90700140000003048e3fef39c37bbf4720a80b489130e000040fa40fac48c903e3905", EVEN),
        ("0205c00502f0810f80897a000a0000880eb5bfac0280b489130e000040fa40fac48c903e3905", WHOLE),
    ],
)
def test_what_earlier_versions_wrote_is_read(written: str, samples: list[Packed]) -> None:
    assert unpack(T0, bytes.fromhex(written)) == samples
    assert unpack(T0, join(T0, [(T0, bytes.fromhex(written)), (T0, pack(T0, []))])) == samples


def test_whole_microseconds_cost_less() -> None:
    chance = random.Random(3)
    coarse = minute(chance, 0)
    fine = [row._replace(sent=row.sent + chance.randrange(US)) for row in coarse]
    assert len(pack(T0, coarse)) <= len(pack(T0, fine)) - 60


def minute(chance: random.Random, loss: float) -> list[Packed]:
    """Sixty samples of a line: 2 ms of scheduling noise, a round trip of 20 ms and a half-normal tail of 4 ms."""
    samples = []
    for i in range(60):
        sent = T0 + 123 * MS + i * S + chance.randrange(2000) * US
        if chance.random() < loss:
            samples.append(Packed(sent, Result.TIMEOUT, None, None))
        else:
            samples.append(Packed(sent, Result.SUCCESS, 20 * MS + int(abs(chance.gauss(0, 4 * MS))), 57))
    return samples


@pytest.mark.parametrize(("packed", "size"), [(pack, 5.4), (plainly, 8.4)])
@pytest.mark.parametrize("loss", [0.0, 0.02])
def test_a_minute_is_small(loss: float, packed: Way, size: float) -> None:
    chance = random.Random(1)
    sizes = [len(packed(T0, minute(chance, loss))) for _ in range(20)]
    assert sum(sizes) / len(sizes) / 60 <= size


def test_one_slow_reply_does_not_widen_the_others() -> None:
    quiet = [Packed(T0 + i * S, Result.SUCCESS, 20 * MS + i * 1000, 57) for i in range(60)]
    spike = [*quiet[:30], quiet[30]._replace(rtt=900 * MS), *quiet[31:]]
    assert len(pack(T0, spike)) <= len(pack(T0, quiet)) + 8


def test_one_missed_slot_does_not_widen_the_others() -> None:
    chance = random.Random(2)
    steady = [Packed(T0 + i * S + chance.randrange(1000), Result.SUCCESS, 20 * MS, 57) for i in range(60)]
    missed = [*steady[:30], *(s._replace(sent=s.sent + S) for s in steady[30:])]
    assert len(pack(T0, missed)) <= len(pack(T0, steady)) + 20
