"""What a target's address may be, and which family it has."""

from __future__ import annotations

import ipaddress
import re

from slamon.names import of_no_host

GATEWAY = "gateway"
"""The address that stands for the next hop of the default route, followed when it changes."""

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = re.compile(rf"(?:{_LABEL}\.)*(?!\d+\.?$){_LABEL}\.?")
"""RFC 1123 with underscores; the last label is no number, so that a mistyped IPv4 address is no name."""


def literal(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def family_of(written: int | None, address: str, source: str | None) -> int:
    """4 or 6: what is written, else what the literal address is, else what the literal source address is, else 4."""
    if written is not None:
        return written
    known = literal(address) or (literal(source) if source is not None else None)
    return 4 if known is None else known.version


def address_problem(address: str, family: int) -> tuple[str, str | None] | None:
    """Why `address` cannot be probed over `family`: (reason, fix). None = it can."""
    known = literal(address)
    if known is None:
        if address == GATEWAY or (len(address) <= 254 and _HOST.fullmatch(address)):
            return None
        return (
            "neither an address nor a host name",
            "write for example 192.0.2.1, 2001:db8::1, www.example.com or gateway",
        )
    if known.version != family:
        return f"this is an IPv{known.version} address and the family is {family}", f"write `family: {known.version}`"
    if of_no_host(address):
        return "not the address of one host", "write the address of what is to be probed"
    return None


def source_problem(source: str, family: int) -> tuple[str, str | None] | None:
    """Why probes of `family` cannot leave from `source`: (reason, fix). None = they can."""
    known = literal(source)
    if known is None:
        return "not an address of this host", "write for example 192.0.2.10, or name an `interface`"
    if known.version != family:
        return (
            f"this is an IPv{known.version} address and the target's family is {family}",
            "use a source of that family",
        )
    return None


def canonical(address: str) -> str:
    """The one spelling of a literal address (`2001:DB8::0` → `2001:db8::`); names stay as they are."""
    known = literal(address)
    return address if known is None else str(known)
