"""What a probe kind is: its settings, how it opens, what it can report. Kinds live one per file in slamon/probes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict

from slamon.model import Result, Target

if TYPE_CHECKING:
    from slamon.clock import Clock
    from slamon.record.series import Series
    from slamon.stats import Stats


class Settings(BaseModel):
    """Base of every kind's settings: frozen, unknown keys refused; scalars arrive as YAML text."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Shot(NamedTuple):
    """One probe that is due: where it goes and who is told. The prober calls `series.send` then `series.decide`."""

    target: Target
    address: str
    """A literal address of `target.family`, already resolved."""
    series: Series
    due: int
    """The instant of its slot; the actual send time is what counts."""


class Prober(Protocol):
    """An open kind. Both calls come from the event loop and must not block."""

    def fire(self, shots: Sequence[Shot]) -> None:
        """Start these probes. Every shot ends in exactly one `series.decide`, whatever happens."""

    def drain(self) -> None:
        """Called every tick after `fire`: read what arrived, expire what is overdue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a kind may use from the daemon."""

    clock: Clock
    stats: Stats
    warn: Callable[[str], None]
    """Tells the operator once about a degradation, with the line that mends it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """The one constant `PROBE` of a file in slamon/probes."""

    settings: type[Settings]
    open: Callable[[Context], AbstractAsyncContextManager[Prober]]
    results: frozenset[Result]
    """The results it can produce; each has a series at 0 from the start."""
    gauges: Mapping[str, str] = field(default_factory=dict)
    """`slamon_probe_<name>` → help text, of values carried in `Reading.gauges`."""
    phases: tuple[str, ...] = ()
    wire_cost: Callable[[Settings, int], tuple[int, int]] = field(default=lambda _settings, _family: (2, 200))
    """(settings, family) → (packets, bytes on the wire, both directions) of one probe, for `slamon check`."""
