"""One minute of one series while it grows, and the sums it becomes: samples in send order → Record."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from operator import sub
from struct import Struct
from typing import TYPE_CHECKING

from slamon.model import MEANING, MINUTE, RESULT_CODE, RESULTS, Packet, Result
from slamon.record.distribution import count
from slamon.record.packing import pack_plain
from slamon.record.rows import Record, reach

if TYPE_CHECKING:
    from slamon.record.rank import Block

LATE, DUPLICATE, REORDERED, CORRUPT = range(4)
"""Replies that change no result and are counted apart; the numbers are places in `Minute.events` and part of the journal."""

_SUCCESS = RESULT_CODE[Result.SUCCESS]
_PACKETS = {packet: bytes(code for code, r in enumerate(RESULTS) if MEANING[r].packet is packet) for packet in Packet}
"""What a packet was → the codes of the results that say so, by the one table of meanings."""

SAMPLE = Struct("=qqhB5x")
"""One sample: send instant, round trip, hop limit (−1 where there is none), code. As long as a multiple of its widest field."""
_HOP, _CODE = 16, 18
"""Where they stand."""


def packets(codes: bytes | bytearray) -> dict[Packet, int]:
    """How many of the result `codes` mean received, lost, refused and ours."""
    return {packet: sum(map(codes.count, _PACKETS[packet])) for packet in Packet}


class Minute:
    """The samples sent in `[start, start + 1 min)`.

    Bytes, because ten thousand of these are open at a time, and in one piece, because the processor's caches forget a series
    between two of its samples: a piece for each column would be that many more fetches from memory for every packet.
    """

    __slots__ = ("_pieces", "before", "events", "number", "samples", "start")

    def __init__(self, start: int, number: int, before: tuple[int, int] | None) -> None:
        self.start = start
        self.number = number
        """Of the batch that journals its first sample."""
        self.before = before
        """Send instant and round trip (−1: none) of the sample before the first one, for the pair they form."""
        self.samples = bytearray()
        """One SAMPLE after the other, since the last rounds."""
        self._pieces: list[tuple[bytearray, Block, int]] = []
        """What came before: samples, then those of a place in rounds of a rank."""
        self.events = [0, 0, 0, 0]

    def absorb(self, block: Block, place: int) -> bytearray:
        """The successes at one place of rounds; returns the new `samples`."""
        self._pieces.append((self.samples, block, place))
        self.samples = bytearray()
        return self.samples

    def last(self) -> tuple[int, int] | None:
        """What the next minute's `before` is."""
        if self.samples:
            sent, rtt, _, code = SAMPLE.unpack_from(self.samples, len(self.samples) - SAMPLE.size)
            return sent, rtt if code == _SUCCESS else -1
        if self._pieces:
            _, block, place = self._pieces[-1]
            return block.last[place], block.rtts[place - block.width]
        return self.before

    def _columns(self) -> tuple[list[int], list[int], list[int], bytearray]:
        """Send instants, round trips, hop limits, codes."""
        columns: tuple[list[int], list[int], list[int], bytearray] = [], [], [], bytearray()
        sents, rtts, hops, codes = columns
        for samples, block, place in self._pieces:
            _unpack(samples, columns)
            for column, more in zip((sents, rtts, hops), block.column(place), strict=True):
                column.extend(more)
            codes += bytes((_SUCCESS,)) * block.count
        _unpack(self.samples, columns)
        return columns

    def record(self, *, interval: int, limits: Sequence[int]) -> Record:
        """The sums of this minute, with its samples packed.

        Delay statistics are over successes that carry a round trip. A pair for the delay variation (RFC 3393) is two of
        them sent one after the other with no slot left out between, so at most `reach` apart.
        """
        sents, rtts, hops, codes = self._columns()
        steps = [*map(sub, sents[1:], sents)]
        kinds = packets(codes)
        good = codes.count(_SUCCESS) == len(codes) and -1 not in rtts
        delays = rtts if good else [rtt for code, rtt in zip(codes, rtts, strict=True) if code == _SUCCESS and rtt >= 0]
        ordered = sorted(delays)
        longest = reach(interval)
        late, duplicate, reordered, corrupt = self.events
        record = Record(
            start=self.start,
            length=MINUTE,
            received=kinds[Packet.RECEIVED],
            lost=kinds[Packet.LOST],
            refused=kinds[Packet.REFUSED],
            ours=kinds[Packet.OURS],
            late=late,
            duplicate=duplicate,
            reordered=reordered,
            corrupt=corrupt,
            rtt_count=len(delays),
            rtt_sum=sum(delays),
            buckets=count(ordered),
            raw=pack_plain(sents[0] - self.start if sents else 0, steps, codes, rtts, hops),
        )
        record.within = {limit: bisect_right(ordered, limit) for limit in limits}
        if ordered:
            record.rtt_min, record.rtt_max = ordered[0], ordered[-1]
        if good and steps and max(steps) <= longest:
            record.ipdv_sum = sum(map(abs, map(sub, delays[1:], delays)))
            record.ipdv_count = len(delays) - 1
        else:
            record.ipdv_sum, record.ipdv_count = _variation(
                [(sent, rtt if code == _SUCCESS else -1) for sent, code, rtt in zip(sents, codes, rtts, strict=True)],
                longest,
            )
        if self.before and sents:
            first = sents[0], rtts[0] if codes[0] == _SUCCESS else -1
            across, pairs = _variation((self.before, first), longest)
            record.ipdv_sum += across
            record.ipdv_count += pairs
        return record


def _unpack(samples: bytearray, columns: tuple[list[int], list[int], list[int], bytearray]) -> None:
    """Append samples to columns."""
    if not samples:
        return
    sents, rtts, hops, codes = columns
    whole = bytes(samples)  # a view of what still grows would forbid it
    words, halves = memoryview(whole).cast("q"), memoryview(whole).cast("h")
    a_word, a_half = SAMPLE.size // 8, SAMPLE.size // 2
    sents += words[::a_word].tolist()
    rtts += words[1::a_word].tolist()
    hops += halves[_HOP // 2 :: a_half].tolist()
    codes += samples[_CODE :: SAMPLE.size]


def _variation(samples: Sequence[tuple[int, int]], longest: int) -> tuple[int, int]:
    """(Σ |delay − delay before|, pairs) over (send instant, round trip or −1)."""
    total = pairs = 0
    for (sent, rtt), (next_sent, next_rtt) in pairwise(samples):
        if rtt >= 0 and next_rtt >= 0 and next_sent - sent <= longest:
            total += abs(next_rtt - rtt)
            pairs += 1
    return total, pairs
