"""The nouns every layer shares: targets, results and what they mean, readings and samples. Values only, no I/O.

Instants are integer nanoseconds since 1970-01-01T00:00:00Z; durations are integer nanoseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

US = 1_000
MS = 1_000_000
S = 1_000_000_000
MINUTE = 60 * S
HOUR = 3600 * S
DAY = 86_400 * S


class Result(StrEnum):
    """How a probe ended: a closed vocabulary. The order is the wire code of packed records; append only."""

    SUCCESS = "success"
    TIMEOUT = "timeout"
    SEND_ERROR = "send_error"
    LOCAL_ERROR = "local_error"
    ICMP_ERROR = "icmp_error"
    DNS_ERROR = "dns_error"
    CONNECT_ERROR = "connect_error"
    TLS_ERROR = "tls_error"
    BAD_RESPONSE = "bad_response"


RESULTS: tuple[Result, ...] = tuple(Result)
RESULT_CODE: dict[Result, int] = {result: code for code, result in enumerate(RESULTS)}


class Packet(StrEnum):
    """What a result says about the packet: loss is computed over received + lost only."""

    RECEIVED = "received"
    LOST = "lost"
    REFUSED = "refused"
    OURS = "ours"


class Effect(StrEnum):
    """What a result says about the service at the instant the probe was sent."""

    UP = "up"
    DOWN = "down"
    UNMEASURED = "unmeasured"


class Meaning(NamedTuple):
    packet: Packet
    effect: Effect


MEANING: dict[Result, Meaning] = {
    Result.SUCCESS: Meaning(Packet.RECEIVED, Effect.UP),
    Result.BAD_RESPONSE: Meaning(Packet.RECEIVED, Effect.DOWN),
    Result.TIMEOUT: Meaning(Packet.LOST, Effect.DOWN),
    Result.ICMP_ERROR: Meaning(Packet.LOST, Effect.DOWN),
    Result.CONNECT_ERROR: Meaning(Packet.REFUSED, Effect.DOWN),
    Result.TLS_ERROR: Meaning(Packet.REFUSED, Effect.DOWN),
    Result.SEND_ERROR: Meaning(Packet.OURS, Effect.UNMEASURED),
    Result.LOCAL_ERROR: Meaning(Packet.OURS, Effect.UNMEASURED),
    Result.DNS_ERROR: Meaning(Packet.OURS, Effect.UNMEASURED),
}
"""The one table of what results mean, whatever kind of probe ended so: facts outlive the configuration that made them.
`dns_error` is a name *we* could not resolve, which says nothing about the service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Via:
    """The way a probe leaves the host, and what its IP header says of it; all empty = the kernel decides."""

    interface: str | None = None
    source: str | None = None
    mark: int | None = None
    dscp: int | None = None
    """Differentiated services code point (RFC 2474), 0 to 63."""
    ttl: int | None = None
    """Time to live, of IPv6 the hop limit."""
    df: bool | None = None
    """Whether no router may cut the packet into fragments ("don't fragment"); no host either, of IPv6."""

    def __str__(self) -> str:
        parts = [self.interface, self.source]
        parts += [f"{key} {value}" for key in ("mark", "dscp", "ttl") if (value := getattr(self, key)) is not None]
        parts.append(None if self.df is None else "df" if self.df else "no df")
        return " ".join(part for part in parts if part)


class Sampling(StrEnum):
    """How the probes of a target lie in time."""

    PERIODIC = "periodic"
    """At equal distances, with a phase of the target's own (RFC 3432)."""
    POISSON = "poisson"
    """At random, independent of each other (RFC 2330): `interval` is the mean distance."""


SPACING = 14
"""The longest distance of two probes under Poisson sampling, in mean intervals: `poisson` cuts waits off so that none is longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """A target is down from the first of so many bad slots in a row to the first of so many good ones. A slot begins at the epoch."""

    length: int
    """Nanoseconds."""
    loss_over: Fraction
    """Share of the packets sent in a slot; with more than that lost it is bad."""
    after: int = 1
    until: int = 1

    def floor(self, instant: int) -> int:
        """Start of the slot `instant` lies in."""
        return instant - instant % self.length


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One endpoint probed one way. Equality means: nothing changed, keep its state over a reload."""

    name: str
    """`service/key`, unique in a configuration."""
    service: str
    probe: str
    """The kind: the name of a file in slamon/probes."""
    address: str
    """A literal address, a host name, or `gateway`."""
    family: int
    """4 or 6."""
    interval: int
    timeout: int
    down_after: int
    up_after: int
    settings: object
    """The frozen Settings of the kind."""
    via: Via = Via()
    witness: str | None = None
    """Name of the target on the customer's side whose silence means the fault is ours."""
    labels: tuple[tuple[str, str], ...] = ()
    """Custom labels, for `slamon_target_info` only."""
    count: int = 1
    """Probes in each interval."""
    gap: int = 0
    """Between two probes of the same interval, nanoseconds."""
    sampling: Sampling = Sampling.PERIODIC
    slots: Slots | None = None
    """By which it is down, in place of `down_after` and `up_after`."""

    @property
    def spacing(self) -> int:
        """The longest time between two probes when none is missed, nanoseconds."""
        return self.interval * (SPACING if self.sampling is Sampling.POISSON else 1)


class Reading(NamedTuple):
    """What one probe returns. A NamedTuple because it is built once per packet."""

    result: Result
    rtt: int | None = None
    """Nanoseconds; present for a success, optional otherwise."""
    hop_limit: int | None = None
    detail: str = ""
    """For people: the errno, the status line, the offending router."""
    userspace: bool = False
    """True when the round trip had to be stamped by our own clock instead of the kernel's."""
    phases: tuple[tuple[str, int], ...] = ()
    """(phase, nanoseconds): resolve, connect, tls, first_byte, transfer."""
    gauges: tuple[tuple[str, float], ...] = ()
    """(gauge name declared by the kind, value), for example ("http_status_code", 200)."""
    icmp_error: tuple[int, int, str] | None = None
    """(type, code, "local" | "remote")."""


class Sample(NamedTuple):
    """A reading of a target at the instant its probe was sent."""

    target: str
    sent: int
    reading: Reading
