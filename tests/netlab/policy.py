"""What happens to the packets of one target: its policy, the timed changes of it, and the dice that belong to it alone."""

from __future__ import annotations

import dataclasses
import ipaddress
import random  # noqa: TID251 - the dice of the lab, seeded
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.netlab.packets import ERRORS4

MS = 1_000_000
TCP_PORTS = frozenset({"http", "open", "filtered"})
UDP_PORTS = frozenset({"dns", "echo", "filtered"})


class PolicyError(ValueError):
    """A policy or an outage that cannot be; the text says what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Times are milliseconds, chances 0..1. The default answers everything at once."""

    delay: float = 0
    jitter: float = 0
    """The delay is drawn evenly from delay ± jitter."""
    loss: float = 0
    """Independent per packet, on the way there."""
    duplicate: float = 0
    reorder: float = 0
    reorder_delay: float = 5
    """What a reordered reply is held back."""
    corrupt: float = 0
    """Chance that the last byte of the reply is flipped after its checksum was made."""
    silent: bool = False
    """Nothing is answered: a dead far side."""
    error: str | None = None
    """Every packet is answered by this ICMP error (`packets.ERRORS4`)."""
    error_from: str | None = None
    """The router that sends it; the target itself by default."""
    spoof: str | None = None
    """Replies come from this address instead."""
    bad_payload: bool = False
    """Echo replies carry zeros of the right length."""
    hop_limit: int = 64
    hops: tuple[str | None, ...] = ()
    """Routers on the path, nearest first; None is one that stays silent."""
    tcp: Mapping[str, str] = field(default_factory=lambda: {"80": "http"})
    """Port → http | open | filtered; any other port resets."""
    http_status: int = 200
    http_body: str = "ok\n"
    udp: Mapping[str, str] = field(default_factory=lambda: {"53": "dns"})
    """Port → dns | echo | filtered; any other port is answered by "port unreachable"."""
    dns_rcode: str = "NOERROR"
    dns_address: str = "192.0.2.53"
    """The A record of every answer."""

    def __post_init__(self) -> None:
        for name in ("loss", "duplicate", "reorder", "corrupt"):
            if not 0 <= getattr(self, name) <= 1:
                raise PolicyError(f"{name} is a chance between 0 and 1, not {getattr(self, name)}")
        if self.error is not None and self.error not in ERRORS4:
            raise PolicyError(f"error is one of {sorted(ERRORS4)}, not {self.error!r}")
        for ports, known in ((self.tcp, TCP_PORTS), (self.udp, UDP_PORTS)):
            if unknown := set(ports.values()) - known:
                raise PolicyError(f"a port is one of {sorted(known)}, not {sorted(unknown)}")

    def changed(self, change: Mapping[str, object]) -> Policy:
        """This policy with the keys of `change` replaced. Raises PolicyError for a key that does not exist."""
        known = {one.name for one in dataclasses.fields(self)}
        if unknown := set(change) - known:
            raise PolicyError(f"unknown policy keys {sorted(unknown)}; known are {sorted(known)}")
        values = {key: tuple(value) if isinstance(value, list) else value for key, value in change.items()}
        return dataclasses.replace(self, **values)  # type: ignore[arg-type] # JSON in, checked above and by use


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """For packets that arrive in `[start, end)` monotonic nanoseconds, `policy` stands in for the target's own."""

    start: int
    end: int
    policy: Policy


class Target:
    """One address of the lab: the policy in force at an instant, and a random generator seeded by the address."""

    __slots__ = ("dice", "name", "outages", "policy")

    def __init__(self, name: str, policy: Policy, seed: int) -> None:
        self.name = name
        self.policy = policy
        self.outages: list[Outage] = []
        self.dice = random.Random(f"{seed}/{name}")

    def at(self, instant: int) -> Policy:
        for outage in self.outages:
            if outage.start <= instant < outage.end:
                return outage.policy
        return self.policy

    def happens(self, chance: float) -> bool:
        """Throws the dice only where something can come of it, so that a loss pattern depends on nothing but the packet count."""
        return chance > 0 and self.dice.random() < chance

    def draw_delay(self, policy: Policy) -> int:
        """Nanoseconds."""
        delay = policy.delay
        if policy.jitter:
            delay += self.dice.uniform(-policy.jitter, policy.jitter)
        return max(0, int(delay * MS))


class Targets:
    """Address → Target: exact ones first, then the longest prefix, then the default policy."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._prefixes: dict[ipaddress.IPv4Network | ipaddress.IPv6Network, Policy] = {}
        self._targets: dict[bytes, Target] = {}

    def set(self, name: str, change: Mapping[str, object]) -> None:
        """Gives an address or a prefix a new policy (from the defaults, not from what it had)."""
        policy = Policy().changed(change)
        if "/" in name:
            self._prefixes[ipaddress.ip_network(name)] = policy
            return
        self.find(ipaddress.ip_address(name).packed).policy = policy

    def outage(self, name: str, start: int, end: int, change: Mapping[str, object]) -> Outage:
        """Programmes a change of the target's present policy for `[start, end)`."""
        if end <= start:
            raise PolicyError("an outage ends after it starts")
        target = self.find(ipaddress.ip_address(name).packed)
        outage = Outage(start=start, end=end, policy=target.policy.changed(change))
        target.outages.append(outage)
        return outage

    def find(self, packed: bytes) -> Target:
        target = self._targets.get(packed)
        if target is None:
            address = ipaddress.ip_address(packed)
            fitting = [net for net in self._prefixes if net.version == address.version and address in net]
            policy = self._prefixes[max(fitting, key=lambda net: net.prefixlen)] if fitting else Policy()
            target = self._targets[packed] = Target(str(address), policy, self._seed)
        return target
