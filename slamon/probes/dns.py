"""Kind `dns`: one question to the server under test, by a packet of our own; no cache, no resolver, no second try."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache, partial
from typing import Annotated, Self

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
from pydantic import Field, model_validator

from slamon.egress import socket_address, with_zone
from slamon.model import Reading, Result, Target
from slamon.patterns import Expression, occurs
from slamon.probe import COMMON, Context, Flag, Kind, Port, Prober, Settings, Shot, each, text
from slamon.queries import Lines, Query

PAYLOAD = 1232
"""Bytes of an answer we accept (EDNS0): what passes any path unfragmented (DNS flag day 2020)."""


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
    answers_regex: Expression | None = None
    """Every record of the type must match this regular expression, each within 50 ms; beyond them the probe is unmeasured."""
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
def _query(settings: Dns) -> Query:
    query = dns.message.make_query(settings.name, settings.type, use_edns=0, payload=PAYLOAD)
    if not settings.recursion:
        query.flags &= ~dns.flags.RD
    wire = query.to_wire()
    question = len(dns.name.from_text(settings.name).to_wire() or b"") + 4  # type and class follow the name
    return Query(wire[2:], question)


async def probe(lines: Lines, target: Target, address: str, _context: Context) -> Reading:
    """One question. The round trip is from just before the packet is sent until the answer is read, by our own clock."""
    settings = target.settings
    assert isinstance(settings, Dns)
    try:
        server = socket_address(with_zone(address, target.via), settings.port)
        datagram, rtt = await lines.get(target).ask(_query(settings), server)
    except OSError:
        lines.renew(target)
        raise
    except asyncio.CancelledError:
        lines.unanswered(target)
        raise
    lines.answered(target)
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
        if pattern is not None and not occurs(pattern, rdata.to_text(), "answers_regex"):
            return f"answer {rdata.to_text()} does not match answers_regex"
    return ""


class _Asker:
    """The prober of `each`, and who is asked by it: they are told when their flow changes."""

    def __init__(self, prober: Prober, lines: Lines) -> None:
        self._prober = prober
        self._lines = lines

    def fire(self, shots: Sequence[Shot]) -> None:
        self._lines.meet(shots)
        self._prober.fire(shots)

    def drain(self, *, eager: bool = True) -> None:
        self._prober.drain(eager=eager)


@asynccontextmanager
async def open_dns(context: Context) -> AsyncIterator[Prober]:
    """Sockets are opened when first needed."""
    lines = Lines(context)
    try:
        async with each(partial(probe, lines), context, files=0) as prober:
            try:
                yield _Asker(prober, lines)
            finally:
                lines.end()  # before the probes in flight are cancelled
    finally:
        lines.close()


def wire_cost(settings: Settings, family: int) -> tuple[int, int]:
    """Query with EDNS0 and an answer of two address records."""
    assert isinstance(settings, Dns)
    query = len(_query(settings).body) + 2
    return 2, 2 * ((20 if family == 4 else 40) + 8) + 2 * query + 32


PROBE = Kind(
    settings=Dns,
    open=open_dns,
    results=COMMON | {Result.CONNECT_ERROR, Result.BAD_RESPONSE},
    wire_cost=wire_cost,
)
