"""A network of its own for a trial: other raw sockets on the host would be handed our packets, and we theirs."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from pathlib import Path
from typing import NamedTuple

from bench.frame import CannotRun

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1  # linux/sockios.h, linux/if.h
_FLAGS = struct.Struct("16sh22x")  # struct ifreq with ifr_flags

ROOT = Path(__file__).parents[1]

FAR_SIDE = ("setpriv", "--pdeathsig", "KILL", "chrt", "-f", "50")
"""It does not outlive its trial, and answers on time though the process under test keeps the processor busy."""


class Echoes(NamedTuple):
    """ICMP echoes of this namespace so far, as the kernel counts them for every tool alike."""

    sent: int
    answered: int


def prefix() -> list[str]:
    """The command that gives what follows a network namespace of its own. Raises CannotRun."""
    if shutil.which("unshare") is None:
        raise CannotRun("needs unshare; as root: apt-get install -y --no-install-recommends util-linux")
    return ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--map-root-user"]


def prepare() -> None:
    """Loopback up, ICMP sockets open to this process. Raises RuntimeError when this is not a fresh namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        flags = _FLAGS.unpack(fcntl.ioctl(control, SIOCGIFFLAGS, _FLAGS.pack(b"lo", 0)))[1]
        if flags & IFF_UP or len(socket.if_nameindex()) != 1:
            raise RuntimeError("this is not a network namespace of our own; start benches by `python -m bench`")
        fcntl.ioctl(control, SIOCSIFFLAGS, _FLAGS.pack(b"lo", flags | IFF_UP))
    # Our own group is 0, as root or mapped to it; a wider range could not be written in a user namespace.
    Path("/proc/sys/net/ipv4/ping_group_range").write_text("0 0")


def echoes() -> Echoes:
    lines = [line.split() for line in Path("/proc/net/snmp").read_text().splitlines() if line.startswith("IcmpMsg:")]
    counts = dict(zip(*lines, strict=True)) if lines else {}
    return Echoes(int(counts.get("OutType8", 0)), int(counts.get("InType0", 0)))


@contextmanager
def loopback(count: int) -> Iterator[list[str]]:
    """Addresses that the kernel answers for within the sender's own system call."""
    first = int(IPv4Address("127.1.0.1"))
    yield [str(IPv4Address(first + i)) for i in range(count)]


@contextmanager
def delayed(count: int) -> Iterator[list[str]]:
    """Addresses whose answers come one by one after 5 to 50 ms, like those of a real path: the far side is the tests' lab.

    It runs in a process of its own, whose processor time is charged to nobody. Raises CannotRun.
    """
    for program, package in (("ip", "iproute2"), ("chrt", "util-linux")):
        if shutil.which(program) is None:
            raise CannotRun(f"needs {program}; as root: apt-get install -y --no-install-recommends {package}")
    first = int(IPv4Address("10.66.1.1"))
    addresses = [str(IPv4Address(first + i)) for i in range(count)]
    with tempfile.TemporaryDirectory() as directory:
        config = Path(directory) / "lab.json"
        config.write_text(json.dumps({"targets": {at: {"delay": 5 + 3 * (i % 16)} for i, at in enumerate(addresses)}}))
        files = ["--config", str(config), "--truth", f"{directory}/truth", "--control", f"{directory}/control"]
        lab = subprocess.Popen(
            [*FAR_SIDE, sys.executable, "-m", "tests.netlab", *files],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        with lab:
            try:
                assert lab.stdout is not None
                if lab.stdout.readline() != b"READY\n":
                    raise CannotRun("the far side did not start; it needs root, /dev/net/tun and real-time priority")
                yield addresses
            finally:
                lab.terminate()
