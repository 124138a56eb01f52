"""Runs inside a machine booted by systemd-nspawn, as root, by the system's Python: drives the unit and writes down what it saw.

Standard library only. Every step lands in /out/seen.json; the test outside judges. `systemctl poweroff` ends the machine.
"""

from __future__ import annotations

import http.server
import json
import os
import pathlib
import shutil
import subprocess
import threading
import time
import traceback
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

monotonic = time.monotonic  # noqa: TID251 - a script of steps that waits
wall = time.time  # noqa: TID251 - compared with what the daemon wrote down
pause = time.sleep  # noqa: TID251 - no loop to block

OUT = pathlib.Path("/out")
CONFIG = pathlib.Path("/etc/slamon/slamon.yml")
STATE = pathlib.Path("/var/lib/slamon")
BASE = "http://127.0.0.1:9909"
NEW_TARGET = "  added: {targets: {ping: {probe: icmp, address: 127.0.0.2}}}\n"
COMMANDS = ("check", "report", "status", "exclude list", "record list")
"""What root runs beside the service or without it."""
seen: dict[str, Any] = {}


class Page(http.server.BaseHTTPRequestHandler):
    """Notes who asks with which token."""

    tokens: set[str] = set()  # noqa: RUF012 - one server

    def do_GET(self) -> None:
        self.tokens.add(self.headers.get("Authorization", ""))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


def shell(script: str) -> tuple[int, str]:
    """Exit code and all it said of a command of root's, with slamon where the README links it."""
    environment = {**os.environ, "PATH": f"/opt/slamon/bin:{os.environ['PATH']}"}  # noqa: TID251 - a shell has one
    done = subprocess.run(
        ["/bin/sh", "-ec", script], capture_output=True, text=True, check=False, timeout=60, env=environment
    )
    return done.returncode, done.stdout + done.stderr


def commands() -> dict[str, tuple[int, str]]:
    return {words: shell(f"slamon {words}") for words in COMMANDS}


def systemctl(*words: str) -> str:
    done = subprocess.run(["systemctl", *words], capture_output=True, text=True, check=False, timeout=60)
    return (done.stdout + done.stderr).strip()


def show() -> dict[str, str]:
    names = "ActiveState,SubState,NRestarts,MainPID,Result,ExecMainCode,ExecMainStatus,StatusText,Type"
    return dict(line.split("=", 1) for line in systemctl("show", "slamon", "-p", names).splitlines())


def scrape() -> dict[str, float]:
    with urllib.request.urlopen(f"{BASE}/metrics", timeout=5) as response:
        lines = response.read().decode().splitlines()
    return {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line and not line.startswith("#")
    }


def total(metrics: dict[str, float], name: str, *labels: str) -> float | None:
    """The sum over the series of `name` that carry all these labels; None when there is none."""
    found = [value for key, value in metrics.items() if key.partition("{")[0] == name and all(x in key for x in labels)]
    return sum(found) if found else None


def attempts(metrics: dict[str, float], target: str = "loop/ping") -> float | None:
    return total(metrics, "slamon_probe_attempts_total", f'target="{target}"')


def wait(what: str, condition: Callable[[], Any], within: float = 15) -> Any:
    """The first true value; raises after `within` seconds."""
    deadline = monotonic() + within
    while True:
        try:
            value = condition()
        except (OSError, urllib.error.URLError):
            value = None  # the daemon is starting or gone for a moment: the deadline decides
        if value:
            return value
        if monotonic() > deadline:
            raise TimeoutError(what)
        pause(0.1)


def story() -> None:
    server = http.server.HTTPServer(("127.0.0.1", 8080), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    # the target that starts us is ordered after slamon.service: with Type=notify it is active only after READY
    seen["at_once"] = show()
    seen["ready_at_once"] = urllib.request.urlopen(f"{BASE}/-/ready", timeout=5).status
    wait("probing", lambda: (attempts(scrape()) or 0) > 10)
    main = int(show()["MainPID"])
    status = pathlib.Path(f"/proc/{main}/status").read_text()
    seen["process"] = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    seen["sockets"] = [key for key in scrape() if key.startswith("slamon_socket_info")]
    wait("a probe with the token", lambda: any(Page.tokens))
    seen["tokens"] = sorted(Page.tokens)
    seen["beside"] = commands()

    good = CONFIG.read_text()
    before = attempts(scrape())
    CONFIG.write_text(good.replace("services:\n", "services:\n" + NEW_TARGET))
    seen["reload"] = systemctl("reload", "slamon")
    wait("the new target", lambda: attempts(scrape(), "added/ping"))
    seen["counters"] = [before, attempts(scrape())]
    seen["reloaded"] = total(scrape(), "slamon_config_last_reload_successful")

    CONFIG.write_text(good + "  broken: [\n")
    systemctl("reload", "slamon")
    wait("the refusal", lambda: total(scrape(), "slamon_config_last_reload_successful") == 0)
    refused = scrape()
    wait("probing goes on", lambda: (attempts(scrape()) or 0) > (attempts(refused) or 0) + 5)
    seen["kept"] = attempts(scrape(), "added/ping")
    CONFIG.write_text(good)
    systemctl("reload", "slamon")
    wait("the mended config", lambda: total(scrape(), "slamon_config_last_reload_successful") == 1)
    wait("the target gone", lambda: attempts(scrape(), "added/ping") is None)

    seen["stopped_at"] = wall()
    systemctl("kill", "-s", "STOP", "slamon")
    wait("the watchdog", lambda: show()["NRestarts"] != "0" and show()["ActiveState"] == "active", 40)
    seen["back_at"] = wall()
    seen["after_watchdog"] = show()
    wait("probing again", lambda: (attempts(scrape()) or 0) > 10)
    pause(3)
    again = scrape()
    seen["unknown"] = total(again, "slamon_target_state_seconds_total", 'target="loop/ping"', 'state="unknown"')
    seen["down"] = total(again, "slamon_target_state_seconds_total", 'target="loop/ping"', 'state="down"')

    seen["backup"] = shell((OUT / "backup.sh").read_text())
    seen["saved"] = wall()
    pause(3)
    seen["restore_asked"] = wall()
    seen["restore"] = shell((OUT / "restore.sh").read_text())
    seen["owners"] = [path.stat().st_uid for path in (STATE, STATE / "slamon.db")]
    wait("probing what was restored", lambda: (attempts(scrape()) or 0) > 10)

    seen["stop_asked"] = wall()
    systemctl("stop", "slamon")
    seen["stopped"] = show()
    seen["without"] = commands()
    for file in STATE.glob("slamon.db*"):
        shutil.copy(file, OUT / file.name)
    seen["state"] = sorted(path.name for path in STATE.iterdir())
    seen["state_mode"] = oct(STATE.resolve().stat().st_mode & 0o777)


def run() -> None:
    try:
        story()
    except Exception:  # noqa: BLE001 - whatever it is: it is told outside, and the machine is turned off
        seen["failure"] = traceback.format_exc()
    seen["journal"] = subprocess.run(
        ["journalctl", "-u", "slamon", "--no-pager", "-o", "cat", "-n", "60"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    (OUT / "seen.json").write_text(json.dumps(seen, indent=1))
    systemctl("poweroff")


if __name__ == "__main__":
    run()
