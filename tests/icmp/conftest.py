"""A namespace with loopback, for the tests of one file; and a neighbour that takes its time."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from threading import Thread, Timer

import pytest

from slamon.icmp.packet import checksum
from tests.netlab.namespace import Namespace, inside


@pytest.fixture(scope="module")
def space() -> Iterator[Namespace]:
    namespace = Namespace()
    try:
        yield namespace
    finally:
        namespace.close()


class Link:
    """10.0.0.1/24 of the namespace `near`, alone with 10.0.0.2; there is no default route."""

    def __init__(self, near: Namespace) -> None:
        self.near = near
        self.delay = 0.0
        """Seconds that 10.0.0.2 waits before it answers an echo request."""

    def answer(self, listening: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                packet, source = listening.recvfrom(2048)
                request = bytearray(packet[20:])
                if request[0] != 8:
                    continue
                request[0], request[2:4] = 0, bytes(2)
                request[2:4] = checksum(request).to_bytes(2, "big")
                Timer(self.delay, self._send, (listening, bytes(request), source)).start()

    @staticmethod
    def _send(listening: socket.socket, answer: bytes, source: tuple[str, int]) -> None:
        with contextlib.suppress(OSError):  # the test is over
            listening.sendto(answer, source)


@pytest.fixture
def link() -> Iterator[Link]:
    """The test runs at its near end."""
    near, far = Namespace(), Namespace()
    try:
        near.run("ip", "link", "add", "wan", "type", "veth", "peer", "name", "wan", "netns", str(far._holder.pid))
        for space, address in ((near, "10.0.0.1/24"), (far, "10.0.0.2/24")):
            space.run("ip", "address", "add", address, "dev", "wan")
            space.run("ip", "link", "set", "wan", "up")
        near.run("fping", "-q", "-r", "20", "-t", "100", "10.0.0.2")  # the link is up, and the neighbour found
        far.run("sysctl", "-qw", "net.ipv4.icmp_echo_ignore_all=1")
        with inside(far):
            listening = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        with listening:
            link = Link(near)
            Thread(target=link.answer, args=(listening,), daemon=True).start()
            with inside(near):
                yield link
    finally:
        near.close()
        far.close()
