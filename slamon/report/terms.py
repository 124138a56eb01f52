"""Terms → words: how documents, reports and people say a contract's rules."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from slamon.report.words import duration, exact_money, share, trimmed
from slamon.sla.credit import NO_CURRENCY
from slamon.sla.deadlines import lead_text
from slamon.sla.subjects import written
from slamon.sla.terms import Contract, PeriodKind, PeriodRule, Price
from slamon.sla.terms.conditions import Bonus, Condition, Party, Where, Within
from slamon.sla.terms.credits import Cap, Count, Credit, CreditBase, Give
from slamon.sla.terms.measures import Dimension, Measure, Rounding, Side, Subject
from slamon.sla.terms.objectives import Level, Objective
from slamon.sla.terms.outages import BelongsTo, Clock, ExclusionClass, OutageRule, SlotRule
from slamon.sla.terms.times import Weekly
from slamon.units import format_duration, round_half_up

SIDES = {Side.BELOW: "<", Side.AT_MOST: "≤", Side.OVER: ">", Side.AT_LEAST: "≥"}
SPOKEN = {Side.BELOW: "below", Side.AT_MOST: "at most", Side.OVER: "over", Side.AT_LEAST: "at least"}

BASES = {
    CreditBase.CHARGE: "the charge",
    CreditBase.PAID: "what was paid",
    CreditBase.USAGE: "the usage",
    CreditBase.NEXT_CHARGE: "the next charge",
    CreditBase.HIGHER: "the higher of charge and usage",
}


def party(which: Party) -> str:
    return {Party.CUSTOMER: "The customer", Party.PROVIDER: "The provider"}[which]


def number(value: Fraction) -> str:
    """A number without needless zeros; a fraction where no short decimal is exact."""
    shown = round_half_up(value, 6)
    return trimmed(f"{shown:f}") if Fraction(shown) == value else f"{value.numerator}/{value.denominator}"


def quantity(value: Fraction, dimension: Dimension, *, business: bool = False) -> str:
    """A threshold in the words of the contract language: `99.9%`, `30m`, `3`, `2 business days`."""
    match dimension:
        case Dimension.RATIO:
            return share(value)
        case Dimension.DURATION:
            return format_duration(int(value)) if value.denominator == 1 else duration(int(value))
        case Dimension.DAYS:
            return f"{number(value)} {'business ' if business else ''}day{'' if value == 1 else 's'}"
        case _:
            return number(value)


def level_text(level: Level | None, objective: Objective) -> str:
    return "–" if level is None else f"{SIDES[level.side]} {quantity(level.value, objective.dimension)}"


def rounding_text(rule: Rounding, objective: Objective) -> str:
    """`half up to a multiple of 0.01%`."""
    return f"{rule.mode.value.replace('_', ' ')} to a multiple of {quantity(rule.step, objective.dimension)}"


def subject_text(subject: Subject) -> str:
    if subject.objective is not None and subject.measure is not Measure.EXCESS:
        return subject.objective
    return written(subject)


def amount_text(amount: Fraction, contract: Contract) -> str:
    """An amount of the contract as it is agreed, never rounded: `5.00 EUR`, `0.125 USD`."""
    return exact_money(amount, contract.currency or NO_CURRENCY)


def give_text(give: Give, contract: Contract, base: str) -> str:
    """`10% of the charge`, `5.00 EUR`, `2 points`, `the higher of …`; `base` says what a share is a share of."""
    if give.higher is not None:
        first, second = (give_text(each, contract, base) for each in give.higher)
        return f"the higher of {first} and {second}"
    if give.points is not None:
        return f"{give.points} point{'' if give.points == 1 else 's'}"
    if give.amount is not None:
        return amount_text(give.amount, contract)
    return f"{share(give.share or Fraction(0))} of {base}"


def credit_text(credit: Credit, contract: Contract) -> str:
    """A table or a rate in one sentence, mildest tier first."""
    return _entry_text(credit, contract, BASES[contract.credit_base])


def bonus_text(bonus: Bonus, contract: Contract) -> str:
    """As a credit, with where it must hold; shares are of the charges of that time, whatever those of credits are of."""
    several = bonus.within.where not in (Where.PERIOD, Where.ANY)
    text = _entry_text(bonus.credit, contract, "the charges of the window" if several else "the charge")
    where = within_text(bonus.within)
    return f"{text}, {where}" if where else text


def _entry_text(credit: Credit, contract: Contract, base: str) -> str:
    dimension, about = contract.dimension(credit.subject), subject_text(credit.subject)
    if credit.per is not None and credit.give is not None:
        unit = credit.per.text or quantity(credit.per.unit, dimension)
        text = f"{give_text(credit.give, contract, base)} per {unit} of {about}"
        if credit.per.count is Count.EACH:
            text = f"{give_text(credit.give, contract, base)} for each of {about}"
        if credit.side is not None and credit.threshold is not None:
            text += f" {SPOKEN[credit.side]} {quantity(credit.threshold, dimension)}"
    else:
        side = SIDES[credit.side] if credit.side is not None else ""
        tiers = (
            f"{side} {quantity(tier.threshold, dimension, business=tier.business)}: {give_text(tier.give, contract, base)}"
            for tier in credit.tiers
        )
        text = f"{about} " + ", ".join(tiers)
    return text if credit.cap is None else f"{text}; at most {give_text(credit.cap, contract, base)}"


def cap_text(cap: Cap, contract: Contract) -> str:
    span = cap.span.value.replace("_", " ")
    if cap.months is not None:
        return f"{cap.months} monthly charge{'' if cap.months == 1 else 's'} a {span}"
    if cap.amount is not None:
        return f"{amount_text(cap.amount, contract)} a {span}"
    return f"{share(cap.share or Fraction(0))} of the charges of the {span}"


def condition_text(condition: Condition, contract: Contract) -> str:
    """`outages over 30m is at least 3 in each of 3 consecutive periods`."""
    threshold = quantity(condition.threshold, contract.dimension(condition.subject), business=condition.business)
    text = f"{subject_text(condition.subject)} is {SPOKEN[condition.side]} {threshold}"
    where = within_text(condition.within)
    return f"{text} {where}" if where else text


def within_text(within: Within) -> str:
    """Over what a comparison must hold; empty for the period it is read in."""
    match within.where:
        case Where.PERIOD:
            return ""
        case Where.CONSECUTIVE:
            return f"in each of {within.text}"
        case Where.OF:
            return f"in {within.n} of the last {within.m} periods"
        case Where.NEXT:
            return f"in each of the {within.text}"
        case Where.EVERY if within.span is not None:
            return f"in each period of the {within.span.value}"
        case _:
            return f"within {within.text}"


def exclusion_text(entry: ExclusionClass) -> Iterator[str]:
    """The rules of a class of exclusion, one by one."""
    if entry.notice is not None:
        yield f"notice of at least {lead_text(entry.notice)}"
    if entry.hours is not None:
        yield f"only {weekly_text(entry.hours)}"
    if entry.allowance is not None and entry.allowance_per is not None:
        yield f"at most {format_duration(entry.allowance)} a {entry.allowance_per.value}, the rest counts"
    if entry.lodge is not None:
        yield f"lodged by {entry.lodge.text}"


def weekly_text(rule: Weekly) -> str:
    return rule.text or "always"


def period_text(rule: PeriodRule) -> str:
    match rule.kind:
        case PeriodKind.BILLING_MONTH:
            return f"the month from day {rule.day}"
        case PeriodKind.ROLLING:
            return f"any {format_duration(rule.length or 0)}"
        case _:
            return f"the {rule.kind.value}"


def price_text(price: Price, contract: Contract) -> str:
    return f"{amount_text(price.amount, contract)} a {price.per.value}"


def outage_text(rule: OutageRule) -> Iterator[str]:
    """The outage rule, sentence by sentence."""
    if rule.slot is not None and rule.bad_slot is not None:
        bad = rule.bad_slot
        how = {
            SlotRule.LOSS: f"more than {share(bad.threshold)} of its packets are lost",
            SlotRule.DOWN_WHOLE: "the service is down throughout",
            SlotRule.DOWN: f"the service is down {SPOKEN[bad.side]} {quantity(bad.threshold, Dimension.DURATION)} in it",
        }[bad.rule]
        yield f"Time is judged in slots of {format_duration(rule.slot)} from the start of the period; a slot is bad when {how}."
    yield f"An outage {_turns_text(rule)}."
    if rule.vantages > 1:
        yield f"It counts where at least {rule.vantages} vantage points see it."
    if rule.merge_within:
        yield f"Interruptions of an outage shorter than {format_duration(rule.merge_within)} are part of it."
    if rule.side is not None:
        yield f"Only outages of {SPOKEN[rule.side]} {format_duration(rule.length)} count; the whole outage is compared."
    clocks = {
        Clock.MEASURED: "as measured",
        Clock.TICKET: "by the trouble ticket",
        Clock.LATER: "as measured or with the ticket, whichever is later",
        Clock.SOONER: "as measured or with the ticket, whichever is sooner",
    }
    yield f"Its clock starts {clocks[rule.starts]} and ends {clocks[rule.ends]}."
    if (rule.starts, rule.ends) != (Clock.MEASURED, Clock.MEASURED):
        measured = rule.starts is Clock.MEASURED and rule.ends is Clock.SOONER
        yield f"An outage nobody opened a ticket for {'counts as measured' if measured else 'does not count'}."
    if rule.degraded_counts:
        yield f"Degraded time counts {share(rule.degraded_counts)}."
    if rule.weigh_by is not None:
        yield f"An outage weighs the affected out of {rule.weigh_by} {rule.weigh_noun}."
    where = "begins" if rule.belongs_to is BelongsTo.START else "ends"
    yield f"An outage across the edge of a period is counted where it {where}; its time is split."


def _turns_text(rule: OutageRule) -> str:
    """When an outage begins and ends. Without slots, what the contract does not say is each target's own."""
    if rule.slot is not None:
        return f"begins at the first of {rule.after or 1} consecutive bad slots and ends at the first of {rule.until or 1} good ones"
    if rule.after is None and rule.until is None:
        return "begins and ends by each probe's own rule"
    own = "by each probe's own rule"
    begins = own if rule.after is None else f"at the first of {rule.after} consecutive failures"
    ends = own if rule.until is None else f"at the first of {rule.until} consecutive successes"
    return f"begins {begins} and ends {ends}"
