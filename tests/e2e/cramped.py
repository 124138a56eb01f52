"""`python -m tests.e2e.cramped …`: slamon on a host that gives its sockets next to no room for what arrives."""

from __future__ import annotations

import socket
from typing import Any

from slamon.__main__ import main

ROOM = 1024
"""Bytes a socket is given: less than the least the kernel gives, which holds three or four replies."""
SO_RCVBUFFORCE = 33  # asm-generic/socket.h


def run() -> None:
    given = socket.socket.setsockopt

    def scant(self: socket.socket, level: int, option: int, *value: Any) -> None:
        if level == socket.SOL_SOCKET and option in (socket.SO_RCVBUF, SO_RCVBUFFORCE):
            given(self, level, socket.SO_RCVBUF, ROOM)
        else:
            given(self, level, option, *value)

    socket.socket.setsockopt = scant  # type: ignore[method-assign, assignment]
    main()


if __name__ == "__main__":
    run()
