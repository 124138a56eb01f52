"""One shared socket, for one family and one way out: sends a batch, reads what arrived, matches, and decides every probe exactly once."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Sequence

from slamon.egress import IcmpError, Memory, icmp_errors, memory
from slamon.icmp.flights import ANSWERED, IN_FLIGHT, LATE, LOST, Flight, Flights
from slamon.icmp.packet import (
    ECHO_REPLY,
    HEADER_BYTES,
    QUOTED,
    REQUEST,
    STAMPED_BYTES,
    TOKEN_BYTES,
    Echo,
    sound,
)
from slamon.icmp.peer import Peer
from slamon.icmp.sockets import (
    ANCILLARY,
    HOP_LIMIT,
    SCM_TIMESTAMPING_NEW,
    TIMESPEC,
    NotPermitted,
    ProbeSocket,
    open_socket,
)
from slamon.model import MS, Reading, Result, S, Via
from slamon.probe import Context
from slamon.verdict import failure, silence, unreachable

GRACE = 200 * MS
"""How long after its deadline a probe may still be undecided. Whether an answer came in time is read off its stamp, so this bends no
verdict; it lets in what the kernel still holds, above all its own report that no neighbour answered, three seconds after the send."""

REOPEN = 1 * S
"""Between two tries to open a socket whose way out is missing."""

PERMISSION_RETRY = 30 * S
"""Between two tries where the kernel forbids it: somebody has to type a command first."""

REPLY_COST = 4096
"""Bytes of receive buffer that one waiting reply may cost, with the kernel's bookkeeping and a driver's generous pages."""

SMALLEST_BURST = 16
"""Packets sent between two looks at the queues, however small the buffer is."""

READ_LIMIT = 50_000
"""Packets read in one go, so that a flood cannot hold the loop; what is overdue then waits for the next go."""

_TOO_LATE = Reading(Result.TIMEOUT, detail="the answer came after the timeout")


class Channel:
    """The engine's use of one socket. Time is monotonic nanoseconds except where a Series is told."""

    def __init__(self, family: int, via: Via, context: Context) -> None:
        self.family = family
        self.via = via
        self._clock = clock = context.clock
        self._stats = context.stats
        self._warn = context.tell
        self._surroundings = context.surroundings
        self._flights = Flights()
        self._probe: ProbeSocket | None = None
        self._why = ""
        self._next_try = clock.monotonic()
        self._suspect = False
        self._number = 0
        self._token = b""
        self._echoes: dict[int, Echo] = {}
        self._burst = SMALLEST_BURST
        self._buffer = bytearray(1 << 16)
        self._reply_type = ECHO_REPLY[family]
        self._offset = clock.offset()
        self._steady = False
        self._emptied = clock.monotonic()
        self._drops = 0
        self._overflows: list[tuple[int, int]] = []

    # -- sending

    def send(self, peers: Sequence[Peer]) -> None:
        """Send one echo request to each; a send that fails here is decided at once."""
        monotonic = self._clock.monotonic
        probe = self._ready(monotonic())
        if probe is None:
            for peer in peers:
                self._decide_unsent(peer, monotonic(), Reading(Result.LOCAL_ERROR, detail=self._why))
            return
        wall, flights, sendto = self._clock.wall, self._flights, probe.socket.sendto
        for count, peer in enumerate(peers, 1):
            sequence = flights.sequence()
            if sequence is None:
                self._decide_unsent(
                    peer, monotonic(), Reading(Result.SEND_ERROR, detail="too many probes are in flight")
                )
                continue
            self._number = number = self._number + 1
            packet = (self._echoes.get(peer.payload) or self._echo(peer.payload)).request(sequence, number)
            sent = monotonic()
            try:
                sendto(packet, peer.destination)
            except OSError as error:
                sent = monotonic()
                try:
                    probe.insist(packet, peer.destination, error)
                except OSError as refused:
                    self._refused(peer, sent, refused)
                    continue
            peer.used = sent
            timeout = peer.timeout
            flights.add(Flight(peer, peer.series.send(wall(sent)), sequence, number, sent, sent + timeout), timeout)
            if not count % self._burst:
                self._read(probe)

    def _refused(self, peer: Peer, sent: int, error: OSError) -> None:
        self._stats.send_errors[errno.errorcode.get(error.errno or 0, "unknown")] += 1
        reading = failure(error)
        if reading.result is Result.LOCAL_ERROR:
            self._suspect = True
        elif error.errno in (errno.ENOBUFS, errno.EAGAIN):
            self._warn(
                "the kernel refuses packets because the send buffer or the queue of the interface is full; "
                "a larger limit helps against dead neighbours:  sysctl -w net.core.wmem_max=8388608"
            )
        self._decide_unsent(peer, sent, reading)

    def _decide_unsent(self, peer: Peer, sent: int, reading: Reading) -> None:
        peer.series.decide(peer.series.send(self._clock.wall(sent)), reading)

    def _echo(self, payload: int) -> Echo:
        probe = self._probe
        assert probe is not None
        echo = Echo(self.family, ident=probe.ident, token=self._token, payload=payload, checksums=probe.headers)
        self._echoes[payload] = echo
        return echo

    # -- the socket

    def _ready(self, now: int) -> ProbeSocket | None:
        """The open socket, opened now if need be; None while that is impossible, with the reason in `_why`."""
        if self._suspect and now >= self._next_try and self._probe is not None:
            self._suspect = False
            self._next_try = now + REOPEN
            if self._interface() != self._probe.interface_index:
                self._abandon("the interface went away")
        if self._probe is None and now >= self._next_try:
            self._open(now)
        return self._probe

    def _interface(self) -> int:
        """The present index of the interface to leave by: another one, or none (0), makes the socket useless."""
        if self.via.interface is None:
            return 0
        try:
            return socket.if_nametoindex(self.via.interface)
        except OSError:
            return 0

    def _open(self, now: int) -> None:
        try:
            probe = open_socket(self.family, self.via)
        except NotPermitted as error:
            self._why = "no ICMP socket is permitted"
            self._next_try = now + PERMISSION_RETRY
            self._warn(str(error))
            return
        except OSError as error:
            self._why = (
                f"{self.via}: {error.strerror or error}"
                if str(self.via)
                else f"no ICMP socket: {error.strerror or error}"
            )
            self._next_try = now + REOPEN
            return
        self._probe = probe
        self._token = os.urandom(TOKEN_BYTES)
        self._echoes.clear()
        self._burst = max(probe.info.receive_buffer // REPLY_COST, SMALLEST_BURST)
        self._drops = memory(probe.socket).drops
        self._next_try = now + REOPEN
        self._stats.sockets.append(probe.info)

    def _abandon(self, why: str) -> None:
        """Give the socket up; what is in flight can no longer be observed, which is nobody's fault but ours."""
        if self._probe is not None:
            self._probe.socket.close()
            self._stats.sockets.remove(self._probe.info)
            self._probe = None
        self._why = why
        for flight in self._flights.abandon():
            flight.peer.series.decide(flight.pending, Reading(Result.LOCAL_ERROR, detail=why))

    def close(self) -> None:
        self._abandon("slamon was stopped")

    # -- reading

    def drain(self) -> None:
        """Read everything that arrived, then decide what is overdue: after a standstill of ours, waiting answers come first."""
        probe = self._probe
        if probe is None:
            return
        now = self._clock.monotonic()
        if self._read(probe):
            self._emptied = now
            self._expire(now)

    def _read(self, probe: ProbeSocket) -> bool:
        """Both queues; False when there may be more."""
        offset = self._clock.offset()
        # A stamp between two readings of different offsets could mean either; it is not used.
        self._steady = offset == self._offset
        self._offset = offset
        before = memory(probe.socket)
        done = self._read_errors(probe) and self._read_replies(probe)
        self._watch_drops(probe, before)
        return done

    def _read_replies(self, probe: ProbeSocket) -> bool:
        receive, buffer, headers = probe.socket.recvmsg_into, self._buffer, probe.headers
        buffers, unpack_stamp, unpack_hop_limit = [buffer], TIMESPEC.unpack_from, HOP_LIMIT.unpack
        for _ in range(READ_LIMIT):
            try:
                size, ancillary, _, source = receive(buffers, ANCILLARY)
            except BlockingIOError:
                return True
            except OSError:
                continue  # the report about an earlier packet, which the error queue holds in full
            stamp = 0
            hop_limit = None
            for _, kind, data in ancillary:
                if kind == SCM_TIMESTAMPING_NEW:
                    seconds, nanoseconds = unpack_stamp(data)
                    stamp = seconds * S + nanoseconds
                elif len(data) == 4:
                    (hop_limit,) = unpack_hop_limit(data)
            self._reply(probe, (buffer[0] & 15) << 2 if headers else 0, size, source[0], stamp, hop_limit)
        return False

    def _reply(self, probe: ProbeSocket, start: int, size: int, source: str, stamp: int, hop_limit: int | None) -> None:
        """One ICMP message at `buffer[start:size]`, stamped by the kernel (0 = not) on CLOCK_REALTIME."""
        if size - start < HEADER_BYTES:
            return
        buffer = self._buffer
        kind, _, _, ident, sequence = QUOTED.unpack_from(buffer, start)
        if kind != self._reply_type or ident != probe.ident:
            return  # somebody else's, on a raw socket
        if probe.headers and not sound(buffer[start:size]):
            return  # damaged on the way: for IP it never arrived, only raw sockets are shown it
        flight = self._flights.slots[sequence]
        if flight is None or flight.peer.source != source:
            self._stats.unexpected_replies += 1
            return
        echo = self._echoes[flight.peer.payload]
        if size - start == echo.length:
            token, number = REQUEST.unpack_from(buffer, start)[5:]
            if token == echo.token and buffer[start + HEADER_BYTES + STAMPED_BYTES : size] == echo.filler:
                if number == flight.number:
                    self._answered(flight, stamp, hop_limit)
                    return
                if number < flight.number:
                    self._stats.unexpected_replies += 1  # an answer from before the sequence numbers wrapped
                    return
        flight.peer.series.corrupt()

    def _answered(self, flight: Flight, stamp: int, hop_limit: int | None) -> None:
        series = flight.peer.series
        if flight.state != IN_FLIGHT:
            if flight.state == LOST:
                flight.state = LATE
                series.late(flight.pending)
            else:
                series.duplicate()
            return
        now = self._clock.monotonic()
        arrived = stamp - self._offset if stamp and self._steady else 0
        userspace = not flight.sent <= arrived <= now
        if userspace:
            arrived = now
        if arrived > flight.deadline:
            self._flights.decide(flight, LATE)
            if userspace and self._emptied <= flight.deadline:
                series.decide(
                    flight.pending, Reading(Result.LOCAL_ERROR, detail="the answer was read too late to tell")
                )
            else:
                series.decide(flight.pending, _TOO_LATE)
                series.late(flight.pending)
            return
        self._flights.decide(flight, ANSWERED)
        if flight.number < flight.peer.newest:
            series.reordered()
        else:
            flight.peer.newest = flight.number
        series.decide(flight.pending, Reading(Result.SUCCESS, arrived - flight.sent, hop_limit, "", userspace))

    def _read_errors(self, probe: ProbeSocket) -> bool:
        errors = icmp_errors(probe.socket, READ_LIMIT)
        for heard in errors:
            self._troubled(probe, heard)
        return len(errors) < READ_LIMIT

    def _troubled(self, probe: ProbeSocket, heard: IcmpError) -> None:
        """An ICMP error about the request it quotes."""
        # The destination is missing where the kernel could not tell it; then nobody can be blamed.
        if heard.destination is None or len(heard.packet) < HEADER_BYTES:
            return
        _, _, _, ident, sequence = QUOTED.unpack_from(heard.packet)
        flight = self._flights.slots[sequence]
        if ident != probe.ident or flight is None or flight.state != IN_FLIGHT:
            return
        peer = flight.peer
        if peer.source == heard.destination[0]:
            self._flights.decide(flight, LOST)
            peer.series.decide(flight.pending, unreachable(heard, peer.target, self._surroundings, ports=False))

    # -- overdue

    def _watch_drops(self, probe: ProbeSocket, before: Memory) -> None:
        """Answers that our full buffer lost are not the network's loss: remember when. `before`: the queue when reading began."""
        drops = memory(probe.socket).drops
        if drops == self._drops:
            return
        dropped = (drops - self._drops) % (1 << 32)
        self._drops = drops
        if before.used < before.limit // 2:
            return  # there was room: a raw IPv6 socket counts wrong checksums here too
        self._stats.receive_drops[self.family] += dropped
        self._overflows.append((self._emptied, self._clock.monotonic()))
        self._warn(
            "the kernel dropped replies because the receive buffer of the ICMP socket was full; "
            "the probes concerned are unmeasured:  sysctl -w net.core.rmem_max=8388608"
        )

    def _expire(self, now: int) -> None:
        deadline = now - GRACE
        overflows = self._overflows
        for flight in self._flights.overdue(deadline):
            self._flights.decide(flight, LOST)
            peer = flight.peer
            if overflows and any(flight.sent <= end and start <= flight.deadline for start, end in overflows):
                reading = Reading(Result.LOCAL_ERROR, detail="our receive buffer overflowed")
            else:
                reading = silence(peer.address, peer.target, self._surroundings)
            peer.series.decide(flight.pending, reading)
        self._flights.forget(now)
        if overflows:
            oldest = self._flights.oldest(now)
            self._overflows = [overflow for overflow in overflows if overflow[1] >= oldest]
