"""A stretch of steady probing: what one process spent on it, and how many echoes went out and came back meanwhile."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import NamedTuple

from bench import network
from bench.frame import Disturbed, Figures
from bench.meter import clock
from slamon.model import S

TOLERANCE = 0.1
"""How far from the agreed rate a trial may be, and how many answers may miss, before it measured something else."""


class Load(NamedTuple):
    """So many targets, each probed once in `interval` seconds."""

    targets: int
    interval: int = 1

    @property
    def rate(self) -> float:
        """Probes a second."""
        return self.targets / self.interval


class Window:
    """From its making to `close`: the processor time that `spent` tells in seconds, and the echoes of this namespace.

    It begins after a full collection of this process, where that is the one under test: Python makes one soon after start
    anyway, and 50 ms of it in some windows and not in others would be most of their difference.
    """

    def __init__(self, load: Load, spent: Callable[[], float]) -> None:
        gc.collect()
        self._load = load
        self._spent = spent
        self._started = clock.monotonic()
        self._echoes = network.echoes()
        self._cpu = spent()

    def measured(self) -> Figures:
        """Microseconds of processor time a probe, probes a second, share of a core; without asking for a rate.

        Raises Disturbed when probes were not answered.
        """
        used = self._spent() - self._cpu
        now = network.echoes()
        seconds = (clock.monotonic() - self._started) / S
        sent, answered = now.sent - self._echoes.sent, now.answered - self._echoes.answered
        if not sent or abs(answered - sent) > TOLERANCE * sent:
            raise Disturbed(f"{sent} probes sent, {answered} answers")
        return {"cpu": used / sent * 1e6, "rate": sent / seconds, "core": used / seconds}

    def close(self) -> Figures:
        """The same. Raises Disturbed when the probes were not sent at the agreed rate."""
        figures = self.measured()
        if abs(figures["rate"] - self._load.rate) > TOLERANCE * self._load.rate:
            raise Disturbed(
                f"{figures['rate']:.0f} probes/s instead of {self._load.rate:.0f}: is the machine overloaded?"
            )
        return figures
