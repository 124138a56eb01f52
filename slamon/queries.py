"""Questions of DNS over UDP: sockets that all targets share, whose answer it is that comes, and a new source port now and then."""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
import struct
from collections import Counter
from collections.abc import Sequence
from itertools import count
from typing import NamedTuple

from slamon.egress import SocketAddress, icmp_errors, memory, open_socket, receive_buffer
from slamon.icmp.channel import ROTATION, ROTATION_PAUSE
from slamon.model import Reading, Result, Target, Via
from slamon.probe import Context, Ended, Shot
from slamon.verdict import Unreachable

log = logging.getLogger(__name__)

BUFFER = 1 << 22
"""Bytes asked for the receive buffer: thousands of answers that arrive while the loop is busy."""

SEND_ATTEMPTS = 4
"""A pending ICMP error about one target makes the next send of the shared socket fail, whatever its target: take it off and send again."""

_HEADER = struct.Struct("!HHHHHH")  # id, flags, questions, answers, authorities, additionals (RFC 1035 §4.1.1)
_RESPONSE = 0x8000
_RCODE = 0x000F
_DATAGRAM = 65_535


class Query(NamedTuple):
    """A question as it is sent."""

    body: bytes
    """All of the packet behind the id."""
    length: int
    """Bytes of the question, which follows the header."""


class _Asked(NamedTuple):
    question: bytes
    answer: asyncio.Future[tuple[bytes, int]]


Key = tuple[int, SocketAddress]
"""(id, address of the server)."""

Way = tuple[int, Via]
"""(family, the way out)."""


class Line:
    """One UDP socket shared by all targets of a family and via; knows who waits for what."""

    def __init__(self, family: int, via: Via, context: Context) -> None:
        self.opened = context.clock.monotonic()
        self.lost = ""
        """The name of a target that left its questions unanswered."""
        self.ending = False
        """Probing ends: whoever is cancelled from here on did not reach the timeout."""
        self._context = context
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[Key, _Asked] = {}
        self._drops = 0
        self._socket = open_socket(family, socket.SOCK_DGRAM, via)
        try:
            receive_buffer(self._socket, BUFFER)
        except OSError:
            self._socket.close()
            raise
        self._family = family
        self._loop.add_reader(self._socket, self._readable)

    async def ask(self, query: Query, server: SocketAddress) -> tuple[bytes, int]:
        """Send the question, wait for its answer: (datagram, nanoseconds). Raises OSError, Ended; may be cancelled at the timeout."""
        key = self._free_key(server)
        question = query.body[10 : 10 + query.length].lower()
        asked = self._waiting[key] = _Asked(question, self._loop.create_future())
        drops = self._dropped()
        try:
            began = self._send(key[0].to_bytes(2, "big") + query.body, server)
            datagram, at = await asked.answer
        except asyncio.CancelledError:
            if self._dropped() != drops:
                raise Ended(
                    Reading(Result.LOCAL_ERROR, detail="our receive buffer was full; answers were lost")
                ) from None
            if not self.ending and _has_result(asked.answer):  # read in the turn of the loop that ended the wait
                raise Ended(Reading(Result.LOCAL_ERROR, detail="the answer was read too late to tell")) from None
            raise
        finally:
            del self._waiting[key]
        return datagram, at - began

    def close(self) -> None:
        self._loop.remove_reader(self._socket)
        self._socket.close()

    @property
    def idle(self) -> bool:
        return not self._waiting

    def _dropped(self) -> int:
        """How many datagrams the kernel has dropped on this socket (modulo 2^32). Each is counted once, however many wait for an answer."""
        before, self._drops = self._drops, memory(self._socket).drops
        self._context.stats.receive_drops[self._family] += (self._drops - before) % (1 << 32)
        return self._drops

    def _free_key(self, server: SocketAddress) -> Key:
        """An id nobody can guess and no other question to this server has."""
        while (key := (secrets.randbelow(1 << 16), server)) in self._waiting:
            pass
        return key

    def _send(self, packet: bytes, server: SocketAddress) -> int:
        """The reading of the monotonic clock just before the packet left."""
        for attempt in count(1):
            began = self._context.clock.monotonic()
            try:
                self._socket.sendto(packet, server)
                break
            except OSError:
                if not self._take_errors() or attempt == SEND_ATTEMPTS:
                    raise
        return began

    def _readable(self) -> None:
        while True:
            try:
                datagram, source = self._socket.recvfrom(_DATAGRAM)
            except BlockingIOError:
                break
            except OSError:  # the pending error of a target; the error queue says whose
                continue
            self._arrived(datagram, source, self._context.clock.monotonic())
        self._take_errors()

    def _arrived(self, datagram: bytes, source: tuple[str, int] | tuple[str, int, int, int], at: int) -> None:
        server = (source[0].partition("%")[0], *source[1:])
        asked = None
        if len(datagram) >= _HEADER.size:
            number, flags, questions, *_ = _HEADER.unpack_from(datagram)
            asked = self._waiting.get((number, server))
            if asked is not None and not _answers(asked.question, datagram, flags, questions):
                asked = None
        if asked is None or asked.answer.done():
            self._context.stats.unexpected_replies += 1  # late, twice, or forged
        else:
            asked.answer.set_result((datagram, at))

    def _take_errors(self) -> int:
        """Give every queued ICMP error to the question it quotes; how many there were."""
        errors = icmp_errors(self._socket)
        for heard in errors:
            if heard.destination is None or len(heard.packet) < 2:
                continue
            server = (heard.destination[0].partition("%")[0], *heard.destination[1:])
            asked = self._waiting.get((int.from_bytes(heard.packet[:2], "big"), server))
            if asked is not None and not asked.answer.done():
                asked.answer.set_exception(Unreachable(heard))
        return len(errors)


def _has_result(answer: asyncio.Future[tuple[bytes, int]]) -> bool:
    return answer.done() and not answer.cancelled() and answer.exception() is None


def _answers(question: bytes, datagram: bytes, flags: int, questions: int) -> bool:
    """Whether a datagram is a response to this very question; a refusal may come without it (RFC 1035 §4.1.2, FORMERR of old servers)."""
    if not flags & _RESPONSE:
        return False
    if questions == 0:
        return flags & _RCODE != 0
    return datagram[_HEADER.size : _HEADER.size + len(question)].lower() == question


class Lines:
    """The sockets by way, each for an hour at most.

    To a NAT and to a router with several ways the source port is the flow, as the identifier is that of ICMP, and it is changed like that.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._open: dict[Way, Line] = {}
        self._leaving: list[Line] = []
        self._shots: dict[str, Shot] = {}
        """The last one of each target since its flow was changed."""
        self._losses: Counter[str] = Counter()
        """Target → questions in a row without an answer."""

    def meet(self, shots: Sequence[Shot]) -> None:
        """These are about to ask."""
        self._shots |= {shot.target.name: shot for shot in shots}

    def get(self, target: Target) -> Line:
        """The line to ask on. Raises OSError."""
        self._dismiss()
        way = (target.family, target.via)
        line = self._open.get(way)
        if line is None:
            line = self._open[way] = Line(*way, self._context)
        elif why := self._worn(line):
            line = self._rotate(way, why)
        return line

    def answered(self, target: Target) -> None:
        self._losses.pop(target.name, None)

    def unanswered(self, target: Target) -> None:
        """The flow is changed before the last failure that makes an outage, so that one question goes by another."""
        self._losses[target.name] += 1
        line = self._open.get((target.family, target.via))
        if line is not None and self._losses[target.name] == max(target.down_after - 1, 1):
            line.lost = target.name

    def renew(self, target: Target) -> None:
        """After a failure to send by a given way: an interface that went and came back is another one, which only a new socket finds."""
        if target.via != Via():
            line = self._open.pop((target.family, target.via), None)
            self._leaving += [line] if line else []
        self._dismiss()

    def end(self) -> None:
        """Probing ends; what is in flight is about to be cancelled."""
        for line in (*self._open.values(), *self._leaving):
            line.ending = True

    def close(self) -> None:
        for line in (*self._open.values(), *self._leaving):
            line.close()

    def _worn(self, line: Line) -> str:
        """Why the flow of a line is to be changed; empty where it is not."""
        age = self._context.clock.monotonic() - line.opened
        if age >= ROTATION:
            return "it was in use for an hour"
        return f"{line.lost} did not answer" if self._losses[line.lost] and age >= ROTATION_PAUSE else ""

    def _rotate(self, way: Way, why: str) -> Line:
        """Take another port; what is in flight is waited for at the old one."""
        family, via = way
        line = Line(family, via, self._context)
        self._leaving.append(self._open[way])
        self._open[way] = line
        by = f" by {via}" if str(via) else ""
        log.info("IPv%d DNS probes%s leave from another port from here on: %s", family, by, why)
        concerned = [shot for shot in self._shots.values() if (shot.target.family, shot.target.via) == way]
        for shot in concerned:
            shot.series.rotations += 1
            del self._shots[shot.target.name]
        return line

    def _dismiss(self) -> None:
        """Close what nobody waits for any more."""
        for idle in [line for line in self._leaving if line.idle]:
            self._leaving.remove(idle)
            idle.close()
