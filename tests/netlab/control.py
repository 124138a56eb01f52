"""Live control of a running lab: one JSON object per line over a unix socket, which crosses network namespaces."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.netlab import instants
from tests.netlab.policy import PolicyError
from tests.netlab.responder import Responder

PATIENCE = 10.0
"""Seconds a test waits for the lab's answer; it takes a millisecond."""


class ControlError(RuntimeError):
    """The lab refused a message; the text is its reason."""


class Control:
    """The lab's end. Messages: {"set": {target: policy}}, {"outages": {target: [start, end, change]}}, {"flush": true}, {"stop": true}."""

    def __init__(self, path: Path, responder: Responder) -> None:
        self._responder = responder
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(8)
        responder.watch(self._listener.fileno(), self._accept)

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        connection.settimeout(PATIENCE)
        self._responder.watch(connection.fileno(), lambda: self._serve(connection))

    def _serve(self, connection: socket.socket) -> None:
        self._responder.unwatch(connection.fileno())
        with connection, connection.makefile("rw") as stream:
            line = stream.readline()
            if not line:
                return
            try:
                answer = self._obey(json.loads(line))
            except (ValueError, TypeError, KeyError) as error:  # PolicyError is a ValueError
                answer = {"error": f"{type(error).__name__}: {error}"}
            stream.write(json.dumps(answer) + "\n")

    def _obey(self, message: Mapping[str, Any]) -> dict[str, object]:
        if unknown := set(message) - {"set", "outages", "flush", "stop"}:
            raise PolicyError(f"unknown message {sorted(unknown)}")
        for target, policy in message.get("set", {}).items():
            self._responder.targets.set(target, policy)
        for target, (start, end, change) in message.get("outages", {}).items():
            self._responder.targets.outage(target, start, end, change)
        if message.get("flush"):
            self._responder.truth.flush()
        if message.get("stop"):
            self._responder.stop()
        return {"now": instants.monotonic(), "received": self._responder.received, "answered": self._responder.answered}


def send(path: Path, message: Mapping[str, object]) -> dict[str, Any]:
    """The test's end: one message, one answer. Raises ControlError when the lab refuses it, OSError when it is not there."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE)
        connection.connect(str(path))
        connection.sendall((json.dumps(message) + "\n").encode())
        with connection.makefile() as stream:
            answer: dict[str, Any] = json.loads(stream.readline())
    if "error" in answer:
        raise ControlError(answer["error"])
    return answer
