"""By when the credit of a period has to be reported and claimed, and whether it was."""

from __future__ import annotations

from slamon.sla.anchors import earliest, instants
from slamon.sla.deadlines import in_time
from slamon.sla.history import History
from slamon.sla.lines import ClaimLine, ClaimState, Due, Period
from slamon.sla.terms.times import Deadline


def claim(history: History, period: Period) -> ClaimLine | None:
    """None where nobody has to claim. Of several outages, what has to be done first counts."""
    terms = history.version(period).claim
    if terms is None:
        return None
    by = _due(history, terms.by, period)
    claims = [each.at for each in history.facts.claims if each.period == period.name and each.at <= history.as_of]
    lodged = min(claims, default=None)
    if lodged is None:
        state = ClaimState.OPEN if by is None or in_time(by, history.as_of) else ClaimState.LATE
    else:
        state = ClaimState.IN_TIME if by is None or in_time(by, lodged) else ClaimState.LATE
    return ClaimLine(
        clause=terms.clause,
        report_by=_due(history, terms.report, period),
        claim_by=by,
        lodged=lodged,
        state=state,
    )


def _due(history: History, deadline: Deadline | None, period: Period) -> Due | None:
    if deadline is None:
        return None
    incidents = history.measured(period).counted
    return earliest(history, deadline, period, instants(history, period, deadline.anchor, incidents))
