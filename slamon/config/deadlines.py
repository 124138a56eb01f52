"""Deadlines and business days of a contract: can each deadline begin where it says, and are the holidays said?"""

from __future__ import annotations

from collections.abc import Collection

from slamon.config.edge import Report
from slamon.sla.terms.times import Anchor, Deadline

OCCURRENCE = frozenset(
    {Anchor.OUTAGE_START, Anchor.OUTAGE_END, Anchor.TICKET_OPENED, Anchor.TICKET_CLOSED, Anchor.PERIOD_END}
)
"""What every outage and its period have."""
TICKET = frozenset({Anchor.TICKET_OPENED, Anchor.TICKET_CLOSED})

LODGE = OCCURRENCE
CLAIM_REPORT = OCCURRENCE
CLAIM = OCCURRENCE | {Anchor.REPORT}
NOTICE = OCCURRENCE | {Anchor.RIGHT_ARISES}
AFTER_NOTICE = NOTICE | {Anchor.NOTICE}
REPORT = frozenset({Anchor.PERIOD_END})
DISPUTE = frozenset({Anchor.PERIOD_END, Anchor.REPORT})


class Calendar:
    """What the deadlines of one contract may refer to."""

    def __init__(self, *, holidays: bool, tickets: bool, reports: bool, warn: Report | None) -> None:
        """`holidays`: the key is written. `tickets`: a clock of the outages is the ticket's. `reports`: something is reported."""
        self.holidays = holidays
        self.tickets = tickets
        self.reports = reports
        self.warn = warn
        self._warned = False

    def check(self, deadline: Deadline | None, anchors: Collection[Anchor], report: Report, *at: str | int) -> None:
        """Reports an anchor that what stands at `at` cannot have."""
        if deadline is None:
            return
        anchor = deadline.anchor
        if anchor is not None and anchor not in anchors:
            words = ", ".join(each for each in Anchor if each in anchors)
            report.say(at, f"a deadline that cannot begin here: {anchor}", fix=f"write one of {words}")
        elif anchor is Anchor.REPORT and not self.reports:
            reason = "a deadline after a report, and the contract has none"
            report.say(at, reason, fix="add `claim: {report: …}` or `reports: {due: …}`")
        self.business(deadline.business, report, *at)
        if anchor in TICKET and not self.tickets and self.warn is not None and not self._warned:
            self._warned = True
            self.warn.say(
                (),
                f"a deadline begins when a ticket is {'opened' if anchor is Anchor.TICKET_OPENED else 'closed'}, "
                "and no outage is measured by its ticket",
                fix="add `outage: {ends: ticket}`, or know that a deadline without its ticket is not computed",
                show=False,
            )

    def business(self, used: bool, report: Report, *at: str | int, at_key: bool = False) -> None:
        """Reports business days of a contract that does not say its holidays."""
        if used and not self.holidays:
            self._unsaid("business days", report, *at, at_key=at_key)

    def hours(self, used: bool, report: Report, *at: str | int) -> None:
        """The same for hours `except holidays`."""
        if used and not self.holidays:
            self._unsaid("hours except holidays", report, *at)

    def _unsaid(self, what: str, report: Report, *at: str | int, at_key: bool = False) -> None:
        reason = f"{what}, and the contract does not say its holidays"
        report.say(at, reason, fix="add `holidays: […]`, or `holidays: []`", at_key=at_key)
