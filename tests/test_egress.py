"""ICMP errors have the names of their RFCs."""

from __future__ import annotations

import errno

import pytest

from slamon.egress import IcmpError
from tests.netlab import packets


def named(family: int, kind: int, code: int) -> str:
    return str(IcmpError(errno.EHOSTUNREACH, kind, code, "192.0.2.1" if family == 4 else "2001:db8::1", None, b""))


@pytest.mark.parametrize(
    ("family", "kind", "code", "name"),
    [
        (4, 3, 1, "host unreachable"),
        (4, 11, 0, "time to live exceeded"),
        (6, 1, 3, "address unreachable"),
        (6, 3, 0, "hop limit exceeded"),
        (4, 40, 2, "ICMP type 40 code 2"),
    ],
)
def test_errors_have_names(family: int, kind: int, code: int, name: str) -> None:
    assert named(family, kind, code) == name


def test_every_error_of_the_lab_has_a_name() -> None:
    for family, errors in ((4, packets.ERRORS4), (6, packets.ERRORS6)):
        for kind, code in errors.values():
            assert not named(family, kind, code).startswith("ICMP")
