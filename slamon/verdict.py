"""What it says about a probe that the kernel refused it, an ICMP error came, or nothing: the target's fault, the network's, or our own."""

from __future__ import annotations

import errno
import os

from slamon import units
from slamon.egress import IcmpError, literal
from slamon.model import Reading, Result, Target
from slamon.surroundings import FirstHop, Surroundings

OUTCOMES: dict[int, Result] = {
    errno.ECONNREFUSED: Result.CONNECT_ERROR,
    errno.ECONNRESET: Result.CONNECT_ERROR,
    errno.ECONNABORTED: Result.CONNECT_ERROR,
    errno.EPIPE: Result.CONNECT_ERROR,
    errno.ETIMEDOUT: Result.TIMEOUT,
    errno.EAGAIN: Result.SEND_ERROR,
    errno.ENOBUFS: Result.SEND_ERROR,
    errno.ENOMEM: Result.SEND_ERROR,
    errno.EMSGSIZE: Result.SEND_ERROR,
    errno.ENETUNREACH: Result.LOCAL_ERROR,
    errno.EHOSTUNREACH: Result.LOCAL_ERROR,
    errno.ENETDOWN: Result.LOCAL_ERROR,
    errno.EPERM: Result.LOCAL_ERROR,
    errno.EACCES: Result.LOCAL_ERROR,
    errno.EADDRNOTAVAIL: Result.LOCAL_ERROR,
    errno.EADDRINUSE: Result.LOCAL_ERROR,
    errno.ENODEV: Result.LOCAL_ERROR,
    errno.EMFILE: Result.LOCAL_ERROR,
    errno.ENFILE: Result.LOCAL_ERROR,
}
"""What an errno of the kernel says about a probe; what is not listed is our own failure, never the provider's.

"Unreachable" is ours as it stands: there is no route. An ICMP error tells more (`unreachable`).
"""

MENDS: dict[int, str] = {
    errno.EMFILE: "raise the limit of open files (LimitNOFILE= in the systemd unit, ulimit -n in a shell)",
    errno.ENFILE: "raise the machine's limit of open files: sysctl fs.file-max",
    errno.EPERM: "`via: {mark}` needs the capability CAP_NET_ADMIN; a local packet filter may also forbid sending",
    errno.EACCES: "a route of type prohibit or a security module forbids sending",
}
"""What an operator can do about it."""

_REFUSALS = {(4, 3, 3), (6, 1, 4)}
"""(family, type, code) of "port unreachable": the host is there and says no (RFC 792, RFC 4443)."""

_NO_NEIGHBOUR = {(4, 3, 1), (6, 1, 3)}
"""(family, type, code) of "host unreachable", "address unreachable": what our kernel tells itself when a neighbour does not answer."""


def failure(error: OSError) -> Reading:
    """The reading of a probe that the kernel ended with `error`."""
    code = error.errno or 0
    name = errno.errorcode.get(code, "unknown")
    return Reading(OUTCOMES.get(code, Result.LOCAL_ERROR), detail=f"{name}: {os.strerror(code) if code else error}")


class Unreachable(Exception):  # noqa: N818 - as `Ended`: what the network said, not what went wrong in here
    """Raised inside a kind's coroutine when an ICMP error ends its probe."""

    def __init__(self, heard: IcmpError) -> None:
        super().__init__(heard)
        self.heard = heard


def unreachable(heard: IcmpError, target: Target, surroundings: Surroundings, *, ports: bool = True) -> Reading:
    """The reading of a probe that an ICMP error ended: refused by the target, stopped by the network, or told by this host itself.

    What our own kernel says when a neighbour does not answer is the target's silence, if the target is that neighbour. `ports`: whether
    "port unreachable" answers the probe.
    """
    kind = (heard.family, heard.type, heard.code)
    destination = literal(heard.destination) if heard.destination else ""
    ours = surroundings.own(heard.offender)
    about = (heard.type, heard.code, "local" if ours else "remote")
    if ports and kind in _REFUSALS and (destination == heard.offender or not ours):
        return Reading(Result.CONNECT_ERROR, detail=f"{heard}, says {heard.offender}", icmp_error=about)
    if not ours:
        return Reading(Result.ICMP_ERROR, detail=f"{heard}, says {heard.offender}", icmp_error=about)
    hop = surroundings.first_hop(destination, target.via) if kind in _NO_NEIGHBOUR and destination else FirstHop()
    if hop.silence:
        return Reading(Result.TIMEOUT, detail=hop.silence)
    because = f": {hop.fault}" if hop.fault else ""
    return Reading(Result.LOCAL_ERROR, detail=f"{heard}, says this host{because}", icmp_error=about)


def silence(address: str, target: Target, surroundings: Surroundings, why: str = "") -> Reading:
    """The reading of a probe that nobody answered in time: lost, unless our own link or gateway is known to be silent."""
    hop = surroundings.first_hop(address, target.via)
    if hop.fault:
        return Reading(Result.LOCAL_ERROR, detail=hop.fault)
    return Reading(
        Result.TIMEOUT, detail=hop.silence or why or f"no answer within {units.format_duration(target.timeout)}"
    )
