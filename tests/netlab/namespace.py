"""A network namespace held by one small process, processes inside it, and sockets of it in the test's own process."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.netlab import instants

CLONE_NEWNET = 0x40000000  # linux/sched.h
START = 10.0
"""Seconds within which a process must be up; a loaded machine takes one."""
STOP = 10.0
"""Seconds a process gets after SIGTERM; a daemon flushes its store in them."""


def nobody(*capabilities: str) -> tuple[str, ...]:
    """What to put before a command to run it as an ordinary user with these capabilities only.

    And with the right to read any file, because a checkout may lie in a folder of root's.
    """
    wanted = ",".join(f"+{capability}" for capability in ("dac_read_search", *capabilities))
    return (
        *("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"),
        *("--inh-caps", wanted, "--ambient-caps", wanted),
    )


ORPHAN = ("setpriv", "--pdeathsig", "KILL")
"""No process of a rig outlives a test run that was killed."""
LIBC = ctypes.CDLL(None, use_errno=True)


def stop(process: subprocess.Popen[Any], number: int = signal.SIGTERM, within: float = STOP) -> int:
    """Signals a process we started and waits for it; killed when it does not obey. Returns its exit code."""
    if process.poll() is None:
        process.send_signal(number)
        try:
            process.wait(within)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP)
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()
    return process.returncode


class Namespace:
    """`unshare -n`, with loopback up and ping sockets open to everybody."""

    def __init__(self) -> None:
        self._holder = subprocess.Popen(
            [*ORPHAN, "unshare", "-n", "sleep", "infinity"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        self.path = Path(f"/proc/{self._holder.pid}/ns/net")
        try:
            self._await_birth()
            self.prefix: tuple[str, ...] = (*ORPHAN, "nsenter", f"--net={self.path}")
            self.run("ip", "link", "set", "lo", "up")
            self.run("sysctl", "-qw", "net.ipv4.ping_group_range=0 2147483647")
        except BaseException:
            self.close()
            raise

    def _await_birth(self) -> None:
        deadline = instants.monotonic() + int(START * 1e9)
        ours = Path("/proc/self/ns/net").readlink()
        while self.path.readlink() == ours:
            if self._holder.poll() is not None or instants.monotonic() > deadline:
                raise RuntimeError("unshare -n made no network namespace; it needs root")
            instants.pause(0.005)

    def run(self, *command: str, timeout: float = 30, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs a command inside to its end; `timeout` in seconds."""
        return subprocess.run(
            [*self.prefix, *command],
            check=check,
            timeout=timeout,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )

    def start(self, command: Sequence[str | Path], **options: Any) -> subprocess.Popen[Any]:
        """Starts a process inside; the caller stops it with `stop`."""
        return subprocess.Popen([*self.prefix, *map(str, command)], stdin=subprocess.DEVNULL, **options)

    def link(self, device: str, *addresses: str, peer: str, far: Namespace | None = None) -> None:
        """A cable: `device` with its addresses, and its other end `peer`, here or in namespace `far`; both ends are up."""
        there = far or self
        self.run("ip", "link", "add", device, "type", "veth", "peer", "name", peer, "netns", there.path.parts[2])
        self.run("ip", "link", "set", device, "up")
        there.run("ip", "link", "set", peer, "up")
        self.address(device, *addresses)

    def address(self, device: str, *addresses: str) -> None:
        """Give an interface addresses that can be used at once."""
        for address in addresses:
            self.run("ip", "addr", "add", address, "dev", device, *(["nodad"] if ":" in address else []))

    def make_socket(self, family: int, kind: int) -> socket.socket:
        """A socket belongs to the namespace its thread was in when it was made, whoever uses it afterwards."""
        with inside(self):
            return socket.socket(family, kind)

    def connect(self, host: str, port: int, timeout: float = 5) -> socket.socket:
        """A TCP connection inside the namespace, from outside."""
        connection = self.make_socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        connection.settimeout(timeout)
        try:
            connection.connect((host, port))
        except OSError:
            connection.close()
            raise
        return connection

    def free_port(self) -> int:
        """A TCP port of loopback that nobody has inside, at this moment."""
        with self.make_socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        return port

    def close(self) -> None:
        stop(self._holder)


@contextlib.contextmanager
def inside(namespace: Namespace) -> Iterator[None]:
    """The calling thread, with every socket and process it opens and the loop it runs, is in `namespace` until the block ends."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(namespace.path, os.O_RDONLY)
    try:
        _enter(there)
        try:
            yield
        finally:
            _enter(home)
    finally:
        os.close(home)
        os.close(there)


def _enter(descriptor: int) -> None:
    if LIBC.setns(descriptor, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
