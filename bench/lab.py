"""The lab of the tests as a far side: slower than responder.c, and it loses, duplicates and reorders."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench.frame import CannotRun
from bench.network import FAR_FIRST, FAR_SIDE, ROOT, consecutive
from tests.netlab.truth import Row, Truth

Policy = Mapping[str, object]
"""Keys of tests.netlab.policy.Policy."""


class Lab:
    """A running one."""

    def __init__(self, addresses: list[str], process: subprocess.Popen[bytes], truth: Path) -> None:
        self.addresses = addresses
        self._process = process
        self._truth = truth

    def truth(self) -> list[Row]:
        """End it; a row for every packet and every further reply. Stop sending and wait first."""
        self._process.terminate()
        if self._process.wait():
            raise RuntimeError(f"the lab ended with {self._process.returncode}")
        return Truth(self._truth).rows


@contextmanager
def lab(count: int, policies: Mapping[str, Policy] | None = None) -> Iterator[Lab]:
    """`count` addresses that answer after 5 to 50 ms, or by a policy of their own. Raises CannotRun."""
    for program, package in (("ip", "iproute2"), ("chrt", "util-linux")):
        if shutil.which(program) is None:
            raise CannotRun(f"needs {program}; as root: apt-get install -y --no-install-recommends {package}")
    addresses = consecutive(FAR_FIRST, count)
    with tempfile.TemporaryDirectory() as directory:
        config, truth = Path(directory) / "lab.json", Path(directory) / "truth"
        usual: dict[str, Policy] = {at: {"delay": 5 + 3 * (i % 16)} for i, at in enumerate(addresses)}
        config.write_text(json.dumps({"targets": {**usual, **(policies or {})}}))
        files = ["--config", str(config), "--truth", str(truth), "--control", f"{directory}/control"]
        command = [*FAR_SIDE, sys.executable, "-m", "tests.netlab", *files]
        with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
            try:
                assert process.stdout is not None
                if process.stdout.readline() != b"READY\n":
                    raise CannotRun("the lab did not start; it needs root, /dev/net/tun and real-time priority")
                yield Lab(addresses, process, truth)
            finally:
                process.terminate()
