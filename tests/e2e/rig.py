"""The daemon as a process: started, asked over HTTP and the command line, stopped, killed; each wait has a bound."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Self
from zoneinfo import ZoneInfo

from slamon.sla import statement
from slamon.sla.statement import Statement
from tests.netlab import instants
from tests.netlab.namespace import ORPHAN, Namespace, stop

ROOT = Path(__file__).parents[2]
SLAMON = (sys.executable, "-m", "slamon")
SECOND = 1_000_000_000
PRIORITY = ("nice", "-n", "-10")
"""As in deploy/slamon.service: the other tests on this machine are not what is measured."""
READY = 30.0
"""Seconds from the start of the process to the first ready answer; a busy machine needs several."""

_SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)")
_LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')
_ESCAPED = {r"\\": "\\", r"\"": '"', r"\n": "\n"}


class Metrics:
    """One scrape. Values are kept as the exact decimals that were written: nanoseconds survive."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._samples: dict[str, list[tuple[dict[str, str], Decimal]]] = {}
        for line in text.splitlines():
            if not line or line.startswith("#"):
                continue
            match = _SAMPLE.fullmatch(line)
            assert match, f"not a sample: {line!r}"
            labels = {
                key: re.sub(r"\\.", lambda m: _ESCAPED[m[0]], value) for key, value in _LABEL.findall(match[2] or "")
            }
            self._samples.setdefault(match[1], []).append((labels, Decimal(match[3])))

    def all(self, name: str, **labels: str) -> list[tuple[dict[str, str], Decimal]]:
        """The samples of `name` that carry these labels."""
        return [(have, value) for have, value in self._samples.get(name, ()) if labels.items() <= have.items()]

    def get(self, name: str, **labels: str) -> Decimal | None:
        """The one sample, or None when there is none."""
        found = self.all(name, **labels)
        assert len(found) < 2, f"{name}{labels} is ambiguous: {found}"
        return found[0][1] if found else None

    def value(self, name: str, **labels: str) -> Decimal:
        """The one sample; there must be one."""
        value = self.get(name, **labels)
        assert value is not None, f"no {name}{labels} in the scrape"
        return value

    def by(self, label: str, name: str, **labels: str) -> dict[str, Decimal]:
        return {have[label]: value for have, value in self.all(name, **labels)}


def nanoseconds(seconds: Decimal) -> int:
    """Seconds as written in a scrape → nanoseconds, exact."""
    scaled = seconds.scaleb(9)
    assert scaled == int(scaled), f"{seconds} is finer than a nanosecond"
    return int(scaled)


class Daemon:
    """`slamon run` on one configuration and one state directory; a context manager that leaves no process behind."""

    def __init__(
        self,
        directory: Path,
        config: str,
        *,
        namespace: Namespace | None = None,
        program: tuple[str, ...] = SLAMON,
    ) -> None:
        """`program`: what is started with slamon's arguments."""
        self.config = directory / "slamon.yml"
        self.state = directory / "state"
        self.log = directory / "daemon.log"
        self.namespace = namespace
        self._program = program
        self.config.write_text(config)
        self.port = namespace.free_port() if namespace else _free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process is not None:
            stop(self.process, within=20)

    def start(self, *, wait: bool = True) -> None:
        command = (
            *self._program,
            "run",
            "--config",
            self.config,
            "--state",
            self.state,
            "--listen",
            f"127.0.0.1:{self.port}",
        )
        prefix = self.namespace.prefix if self.namespace else ORPHAN
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*prefix, *PRIORITY, *map(str, command)], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT
            )
        if wait:
            self.eventually(lambda: self.get("/-/ready")[0] == 200, READY, "ready")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """The exit code after a signal."""
        assert self.process is not None
        code = stop(self.process, number, within=30)
        self.process = None
        return code

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def eventually(self, condition: Callable[[], bool], within: float, what: str) -> None:
        """Polls until true; a connection refused is not true yet. Fails with the daemon's log after `within` seconds."""
        deadline = instants.monotonic() + int(within * SECOND)
        while True:
            assert self.process is not None
            code = self.process.poll()
            assert code is None, f"the daemon ended with {code}:\n{self.tail()}"
            try:
                if condition():
                    return
            except OSError:
                pass  # nobody listens yet, or the answer took too long: the deadline decides
            assert instants.monotonic() < deadline, f"not {what} within {within} s:\n{self.tail()}"
            instants.pause(0.1)

    def until(self, condition: Callable[[Metrics], bool], within: float, what: str) -> Metrics:
        """The first scrape for which the condition holds."""
        seen: list[Metrics] = []

        def holds() -> bool:
            seen[:] = [self.metrics()]
            return condition(seen[0])

        self.eventually(holds, within, what)
        return seen[0]

    def get(self, path: str, method: str = "GET") -> tuple[int, str]:
        """(status, body) of the daemon's own web server, wherever its network is."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        if self.namespace:
            connection.sock = self.namespace.connect("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def metrics(self) -> Metrics:
        status, body = self.get("/metrics")
        assert status == 200, body
        return Metrics(body)

    def command(self, name: str, *words: str, expect: int = 0) -> str:
        """Standard output of a `slamon` command on the same configuration and state."""
        files = ("--config", str(self.config), "--state", str(self.state))
        done = subprocess.run(
            [*SLAMON, *name.split(), *words, *files],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            env={**_environment(), "COLUMNS": "120", "NO_COLOR": "1"},
        )
        assert done.returncode == expect, (
            f"slamon {name}: exit {done.returncode}\n{done.stdout}{done.stderr}\n{self.tail()}"
        )
        return done.stdout

    def judged(self) -> dict[str, Statement]:
        """The same from the daemon itself, by its own clock."""
        status, body = self.get("/api/v1/report")
        assert status == 200, body
        statements = [statement.from_json(each) for each in json.loads(body)["statements"]]
        return {each.contract: each for each in statements}

    def reports(self) -> dict[str, Statement]:
        """Contract → statement of the current period, as `slamon report --format json` says it."""
        document = json.loads(self.command("report", "--format", "json"))
        statements = [statement.from_json(each) for each in document["statements"]]
        return {each.contract: each for each in statements}

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-4000:] if self.log.exists() else ""


def _environment() -> dict[str, str]:
    return dict(os.environ)  # noqa: TID251 - the child's environment is ours plus a width


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def calm_zone() -> str:
    """A time zone in which no month ends within the next half hour, so that a test's facts are all of one period."""
    for zone in ("UTC", "Asia/Tokyo"):
        now = datetime.now(ZoneInfo(zone))  # noqa: TID251 - the test runs at some hour of some month
        if (now + timedelta(minutes=30)).month == now.month:
            return zone
    raise AssertionError("two zones nine hours apart cannot both be at the end of a month")


def written(instant: int) -> str:
    """Nanoseconds → an instant as the command line reads it, to the second below."""
    return datetime.fromtimestamp(instant // SECOND, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
