"""Which probes the replies answer, how long the round trips were by the stamps, and what is odd about the other replies."""

from __future__ import annotations

from array import array
from operator import add, attrgetter, itemgetter, sub
from typing import NamedTuple

from slamon.icmp.abreast import Abreast
from slamon.icmp.flights import ANSWERED, IN_FLIGHT, LATE, LOST, MASK, Flights
from slamon.icmp.packet import ECHO_REPLY
from slamon.icmp.peer import Form
from slamon.icmp.sockets import ProbeSocket
from slamon.icmp.wire import Answers, Portion, Reply, Row
from slamon.model import DAY, Reading, Result, S
from slamon.probe import Context
from slamon.record.rank import LEAST, Round
from slamon.record.series import Pending

_SOURCE = attrgetter("source")

_TOO_LATE = Reading(Result.TIMEOUT, detail="the answer came after the timeout")


class _Span(NamedTuple):
    """Between two steps of the clock, as far as one looked."""

    offset: int
    """Stamp minus monotonic time."""
    since: int
    """It was so when this had passed."""
    seen: int
    """It was still so then."""


class Matching:
    """The replies to one socket. Time is monotonic nanoseconds, except that stamps are the kernel's CLOCK_REALTIME."""

    def __init__(self, probe: ProbeSocket, context: Context, flights: Flights, abreast: Abreast) -> None:
        self._clock = clock = context.clock
        self._stats = context.stats
        self._flights = flights
        self._abreast = abreast
        self._reply_type = ECHO_REPLY[probe.family]
        self._ident = probe.ident
        self._tails: dict[Form, bytes] = {}
        """What follows the number in an answer to requests of that form."""
        self._shortest = DAY
        """The shortest timeout of all probes."""
        self._seen = clock.monotonic()
        """The offset was still this one then."""
        self._offset = clock.offset()
        self._stepped = 0
        """Probes sent up to this instant may have stamps of two different clocks."""
        self._before = _Span(self._offset, self._stepped, self._stepped)
        """What was so before the latest step."""
        self.emptied = clock.monotonic()
        """What had arrived by then has been read."""
        self.stamped = False
        """The kernel stamps what arrives here. It may begin to only after the first answers, or have no stamps at all."""

    def expect(self, form: Form, tail: bytes, timeout: int) -> None:
        """Requests like that are sent from now on."""
        self._tails[form] = tail
        self._shortest = min(self._shortest, timeout)

    def notice(self) -> bool:
        """Look whether the clock was stepped since the last look, and if so remember it."""
        looking = self._clock.monotonic()
        offset = self._clock.offset()
        if offset == self._offset:
            self._seen = looking
            return False
        self._before = _Span(self._offset, self._stepped, self._seen)
        self._offset = offset
        self._stepped = self._seen = self._clock.monotonic()
        return True

    def take(self, portion: Portion) -> None:
        """What nearly every reply is goes straight through, all others by `_odd`."""
        self.notice()  # after they were stamped
        if not self.stamped:
            self.stamped = any(seconds for _, (_, seconds, _, _) in portion.rows())
        if len(self._tails) == 1 and len(portion) >= LEAST:
            (tail,) = self._tails.values()
            answers = portion.answers(Reply(self._reply_type, self._ident, tail))
            if answers is not None and self._take_all(answers):
                return
        flights, reply_type, ident = self._flights, self._reply_type, self._ident
        states, numbers, peers, stamps = flights.states, flights.numbers, flights.peers, flights.stamps
        sents, pendings, stepped, tails = flights.sents, flights.pendings, self._stepped, self._tails
        now = self._clock.monotonic()
        answered = 0
        form, tail = None, b""
        for row in portion.rows():
            (kind, own, sequence, number, rest), (source, seconds, nanoseconds, hop) = row
            if states[sequence] == IN_FLIGHT and numbers[sequence] == number and own == ident and kind == reply_type:
                peer = peers[sequence]
                assert peer is not None
                if peer.form is not form:
                    form, tail = peer.form, tails[peer.form]
                sent = sents[sequence]
                rtt = seconds * S + nanoseconds - stamps[sequence]
                if (
                    source == peer.source
                    and rest == tail
                    and 0 < rtt <= peer.timeout  # without a stamp it is 0, negative, or decades
                    and rtt <= now - sent
                    and sent > stepped
                ):
                    states[sequence] = ANSWERED
                    answered += 1
                    pending = pendings[sequence]
                    if isinstance(pending, Pending):
                        peer.succeed(pending, number, rtt, hop)
                        pendings[sequence] = None  # tens of thousands of them would be the collector's whole work
                    else:
                        flights.rtts[sequence], flights.hops[sequence] = rtt, hop
                    continue
            self._odd(row)
        flights.in_flight -= answered

    def _take_all(self, answers: Answers) -> bool:
        """The same by columns, if all are in time and to probes of rounds; else nothing is done, and False is returned."""
        numbers, sources, stamps, hops = answers
        flights, count = self._flights, len(numbers)
        sequences = [number & MASK for number in numbers]
        of = itemgetter(*sequences)
        if not (
            len(set(sequences)) == count
            and of(flights.states).count(IN_FLIGHT) == count
            and of(flights.numbers) == numbers
            and set(map(type, of(flights.pendings))) == {Round}
            and b"".join(map(_SOURCE, of(flights.peers))) == sources
        ):
            return False
        sents = of(flights.sents)
        rtts = [*map(sub, stamps, of(flights.stamps))]
        if not (
            min(rtts) > 0
            and max(rtts) <= self._shortest
            and max(map(add, rtts, sents)) <= self._clock.monotonic()
            and min(sents) > self._stepped
        ):
            return False
        states, all_rtts, all_hops = flights.states, flights.rtts, flights.hops
        begin, end = sequences[0], sequences[0] + count
        if sequences == [*range(begin, end)]:  # as they come from targets that are equally near
            states[begin:end] = bytes((ANSWERED,)) * count
            all_rtts[begin:end], all_hops[begin:end] = array("q", rtts), array("h", hops)
        else:
            for sequence, rtt, hop in zip(sequences, rtts, hops, strict=True):
                states[sequence] = ANSWERED
                all_rtts[sequence] = rtt
                all_hops[sequence] = hop
        flights.in_flight -= count
        return True

    def _odd(self, row: Row) -> None:
        """One message that is not plainly the answer in time to a probe in flight."""
        (kind, ident, sequence, number, rest), (source, seconds, nanoseconds, hop) = row
        flights = self._flights
        if kind != self._reply_type or ident != self._ident:
            return  # somebody else's, on a raw socket
        peer = flights.peers[sequence]
        if peer is None or peer.source != source:
            self._stats.unexpected_replies += 1
            return
        if rest == self._tails[peer.form]:
            known = flights.numbers[sequence]
            if number == known:
                self._answered(sequence, seconds * S + nanoseconds, hop)
                return
            if 0 <= number < known:
                self._stats.unexpected_replies += 1  # an answer from before the sequence numbers wrapped
                return
        self._abreast.part_all()
        peer.series.corrupt()

    def _answered(self, sequence: int, stamp: int, hop: int) -> None:
        """The answer to a probe, stamped by the kernel (0: not)."""
        self._abreast.part_all()  # what was answered before is recorded before
        flights = self._flights
        peer = flights.peers[sequence]
        assert peer is not None
        series = peer.series
        if flights.states[sequence] != IN_FLIGHT:
            if flights.states[sequence] == LOST:
                flights.states[sequence] = LATE
                series.late()
            else:
                series.duplicate()
            return
        now = self._clock.monotonic()
        rtt, flagged, certain = self._round_trip(sequence, stamp, now)
        number, sent = flights.numbers[sequence], flights.sents[sequence]
        if rtt > peer.timeout:
            _, pending = self._abreast.end(sequence, LATE)
            if not certain and self.emptied <= sent + peer.timeout:
                series.decide(pending, Reading(Result.LOCAL_ERROR, detail="the answer was read too late to tell"))
            else:
                series.decide(pending, _TOO_LATE)
                series.late()
            return
        _, pending = self._abreast.end(sequence, ANSWERED)
        peer.losses = 0
        if number < peer.newest:
            series.reordered()
        else:
            peer.newest = number
        series.decide(pending, Reading(Result.SUCCESS, rtt, hop if hop >= 0 else None, "", flagged))

    def _round_trip(self, sequence: int, stamp: int, now: int) -> tuple[int, bool, bool]:
        """Its length; whether our own clock had a part in it; whether it is known when the answer arrived.

        From kernel stamp to kernel stamp where both can be believed, else from our own clock before the send.
        """
        sent, left = self._flights.sents[sequence], self._flights.stamps[sequence]
        if sent <= self._stepped:
            return self._across(sent, left, stamp, now)
        if stamp and left and 0 <= stamp - left <= now - sent:
            return stamp - left, False, True
        arrived = stamp - self._offset if stamp else 0
        if sent <= arrived <= now:
            return arrived - sent, True, True
        return now - sent, True, False

    def _across(self, sent: int, left: int, stamp: int, now: int) -> tuple[int, bool, bool]:
        """The same of a probe that was sent before a step of the clock was noticed.

        A stamp of before the step, taken for one of after it, may be impossible (before the clock was last seen to be the old one, or in
        the future), and the other way round (before the send, or after the step was noticed). If the answer can only be of before, then
        the request was too, and the two are of one clock. If it can only be of after, its arrival is known and our own clock begins the
        round trip. If it can be of both, it arrived at the later of the two at the latest, which is too late by the step at most.
        """
        before = self._before
        early, late = stamp - before.offset, stamp - self._offset
        may_be_early = sent <= early <= self._stepped
        may_be_late = max(sent, before.seen) <= late <= now
        if may_be_early and not may_be_late:
            if sent > before.since and left and 0 <= stamp - left <= early - sent:
                return stamp - left, False, True
            return early - sent, True, True
        if may_be_late:
            return (max(early, late) if may_be_early else late) - sent, True, not may_be_early
        return now - sent, True, False
