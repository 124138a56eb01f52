"""Settled time of one target or service, added up once and never taken back."""

from __future__ import annotations

from dataclasses import dataclass, field

from slamon.live.views import StateView, Turn
from slamon.sla.facts import State
from slamon.sla.timeline import Timeline


@dataclass(slots=True)
class Account:
    """Settled time of one target or service, added up as it settles."""

    noun: str
    name: str
    first_known: int
    settled: int
    state: State = State.UNKNOWN
    since: int = 0
    nanoseconds: dict[State, int] = field(default_factory=lambda: dict.fromkeys(State, 0))
    outages: int = 0
    outage_start: int | None = None

    def advance(self, judged: Timeline[State], detected: Timeline[State]) -> list[Turn]:
        """Add `[settled, judged.end)`. `detected` counts the outages, before anybody asked whose fault they are."""
        turns: list[Turn] = []
        start = self.settled
        if not judged.pieces or judged.end <= start:
            return turns
        for piece in judged.clip(start, judged.end).pieces:
            self.nanoseconds[piece.value] += piece.end - piece.start
            if piece.value is not self.state or self.since == 0:
                turns.append(Turn(self.noun, self.name, piece.value, piece.start, *self._before()))
                self.state, self.since = piece.value, piece.start
        self.settled = judged.end
        down = [piece for piece in detected.pieces if piece.value is State.DOWN and piece.start < self.settled]
        self.outages += sum(1 for piece in down if piece.start >= start)
        if not down or down[-1].end < self.settled:
            self.outage_start = None
        elif self.outage_start is None or down[-1].start >= start:
            self.outage_start = down[-1].start  # else it goes on, and how it began may not be known any more
        return turns

    def grow(self, until: int) -> None:
        """The state goes on as it is until `until`."""
        if until > self.settled:
            self.nanoseconds[self.state] += until - self.settled
            self.settled = until

    def _before(self) -> tuple[State | None, int | None]:
        return (None, None) if self.since == 0 else (self.state, self.since)

    def view(self) -> StateView:
        return StateView(
            name=self.name,
            state=self.state,
            since=self.since,
            nanoseconds=dict(self.nanoseconds),
            first_known=self.first_known,
            settled=self.settled,
            outages=self.outages,
            outage_start=self.outage_start,
        )
