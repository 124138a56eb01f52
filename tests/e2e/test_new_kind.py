"""A probe kind is one file: dropped into the folder, it is configured, checked, probed and published."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from slamon.model import Result

ROOT = Path(__file__).parents[2]

BEACON = '''
"""Kind `beacon`: one datagram that has to come back."""

import asyncio
import socket
from functools import partial

from slamon.model import Reading, Result
from slamon.probe import COMMON, Kind, Port, Settings, each


class Beacon(Settings):
    port: Port
    """UDP port that echoes."""


async def probe(target, address, context):
    began = context.clock.monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(sock, (address, target.settings.port))
        await loop.sock_sendall(sock, b"here")
        answer = await loop.sock_recv(sock, 100)
    result = Result.SUCCESS if answer == b"here" else Result.BAD_RESPONSE
    return Reading(result, rtt=context.clock.monotonic() - began, gauges=(("beacon_bytes", len(answer)),))


PROBE = Kind(
    settings=Beacon,
    open=partial(each, probe),
    results=COMMON | {Result.BAD_RESPONSE},
    gauges={"beacon_bytes": "Bytes of the last answer."},
)
'''


def run(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "slamon", *args],
        cwd=folder, env={"PYTHONPATH": str(folder)}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_one_file_is_served_checked_and_published(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "slamon", tmp_path / "slamon", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "slamon" / "probes" / "beacon.py").write_text(BEACON)
    web = free_port()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as echo:
        echo.bind(("127.0.0.1", 0))
        config = tmp_path / "slamon.yml"
        config.write_text(
            f"web: {{port: {web}}}\ndefaults: {{interval: 200ms}}\nservices:\n  s: {{targets: {{b: {{probe: beacon, "
            f"address: 127.0.0.1, port: {echo.getsockname()[1]}}}}}}}\n"
        )
        assert "1 target of 1 service" in run(tmp_path, "check", str(config)).stdout
        wrong = tmp_path / "wrong.yml"
        wrong.write_text(config.read_text().replace(", port:", ", prt:"))
        assert "did you mean port?" in run(tmp_path, "check", str(wrong)).stderr
        daemon = subprocess.Popen(
            [sys.executable, "-m", "slamon", "run", "--config", str(config), "--state", str(tmp_path / "state")],
            cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, stderr=subprocess.PIPE,
        )  # fmt: skip
        try:
            echo.settimeout(30)
            for _ in range(5):
                data, sender = echo.recvfrom(100)
                echo.sendto(data, sender)
            page = wait_for(web, 'result="success"} 5')
            assert "slamon_probe_beacon_bytes{" in page
            for result in (Result.TIMEOUT, Result.BAD_RESPONSE, Result.LOCAL_ERROR):
                assert f'result="{result}"' in page
        finally:
            daemon.terminate()
            _, said = daemon.communicate(timeout=30)
        assert daemon.returncode == 0, said.decode()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def wait_for(port: int, text: str) -> str:
    """The metrics page once it has `text`, within 30 seconds."""
    deadline = time.monotonic() + 30  # noqa: TID251 - a deadline of the test
    page = ""
    while time.monotonic() < deadline:  # noqa: TID251
        try:
            page = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read().decode()
        except OSError:
            page = ""
        if text in page:
            return page
        time.sleep(0.1)  # noqa: TID251
    raise AssertionError(f"no {text!r} in:\n{page}")
