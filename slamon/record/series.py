"""One target on the packet path: probes sent → decided → released in send order to the record, counted for metrics on the way.

At one probe a second and three seconds of timeout a loss is known after later successes are. Runs, detection and delay
variation need the order in which probes were *sent*, so a decided probe is held until every earlier one is decided.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from slamon.model import RESULT_CODE, RESULTS, Reading, Result, Target
from slamon.record.minute import CORRUPT, DUPLICATE, LATE, REORDERED
from slamon.record.rows import reach
from slamon.record.track import BREAK, EVENT, FIRST, MISSED, STEADY, Pending, Track
from slamon.stats import Histogram

if TYPE_CHECKING:
    from slamon.record.rank import Rank

__all__ = ["Counts", "Pending", "Series"]

LONGEST = 1 << 62
"""Nanoseconds, 146 years: a round trip outside [0, LONGEST) is a prober's mistake, and no column would hold it."""
_SUCCESS = RESULT_CODE[Result.SUCCESS]


class Counts(NamedTuple):
    """What was counted of a series up to one instant. `attempts` = Σ `results` + `in_flight`."""

    attempts: int
    results: tuple[int, ...]
    """By RESULT_CODE."""
    in_flight: int
    edges: tuple[int, ...]
    buckets: tuple[int, ...]
    """Of the histogram of round trips: successes by upper edge, and those above the last."""
    rtt_sum: int
    last_success: int | None
    """Send instant of the last success."""
    last_result: int | None
    """Send instant of the last decided probe."""
    hop_limit: int | None
    """Of the last reply that showed one."""


class Series:
    """What the probers call for every packet. Nothing in it raises, and nothing in it asks a clock.

    Always: `attempts` = Σ `results` + `in_flight`, also for probes that the record refuses.
    """

    __slots__ = (
        "_attempts", "_ended", "_failed", "_final", "_first", "_fresh", "_hop_limit", "_last", "_last_result", "_last_success", "_overruns",
        "_resumed", "_rtt", "_succeeded", "corrupt_replies", "duplicate_replies", "failure", "gauges", "icmp_errors", "late_replies",
        "phases", "reach", "reordered_replies", "rotations", "skipped", "target", "track", "userspace",
    )  # fmt: skip

    ranked: ClassVar[bool] = True
    """Whether it may be one of a rank; not where every single probe is to be told of."""

    def __init__(self, target: Target, track: Track, *, edges: tuple[int, ...], fresh: bool = True) -> None:
        """`track` is where the target's samples go on; `fresh`: nobody watched between its last sample and now."""
        self.target = target
        self.track = track
        # A queue, linked by `Pending.next`: two thousand deques would be two thousand more places in memory for every round.
        self._first: Pending | None = None
        self._final: Pending | None = None
        self._last = track.last
        self._fresh = fresh
        self._overruns = 0
        self._ended = False
        self.reach = -1
        """How late the next send may be without a slot being missed; −1 before the first, 0 after a gap: both take the slow way."""
        self._resumed = STEADY
        """After a gap: how the next sample follows, BREAK when the gap is over since the last one."""
        self._attempts = 0
        self._succeeded = 0
        self._failed = [0] * len(RESULTS)
        self.late_replies = 0
        self.duplicate_replies = 0
        self.reordered_replies = 0
        self.corrupt_replies = 0
        self.userspace = 0
        """Round trips stamped by our own clock instead of the kernel's."""
        self.rotations = 0
        """Changes of the flow identity (ICMP id); counted by the prober."""
        self.skipped: Counter[str] = Counter({"overrun": 0, "clock_step": 0})
        """Reason → slots without a probe, or probes without a place in the record."""
        self._rtt = Histogram(edges)
        self.icmp_errors: Counter[tuple[int, int, str]] = Counter()
        """(type, code, "local" | "remote") → errors."""
        self._last_success: int | None = None
        self._last_result: int | None = None
        self._hop_limit: int | None = None
        self.failure = ""
        """For people: what was said of the last probe that failed."""
        self.gauges: dict[str, float] = {}
        self.phases: dict[str, list[int]] = {}
        """Phase → [Σ nanoseconds, count]."""

    @property
    def attempts(self) -> int:
        """Probes sent, or tried to be."""
        return self.counts().attempts

    @property
    def results(self) -> list[int]:
        """By RESULT_CODE; counted when decided."""
        return [*self.counts().results]

    @property
    def in_flight(self) -> int:
        """Probes sent and not yet decided."""
        return self.counts().in_flight

    @property
    def decided(self) -> int:
        """Probes that are not in flight any more."""
        rank = self.track.rank
        return self._succeeded + sum(self._failed) + (0 if rank is None else rank.unspread)

    @property
    def rtt(self) -> Histogram:
        """Of successes, nanoseconds."""
        self._spread()
        return self._rtt

    @rtt.setter
    def rtt(self, histogram: Histogram) -> None:
        self._spread()
        self._rtt = histogram

    def counts(self) -> Counts:
        """All of it at once."""
        rank = self._spread()
        attempts = self._attempts + (rank is not None and rank.open is not None)
        failed, rtt = self._failed, self._rtt
        return Counts(
            attempts,
            (*failed[:_SUCCESS], self._succeeded, *failed[_SUCCESS + 1 :]),
            attempts - self._succeeded - sum(failed),
            rtt.edges,
            tuple(rtt.counts),
            rtt.total,
            self._last_success,
            self._last_result,
            self._hop_limit,
        )

    def _spread(self) -> Rank | None:
        """Take over what its rank has completed."""
        rank = self.track.rank
        if rank is not None:
            rank.spread()
        return rank

    def send(self, sent: int) -> Pending:
        """A probe left at the instant `sent`, or tried to: a failed send is an attempt too.

        A probe that does not come after the one before it (the clock was stepped back), or that comes before facts already
        written, has no place in the record: it is counted like any other and as skipped for the reason `clock_step`.
        """
        track = self.track
        if track.rank is not None:
            track.rank.part()
        self._attempts += 1
        step = sent - self._last
        if step <= 0 or sent < track.journal.settled:
            self.skipped["clock_step"] += 1
            return Pending(track.id, sent, STEADY)
        pending = Pending(track.id, sent, STEADY if step <= self.reach and not self._overruns else self._link(step))
        self._last = sent
        final = self._final
        if final is None:
            self._first = pending
            track.journal.waiting[track.id] = self
        else:
            final.next = pending
        self._final = pending
        return pending

    # what its rank asks and tells

    def usual(self, sent: int) -> bool:
        """Whether a probe sent then goes on as the ones before did, with nothing undecided: then it may be one of a rank."""
        track = self.track
        return (
            self._first is None
            and 0 < sent - self._last <= self.reach
            and not self._overruns
            and track.code == _SUCCESS
            and track.end > 0
        )

    def leave(self) -> None:
        """Go on alone."""
        rank = self.track.rank
        if rank is not None:
            rank.part()

    def enlist(self, sent: int) -> Pending:
        """The probe of a round that is under way, as `send` would have given it."""
        self._attempts += 1
        self._last = sent
        track = self.track
        self._first = self._final = pending = Pending(track.id, sent, STEADY)
        track.journal.waiting[track.id] = self
        return pending

    def absorb(self, last: int, rtts: Sequence[int], hops: Sequence[int]) -> None:
        """Count what `send` and `succeed` would have counted, one after the other; the latest of them was sent at `last`."""
        count = len(rtts)
        self._attempts += count
        self._succeeded += count
        self._last = self._last_result = self._last_success = last
        histogram = self._rtt
        counts, edges = histogram.counts, histogram.edges
        low, high = bisect_left(edges, min(rtts)), bisect_left(edges, max(rtts))
        if low == high:  # as long as the path stays the same
            counts[low] += count
        else:
            for rtt in rtts:
                counts[bisect_left(edges, rtt)] += 1
        histogram.total += sum(rtts)
        seen = hops[-1] if hops[-1] >= 0 else next((hop for hop in reversed(hops) if hop >= 0), None)
        if seen is not None:
            self._hop_limit = seen

    def decide(self, pending: Pending, reading: Reading) -> None:
        """How `pending` ended. The first decision stands: a second one for the same probe changes nothing."""
        if pending.code >= 0:
            return
        result, rtt, hop_limit, detail, userspace, phases, gauges, icmp_error = reading
        code = RESULT_CODE[result]
        if code == _SUCCESS:
            self._succeeded += 1
        else:
            self._failed[code] += 1
        sent = self._last_result = pending.sent
        if rtt is not None and 0 <= rtt < LONGEST:
            pending.rtt = rtt
            if code == _SUCCESS:
                histogram = self._rtt
                histogram.counts[bisect_left(histogram.edges, rtt)] += 1
                histogram.total += rtt
        if hop_limit is not None and 0 <= hop_limit <= 255:
            pending.hop = self._hop_limit = hop_limit
        if code == _SUCCESS:
            self._last_success = sent
        elif detail:
            self.failure = detail
        if userspace:
            self.userspace += 1
        if phases or gauges or icmp_error is not None:
            self._extras(reading)
        pending.code = code
        if self._first is pending:
            self._release()

    def succeed(self, pending: Pending, rtt: int, hop_limit: int) -> None:
        """`decide` for what nearly every probe of a shared socket is: a success whose round trip the kernel stamped.

        `rtt` lies in [0, LONGEST), `hop_limit` in [−1, 255]; −1: none was seen.
        """
        if pending.code >= 0:
            return
        self._succeeded += 1
        self._last_result = self._last_success = pending.sent
        pending.rtt = rtt
        histogram = self._rtt
        histogram.counts[bisect_left(histogram.edges, rtt)] += 1
        histogram.total += rtt
        if hop_limit >= 0:
            pending.hop = self._hop_limit = hop_limit
        pending.code = _SUCCESS
        if self._first is not pending:
            return
        if self._final is not pending:
            self._release()
            return
        self._first = self._final = None
        track = self.track
        del track.journal.waiting[track.id]
        track.add(pending.sent, _SUCCESS, pending.chain, rtt, hop_limit)
        track.journal.released.append(pending)

    def _release(self) -> None:
        """Hand on every probe that is decided and has no undecided one before it."""
        head, add, released = self._first, self.track.add, self.track.journal.released
        while head is not None and head.code >= 0:
            add(head.sent, head.code, head.chain, head.rtt, head.hop)
            released.append(head)
            head.next, head = None, head.next
        self._first = head
        if head is None:
            self._final = None
            del self.track.journal.waiting[self.track.id]

    def late(self, probe: Pending | int | None = None) -> None:  # noqa: ARG002
        """A reply to `probe` (or to the probe sent at that instant) came after its timeout: it stays lost."""
        self.late_replies += 1
        self._event(LATE)

    def duplicate(self) -> None:
        """A second reply to the same probe."""
        self.duplicate_replies += 1
        self._event(DUPLICATE)

    def reordered(self) -> None:
        """A reply overtaken by the reply to a later probe."""
        self.reordered_replies += 1
        self._event(REORDERED)

    def corrupt(self) -> None:
        """A reply with another payload than was sent."""
        self.corrupt_replies += 1
        self._event(CORRUPT)

    def overrun(self) -> None:
        """A slot was left out because the probe before is still in flight."""
        self.leave()
        self.skipped["overrun"] += 1
        self._overruns += 1

    def interrupt(self, start: int, end: int) -> None:
        """Nothing could be observed in `[start, end)`: samples on its two sides are not of one run, whatever their distance.

        A run is a count between two instants. If it went on over the gap, how many of its samples were sent before would be
        reckoned anew with every sample that follows, and the past would be judged anew with it.
        """
        self.leave()
        for edge in (start, end):
            after = self._first
            while after is not None and after.sent < edge:
                after = after.next
            if after is not None and edge == end and self.track.last < end:
                after.chain = max(after.chain, MISSED)
            elif after is not None:
                after.chain = max(after.chain, BREAK)
        if self.reach >= 0 and not (self._first is not None and self._last >= end):
            was = self._resumed if self.reach == 0 else STEADY
            self.reach, self._resumed = 0, max(was, BREAK if self._last >= end else MISSED)

    def oldest(self) -> int | None:
        """Before this instant it sent no probe that is undecided; None when every one is decided and released."""
        if self._first is not None:
            return self._first.sent
        rank = self.track.rank
        return None if rank is None or rank.open is None else rank.open.sents[0]

    def abandon(self) -> None:
        """Nothing sent so far is waited for: the target was removed or changed, or the daemon ends."""
        self.leave()
        self._ended = True
        self._first = self._final = None
        self.track.journal.waiting.pop(self.track.id, None)

    def _link(self, step: int) -> int:
        """The chain of a probe `step` nanoseconds after the one before it, off the straight way."""
        interval = self.target.spacing
        overruns, self._overruns = self._overruns, 0
        if self.reach < 0:
            self.reach = reach(interval)
            if self._fresh:
                return FIRST
            interval = self.track.span  # the definition changed while we were watching: the old one's slots count
            return BREAK if step <= reach(interval) else MISSED
        if not self.reach:
            self.reach = reach(interval)
            if self._resumed == MISSED or step <= self.reach:
                return self._resumed
        return BREAK if overruns and step <= self.reach + overruns * interval else MISSED

    def _extras(self, reading: Reading) -> None:
        for phase, ns in reading.phases:
            total = self.phases.setdefault(phase, [0, 0])
            total[0] += ns
            total[1] += 1
        if reading.gauges:
            self.gauges.update(reading.gauges)
        if reading.icmp_error is not None:
            self.icmp_errors[reading.icmp_error] += 1

    def _event(self, kind: int) -> None:
        if self._ended:
            return  # the counters that go on with its record would not have it
        self.leave()
        track = self.track
        line = Pending(track.id, track.event(kind), STEADY)
        line.code = EVENT + kind
        track.journal.released.append(line)
