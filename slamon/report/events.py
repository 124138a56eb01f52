"""Changes of state → the sentences of the log: what changed, since when, on what evidence, whose fault."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from slamon.live import WINDOW, Failing
from slamon.model import MEANING, Packet, Result
from slamon.report.words import duration, instant, one_line
from slamon.sla.facts import State
from slamon.sla.lines import LOCAL_FAULT, PROVIDER_DOWN

CAUSES = {PROVIDER_DOWN: "provider", LOCAL_FAULT: "our side"}
"""Causes that read better than their names; an exclusion class reads as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A service or a target passed from one state to another."""

    noun: str
    """`service` or `target`."""
    name: str
    state: State
    since: int
    """The instant the new state began."""
    previous: State | None = None
    """None: nothing was known before."""
    previous_since: int | None = None
    results: tuple[Result, ...] = ()
    """The last probes, the deciding ones, in send order."""
    detail: str = ""
    """What the last failed probe met: an errno, a status line; whatever a server wrote may be in it."""
    down: int = 0
    """Of a service: how many of its targets are down."""
    targets: int = 0
    witness: str | None = None
    witness_state: State | None = None
    cause: str | None = None
    """Who caused the outage that has just ended: a category of time, as in a statement."""

    @property
    def alarming(self) -> bool:
        """Whether somebody should read this: anything but up, except the first unknown before any measurement."""
        return self.state is not State.UP and not (self.state is State.UNKNOWN and self.previous is None)


def sentence(change: Change) -> str:
    """`service hq-dia DOWN since 2026-11-24 10:00:00Z, 3 of 3 lost, witness up`, on one line, in UTC."""
    again = " again" if change.state is State.UP and change.previous is not None else ""
    word = change.state.replace("_", " ").upper()
    parts = [f"{change.noun} {change.name} {word}{again} since {instant(change.since)}"]
    if change.state is State.UP:
        parts += _before(change)
    elif change.state is State.UNKNOWN:
        parts.append("not measured")
    else:
        parts += _evidence(change)
        if change.state is State.LOCAL_FAULT:
            parts.append("not the provider's")
    return ", ".join(parts)


def loss_sentence(failing: Failing) -> str:
    """`41 of 150 probes of the last 5m failed without being an outage`."""
    return f"{failing.failed} of {failing.decided} probes of the last {duration(WINDOW, '')} failed without being an outage"


def _before(change: Change) -> list[str]:
    """How long it was otherwise, and whose fault that was."""
    if change.previous is None or change.previous_since is None:
        return []
    state = change.previous.replace("_", " ")
    parts = [f"{state} for {duration(change.since - change.previous_since, '')}"]
    if change.cause is not None:
        parts.append(CAUSES.get(change.cause, change.cause.replace("_", " ")))
    return parts


def _evidence(change: Change) -> list[str]:
    parts = []
    if change.targets > 1:
        parts.append(f"{change.down} of {change.targets} targets down")
    if change.results:
        parts.append(_failures(change.results, one_line(change.detail)))
    if change.witness_state is not None:
        name = f" {change.witness}" if change.witness and change.witness_state is not State.UP else ""
        parts.append(f"witness{name} {change.witness_state.replace('_', ' ')}")
    return parts


def _failures(results: tuple[Result, ...], detail: str) -> str:
    """`3 of 3 lost (no answer within 1s)`; failures of another kind are named: `2 of 3 failed (1 timeout, 1 bad_response)`."""
    failed = [result for result in results if result is not Result.SUCCESS]
    said = {MEANING[result].packet for result in failed}
    count = f"{len(failed)} of {len(results)}"
    kinds = ", ".join(f"{n} {result}" for result, n in sorted(Counter(failed).items()))
    word = "lost" if said == {Packet.LOST} else "refused" if said == {Packet.REFUSED} else None
    told = [detail] if word else [kinds, detail]
    return f"{count} {word or 'failed'}" + (f" ({'; '.join(filter(None, told))})" if any(told) else "")
