"""One target on the packet path: probes sent → decided → released in send order to the record, counted for metrics on the way.

At one probe a second and three seconds of timeout a loss is known after later successes are. Runs, detection and delay
variation need the order in which probes were *sent*, so a decided probe is held until every earlier one is decided.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter

from slamon.model import RESULT_CODE, RESULTS, Reading, Result, Target
from slamon.record.minute import CORRUPT, DUPLICATE, LATE, REORDERED
from slamon.record.rows import reach
from slamon.record.track import BREAK, EVENT, FIRST, MISSED, STEADY, Pending, Track
from slamon.stats import Histogram

__all__ = ["Pending", "Series"]

LONGEST = 1 << 62
"""Nanoseconds, 146 years: a round trip outside [0, LONGEST) is a prober's mistake, and no column would hold it."""
_SUCCESS = RESULT_CODE[Result.SUCCESS]


class Series:
    """What the probers call for every packet. Nothing in it raises, and nothing in it asks a clock.

    Always: `attempts` = Σ `results` + `in_flight`, also for probes that the record refuses.
    """

    __slots__ = (
        "_failed", "_final", "_first", "_fresh", "_last", "_overruns", "_reach", "_resumed", "_succeeded", "_track", "attempts",
        "corrupt_replies", "duplicate_replies", "failure", "gauges", "hop_limit", "icmp_errors", "last_result", "last_success",
        "late_replies", "phases", "reordered_replies", "rotations", "rtt", "skipped", "target", "userspace",
    )  # fmt: skip

    def __init__(self, target: Target, track: Track, *, edges: tuple[int, ...], fresh: bool = True) -> None:
        """`track` is where the target's samples go on; `fresh`: nobody watched between its last sample and now."""
        self.target = target
        self._track = track
        # A queue, linked by `Pending.next`: two thousand deques would be two thousand more places in memory for every round.
        self._first: Pending | None = None
        self._final: Pending | None = None
        self._last = track.last
        self._fresh = fresh
        self._overruns = 0
        self._reach = -1
        """How late the next send may be without a slot being missed; −1 before the first, 0 after a gap: both take the slow way."""
        self._resumed = STEADY
        """After a gap: how the next sample follows, BREAK when the gap is over since the last one."""
        self.attempts = 0
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
        self.rtt = Histogram(edges)
        """Of successes, nanoseconds."""
        self.icmp_errors: Counter[tuple[int, int, str]] = Counter()
        """(type, code, "local" | "remote") → errors."""
        self.last_success: int | None = None
        """Send instant of the last success."""
        self.last_result: int | None = None
        """Send instant of the last decided probe."""
        self.hop_limit: int | None = None
        """Of the last reply that showed one."""
        self.failure = ""
        """For people: what was said of the last probe that failed."""
        self.gauges: dict[str, float] = {}
        self.phases: dict[str, list[int]] = {}
        """Phase → [Σ nanoseconds, count]."""

    @property
    def results(self) -> list[int]:
        """By RESULT_CODE; counted when decided."""
        found = self._failed.copy()
        found[_SUCCESS] = self._succeeded
        return found

    @property
    def in_flight(self) -> int:
        """Probes sent and not yet decided."""
        return self.attempts - self._succeeded - sum(self._failed)

    def send(self, sent: int) -> Pending:
        """A probe left at the instant `sent`, or tried to: a failed send is an attempt too.

        A probe that does not come after the one before it (the clock was stepped back), or that comes before facts already
        written, has no place in the record: it is counted like any other and as skipped for the reason `clock_step`.
        """
        self.attempts += 1
        track = self._track
        step = sent - self._last
        if step <= 0 or sent < track.journal.settled:
            self.skipped["clock_step"] += 1
            return Pending(track.id, sent, STEADY)
        pending = Pending(track.id, sent, STEADY if step <= self._reach and not self._overruns else self._link(step))
        self._last = sent
        final = self._final
        if final is None:
            self._first = pending
        else:
            final.next = pending
        self._final = pending
        return pending

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
        sent = self.last_result = pending.sent
        if rtt is not None and 0 <= rtt < LONGEST:
            pending.rtt = rtt
            if code == _SUCCESS:
                histogram = self.rtt
                histogram.counts[bisect_left(histogram.edges, rtt)] += 1
                histogram.total += rtt
        if hop_limit is not None and 0 <= hop_limit <= 255:
            pending.hop = self.hop_limit = hop_limit
        if code == _SUCCESS:
            self.last_success = sent
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
        self.last_result = self.last_success = pending.sent
        pending.rtt = rtt
        histogram = self.rtt
        histogram.counts[bisect_left(histogram.edges, rtt)] += 1
        histogram.total += rtt
        if hop_limit >= 0:
            pending.hop = self.hop_limit = hop_limit
        pending.code = _SUCCESS
        if self._first is not pending:
            return
        if self._final is not pending:
            self._release()
            return
        self._first = self._final = None
        track = self._track
        track.add(pending.sent, _SUCCESS, pending.chain, rtt, hop_limit)
        track.journal.released.append(pending)

    def _release(self) -> None:
        """Hand on every probe that is decided and has no undecided one before it."""
        head, add, released = self._first, self._track.add, self._track.journal.released
        while head is not None and head.code >= 0:
            add(head.sent, head.code, head.chain, head.rtt, head.hop)
            released.append(head)
            head.next, head = None, head.next
        self._first = head
        if head is None:
            self._final = None

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
        self.skipped["overrun"] += 1
        self._overruns += 1

    def interrupt(self, start: int, end: int) -> None:
        """Nothing could be observed in `[start, end)`: samples on its two sides are not of one run, whatever their distance.

        A run is a count between two instants. If it went on over the gap, how many of its samples were sent before would be
        reckoned anew with every sample that follows, and the past would be judged anew with it.
        """
        for edge in (start, end):
            after = self._first
            while after is not None and after.sent < edge:
                after = after.next
            if after is not None and edge == end and self._track.last < end:
                after.chain = max(after.chain, MISSED)
            elif after is not None:
                after.chain = max(after.chain, BREAK)
        if self._reach >= 0 and not (self._first is not None and self._last >= end):
            was = self._resumed if self._reach == 0 else STEADY
            self._reach, self._resumed = 0, max(was, BREAK if self._last >= end else MISSED)

    def oldest(self) -> int | None:
        """Send instant of the earliest probe that is undecided; None when every one is decided and released."""
        return None if self._first is None else self._first.sent

    def abandon(self) -> None:
        """Nothing sent so far is waited for: the target was removed or changed, or the daemon ends."""
        self._first = self._final = None

    def _link(self, step: int) -> int:
        """The chain of a probe `step` nanoseconds after the one before it, off the straight way."""
        interval = self.target.spacing
        overruns, self._overruns = self._overruns, 0
        if self._reach < 0:
            self._reach = reach(interval)
            if self._fresh:
                return FIRST
            interval = self._track.span  # the definition changed while we were watching: the old one's slots count
            return BREAK if step <= reach(interval) else MISSED
        if not self._reach:
            self._reach = reach(interval)
            if self._resumed == MISSED or step <= self._reach:
                return self._resumed
        return BREAK if overruns and step <= self._reach + overruns * interval else MISSED

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
        track = self._track
        line = Pending(track.id, track.event(kind), STEADY)
        line.code = EVENT + kind
        track.journal.released.append(line)
