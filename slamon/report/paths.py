"""Path evidence → lines for people and values for JSON: which way the probes went, and where on it the provider begins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo

from slamon.path import Evidence, Hop, Moment
from slamon.report.words import instant

WHEN = {Moment.BEGAN: "when it fell silent", Moment.ENDED: "when it answered again"}

MOST_PATHS = 20
"""In a text: two of one target in each of as many outages as it shows."""

SHORT = (
    "no hop of the provider answered: evidence of a fault on the customer's side, to be weighed by people; "
    "the verdict does not use it"
)


def lines(evidence: Sequence[Evidence], where: tzinfo) -> Iterator[tuple[str, str]]:
    """(when it was traced, what was found) for each, at most MOST_PATHS; then how many more there are."""
    for each in evidence[:MOST_PATHS]:
        yield instant(each.traced.trace.started, where), _sentence(each)
    if len(evidence) > MOST_PATHS:
        yield "", f"and {len(evidence) - MOST_PATHS} more; all of them in the JSON report"


def _sentence(each: Evidence) -> str:
    trace = each.traced.trace
    path = ", ".join(f"{hop.distance} {hop.address or '*'}{_mark(hop, each)}" for hop in trace.hops)
    said = [part for part in (path, trace.ended) if part]
    if each.border is not None and each.border.short:
        said.append(SHORT)
    target = f"{each.traced.target} ({trace.address})"
    return f"{target}, {WHEN[each.traced.moment]}: {'; '.join(said)}"


def _mark(hop: Hop, each: Evidence) -> str:
    if each.border is None:
        return ""
    if hop.distance == each.border.customer:
        return " (last of the customer)"
    return " (first of the provider)" if hop.distance == each.border.provider else ""


def document(each: Evidence) -> dict[str, object]:
    """A path as a JSON-able value: instants and durations as strings."""
    traced, border = each.traced, each.border
    return {
        "contract": each.contract,
        "outage": str(each.outage),
        "target": traced.target,
        "moment": str(traced.moment),
        "since": str(traced.since),
        "until": None if traced.until is None else str(traced.until),
        **traced.trace.as_json(),
        "last_customer_hop": None if border is None else border.customer,
        "first_provider_hop": None if border is None else border.provider,
        "ended_before_demarcation": None if border is None else border.short,
    }
