"""One open socket: sends salvos, reads what arrived, and decides every probe exactly once; those that are answered by `Matching`."""

from __future__ import annotations

import asyncio
import errno
import os
from array import array
from collections.abc import Callable, Sequence

from slamon.egress import IcmpError, Memory, memory
from slamon.icmp.abreast import Abreast, Flying
from slamon.icmp.flights import IN_FLIGHT, LOST, MASK, SEQUENCES, Flights
from slamon.icmp.matching import Matching
from slamon.icmp.mmsg import BatchWire
from slamon.icmp.packet import HEADER_BYTES, QUOTED, TOKEN_BYTES, Echo
from slamon.icmp.peer import Form, Peer
from slamon.icmp.sockets import PATIENCE, ProbeSocket
from slamon.icmp.wire import PlainWire, Salvo, Wire
from slamon.model import MS, US, Reading, Result, S
from slamon.probe import Context
from slamon.record.rank import LEAST, Rank, Round
from slamon.record.series import Pending
from slamon.verdict import failure, silence, unreachable

GRACE = 200 * MS
"""How long after its deadline a probe may still be undecided. Whether an answer came in time is read off its stamps, so this bends no
verdict; it lets in what the kernel still holds, above all its own report that no neighbour answered, three seconds after the send."""

REPLY_COST = 4096
"""Bytes of receive buffer that one waiting reply may cost, with the kernel's bookkeeping and a driver's generous pages."""

HELD = 20 * S
"""How long the kernel may keep a packet before it leaves: for an answer of ARP (three seconds, unless somebody set more), in a queue."""

SMALLEST_BURST = 16
"""Packets sent between two looks at the queues, however small the buffer is."""


class Line:
    """Time is monotonic nanoseconds, except that stamps are the kernel's CLOCK_REALTIME and a Series is told instants."""

    def __init__(
        self, probe: ProbeSocket, context: Context, *, first: int, batched: bool, lost: Callable[[Peer], None]
    ) -> None:
        """`first`: the number of the first probe, above all of earlier lines. `lost` hears of every probe that nobody answered."""
        self.probe = probe
        self._clock = context.clock
        self._stats = context.stats
        self._warn = context.tell
        self._surroundings = context.surroundings
        self._lost = lost
        self.flights = Flights(first)
        self.wire: Wire = BatchWire(probe) if batched else PlainWire(probe)
        self._token = os.urandom(TOKEN_BYTES)
        self._echoes: dict[Form, Echo] = {}
        self._burst = max(probe.info.receive_buffer // REPLY_COST, SMALLEST_BURST)
        self._unread = 0
        """Packets sent since the queues were looked at."""
        self._patient = False
        """Answers lose nothing by waiting to be read: known when one came with a stamp. Until then they are read as they come."""
        self._loop: asyncio.AbstractEventLoop | None = None
        """Tells when something came, while that matters; who runs no loop reads in time by other means."""
        self._bug: Exception | None = None
        self._lead = first
        """Number of a probe minus the kernel's key of its transmit stamp."""
        self._aligned = first
        """The probe for which that holds if it is the next to be sent; −1: for none."""
        self._stale: dict[int, int] = {}
        """Key of a packet that was sent before the keys were begun anew, and that may still leave → until when."""
        self._abreast = Abreast(self.flights)
        self._matching = Matching(probe, context, self.flights, self._abreast)
        self._drops = memory(probe.socket).drops
        self._overflows: list[tuple[int, int]] = []
        self.suspect = False
        """A send failed in a way that makes one ask whether the way out still exists."""
        self._listen()

    def salvo(self, peers: Sequence[Peer], *, steady: bool = False) -> Salvo:
        """`peers` have the same timeout and form; `steady`: all of them are expected to answer."""
        series = [peer.series for peer in peers]
        ranked = steady and len(set(series)) == len(series) >= LEAST and all(one.ranked for one in series)
        form, timeout = peers[0].form, peers[0].timeout
        echo = self._echo(form)
        self._matching.expect(form, echo.tail, timeout)
        return Salvo(peers, echo, Rank(series) if ranked else None)

    def _echo(self, form: Form) -> Echo:
        echo = self._echoes.get(form)
        if echo is None:
            probe = self.probe
            echo = Echo(
                probe.family, ident=probe.ident, token=self._token, payload=form.payload,
                pattern=form.pattern, checksums=probe.headers,
            )  # fmt: skip
            self._echoes[form] = echo
        return echo

    # -- sending

    def send(self, salvo: Salvo) -> None:
        """One echo request to each peer; a send that fails here is decided at once."""
        monotonic, flights = self._clock.monotonic, self.flights
        at, size = 0, len(salvo.peers)
        self._abreast.make_room(size)
        while at < size:
            if self._unread >= self._burst:
                self.read()
            numbers = flights.claim(min(size - at, self._burst - self._unread))
            if not numbers:
                reading = Reading(Result.SEND_ERROR, detail="too many probes are in flight")
                for peer in salvo.peers[at:]:
                    self._unsent(peer, monotonic(), reading)
                return
            if numbers.start != self._aligned:
                self._align(numbers.start)
            salvo.echo.number(salvo.packets, at, numbers)
            began = monotonic()
            taken = self.wire.send(salvo, at, len(numbers))
            if taken:
                self._flew(salvo, at, numbers[:taken], began)
            at += taken
            if taken < len(numbers):
                self._send_alone(salvo, at)
                at += 1

    def _flew(self, salvo: Salvo, at: int, numbers: range, began: int) -> None:
        """The kernel took these. Its stamps tell when exactly; the record wants one instant after the other, in whole microseconds."""
        count = len(numbers)
        peers, series = salvo.peers, salvo.series
        if count < len(peers):
            peers, series = peers[at : at + count], series[at : at + count]
        span = self._clock.monotonic() - began
        step = span // count // US * US or US
        instant = self._clock.wall(began) // US * US
        sends = range(instant, instant + count * step, step)
        pendings: Sequence[Pending | Round]
        rank = salvo.rank if count == len(salvo.peers) else None
        if rank is not None and (side_by_side := rank.send(sends)) is not None:
            pendings = (side_by_side,) * count
            self._abreast.rounds.append(Flying(side_by_side, salvo, numbers, began))
        else:
            pendings = [one.send(sent) for one, sent in zip(series, sends, strict=True)]
        self._abreast.part_known()
        self._unread += count
        self.flights.add(numbers, peers, pendings, range(began, began + count), salvo.timeout)
        self._aligned = numbers.stop
        keys = range(numbers.start - self._lead, numbers.stop - self._lead)
        if self._stale and not self._stale.keys().isdisjoint(keys):
            self._news(numbers)

    def _send_alone(self, salvo: Salvo, at: int) -> None:
        """What the kernel refused in its batch; the refusal may have been about another one."""
        peer = salvo.peers[at]
        numbers = self.flights.claim(1)
        self._align(numbers.start)
        salvo.echo.number(salvo.packets, at, numbers)
        length = salvo.echo.length
        began = self._clock.monotonic()
        try:
            self.probe.insist(memoryview(salvo.packets)[at * length : (at + 1) * length], peer.destination)
        except OSError as error:
            self._refused(peer, began, error)
        else:
            self._flew(salvo, at, numbers, began)
        self._aligned = -1  # the kernel may have counted the attempts that failed

    def _align(self, number: int) -> None:
        """Make the kernel's counting of packets agree with ours, from probe `number` on."""
        self._news()
        flights, lead = self.flights, self._lead
        # Of one that was sent alone the kernel may have counted the attempts that failed.
        spread = 1 if self._aligned >= 0 else PATIENCE + 1
        for waiting in flights.unstamped(range(lead, number)):
            until = flights.sents[waiting & MASK] + HELD
            self._stale.update(dict.fromkeys(range(waiting - lead, waiting - lead + spread), until))
        self.probe.restart_keys()
        self._lead = self._aligned = number

    def _refused(self, peer: Peer, sent: int, error: OSError) -> None:
        self._stats.send_errors[errno.errorcode.get(error.errno or 0, "unknown")] += 1
        reading = failure(error)
        if reading.result is Result.LOCAL_ERROR:
            self.suspect = True
        elif error.errno in (errno.ENOBUFS, errno.EAGAIN):
            self._warn(
                "the kernel refuses packets because the send buffer or the queue of the interface is full; "
                "a larger limit helps against dead neighbours:  sysctl -w net.core.wmem_max=8388608"
            )
        self._unsent(peer, sent, reading)

    def _unsent(self, peer: Peer, sent: int, reading: Reading) -> None:
        peer.series.decide(peer.series.send(self._clock.wall(sent) // US * US), reading)

    # -- reading

    def drain(self, *, eager: bool = True) -> None:
        """Read everything that arrived, then decide what is overdue: after a standstill of ours, waiting answers come first.

        Unless `eager` that may wait, except after a step of the clock: whatever is sent before it is noticed has stamps of two clocks.
        """
        bug, self._bug = self._bug, None
        if bug is not None:
            raise bug
        if not eager and self._patient and not self._matching.notice():
            return
        now = self._clock.monotonic()
        if self.read():
            self._matching.emptied = now
            self._expire(now)

    def _listen(self) -> None:
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        self._loop.add_reader(self.probe.socket, self._came)

    def _came(self) -> None:
        """Something waits in one of the queues. What goes wrong here is a bug of ours: it comes up where everything is drained."""
        try:
            self.drain()
        except Exception as error:  # noqa: BLE001  raised again
            self._deafen()
            self._bug = error

    def _deafen(self) -> None:
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.remove_reader(self.probe.socket)

    def read(self) -> bool:
        """Both queues, stamps first; False when there may be more."""
        self._matching.notice()
        self._unread = 0
        before = memory(self.probe.socket)
        done = self._news()
        for portion in self.wire.replies():
            self._matching.take(portion)
        self._abreast.hand_on(self._clock.monotonic())
        if not self._patient and self._matching.stamped:
            self._patient = True
            self._deafen()
        drops = memory(self.probe.socket).drops
        if drops != self._drops:
            self._overflowed(before, drops)
        return done and self.wire.complete

    def _news(self, sent: range = range(0)) -> bool:
        """Transmit stamps and ICMP errors. `sent`: the probes of a send that is just over.

        The kernel stamps a packet when it leaves, which may be long after the send (no answer of ARP yet), and gives it the key it had
        when it was sent. If the keys were begun anew meanwhile, this key is another probe's too, and the order of the stamps does not
        tell whose it is: that one may be waiting as well, or never get a stamp. But which packets had no stamp when their count ended
        is known. While one of them may still leave, a stamp with its key is believed only if it was taken while the probe that has the
        key now was being sent: read right after, and not earlier than that. All others are nobody's, and the round trip is by our own
        clock. So the worst is that the old packet left in those microseconds, of all moments: then they are the error, or what the probe
        itself waited to leave, which our own clock would have counted too.

        One that leaves just while the keys are begun anew has key 0, and is earlier than the send. Of several stamps the first stands.
        """
        began = self._clock.monotonic()
        runs, errors, complete = self.wire.news()
        flights, lead, stale = self.flights, self._lead, self._stale
        numbers, stamped = flights.numbers, flights.stamps
        for key, stamps in runs:
            first, count = key + lead, len(stamps)
            begin = first & MASK
            end = begin + count
            if (
                end <= SEQUENCES
                and numbers[begin:end] == array("q", range(first, first + count))
                and stamped[begin:end] == array("q", bytes(8 * count))
                and key
                and (not stale or stale.keys().isdisjoint(range(key, key + count)))
            ):
                stamped[begin:end] = array("q", stamps)
                continue
            for number, stamp in enumerate(stamps, first):
                sequence = number & MASK
                if numbers[sequence] == number and not stamped[sequence] and self._is_of(number, stamp, sent):
                    stamped[sequence] = stamp
        if stale and complete:
            self._stale = {key: until for key, until in stale.items() if until > began}
        for heard in errors:
            self.troubled(heard)
        return complete

    def _is_of(self, number: int, stamp: int, sent: range) -> bool:
        """Whether a stamp with the key of this probe is surely its own."""
        stale = number - self._lead in self._stale
        if stale and number not in sent:
            return False
        return not (stale or number == self._lead) or stamp - self._clock.offset() >= self.flights.sents[number & MASK]

    def troubled(self, heard: IcmpError) -> None:
        """An ICMP error about the request it quotes."""
        # The destination is missing where the kernel could not tell it; then nobody can be blamed.
        if heard.destination is None or len(heard.packet) < HEADER_BYTES:
            return
        _, _, _, ident, sequence = QUOTED.unpack_from(heard.packet)
        peer = self.flights.peers[sequence]
        if ident != self.probe.ident or peer is None or self.flights.states[sequence] != IN_FLIGHT:
            return
        if peer.destination[0].partition("%")[0] == heard.destination[0].partition("%")[0]:
            _, pending = self._abreast.end(sequence, LOST)
            reading = unreachable(heard, peer.target, self._surroundings, ports=False)
            self._unanswered(peer, pending, reading)

    # -- overdue

    def _overflowed(self, before: Memory, drops: int) -> None:
        """Answers that our full buffer lost are not the network's loss: remember when. `before`: the queue when reading began."""
        dropped = (drops - self._drops) % (1 << 32)
        self._drops = drops
        if self.probe.raw and self.probe.family == 6 and before.used < before.limit // 2:
            return  # there was room: such a socket counts wrong checksums here too
        self._stats.receive_drops[self.probe.family] += dropped
        self._overflows.append((self._matching.emptied, self._clock.monotonic()))
        self._warn(
            "the kernel dropped replies because the receive buffer of the ICMP socket was full; "
            "the probes concerned are unmeasured:  sysctl -w net.core.rmem_max=8388608"
        )

    def _expire(self, now: int) -> None:
        flights, overflows = self.flights, self._overflows
        for sequence in flights.overdue(now - GRACE):
            sent = flights.sents[sequence]
            peer, pending = self._abreast.end(sequence, LOST)
            if overflows and any(sent <= end and start <= sent + peer.timeout for start, end in overflows):
                reading = Reading(Result.LOCAL_ERROR, detail="our receive buffer overflowed")
            else:
                reading = silence(peer.address, peer.target, self._surroundings)
            self._unanswered(peer, pending, reading)
        flights.forget(now)
        if overflows:
            oldest = flights.oldest(now)
            self._overflows = [overflow for overflow in overflows if overflow[1] >= oldest]

    def _unanswered(self, peer: Peer, pending: Pending, reading: Reading) -> None:
        peer.series.decide(pending, reading)
        if reading.result is not Result.LOCAL_ERROR:
            peer.losses += 1
            self._abreast.lost(peer)
            self._lost(peer)

    def close(self, why: str) -> None:
        """Give the socket up; what is in flight then can no longer be observed, which is nobody's fault but ours."""
        self._deafen()
        self.read()
        self.probe.socket.close()
        self._stats.sockets.remove(self.probe.info)
        self._abreast.part_all()
        for peer, pending in self.flights.abandon():
            peer.series.decide(pending, Reading(Result.LOCAL_ERROR, detail=why))
