"""How far behind the present what is decided about a target normally is."""

from __future__ import annotations

from collections.abc import Mapping

from slamon.model import Target
from slamon.sla.attribution import unnoticed


def normal_lag(target: Target, targets: Mapping[str, Target]) -> int:
    """The furthest, in nanoseconds, while every probe is sent in its turn and decided by its timeout.

    `targets`: by name, its witness among them. An outage waits for what the witness says, and for a silence of it that may reach back.
    """
    own = _undecided(target)
    if target.witness is None:
        return own
    witness = targets[target.witness]
    return max(own, _undecided(witness)) + unnoticed(witness)


def _undecided(target: Target) -> int:
    """A row of failures, of answers or of slots decides nothing until it is as long as the rule asks for."""
    if target.slots is None:
        row = max(target.down_after, target.up_after) * target.spacing
    else:
        # A slot is over when the first probe behind it is decided.
        row = max(target.slots.after, target.slots.until) * target.slots.length + target.spacing
    return row + target.timeout
