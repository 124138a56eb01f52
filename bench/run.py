"""Bench → samples: every subject in turn, each trial in a fresh process, as often as asked for."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

from bench import network
from bench.frame import Bench, CannotRun, Disturbed, Figures, order
from bench.network import ROOT
from bench.programs import provide
from bench.trial import DISTURBED

PATIENCE = 900.0
"""Seconds one trial may take, beside what was asked for: the whole daemon settles, and then waits for the better part of a quarter hour
to be free of what comes once in it."""


TRIES = 3
"""Of a trial that says of itself that it was disturbed. It says so of its rate and its answers, never of what it measured."""


def samples(name: str, bench: Bench, repeats: int, soak: int, say: Callable[[str], None]) -> dict[str, list[Figures]]:
    """Subject → its figures, one per repeat. `soak`: seconds of the long run. `say` hears of each trial. Raises CannotRun."""
    for package in bench.packages:
        provide(package)
    found: dict[str, list[Figures]] = {subject: [] for subject in bench.subjects}
    repeats = repeats if bench.repeats is None else bench.repeats
    for repeat in range(repeats):
        for subject in order(list(bench.subjects), repeat):
            say(f"{name}: {subject}, repeat {repeat + 1} of {repeats}")
            found[subject].append(_undisturbed(name, bench, subject, soak, say))
    return found


def _undisturbed(name: str, bench: Bench, subject: str, soak: int, say: Callable[[str], None]) -> Figures:
    """A trial, made again when it was disturbed; its figures tell how often. Raises CannotRun."""
    for disturbed in range(TRIES):
        try:
            return {**trial(name, bench, subject, soak), "disturbed": disturbed}
        except Disturbed as reason:
            say(f"{name}: disturbed, {reason}")
            last = reason
    raise last


def trial(name: str, bench: Bench, subject: str, soak: int) -> Figures:
    """Raises CannotRun with what the trial said, when it did not end well."""
    command = [sys.executable, "-m", "bench.trial", name, subject, str(soak)]
    if bench.own_network:
        command = [*network.prefix(), *command]
    try:
        done = subprocess.run(
            command,
            check=False,
            timeout=PATIENCE + soak,
            capture_output=True,
            text=True,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as error:
        raise CannotRun(f"{subject} took longer than {PATIENCE + soak:.0f} s") from error
    if done.returncode == DISTURBED:
        raise Disturbed(f"{subject}: {done.stderr.strip()}")
    if done.returncode != 0:
        raise CannotRun(f"{subject}: {done.stderr.strip() or f'exit code {done.returncode}'}")
    figures: Figures = json.loads(done.stdout)
    return figures
