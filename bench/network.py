"""A network of its own for a trial: other raw sockets on the host would be handed our packets, and we theirs."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from pathlib import Path
from typing import NamedTuple

from bench.frame import CannotRun
from bench.programs import compiled

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1  # linux/sockios.h, linux/if.h
_FLAGS = struct.Struct("16sh22x")  # struct ifreq with ifr_flags

ROOT = Path(__file__).parents[1]

CHILD = ("setpriv", "--pdeathsig", "KILL")
"""What a trial starts does not outlive it."""

FAR_SIDE = (*CHILD, "chrt", "-f", "50")
"""It answers on time though the process under test keeps the processor busy."""

FAR_ADDRESS, FAR_PREFIX, FAR_FIRST = "10.66.0.1", "16", "10.66.1.1"


class Echoes(NamedTuple):
    """ICMP echoes of this namespace so far, as the kernel counts them for every tool alike."""

    sent: int
    answered: int


class Echo(NamedTuple):
    """What the far side saw of one packet; instants are monotonic nanoseconds."""

    received: int
    sent: int
    address: int
    ident: int
    sequence: int


_ECHO = struct.Struct("=qqIHH")  # struct entry of responder.c


class Far:
    """A running far side: `addresses` answer after 5 to 50 ms, one by one as on a real path."""

    def __init__(self, addresses: list[str], process: subprocess.Popen[bytes], log: Path) -> None:
        self.addresses = addresses
        self._process = process
        self._log = log

    def stop(self) -> list[Echo]:
        """End it; every packet it answered. What was still held back is lost, so stop sending and wait first."""
        self._process.send_signal(signal.SIGTERM)
        if self._process.wait():
            raise RuntimeError(f"the far side ended with {self._process.returncode}")
        return [Echo._make(fields) for fields in _ECHO.iter_unpack(self._log.read_bytes())]


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


def consecutive(first: str, count: int) -> list[str]:
    start = int(IPv4Address(first))
    return [str(IPv4Address(start + i)) for i in range(count)]


@contextmanager
def loopback(count: int) -> Iterator[list[str]]:
    """Addresses that the kernel answers for within the sender's own system call."""
    yield consecutive("127.1.0.1", count)


@contextmanager
def far_side(count: int) -> Iterator[Far]:
    """`count` addresses behind a device of this namespace, answered by a process whose processor time is charged to nobody.

    Raises CannotRun.
    """
    program = compiled("responder")
    with tempfile.TemporaryDirectory() as directory:
        log = Path(directory) / "echoes"
        command = [*FAR_SIDE, str(program), "far0", FAR_ADDRESS, FAR_PREFIX, str(log)]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
            try:
                assert process.stdout is not None
                if process.stdout.readline() != b"READY\n":
                    raise CannotRun("the far side did not start; it needs root, /dev/net/tun and real-time priority")
                yield Far(consecutive(FAR_FIRST, count), process, log)
                if process.poll() not in {None, 0}:
                    raise RuntimeError(f"the far side ended with {process.returncode}")
            finally:
                process.terminate()


@contextmanager
def delayed(count: int) -> Iterator[list[str]]:
    """The addresses of a far side. Raises CannotRun."""
    with far_side(count) as far:
        yield far.addresses
