"""`outage` of services and targets: when a target is down by fixed slots, in the words of a contract's outage."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from slamon.config import grammar
from slamon.config.clauses import PERCENT, Length
from slamon.config.edge import Report, Section, written
from slamon.config.values import one, pattern
from slamon.model import DAY
from slamon.model import Slots as Rule
from slamon.sla.terms.outages import BadSlot, SlotRule
from slamon.units import format_duration

LONGEST = DAY // 2
"""Of a row of slots: what is undecided for a day stays unknown."""


def lossy(text: str) -> BadSlot:
    """`loss over 50%`."""
    rule = grammar.bad_slot(text)
    if rule.rule is not SlotRule.LOSS:
        raise ValueError("a target is down by the packets it loses; write loss over 50%")
    return rule


Lossy = Annotated[BadSlot, BeforeValidator(one(lossy)), pattern(rf"loss over {PERCENT}", "loss over 50%")]
After = Annotated[
    tuple[int, bool], BeforeValidator(one(grammar.consecutive("after"))), pattern(r"\d+ slots?", "10 slots")
]
Until = Annotated[
    tuple[int, bool], BeforeValidator(one(grammar.consecutive("until"))), pattern(r"\d+ slots?", "10 slots")
]


class SlotOutage(Section):
    """When a target is down, judged by fixed slots."""

    slot: Length | None = Field(default=None, description="judge fixed slots of this length, from 1970-01-01 on")
    bad_slot: Lossy | None = Field(default=None, description="when a slot is bad")
    after: After | None = Field(default=None, description="an outage begins at the first of so many bad slots in a row")
    until: Until | None = Field(default=None, description="it ends at the first of so many good slots in a row")

    REQUIRED: ClassVar[tuple[str, ...]] = ("slot", "bad_slot")


def consistent(keys: Any, report: Report) -> None:
    """Reports what contradicts itself in one place that says when a target is down."""
    outage: SlotOutage | None = keys.outage
    if outage is None:
        return
    for key in ("down_after", "up_after"):
        if getattr(keys, key) is not None:
            reason = "probes are counted, and `outage` judges slots"
            report.say((key,), reason, fix="keep one of the two", show=False, at_key=True)
    said = written(report.below("outage"))
    counted = [
        (key, found[0], *words)
        for key, found, words in (
            ("after", outage.after, ("failures", "down_after")),
            ("until", outage.until, ("successes", "up_after")),
        )
        if found is not None and not found[1]
    ]
    for key, count, plural, other in counted:
        fix = f"write {count} slots" if "slot" in said else f"write `{other}: {count}` in place of `outage`"
        report.say(("outage", key), f"{plural} are counted, and slots are judged", fix=fix)
    for key in outage.REQUIRED:
        if key not in said and ("slot" in said or not counted):
            report.missing(("outage",), key, "say how long a slot is and when one is bad")
    rule = slots(outage)
    if rule is not None and max(rule.after, rule.until) * rule.length > LONGEST:
        row = f"{max(rule.after, rule.until)} slots of {format_duration(rule.length)}"
        reason = f"{row} are longer than {format_duration(LONGEST)}"
        report.say(("outage", "slot"), reason, fix="write a shorter slot, or count fewer")


def slots(outage: SlotOutage) -> Rule | None:
    """The rule; None where something of it is missing."""
    if outage.slot is None or outage.bad_slot is None:
        return None
    after, until = outage.after, outage.until
    return Rule(
        length=outage.slot,
        loss_over=outage.bad_slot.threshold,
        after=1 if after is None else after[0],
        until=1 if until is None else until[0],
    )
