"""The wire: a TUN device of this network namespace, with its addresses and routes."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000  # linux/if_tun.h
QUEUE = 10_000
"""Packets the device holds for us; a burst of thousands of probes must not be lost before it is logged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A device, this side's addresses on it, and what is reached through it."""

    name: str = "lab0"
    addresses: Sequence[str] = ("10.66.0.1/32", "fd66::1/128")
    routes: Sequence[str] = ("10.66.0.0/16", "fd66::/64")


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, timeout=10)


def raise_link(link: Link) -> None:
    """Sets the device up and routes to it; also what an operator does after `ip link set down`, which drops the routes."""
    ip("link", "set", link.name, "up")
    for address in link.addresses:
        ip("address", "replace", address, "dev", link.name, *(["nodad"] if ":" in address else []))
    for route in link.routes:
        ip("route", "replace", route, "dev", link.name)


def open_link(link: Link) -> int:
    """Creates the device; the file descriptor reads what the kernel sends into it, packet by packet, without blocking."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", link.name.encode(), IFF_TUN | IFF_NO_PI))
    mode = Path(f"/proc/sys/net/ipv6/conf/{link.name}/addr_gen_mode")
    if mode.exists():
        mode.write_text("1")  # no link-local address, so no router solicitations among the probes
    ip("link", "set", link.name, "txqueuelen", str(QUEUE))
    raise_link(link)
    return descriptor
