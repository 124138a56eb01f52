"""The path to a target as evidence: what was traced, for which silence, and where on it the provider begins. Values only.

A path shows and never judges: routers need not answer, answers come back by other ways, and what is silent now may be silent always.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One step of the path."""

    distance: int
    """Hop limit of the probes, from 1."""
    address: str | None
    """The router that answered; None for a silent one."""
    rtts: tuple[int, ...] = ()
    """Nanoseconds by the wall clock of this process: for orientation, not a measurement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The path to an address as it was at one moment."""

    address: str
    family: int
    started: int
    """Instant, nanoseconds UTC."""
    duration: int
    """Nanoseconds."""
    hops: tuple[Hop, ...]
    """Empty where nothing could be sent; `ended` says why."""
    reached: bool
    """Whether the address itself answered."""
    ended: str
    """Why it went no further, for people; empty when it reached the address."""

    def as_json(self) -> dict[str, object]:
        """Values for a JSON document; nanoseconds as strings, because JavaScript has no integers of that size."""
        return {
            "address": self.address,
            "family": self.family,
            "started": str(self.started),
            "duration": str(self.duration),
            "hops": [
                {"distance": hop.distance, "address": hop.address, "rtts": [str(rtt) for rtt in hop.rtts]}
                for hop in self.hops
            ],
            "reached": self.reached,
            "ended": self.ended,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Trace:
        """What `as_json` gave. Raises KeyError, TypeError or ValueError for anything else."""
        return cls(
            address=str(data["address"]),
            family=int(data["family"]),
            started=int(data["started"]),
            duration=int(data["duration"]),
            hops=tuple(
                Hop(distance=int(hop["distance"]), address=hop["address"], rtts=tuple(map(int, hop["rtts"])))
                for hop in data["hops"]
            ),
            reached=bool(data["reached"]),
            ended=str(data["ended"]),
        )

    def __str__(self) -> str:
        """`1 192.0.2.1, 2 *, 3 198.51.100.7; nobody answered beyond`: one line for a log."""
        path = ", ".join(f"{hop.distance} {hop.address or '*'}" for hop in self.hops)
        return "; ".join(part for part in (path, self.ended) if part)


class Moment(StrEnum):
    """Why a path was traced."""

    BEGAN = "began"
    """The target had just been found silent."""
    ENDED = "ended"
    """It had just answered again: how the path looks when all is well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """A path, and the silence of a target it belongs to."""

    target: str
    """`service/key`."""
    moment: Moment
    since: int
    """When the silence began."""
    until: int | None
    """When it ended; None while it is not over."""
    trace: Trace


class Border(NamedTuple):
    """Where on a path the provider begins."""

    customer: int | None
    """Distance of the last hop on the customer's side that answered; None where none did."""
    provider: int | None
    """Distance of the first hop that is the provider's; None where none of its answered."""
    short: bool
    """The path ended before the provider's first hop."""


def border(trace: Trace, demarcation: Iterable[str]) -> Border | None:
    """Where `trace` passes into the provider's part; None where that cannot be said.

    `demarcation`: addresses and prefixes of the provider's side. Nothing can be said without one of the trace's family, when nothing
    could be sent, or when the target answered and no hop before it is known to be the provider's.
    """
    networks = [net for net in map(network, demarcation) if net.version == trace.family]
    if not networks or not trace.hops:
        return None
    customer: int | None = None
    for hop in trace.hops:
        if hop.address is None:
            continue
        if _within(hop.address, networks):
            return Border(customer, hop.distance, short=False)
        customer = hop.distance
    return None if trace.reached else Border(customer, None, short=True)


def network(text: str) -> Network:
    """An address or a prefix as a network. Raises ValueError, also for a prefix with bits behind its length."""
    return ipaddress.ip_network(text)


def _within(address: str, networks: Sequence[Network]) -> bool:
    return any(ipaddress.ip_address(address.partition("%")[0]) in net for net in networks)


def of_outage(traced: Iterable[Traced], start: int, end: int | None) -> tuple[Traced, ...]:
    """The paths that belong to an outage `[start, end)` (None = it goes on), by target in the order of their traces.

    A path belongs to it when the silence it was traced for overlaps it. A silence whose end nobody saw is taken as the outage's own only
    where it began or was traced in it, or, of an outage that goes on, when it is the target's last.
    """
    every = sorted(traced, key=lambda each: (each.target, each.trace.started))
    last = {each.target: each.since for each in every}
    return tuple(each for each in every if _overlaps(each, last, start, end))


def _overlaps(each: Traced, last: Mapping[str, int], start: int, end: int | None) -> bool:
    if end is not None and each.since >= end:
        return False
    if each.until is not None:
        return each.until > start
    if end is None:
        return each.since >= start or last[each.target] == each.since
    return each.since >= start or start <= each.trace.started < end


class Evidence(NamedTuple):
    """A path as it is shown with an outage of a statement."""

    contract: str
    outage: int
    """Start of the outage, as the statement has it."""
    traced: Traced
    border: Border | None


def shown(
    contract: str, outage: int, traced: Sequence[Traced], demarcation: Mapping[str, Iterable[str]]
) -> tuple[Evidence, ...]:
    """The paths of one outage with their borders; `demarcation`: target → prefixes of the provider's side.

    A path that stops short says nothing where the one to the same target, taken when all was well again, does not show the provider
    either: its first hop never answers.
    """
    borders = [border(each.trace, demarcation.get(each.target, ())) for each in traced]
    hidden = {
        (each.target, each.since)
        for each, found in zip(traced, borders, strict=True)
        if each.moment is Moment.ENDED and each.trace.reached and found is None
    }
    return tuple(
        Evidence(
            contract, outage, each, None if found and found.short and (each.target, each.since) in hidden else found
        )
        for each, found in zip(traced, borders, strict=True)
    )
