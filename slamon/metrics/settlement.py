"""The families of what follows from a verdict: credit, claims, incentives, rights to terminate, the promise of other contracts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

from slamon.metrics.agreement import gauge, ratio_of
from slamon.metrics.family import Family, Lines, Page, per_statement
from slamon.metrics.text import escape, pairs, seconds
from slamon.sla import periods
from slamon.sla.lines import ClaimState, Due, RightLine, RightState
from slamon.sla.statement import Statement

STANDING = (RightState.OPEN, RightState.CURING)
"""Of a right that has neither lapsed nor been cured."""


# --- money --------------------------------------------------------------------------------------------------------------------


def _money(read: Callable[[Statement], Decimal | None]) -> Lines:
    def lines(name: str, page: Page) -> Iterator[str]:
        for labels, _, statement in page.judged:
            amount = read(statement)
            if amount is not None and statement.currency is not None:
                yield f'{name}{{{labels},currency="{escape(statement.currency)}"}} {amount:f}\n'

    return lines


def _withheld(statement: Statement) -> Decimal | None:
    """What is owed, not earned back and not payable."""
    if statement.credit is None or statement.payable is None:
        return None
    return statement.credit - (statement.earned_back or Decimal(0)) - statement.payable


def _points(name: str, page: Page) -> Iterator[str]:
    for labels, view, statement in page.judged:
        if any(not credit.money for credit in view.contract.credits):
            yield f"{name}{{{labels}}} {statement.points}\n"


# --- claims -------------------------------------------------------------------------------------------------------------------


def _claimed(statement: Statement) -> bool:
    """There is something to claim, or somebody claimed it all the same."""
    owed = statement.credit if statement.credit is not None else statement.credit_share or statement.points
    return bool(owed) or (statement.claim is not None and statement.claim.lodged is not None)


def _claims(name: str, page: Page) -> Iterator[str]:
    for labels, _, statement in page.judged:
        if statement.claim is not None:
            for state in ClaimState:
                count = 1 if state is statement.claim.state and _claimed(statement) else 0
                yield f'{name}{{{labels},state="{state}"}} {count}\n'


def _claims_amount(name: str, page: Page) -> Iterator[str]:
    for labels, _, statement in page.judged:
        if statement.claim is None or statement.credit is None or statement.currency is None:
            continue
        for state in ClaimState:
            amount = statement.credit if state is statement.claim.state else statement.credit - statement.credit
            own = f'state="{state}",currency="{escape(statement.currency)}"'
            yield f"{name}{{{labels},{own}}} {amount:f}\n"


def _claim_by(statement: Statement) -> Due | None:
    return None if statement.claim is None else statement.claim.claim_by


def _report_by(statement: Statement) -> Due | None:
    return None if statement.claim is None else statement.claim.report_by


def _until(read: Callable[[Statement], Due | None]) -> Lines:
    def text(statement: Statement) -> str | None:
        due = read(statement)
        return None if due is None else seconds(due.at)

    return per_statement(text)


# --- rights -------------------------------------------------------------------------------------------------------------------


def _right_labels(party: str, name: str) -> str:
    return pairs((("party", party), ("clause", name)))


def _rights(name: str, page: Page) -> Iterator[str]:
    """Also the rights that have not arisen, by the terms the period is judged by."""
    for labels, view, statement in page.judged:
        terms = periods.version(view.contract, statement.period.start).terminations
        standing = {_right_labels(each.party, each.condition.name): 0 for each in terms}
        for right in statement.rights:
            own = _right_labels(right.party, right.name)
            standing[own] = max(standing.get(own, 0), 1 if right.state in STANDING else 0)
        for own, stands in standing.items():
            yield f"{name}{{{labels},{own}}} {stands}\n"


def _next_step(right: RightLine) -> Due | None:
    """By when something has to be done for the right not to lapse: give notice, then exercise it."""
    return right.notice_by if right.notice_given is None and right.notice_by is not None else right.exercise_by


def _right_deadlines(name: str, page: Page) -> Iterator[str]:
    """The earliest one, of rights that arose more than once."""
    for labels, _, statement in page.judged:
        earliest: dict[str, int] = {}
        for right in statement.rights:
            due = _next_step(right)
            if right.state in STANDING and due is not None:
                own = _right_labels(right.party, right.name)
                earliest[own] = min(earliest.get(own, due.at), due.at)
        for own, at in earliest.items():
            yield f"{name}{{{labels},{own}}} {seconds(at)}\n"


SETTLEMENT: tuple[Family, ...] = (
    gauge(
        "credit_owed",
        "Credit owed for the period after caps; in an open period only what is certain.",
        _money(lambda statement: statement.credit),
        "currency",
    ),
    gauge(
        "credit_owed_ratio",
        "Credit owed as a share of what the contract's shares are of: the charge, unless it says otherwise.",
        ratio_of(lambda statement: statement.credit_share),
    ),
    gauge(
        "credit_lost_to_cap", "Credit the caps removed.", _money(lambda statement: statement.lost_to_cap), "currency"
    ),
    gauge(
        "credit_at_stake",
        "Credit that will be owed if the values of an open period stay as they are now.",
        _money(lambda statement: statement.at_stake),
        "currency",
    ),
    gauge(
        "credit_earned_back",
        "Credit owed that the provider has earned back.",
        _money(lambda statement: statement.earned_back),
        "currency",
    ),
    gauge("credit_withheld", "Credit owed that a clause makes not payable.", _money(_withheld), "currency"),
    gauge(
        "credit_payable",
        "Credit to be paid: what is owed without what was earned back or is withheld.",
        _money(lambda statement: statement.payable),
        "currency",
    ),
    gauge(
        "credit_adjustment",
        "Credit owed now minus what it was when the statement was last closed; 0 before that.",
        _money(lambda statement: statement.adjustment),
        "currency",
    ),
    gauge(
        "bonus",
        "What the provider earned for more than it promised.",
        _money(lambda statement: statement.bonus),
        "currency",
    ),
    gauge("points", "Points given; only of contracts that give some.", _points),
    gauge(
        "statement_revision",
        "1, and one more for every later fact that changed a closed statement.",
        per_statement(lambda statement: statement.revision),
    ),
    gauge(
        "claims",
        "Claims on the credit of the period by state; 0 while there is nothing to claim; absent when nobody has to claim.",
        _claims,
        "state",
    ),
    gauge("claims_amount", "Credit owed, under the state of its claim.", _claims_amount, "state", "currency"),
    gauge("claim_deadline_timestamp_seconds", "The credit has to be claimed before this instant.", _until(_claim_by)),
    gauge(
        "claim_report_deadline_timestamp_seconds",
        "The fault has to be reported before this instant, for its credit to be claimed.",
        _until(_report_by),
    ),
    gauge(
        "termination_right",
        "1 while a right to terminate that arose in the period stands, 0 when it has not arisen, has lapsed or was cured.",
        _rights,
        "party",
        "clause",
    ),
    gauge(
        "termination_deadline_timestamp_seconds",
        "A right that stands lapses at this instant unless notice is given or, after that, it is exercised.",
        _right_deadlines,
        "party",
        "clause",
    ),
    gauge(
        "supportable_availability_ratio",
        "Availability the contracts below this one promise together; absent without any.",
        ratio_of(lambda statement: statement.supportable),
    ),
    gauge(
        "promise_supported",
        "1 while that is at least what this contract promises, else 0.",
        per_statement(lambda statement: None if statement.promise is None else int(statement.promise)),
    ),
)
