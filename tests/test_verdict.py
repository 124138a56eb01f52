"""What an ICMP error says about a probe, by who sent it and what it says."""

from __future__ import annotations

import errno
from collections.abc import Iterator

import pytest

from slamon.clock import Clock
from slamon.egress import IcmpError
from slamon.model import Reading, Result
from slamon.surroundings import Surroundings
from slamon.verdict import silence, unreachable
from tests.netlab.namespace import Namespace, inside
from tests.probes.shots import make_target

pytestmark = pytest.mark.system

OURS, OURS6 = "127.0.0.5", "::1"


@pytest.fixture(scope="module")
def surroundings() -> Iterator[Surroundings]:
    """Those of a host with loopback and nothing else."""
    namespace = Namespace()
    try:
        with inside(namespace):
            yield Surroundings(Clock().monotonic, print)
    finally:
        namespace.close()


def heard(icmp_type: int, code: int, offender: str, destination: str | None = "192.0.2.1") -> IcmpError:
    return IcmpError(errno.EHOSTUNREACH, icmp_type, code, offender, (destination, 53) if destination else None, b"")


@pytest.mark.parametrize(
    ("error", "result", "about"),
    [
        (heard(3, 1, "192.0.2.254"), Result.ICMP_ERROR, (3, 1, "remote")),
        (heard(11, 0, "192.0.2.254"), Result.ICMP_ERROR, (11, 0, "remote")),
        (heard(3, 3, "192.0.2.1"), Result.CONNECT_ERROR, (3, 3, "remote")),
        (heard(1, 4, "2001:db8::1"), Result.CONNECT_ERROR, (1, 4, "remote")),
        (heard(3, 3, "2001:db8::1"), Result.ICMP_ERROR, (3, 3, "remote")),  # ICMPv6: hop limit exceeded
        (heard(3, 1, OURS), Result.LOCAL_ERROR, (3, 1, "local")),
        (heard(1, 3, OURS6, "2001:db8::1"), Result.LOCAL_ERROR, (1, 3, "local")),
        (heard(3, 1, OURS, None), Result.LOCAL_ERROR, (3, 1, "local")),
        (heard(3, 3, OURS), Result.LOCAL_ERROR, (3, 3, "local")),
        # We probe ourselves: a port is closed, which is the service's fault; a filter is in the way, which is not.
        (heard(3, 3, OURS, OURS), Result.CONNECT_ERROR, (3, 3, "local")),
        (heard(3, 13, OURS, OURS), Result.LOCAL_ERROR, (3, 13, "local")),
        (heard(3, 1, OURS, OURS), Result.LOCAL_ERROR, (3, 1, "local")),
    ],
)
def test_an_icmp_error_decides_the_result(
    surroundings: Surroundings, error: IcmpError, result: Result, about: tuple[int, int, str]
) -> None:
    reading = unreachable(error, make_target("tcp"), surroundings)
    assert (reading.result, reading.icmp_error) == (result, about)
    assert reading.detail.startswith(f"{error}, says ")
    assert error.offender in reading.detail or reading.detail.partition(":")[0].endswith("says this host")


@pytest.mark.parametrize(
    ("offender", "result"), [("192.0.2.1", Result.ICMP_ERROR), (OURS, Result.LOCAL_ERROR), (OURS6, Result.LOCAL_ERROR)]
)
def test_port_unreachable_is_no_refusal_where_there_are_no_ports(
    surroundings: Surroundings, offender: str, result: Result
) -> None:
    error = heard(1 if ":" in offender else 3, 4 if ":" in offender else 3, offender, offender)
    assert unreachable(error, make_target("icmp"), surroundings, ports=False).result is result


def test_our_own_reason_is_told(surroundings: Surroundings) -> None:
    reading = unreachable(heard(3, 1, OURS), make_target("tcp"), surroundings)
    assert reading.detail == "host unreachable, says this host: there is no route to it"


def test_silence_is_lost_unless_the_way_is_gone(surroundings: Surroundings) -> None:
    target = make_target("tcp")
    assert silence(OURS, target, surroundings) == Reading(Result.TIMEOUT, detail="no answer within 2s")
    assert silence(OURS, target, surroundings, "ETIMEDOUT").detail == "ETIMEDOUT"
    assert silence("192.0.2.1", target, surroundings) == Reading(Result.LOCAL_ERROR, detail="there is no route to it")
