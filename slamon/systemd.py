"""Tells the service manager how we are: READY, RELOADING, WATCHDOG, STOPPING over $NOTIFY_SOCKET (sd_notify(3))."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping

from slamon.model import US

log = logging.getLogger(__name__)


class Notifier:
    """Datagrams to the service manager; without $NOTIFY_SOCKET every call does nothing, and one that cannot be sent stops nothing."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        env = os.environ if environ is None else environ  # noqa: TID251 - the service manager's protocol is the environment
        self._socket: socket.socket | None = None
        self._unheard = False
        """The last datagram could not be sent, and the log says so."""
        name = env.get("NOTIFY_SOCKET", "")
        self._address = "\0" + name[1:] if name.startswith("@") else name  # a leading @ is the abstract name space
        if name:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.setblocking(False)
        self.watchdog: int | None = None
        """Nanoseconds within which the service manager wants to hear from us; None = it does not watch."""
        usec = env.get("WATCHDOG_USEC", "")
        pid = env.get("WATCHDOG_PID", "")
        if usec.isdecimal() and int(usec) > 0 and (not pid or pid == str(os.getpid())):
            self.watchdog = int(usec) * US

    def _send(self, *lines: str) -> None:
        if self._socket is None:
            return
        try:
            self._socket.sendto("\n".join(lines).encode(), self._address)
        except BlockingIOError:
            # the manager's queue is full; it reads again, and the next WATCHDOG is a second away
            return
        except OSError as error:
            if not self._unheard:
                log.warning(
                    "the service manager at NOTIFY_SOCKET cannot be told how we are: %s", error.strerror or error
                )
            self._unheard = True
        else:
            self._unheard = False

    def ready(self, status: str) -> None:
        self._send("READY=1", f"STATUS={status}")

    def status(self, status: str) -> None:
        self._send(f"STATUS={status}")

    def reloading(self, monotonic: int) -> None:
        """`monotonic`: CLOCK_MONOTONIC nanoseconds, which Type=notify-reload compares with its own."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={monotonic // US}")

    def alive(self) -> None:
        self._send("WATCHDOG=1")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
