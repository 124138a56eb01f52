"""Bench → samples: every subject in turn, each trial in a fresh process, as often as asked for."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable

from bench import network
from bench.frame import Bench, CannotRun, Figures, Package, order
from bench.network import ROOT

SYSTEM_DEPS = ROOT / "tests" / "system-deps"
"""Installs the project's Debian packages as root, without starting their services."""

PATIENCE = 180.0
"""Seconds one trial may take: the longest takes ten on an idle machine."""


def samples(name: str, bench: Bench, repeats: int, say: Callable[[str], None]) -> dict[str, list[Figures]]:
    """Subject → its figures, one per repeat. `say` hears of each trial. Raises CannotRun."""
    for package in bench.packages:
        provide(package)
    found: dict[str, list[Figures]] = {subject: [] for subject in bench.subjects}
    for repeat in range(repeats):
        for subject in order(list(bench.subjects), repeat):
            say(f"{name}: {subject}, repeat {repeat + 1} of {repeats}")
            found[subject].append(trial(name, bench, subject))
    return found


def trial(name: str, bench: Bench, subject: str) -> Figures:
    """Raises CannotRun with what the trial said, when it did not end well."""
    command = [sys.executable, "-m", "bench.trial", name, subject]
    if bench.own_network:
        command = [*network.prefix(), *command]
    try:
        done = subprocess.run(
            command, check=False, timeout=PATIENCE, capture_output=True, text=True, cwd=ROOT, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired as error:
        raise CannotRun(f"{subject} took longer than {PATIENCE:.0f} s") from error
    if done.returncode != 0:
        raise CannotRun(f"{subject}: {done.stderr.strip() or f'exit code {done.returncode}'}")
    figures: Figures = json.loads(done.stdout)
    return figures


def provide(package: Package) -> None:
    """Install what is missing where we may. Raises CannotRun with the line to type."""
    if shutil.which(package.program) is None and os.geteuid() == 0:
        # its own words go to standard error: the table alone is our output
        subprocess.run([SYSTEM_DEPS], check=False, stdout=sys.stderr, stdin=subprocess.DEVNULL)
    if shutil.which(package.program) is None:
        raise CannotRun(
            f"needs {package.program}; as root: apt-get install -y --no-install-recommends {package.package}"
        )
