"""Kind `dns`: one question to the server under test, by a packet of our own; no cache, no resolver, no second try."""

from __future__ import annotations

import asyncio
import re
import secrets
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache, partial
from itertools import count
from typing import Annotated, NamedTuple, Self

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
from pydantic import Field, model_validator

from slamon.egress import SocketAddress, icmp_errors, memory, open_socket, receive_buffer, socket_address, with_zone
from slamon.model import Reading, Result, Target, Via
from slamon.probe import COMMON, Context, Ended, Flag, Kind, Port, Prober, Settings, each, text
from slamon.verdict import Unreachable

PAYLOAD = 1232
"""Bytes of an answer we accept (EDNS0): what passes any path unfragmented (DNS flag day 2020)."""

BUFFER = 1 << 22
"""Bytes asked for the receive buffer: thousands of answers that arrive while the loop is busy."""

SEND_ATTEMPTS = 4
"""A pending ICMP error about one target makes the next send of the shared socket fail, whatever its target: take it off and send again."""

_HEADER = struct.Struct("!HHHHHH")  # id, flags, questions, answers, authorities, additionals (RFC 1035 §4.1.1)
_RESPONSE = 0x8000
_RCODE = 0x000F
_DATAGRAM = 65_535


def _name(value: str) -> str:
    try:
        return dns.name.from_text(value).to_text()
    except dns.exception.DNSException as error:
        raise ValueError(f"not a domain name: {error}") from error


def _type(value: str) -> str:
    try:
        return dns.rdatatype.to_text(dns.rdatatype.from_text(value))
    except (dns.exception.DNSException, ValueError) as error:
        raise ValueError("not a record type; write for example A, AAAA, MX or SOA") from error


def _rcode(value: str) -> str:
    try:
        return dns.rcode.to_text(dns.rcode.from_text(value))
    except (dns.exception.DNSException, ValueError) as error:
        raise ValueError("not a response code; write for example NOERROR or NXDOMAIN") from error


class Dns(Settings):
    name: Annotated[str, text(_name)] = Field(examples=["www.example.com"])
    """The name asked for."""
    type: Annotated[str, text(_type)] = "A"
    """The record type asked for."""
    rcode: Annotated[str, text(_rcode)] = "NOERROR"
    """The response code that is right."""
    answers: tuple[str, ...] = ()
    """Every record of the type must be one of these, in the form of a zone file."""
    answers_regex: re.Pattern[str] | None = None
    """Every record of the type must match this regular expression."""
    port: Port = 53
    """Where the server listens."""
    recursion: Flag = True
    """Whether recursion is asked for."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.answers or self.answers_regex is not None) and self.rcode != "NOERROR":
            raise ValueError("answers are expected with rcode NOERROR only")
        kind = dns.rdatatype.from_text(self.type)
        if self.rcode == "NOERROR" and (kind == dns.rdatatype.NONE or dns.rdatatype.is_metatype(kind)):
            raise ValueError(
                f"type: no record is of type {self.type}, so none can be expected; write that of a record, for example A or SOA, "
                "or with rcode how the question is to be refused, for example REFUSED"
            )
        for answer in self.answers:
            try:
                _rdata(self.type, answer)
            except dns.exception.DNSException as error:
                raise ValueError(
                    f"answers: {answer!r} is not the data of a record of type {self.type}: {error}"
                ) from error
        return self


def _rdata(kind: str, value: str) -> dns.rdata.Rdata:
    """Record data from its text, names taken as complete. Compared as values, so that `::1` and `0::1` are one."""
    return dns.rdata.from_text(
        dns.rdataclass.IN, dns.rdatatype.from_text(kind), value, origin=dns.name.root, relativize=False
    )


@lru_cache(maxsize=4096)
def _question(settings: Dns) -> tuple[bytes, int]:
    """The query without its id, and the length of its question."""
    query = dns.message.make_query(settings.name, settings.type, use_edns=0, payload=PAYLOAD)
    if not settings.recursion:
        query.flags &= ~dns.flags.RD
    wire = query.to_wire()
    question = len(dns.name.from_text(settings.name).to_wire() or b"") + 4  # type and class follow the name
    return wire[2:], question


class _Asked(NamedTuple):
    question: bytes
    answer: asyncio.Future[tuple[bytes, int]]


Key = tuple[int, SocketAddress]
"""(id, address of the server)."""


class _Line:
    """One UDP socket shared by all targets of a family and via; knows who waits for what."""

    def __init__(self, family: int, via: Via, context: Context) -> None:
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

    async def ask(self, settings: Dns, server: SocketAddress) -> tuple[bytes, int]:
        """Send the question, wait for its answer: (datagram, nanoseconds). Raises OSError, Ended; may be cancelled at the timeout."""
        body, length = _question(settings)
        key = self._free_key(server)
        asked = self._waiting[key] = _Asked(body[10 : 10 + length].lower(), self._loop.create_future())
        drops = self._dropped()
        try:
            began = self._send(key[0].to_bytes(2, "big") + body, server)
            datagram, at = await asked.answer
        except asyncio.CancelledError:
            if self._dropped() != drops:
                raise Ended(
                    Reading(Result.LOCAL_ERROR, detail="our receive buffer was full; answers were lost")
                ) from None
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


def _answers(question: bytes, datagram: bytes, flags: int, questions: int) -> bool:
    """Whether a datagram is a response to this very question; a refusal may come without it (RFC 1035 §4.1.2, FORMERR of old servers)."""
    if not flags & _RESPONSE:
        return False
    if questions == 0:
        return flags & _RCODE != 0
    return datagram[_HEADER.size : _HEADER.size + len(question)].lower() == question


class _Lines:
    """The sockets by (family, via)."""

    def __init__(self) -> None:
        self._open: dict[tuple[int, Via], _Line] = {}
        self._leaving: list[_Line] = []

    def get(self, target: Target, context: Context) -> _Line:
        way = (target.family, target.via)
        if way not in self._open:
            self._open[way] = _Line(*way, context)
        return self._open[way]

    def renew(self, target: Target) -> None:
        """After a failure to send by a given way: an interface that went and came back is another one, which only a new socket finds."""
        if target.via != Via():
            line = self._open.pop((target.family, target.via), None)
            self._leaving += [line] if line else []
        for idle in [line for line in self._leaving if line.idle]:
            self._leaving.remove(idle)
            idle.close()

    def close(self) -> None:
        for line in (*self._open.values(), *self._leaving):
            line.close()


async def probe(lines: _Lines, target: Target, address: str, context: Context) -> Reading:
    """One question. The round trip is from just before the packet is sent until the answer is read, by our own clock."""
    settings = target.settings
    assert isinstance(settings, Dns)
    try:
        server = socket_address(with_zone(address, target.via), settings.port)
        datagram, rtt = await lines.get(target, context).ask(settings, server)
    except OSError:
        lines.renew(target)
        raise
    result, detail = judge(settings, datagram[2:])
    return Reading(result, rtt=rtt, detail=detail, userspace=True)


@lru_cache(maxsize=4096)
def judge(settings: Dns, answer: bytes) -> tuple[Result, str]:
    """What an answer, without its id, is worth: (result, what is wrong with it).

    Remembered, because parsing costs as much as all the rest and a server under test says the same over and over.
    """
    try:
        message = dns.message.from_wire(b"\0\0" + answer, ignore_trailing=True)
    except dns.exception.DNSException as error:
        return Result.BAD_RESPONSE, f"unreadable answer: {str(error) or type(error).__name__}"
    rcode = dns.rcode.to_text(message.rcode())
    if rcode != settings.rcode:
        return Result.BAD_RESPONSE, f"{rcode}, expected {settings.rcode}"
    fault = _fault(settings, message) if rcode == "NOERROR" else ""
    return Result.BAD_RESPONSE if fault else Result.SUCCESS, fault


def _fault(settings: Dns, message: dns.message.Message) -> str:
    """Why the records of an answer are not those expected; empty when they are."""
    kind = dns.rdatatype.from_text(settings.type)
    found = [rdata for rrset in message.answer if rrset.rdtype == kind for rdata in rrset]
    if not found:
        truncated = bool(message.flags & dns.flags.TC)
        if truncated and not settings.answers and settings.answers_regex is None:
            return ""
        return f"no {settings.type} record in the answer{' (truncated)' if truncated else ''}"
    expected = {_rdata(settings.type, answer) for answer in settings.answers}
    pattern = settings.answers_regex
    for rdata in found:
        if expected and rdata not in expected:
            return f"answer {rdata.to_text()} is not one of those expected"
        if pattern is not None and not pattern.search(rdata.to_text()):
            return f"answer {rdata.to_text()} does not match answers_regex"
    return ""


@asynccontextmanager
async def open_dns(context: Context) -> AsyncIterator[Prober]:
    """Sockets are opened when first needed and live as long as the daemon."""
    lines = _Lines()
    try:
        async with each(partial(probe, lines), context, files=0) as prober:
            yield prober
    finally:
        lines.close()


def wire_cost(settings: Settings, family: int) -> tuple[int, int]:
    """Query with EDNS0 and an answer of two address records."""
    assert isinstance(settings, Dns)
    query = len(_question(settings)[0]) + 2
    return 2, 2 * ((20 if family == 4 else 40) + 8) + 2 * query + 32


PROBE = Kind(
    settings=Dns,
    open=open_dns,
    results=COMMON | {Result.CONNECT_ERROR, Result.BAD_RESPONSE},
    wire_cost=wire_cost,
)
