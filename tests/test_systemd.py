"""The service manager's protocol over a real datagram socket."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from slamon.model import S
from slamon.systemd import Notifier


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(path)
        listener.settimeout(5)
        yield listener, path


def test_says_every_stage(manager: tuple[socket.socket, str]) -> None:
    listener, path = manager
    notifier = Notifier({"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())})
    assert notifier.watchdog == 30 * S
    notifier.ready("3 targets")
    notifier.reloading(5_000)
    notifier.alive()
    notifier.stopping()
    assert [listener.recv(4096) for _ in range(4)] == [
        b"READY=1\nSTATUS=3 targets",
        b"RELOADING=1\nMONOTONIC_USEC=5",
        b"WATCHDOG=1",
        b"STOPPING=1",
    ]
    notifier.close()


def test_abstract_address() -> None:
    name = f"slamon-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0" + name)
        listener.settimeout(5)
        notifier = Notifier({"NOTIFY_SOCKET": "@" + name})
        notifier.alive()
        assert listener.recv(100) == b"WATCHDOG=1"
        notifier.close()


def test_a_watchdog_meant_for_another_process_is_not_ours(manager: tuple[socket.socket, str]) -> None:
    _, path = manager
    notifier = Notifier({"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"})
    assert notifier.watchdog is None
    notifier.close()


def test_without_a_manager_nothing_happens() -> None:
    notifier = Notifier({})
    notifier.ready("up")
    notifier.stopping()
    assert notifier.watchdog is None


def test_a_full_queue_does_not_stop_us(manager: tuple[socket.socket, str]) -> None:
    listener, path = manager
    notifier = Notifier({"NOTIFY_SOCKET": path})
    for _ in range(5000):
        notifier.alive()
    listener.setblocking(False)
    received = 0
    try:
        while listener.recv(100) == b"WATCHDOG=1":
            received += 1
    except BlockingIOError:
        assert 0 < received < 5000
    notifier.close()


def test_a_manager_that_goes_away_stops_nothing(
    manager: tuple[socket.socket, str], caplog: pytest.LogCaptureFixture
) -> None:
    """What it was told is not the daemon's business (sd_notify(3)); one that comes back at the same place is heard of again."""
    listener, path = manager
    notifier = Notifier({"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "30000000"})
    notifier.ready("up")
    for losses in (1, 2):
        listener.close()
        for _ in range(3):
            notifier.alive()
        assert len(caplog.messages) == losses
        Path(path).unlink()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as again:
            again.bind(path)
            notifier.alive()
            assert again.recv(100) == b"WATCHDOG=1"
    notifier.close()
    assert "cannot be told" in caplog.messages[0]


@pytest.mark.parametrize("address", ["/nonexistent/notify", "@slamon-test-nobody", "vsock:2:1234", f"/{'x' * 200}"])
def test_a_manager_that_never_was_there_stops_nothing(address: str, caplog: pytest.LogCaptureFixture) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": address})
    notifier.ready("up")
    notifier.stopping()
    notifier.close()
    assert len(caplog.messages) == 1
