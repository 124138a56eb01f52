"""`slamon probe` as people call it, against servers that say what they like."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from pathlib import Path

from slamon.errors import CHECK_FAILED

ROOT = Path(__file__).parents[2]


def test_what_a_server_writes_can_always_be_printed() -> None:
    """A reason phrase in Latin-1 with a sign that moves the cursor, on an output that takes nothing but UTF-8."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(30)

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(b"HTTP/1.1 500 G\xfcte\x1b[2J\r\nContent-Length: 0\r\n\r\n")

        server = threading.Thread(target=answer)
        server.start()
        port = listening.getsockname()[1]
        command = ("probe", "http", "127.0.0.1", "--count", "1", "--set", f"port={port}")
        done = subprocess.run(
            ["env", "PYTHONIOENCODING=utf-8:strict", sys.executable, "-m", "slamon", *command],
            capture_output=True,
            timeout=60,
            check=False,
            cwd=ROOT,
        )
        server.join()
    assert done.returncode == CHECK_FAILED, done.stderr
    assert b"HTTP 500 G te" in done.stdout
    assert b"\x1b" not in done.stdout
    assert b"1 sent: 1 bad_response" in done.stdout
