"""Contract → the agreement as a document in Markdown: the sections an SLA document has, each said from the terms, with their hash."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction

from slamon.report.terms import (
    amount_text,
    bonus_text,
    cap_text,
    condition_text,
    credit_text,
    exclusion_text,
    level_text,
    outage_text,
    party,
    period_text,
    price_text,
    rounding_text,
    subject_text,
    weekly_text,
)
from slamon.report.words import Unit, percent, quantity, share
from slamon.sla import particulars
from slamon.sla.reach import services
from slamon.sla.terms import Contract, Kind, Prorate, UnknownTime
from slamon.sla.terms.composition import described, names
from slamon.sla.terms.conditions import Party, Termination
from slamon.sla.terms.credits import Combine
from slamon.sla.terms.measures import SAMPLED, Measure
from slamon.sla.terms.objectives import Objective

KINDS = {
    Kind.SLA: "Service level agreement",
    Kind.OLA: "Operational level agreement",
    Kind.UC: "Underpinning contract",
}

UNKNOWN_TIME = {
    "excluded": "Unmeasured time is left out of the calculation.",
    "up": "Unmeasured time counts as up.",
    "down": "Unmeasured time counts as down.",
}

TOTALS = {
    "in_scope": "the time in scope; excluded time counts as available",
    "net": "the time in scope without excluded time",
    "whole_period": "the whole period, also outside the term, where the service counts as up",
}


def markdown(
    contract: Contract,
    source: str,
    *,
    others: Mapping[str, Contract] | None = None,
    probes: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """`source`: the contract's YAML, for the annex. `others`: contracts `supported_by` names.

    `probes`: service → sentences on how it is measured.
    """
    parts = [
        _head(contract),
        _section(1, "Parties, authority and document control", _parties(contract)),
        _section(2, "Services and demarcation", _services(contract, probes or {})),
        _section(3, "Validity, changes and renewal", _validity(contract)),
        _section(4, "Definitions and method of measurement", _method(contract)),
        _section(5, "Service hours, holidays and periods", _hours(contract)),
        _section(6, "Service levels", _levels(contract)),
        _section(7, "Planned interruptions", _planned(contract)),
        _section(8, "Exclusions: how they are lodged, evidenced and disputed", _exclusions(contract)),
        _section(9, "The customer's responsibilities", _customer(contract)),
        _section(10, "The provider's responsibilities", _provider(contract)),
        _section(11, "Reports and reviews", _reports(contract)),
        _section(12, "Credits, caps, claims and incentives", _credits(contract)),
        _section(13, "Chronic failure and termination", _termination(contract)),
        _section(14, "Underpinning agreements", _underpinning(contract, others or {})),
        _section(15, "Contacts, interpretation, annex", _annex(contract, source)),
    ]
    return "\n\n".join(parts) + "\n"


def _head(contract: Contract) -> str:
    return f"# {KINDS[contract.kind]}: {contract.name}\n\nTerms: sha256 `{contract.text_sha256}`"


def _section(number: int, title: str, lines: Iterable[str]) -> str:
    body = list(lines) or ["Nothing is agreed."]
    return f"## {number}. {title}\n\n" + "\n".join(body)


def _table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Rows of a Markdown table; a `|` in a cell is escaped."""
    titles = list(headings)
    yield "| " + " | ".join(titles) + " |"
    yield "|" + "---|" * len(titles)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"


def _parties(contract: Contract) -> Iterator[str]:
    rows = [("Provider", contract.provider), ("Customer", contract.customer or "the user of this document")]
    rows.append(("Kind of agreement", KINDS[contract.kind]))
    if contract.document is not None:
        paper = contract.document.file
        rows.append(
            ("Signed paper", f"{paper}, sha256 {contract.document.sha256}" if contract.document.sha256 else paper)
        )
    rows.append(("In force from", str(contract.effective or contract.term.start or "the beginning of the term")))
    yield from _table(("", ""), rows)


def _services(contract: Contract, probes: Mapping[str, Sequence[str]]) -> Iterator[str]:
    yield f"The service is **{described(contract.service)}**."
    for objective in contract.objectives:
        if objective.service is not None:
            yield f"- {objective.name} is judged over {described(objective.service)}."
    for name in dict.fromkeys(name for service in services(contract) for name in names(service)):
        if name in probes:
            yield ""
            yield f"{name} is measured by:"
            yield ""
            yield from (f"- {line}" for line in probes[name])
    yield ""
    yield "What lies behind the probes that measure these services is the provider's part; faults shown to lie in front of them"
    if contract.unknown is UnknownTime.DOWN:
        yield "(by a witness on the customer's side, or by the measuring host itself) are not, and yet count as downtime (section 4)."
    else:
        yield "(by a witness on the customer's side, or by the measuring host itself) are not."


def _validity(contract: Contract) -> Iterator[str]:
    first, last = contract.term.start, contract.term.end
    begins = f"from {first}" if first else "from the beginning of measurement"
    ends = f"to {last}, that day included" if last else "until further notice"
    yield f"The term runs {begins} {ends}."
    if contract.prices:
        yield ""
        yield from _table(
            ("Price", "from"), ((price_text(p, contract), str(p.since or "the beginning")) for p in contract.prices)
        )
        if contract.prorate is Prorate.NONE:
            yield ""
            yield "What is only partly in the term is charged whole: a month, quarter or year of which any part lies in it is not prorated."
    if contract.amendments:
        yield ""
        yield "Later versions: " + ", ".join(f"from {each.effective}" for each in contract.amendments) + "."


def _method(contract: Contract) -> Iterator[str]:
    yield from (f"- {line}" for line in outage_text(contract.outage))
    yield f"- {UNKNOWN_TIME[contract.unknown.value]}"
    yield f"- A period of which less than {share(contract.min_coverage)} was measured has the status *unknown*."
    rounds = any(objective.round is not None for objective in contract.objectives)
    exact = "ratios are rounded only where it is said below" if rounds else "ratios are exact"
    yield f"- Time is measured by the probing host's clock; intervals are half-open and counted in nanoseconds, {exact}."
    for objective in contract.objectives:
        yield f"- {objective.name}: {_definition(objective)}"
    yield "- Amounts are exact until the end of one credit, then rounded half up to the currency's minor unit."


def _definition(objective: Objective) -> str:
    text = _about(objective)
    if objective.statistic is not None:
        text += f", {objective.statistic.text}"
    if objective.definition is not None:
        text += f" of the {objective.definition.value.upper()}"
    if objective.measure is Measure.AVAILABILITY:
        total = objective.total
        base = TOTALS[total.value] if not isinstance(total, int) else f"a fixed {Fraction(total, 3600 * 10**9)} hours"
        text += f", (total − downtime) / total, where the total is {base}"
    if objective.measure in SAMPLED:
        text += ", at all times" if objective.always else ", outside outages and exclusions"
        if objective.over != "worst":
            text += (
                ", all targets together" if objective.over == "pooled" else f", of the target {objective.over} alone"
            )
    if objective.packets_all:
        text += ", a lost packet being infinitely late"
    if objective.mean_of > 1:
        text += f", plain mean of the last {objective.mean_of} periods"
    if objective.round is not None:
        text += f", rounded {rounding_text(objective.round, objective)} before it is compared"
    return text + "."


def _hours(contract: Contract) -> Iterator[str]:
    yield f"- Judged at once: {period_text(contract.period)}, in the time zone {contract.timezone}."
    hours = "; ".join(map(weekly_text, contract.service_hours)) if contract.service_hours else "at all times"
    yield f"- Service hours: {hours}."
    days = ", ".join(("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[day] for day in sorted(contract.business_days))
    yield f"- Business days: {days}, except holidays."
    if contract.holidays:
        yield "- Holidays: " + ", ".join(map(str, sorted(contract.holidays))) + "."


def _levels(contract: Contract) -> Iterator[str]:
    if not contract.objectives:
        return
    rows = ((o.name, _short(o), level_text(o.target, o), level_text(o.minimum, o)) for o in contract.objectives)
    yield from _table(("Service level", "measured as", "target", "minimum"), rows)
    yield ""
    yield "A level is met when the value lies on its side; equality is met unless the level says otherwise."


def _short(objective: Objective) -> str:
    statistic = "" if objective.statistic is None else f" {objective.statistic.text}"
    return f"{_about(objective)}{statistic}"


def _about(objective: Objective) -> str:
    return subject_text(objective.subject) if objective.subject is not None else objective.measure.value


def _planned(contract: Contract) -> Iterator[str]:
    planned = [entry for entry in contract.exclusions if entry.notice or entry.hours or entry.allowance]
    for entry in planned:
        yield f"- **{entry.name}**: " + "; ".join(exclusion_text(entry)) + "."
    if planned:
        yield "- An interruption that lasts longer than announced counts from the end of its announced span."
        yield "- With shorter notice than agreed it is unplanned and counts as a whole."


def _exclusions(contract: Contract) -> Iterator[str]:
    if not contract.exclusions:
        if contract.unknown is UnknownTime.DOWN:
            yield "No time is excluded: every interruption counts, whoever caused it. Unmeasured time, and faults shown to lie on the"
            yield "customer's or the measuring side (section 2), count as downtime, though not as outages."
        else:
            yield "No time is excluded: every interruption of the provider's part counts, whoever caused it. Faults shown to lie on the"
            yield "customer's or the measuring side (section 2) do not: they are unmeasured time (section 4)."
        return
    yield "Time of these classes does not count. The first class that covers a second owns it; each second is attributed once."
    yield ""
    rows = (
        (str(n), entry.name, "; ".join(exclusion_text(entry)) or "–") for n, entry in enumerate(contract.exclusions, 1)
    )
    yield from _table(("", "class", "conditions"), rows)
    yield ""
    yield "Neither party gains from its own fault: time the customer causes neither harms the provider nor earns credit; time the"
    yield "provider interrupts without the agreed notice counts. A declaration names who lodged it, when, and what shows it; only one"
    yield "both parties accept excludes anything, and every change after a report makes a new revision of it."


def _customer(contract: Contract) -> Iterator[str]:
    duties = dict.fromkeys(
        condition.subject.duty for condition in contract.withhold if condition.subject.measure is Measure.BREACH
    )
    for duty in duties:
        yield f"- {duty}"
    for condition in contract.withhold:
        yield f"- Credits are shown and not payable while {condition_text(condition, contract)}."
    if contract.claim is not None and contract.claim.report is not None:
        yield f"- Report an outage within: {contract.claim.report.text}."
    if contract.claim is not None and contract.claim.by is not None:
        yield f"- Claim a credit within: {contract.claim.by.text}."


def _provider(contract: Contract) -> Iterator[str]:
    for objective in contract.objectives:
        if objective.measure in (Measure.RESTORE, Measure.NOTIFY):
            yield f"- {objective.name}: {level_text(objective.target, objective)} ({_short(objective)})."
    for entry in contract.exclusions:
        if entry.notice is not None:
            yield f"- Announce {entry.name}: " + "; ".join(exclusion_text(entry)) + "."


def _reports(contract: Contract) -> Iterator[str]:
    if contract.reports is None:
        yield "Both parties can read the statement of every period, with its arithmetic, and recompute it from the recorded facts."
        return
    if contract.reports.to:
        yield "- Recipients: " + ", ".join(contract.reports.to) + "."
    for word, deadline in (("Due", contract.reports.due), ("Disputes", contract.reports.dispute)):
        if deadline is not None:
            yield f"- {word}: {deadline.text}."
    if contract.reports.review is not None:
        yield f"- Review meeting every {contract.reports.review.value}."


def _credits(contract: Contract) -> Iterator[str]:
    if not contract.credits:
        yield "No credit is agreed."
    for credit in contract.credits:
        yield f"- **{credit.name}**: {credit_text(credit, contract)}."
    if len(contract.credits) > 1:
        yield {
            Combine.SUM: "- Several credits are added.",
            Combine.HIGHEST: "- Of several credits only the highest is given.",
            Combine.SAME_TIME: "- Of several credits for the same time only the highest is given.",
        }[contract.combine]
    for cap in contract.caps:
        yield f"- Cap: {cap_text(cap, contract)}."
    if contract.minimum_credit is not None and contract.currency is not None:
        word = "more than" if contract.minimum_credit_exclusive else "at least"
        yield f"- Credits are given only if they come to {word} {amount_text(contract.minimum_credit, contract)}."
    yield "- " + (
        "Credits are given without being claimed."
        if contract.claim is None
        else "Credits have to be claimed (section 9)."
    )
    for bonus in contract.bonuses:
        yield f"- Bonus **{bonus.credit.name}**: {bonus_text(bonus, contract)}."
    for condition in contract.earn_back:
        yield f"- A period's credit is cancelled when {condition_text(condition, contract)}."


def _termination(contract: Contract) -> Iterator[str]:
    for side in Party:
        rights = [each for each in contract.terminations if each.party is side]
        if rights:
            yield f"**{party(side)}** may end the agreement:"
            yield ""
            for each in rights:
                yield f"- **{each.condition.name}**: when {condition_text(each.condition, contract)}{_windows(each)}."
            yield ""


def _windows(termination: Termination) -> str:
    found = [
        f"{word} {deadline.text}"
        for word, deadline in (
            ("notice by", termination.notice),
            ("cure until", termination.cure),
            ("exercise by", termination.exercise),
        )
        if deadline is not None
    ]
    found.append(f"ends the {termination.scope.value}")
    return "; " + ", ".join(found)


def _underpinning(contract: Contract, others: Mapping[str, Contract]) -> Iterator[str]:
    if contract.supported_by is None:
        return
    yield f"This agreement is supported by {described(contract.supported_by)}."
    rows = []
    for name in names(contract.supported_by):
        other = others.get(name)
        level = None if other is None else particulars.promised(other)
        rows.append((name, "–" if other is None else other.provider, "–" if level is None else percent(level)))
    yield ""
    yield from _table(("contract", "provider", "availability promised"), rows)
    can = particulars.supportable(contract, others)
    if can is not None:
        yield ""
        yield _supported(contract, can)


def _supported(contract: Contract, can: Fraction) -> str:
    """The verdict of every statement, in words."""
    primary = particulars.primary_of(contract)
    if primary is None or primary.target is None:
        return f"Together they can support {percent(can)}; this agreement has no target of availability to compare with that."
    verdict = "it is supported" if particulars.kept(primary, can) else "it is **not** supported"
    figure = quantity(can, Unit.RATIO, primary.target.value)
    return (
        f"Together they can support {figure}; this agreement promises {level_text(primary.target, primary)}: {verdict}."
    )


GLOSSARY = (
    ("availability", "the share of the total that was not down: (total − downtime) / total"),
    ("coverage", "the share of the elapsed time in scope that was measured or excluded"),
    (
        "downtime",
        "time the service was down by the provider: detected, qualified as an outage, not excluded, in service hours",
    ),
    ("exclusion", "a span of time that does not count, with its class, who declared it, and when"),
    ("jitter", "a variation of delay; which one is said where it is measured (RFC 3393, RFC 5481, RFC 3550)"),
    ("loss", "lost packets / packets sent that count (RFC 7680, RFC 6673)"),
    ("outage", "an unbroken stretch of time the service was down, by the rule in section 4"),
    ("percentile", "p95 is the smallest value that at least 95 % of the sample do not exceed (RFC 2330)"),
    ("target and minimum", "the level that is preferred, and the lowest that is acceptable"),
    ("witness", "a probe on the customer's side whose silence shows that a fault is not the provider's"),
)


def _annex(contract: Contract, source: str) -> Iterator[str]:
    if contract.reports is not None and contract.reports.to:
        yield "Contacts and complaints: " + ", ".join(contract.reports.to) + "."
    else:
        yield "Contacts and complaints: the parties named in section 1."
    yield ""
    if contract.notes:
        yield "Interpretation agreed where the paper is unclear:"
        yield ""
        yield from (f"- {note}" for note in contract.notes)
        yield ""
    yield from _table(("Term", "meaning"), GLOSSARY)
    yield ""
    yield f"Annex: the terms as they are judged, sha256 `{contract.text_sha256}`."
    yield ""
    yield "```yaml"
    yield source.rstrip("\n")
    yield "```"
