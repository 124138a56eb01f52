"""Samples of one series, already in send order → its open run, its closed runs, its minutes.

The live packet path and the reader that replays a journal both feed a `Track`, so what a crash left behind is read by the
code that would have written it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from slamon.model import MINUTE, RESULT_CODE, RESULTS
from slamon.record.minute import SAMPLE, Minute
from slamon.record.records import encoded
from slamon.record.rows import Record, Run

if TYPE_CHECKING:
    from slamon.record.rank import Block, Rank, Round
    from slamon.record.series import Series

STEADY, BREAK, MISSED, FIRST = range(4)
"""How a sample follows the one before it in its series; part of the journal.

STEADY: in the next slot. BREAK: slots were left out because the probe before was still in flight (or its definition
changed), so the time between is accounted for. MISSED: slots passed with nobody looking. FIRST: of a new process.
"""


LOOK_EVERY = 8
"""Batches between two looks for minutes that ended without a sample after them; most have one soon.

Being 8 s late costs nothing. Replays look at the same numbers, so that they see the same.
"""
EVENT = 0x80
"""Added to the kind of an event to tell it from the code of a result."""

_sample = SAMPLE.pack


class Settled(NamedTuple):
    """A closed minute and what was known about the runs when it closed: what a store needs to go on from there."""

    series: int
    record: Record
    packed: tuple[bytes, bytes]
    """`record.buckets` and `record.within` packed, so that the thread that writes them need not."""
    runs: tuple[Run, ...]
    """Runs that ended since the minute before closed."""
    open: Run | None
    """The run still open, `until` being its `last_sent`."""
    span: int
    """Interval that was in force when the open run's last sample was sent, nanoseconds."""
    before: tuple[int, int] | None
    """Send instant and round trip (−1: none) of the last sample."""
    upto: int
    """Every sample sent before this instant is in this or an earlier Settled of the series."""


class Journal:
    """What the series of one recorder share: what was released since the last batch, and how far facts are settled."""

    __slots__ = ("begun", "done", "number", "open", "ranks", "released", "settled", "waiting")

    def __init__(self, number: int = 0) -> None:
        self.number = number
        """Of the batch that will journal what is released now."""
        self.released: list[Pending | Round] = []
        self.ranks: dict[Rank, None] = {}
        """Those that are joined."""
        self.waiting: dict[int, Series] = {}
        """Series with probes of their own that are not decided, or not released."""
        self.open: dict[int, dict[Track, None]] = {}
        """End of a minute → those in which it is open."""
        self.begun: Counter[tuple[int, int]] = Counter()
        """(start, number of the batch that journals the first sample) → minutes that no `settle` has handed out yet."""
        self.done: list[tuple[int, int, Track]] = []
        """Of each closed minute its start, and the series and track it is of."""
        self.settled = 0
        """Facts before this instant are written: a sample sent before it comes too late to be recorded."""

    def ended(self, instant: int) -> list[Track]:
        """Those whose open minute is over then."""
        return [track for end in sorted(self.open) if end <= instant for track in self.open[end]]


class Pending:
    """A probe from its sending to its release, then a line of the journal. Slots, because there is one per packet.

    A reply that changes no result is a line too: `code` is then EVENT + its kind, `sent` its place among the samples.
    """

    __slots__ = ("chain", "code", "hop", "next", "rtt", "sent", "series")

    def __init__(self, series: int, sent: int, chain: int) -> None:
        self.series = series
        self.sent = sent
        self.chain = chain
        self.code = -1
        """Of its result; −1 until decided."""
        self.rtt = -1
        self.hop = -1
        self.next: Pending | None = None
        """The probe sent after this one, while both wait for their release."""


class Track:
    """Accumulates one series: two calls a packet at most, everything else is for closing minutes."""

    __slots__ = (
        "_before", "_minute", "_samples", "_upto", "_waiting", "code", "done", "end", "first", "id", "interval", "journal",
        "known_from", "last", "limits", "rank", "runs", "samples", "span", "told",
    )  # fmt: skip

    def __init__(
        self,
        id: int,  # noqa: A002  the name of the column
        journal: Journal,
        *,
        interval: int,
        limits: tuple[int, ...],
        known_from: int | None = None,
        run: Run | None = None,
        span: int = 0,
        before: tuple[int, int] | None = None,
        upto: int = 0,
    ) -> None:
        self.id = id
        self.rank: Rank | None = None
        """While it is set, samples may be with it that are not here yet."""
        self.interval = interval
        self.limits = limits
        self.journal = journal
        self.known_from = known_from
        self.first, self.last, self.samples, self.code = 0, 0, 0, -1
        if run is not None:
            self.first, self.last, self.samples, self.code = (
                run.first_sent,
                run.last_sent,
                run.samples,
                RESULT_CODE[run.result],
            )
        self.told = -1
        """`first` of the open run, once `tail` gave nothing but this run; −1 before: to be given whole."""
        self.span = span or interval
        self.runs: list[Run] = []
        """Ended and not yet part of a closed minute."""
        self.done: list[tuple[Minute, tuple[Run, ...], Run | None, int, int]] = []
        """Closed minutes not yet taken by `settle`, oldest first: minute, runs, open run, span, upto."""
        self._minute: Minute | None = None
        self._samples = bytearray()
        """Those of the open minute, one look-up nearer."""
        self.end = 0
        """Of the open minute; 0 when none is."""
        self._before = before
        self._upto = upto
        self._waiting = [0, 0, 0, 0]

    def add(self, sent: int, code: int, chain: int, rtt: int, hop: int) -> None:
        """One sample, later than every one before; `rtt` and `hop` −1 where there is none. On the packet path."""
        if sent >= self.end:
            self._open(sent)
        self._samples += _sample(sent, rtt, hop, code)
        if chain or code != self.code:
            self._end_run(sent, code, chain)
        self.last = sent
        self.samples += 1

    def absorb(self, block: Block, place: int) -> None:
        """`add` of the samples at one place of rounds, which go on with the open run in the open minute."""
        assert self._minute is not None
        self._samples = self._minute.absorb(block, place)
        self.last = block.last[place]
        self.samples += block.count

    def event(self, kind: int) -> int:
        """A late, duplicate, reordered or corrupt reply: counted in the minute that is open when it is noticed, else in the next.

        Returns the instant that places it among the samples: before `upto` of the Settled it belongs to, and no earlier one.
        """
        if self._minute is None:
            self._waiting[kind] += 1
            return self._upto
        self._minute.events[kind] += 1
        return self.last

    def close(self, through: int) -> None:
        """Close the open minute if all of it lies before `through`."""
        if self._minute is not None and self.end <= through:
            self._close(self.end)

    def flush(self) -> None:
        """Close the open minute though it is not over: the process ends, or the series changes."""
        if self._minute is not None:
            self._close(self.last + 1)

    def open_run(self) -> Run | None:
        if not self.samples:
            return None
        return Run(self.first, self.last, self.last, self.samples, RESULTS[self.code])

    def tail(self) -> tuple[Run, ...]:
        """Every run no `settle` has handed out yet, the open one last."""
        last = (Run(self.first, self.last, self.last, self.samples, RESULTS[self.code]),) if self.samples else ()
        if not self.done and not self.runs:
            self.told = self.first
            return last
        return (*(run for _, runs, _, _, _ in self.done for run in runs), *self.runs, *last)

    def settle(self) -> Settled:
        """The oldest closed minute as a Settled. Raises IndexError when there is none."""
        minute, runs, run, span, upto = self.done.pop(0)
        begun, which = self.journal.begun, (minute.start, minute.number)
        begun[which] -= 1
        if not begun[which]:
            del begun[which]
        record = minute.record(interval=self.interval, limits=self.limits)
        return Settled(self.id, record, encoded(record), runs, run, span, minute.last(), upto)

    def _open(self, sent: int) -> None:
        if self._minute is not None:
            self._close(self.end)
        if self.known_from is None:
            self.known_from = sent
        start = sent - sent % MINUTE
        self.end = start + MINUTE
        journal = self.journal
        journal.open.setdefault(self.end, {})[self] = None
        journal.begun[start, journal.number] += 1
        self._minute = Minute(start, journal.number, self._before)
        self._minute.events, self._waiting = self._waiting, [0, 0, 0, 0]
        self._samples = self._minute.samples

    def _close(self, upto: int) -> None:
        minute = self._minute
        assert minute is not None
        self.done.append((minute, tuple(self.runs), self.open_run(), self.span, upto))
        journal = self.journal
        journal.done.append((minute.start, self.id, self))
        others = journal.open[self.end]
        del others[self]
        if not others:
            del journal.open[self.end]
        self.runs.clear()
        self._before = minute.last()
        self._minute = None
        self._samples = bytearray()
        self.end = 0
        self._upto = upto

    def _end_run(self, sent: int, code: int, chain: int) -> None:
        if self.samples:
            if chain == FIRST:
                until = self.last
            elif chain == MISSED:
                until = min(self.last + self.span, sent)
            else:
                until = sent
            self.runs.append(Run(self.first, self.last, until, self.samples, RESULTS[self.code]))
        self.first, self.samples, self.code, self.span = sent, 0, code, self.interval
