"""The whole daemon as an operator runs it: a process with a configuration, a state directory and a web port."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.frame import CannotRun, Disturbed, Figures
from bench.meter import clock, cpu_of, wait
from bench.network import CHILD, ROOT, delayed
from bench.probing import PAYLOAD, TIMEOUT
from bench.programs import BUILT
from bench.web import get
from bench.window import Load, Window
from slamon.model import S
from slamon.record.records import QUARTER
from slamon.store.compaction import QUARTER_STEPS

SERVICES = 100
"""With a contract for each; the judge looks at all of them every 10 s, the default."""
PORT = 9909
START = 120.0
"""Seconds within which the daemon must be ready: 10 000 targets take long to read."""
STOP = 60.0
SETTLE = 300.0
"""Seconds from ready to the window: by then every contract is judged in its turn, as it is from then on. The page was scraped once."""
YOUNG = 90.0
"""The same to a window in which every contract is judged at once, by the second minute recorded: the most that comes together."""
MINUTE = 60.0
"""Seconds of a window that holds what recurs by the minute: the closing of all minutes, four scrapes, its share of the judgements."""
SCRAPES = 4
SUMMING = QUARTER_STEPS + MINUTE
"""Seconds after a quarter hour in which its records may be summed up, the last of them a minute late."""

_RESULT = re.compile(r'^slamon_probe_results_total\{.*result="([a-z_]+)".*\} (\d+)$', re.MULTILINE)

_CONTRACT = """\
  {name}:
    service: {name}
    provider: Example
    customer: Bench
    timezone: UTC
    price: 1000 USD/month
    min_coverage: 0%
    objectives:
      availability: {{target: 99.9%, minimum: 99%}}
      latency: {{target: 60ms, minimum: 100ms, statistic: p95}}
      loss: {{target: 0.1%, minimum: 1%, statistic: pooled}}
    credits:
      availability: {{below: {{99.9%: 10%, 99%: 25%}}}}
      latency: {{over: {{60ms: 5%}}}}
    combine: sum
    caps: {{period: 100%}}
"""


def configuration(addresses: Sequence[str], *, interval: str, refresh: str) -> str:
    """YAML: the addresses dealt out to the services, each with its contract."""
    lines = [
        "vantage: bench",
        f"defaults: {{interval: {interval}, timeout: {TIMEOUT}s}}",
        f"web: {{host: 127.0.0.1, port: {PORT}}}",
        f"judge: {{refresh: {refresh}}}",
        "services:",
    ]
    names = [f"site-{i:03}" for i in range(min(SERVICES, len(addresses)))]
    for i, name in enumerate(names):
        lines += [f"  {name}:", "    provider: Example", "    up_when: any", "    targets:"]
        own = addresses[i :: len(names)]
        lines += [f"      t{j}: {{probe: icmp, address: {at}, payload: {PAYLOAD}}}" for j, at in enumerate(own)]
    return "\n".join([*lines, "contracts:", ""]) + "".join(_CONTRACT.format(name=name) for name in names)


class Daemon:
    """A running one."""

    def __init__(self, process: subprocess.Popen[bytes], directory: Path) -> None:
        self._process = process
        self._log = directory / "log"
        self._largest = 0

    def spent(self) -> float:
        """Seconds of processor time so far."""
        return cpu_of(self._process.pid)

    def log(self) -> str:
        return self._log.read_text()

    def await_answer(self, path: str) -> None:
        """Raises CannotRun."""
        deadline = clock.monotonic() + int(START * S)
        while clock.monotonic() < deadline:
            if self._process.poll() is not None:
                raise CannotRun(f"the daemon ended: {self.log()[-2000:]}")
            with contextlib.suppress(OSError):
                get(PORT, path)
                return
            wait(0.1)
        raise CannotRun(f"the daemon does not answer {path} within {START:.0f} s: {self.log()[-2000:]}")

    @property
    def largest(self) -> int:
        """Bytes of memory it has held at most. Known once it was stopped."""
        return self._largest

    def stop(self) -> None:
        """In order, so that its store is complete. Raises RuntimeError when it could not."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        self._largest = 1024 * int(status.split("VmHWM:")[1].split()[0])
        self._process.send_signal(signal.SIGTERM)
        if self._process.wait(STOP):
            raise RuntimeError(f"the daemon ended with {self._process.returncode}: {self.log()[-2000:]}")


def results(page: bytes) -> dict[str, int]:
    """Result → probes that ended so, of all targets."""
    found: dict[str, int] = {}
    for result, count in _RESULT.findall(page.decode()):
        found[result] = found.get(result, 0) + int(count)
    return found


@contextmanager
def running(
    addresses: Sequence[str], *, interval: str = "1s", refresh: str = "10s", until: str = "/-/ready"
) -> Iterator[Daemon]:
    """A daemon that answers `until` with success; killed when the block ends, unless it was stopped. Raises CannotRun."""
    BUILT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILT) as name:
        directory = Path(name)
        config = directory / "slamon.yml"
        config.write_text(configuration(addresses, interval=interval, refresh=refresh))
        command = [*CHILD, sys.executable, "-m", "slamon", "run", "--config", str(config), "--state", f"{name}/state"]
        with (
            (directory / "log").open("wb") as log,
            subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log) as process,
        ):
            try:
                daemon = Daemon(process, directory)
                daemon.await_answer(until)
                yield daemon
            finally:
                process.kill()


def steadily(daemon: Daemon, load: Load, seconds: float, scrapes: int) -> Figures:
    """A window of the daemon's work, scraped evenly, with no quarter hour summed up in it. Raises Disturbed also when a probe failed."""
    get(PORT, "/metrics")
    wait(SETTLE)
    into = clock.now() / S % (QUARTER / S)
    if into < SUMMING:
        wait(SUMMING - into)
    elif into + seconds > QUARTER / S:
        wait(QUARTER / S - into + SUMMING)
    window = Window(load, daemon.spent)
    page = b""
    for _ in range(scrapes):
        wait(seconds / scrapes)
        page = get(PORT, "/metrics")
    figures = dict(window.close())
    ended = results(page)
    if ended.keys() - {"success"} and any(count for result, count in ended.items() if result != "success"):
        raise Disturbed(f"not all probes succeeded: {json.dumps(ended)}; {daemon.log()[-2000:]}")
    figures["series"] = sum(not line.startswith(b"#") for line in page.splitlines())
    return figures


def slamon(load: Load) -> Figures:
    """A minute of everything: probing, record, store, judge, metrics page."""
    with delayed(load.targets) as addresses, running(addresses, interval=f"{load.interval}s") as daemon:
        figures = steadily(daemon, load, MINUTE, SCRAPES)
        daemon.stop()
        return figures
