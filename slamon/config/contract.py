"""One version of a contract: nodes → checked clauses → the terms `sla` judges by. Used by the configuration and by contract tests."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from slamon.config import amendments
from slamon.config.caps import caps, disagreement
from slamon.config.clauses import Contract as Keys
from slamon.config.composition import composition
from slamon.config.conditions import bonuses, conditions, terminations
from slamon.config.credits import Reading, credit
from slamon.config.deadlines import CLAIM, CLAIM_REPORT, DISPUTE, REPORT, Calendar
from slamon.config.edge import Report, read, written
from slamon.config.gives import Money
from slamon.config.holidays import holidays
from slamon.config.limits import latency_limits
from slamon.config.nodes import Node, Sequence, canonical
from slamon.config.objectives import clause, objectives
from slamon.config.origins import origins
from slamon.config.outages import exclusions, outage
from slamon.config.subjects import Subjects
from slamon.errors import Place, Problem
from slamon.sla import summed, terms
from slamon.sla.terms import Contract
from slamon.sla.terms.composition import Composition
from slamon.sla.terms.credits import Combine, Credit, CreditBase
from slamon.sla.terms.objectives import Form, Objective
from slamon.sla.terms.times import Span

__all__ = ["latency_limits", "read_contract"]


def read_contract(
    name: str,
    node: Node,
    problems: list[Problem],
    *,
    services: Mapping[str, Collection[str]] | None,
    warnings: list[Problem] | None = None,
    place: Place | None = None,
    folder: Path | None = None,
    contracts: Collection[str] | None = None,
) -> Contract | None:
    """The terms of the contract `name`, with its amendments; None when something is wrong, which is then in `problems`.

    `services`: service → names of its targets, to check references; None = do not (contract tests have no services).
    `warnings` receives what is allowed and rarely meant. `place`: where the contract's name is written. `folder`: where the paths of
    calendar files start. `contracts`: the names `supported_by` may refer to; None = do not check.
    """
    before = len(problems)
    reader = _Reader(name, place, services=services, contracts=contracts, folder=folder)
    first = reader.version(node, problems, warnings)
    later = amendments.read(first, node, reader.report(node, problems), reader.version)
    if first is None or later is None or len(problems) > before:
        return None
    digest = hashlib.sha256(canonical(node).encode()).hexdigest()
    return amendments.complete(replace(first, text_sha256=digest), later)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Checked:
    """One contract while it is read."""

    keys: Keys
    report: Report
    calendar: Calendar
    money: Money


class _Reader:
    """Reads the versions of one contract."""

    def __init__(
        self,
        name: str,
        place: Place | None,
        *,
        services: Mapping[str, Collection[str]] | None,
        contracts: Collection[str] | None,
        folder: Path | None,
    ) -> None:
        self.name = name
        self.place = place
        self.services = services
        self.contracts = contracts
        self.folder = folder

    def report(self, node: Node, problems: list[Problem]) -> Report:
        return Report(node, f"contracts.{self.name}", problems, place=self.place)

    def version(self, node: Node, problems: list[Problem], warnings: list[Problem] | None) -> Contract | None:
        """The terms of a whole contract; None when something is wrong, which is then in `problems`."""
        before = len(problems)
        report = self.report(node, problems)
        keys = read(Keys, report)
        if keys is None:
            return None
        warn = None if warnings is None else self.report(node, warnings)
        calendar = Calendar(
            holidays="holidays" in written(report),
            tickets="ticket" in {keys.outage.starts, keys.outage.ends}
            or keys.outage.starts == "later"
            or keys.outage.ends == "sooner",
            reports=bool((keys.claim and keys.claim.report) or (keys.reports and keys.reports.due)),
            warn=warn,
        )
        checked = _Checked(keys=keys, report=report, calendar=calendar, money=Money(keys, report))
        made = self._contract(checked)
        if made is None or len(problems) > before:
            return None
        if warn is not None:
            _warn(made, keys, warn)
        return made

    def _contract(self, checked: _Checked) -> Contract | None:
        keys, report, calendar, money = checked.keys, checked.report, checked.calendar, checked.money
        service = self._composition(report, "service", self.services, "service")
        rests_on = self._composition(report, "supported_by", self.contracts, "contract")
        term = _term(keys, report)
        days_off = holidays(keys.holidays, report, self.folder, term)
        listed = isinstance(report.below("service_hours").node, Sequence)
        for at, hours in enumerate(keys.service_hours):
            calendar.hours(hours.except_holidays, report, "service_hours", *((at,) if listed else ()))
        found = objectives(keys.objectives, report.below("objectives"), service, self.services)
        subjects = Subjects(found, keys.objectives)
        reading = Reading(subjects=subjects, money=money, calendar=calendar)
        lines = [credit(name, own, report.below("credits", name), reading) for name, own in keys.credits.items()]
        credits_ = tuple(line for line in lines if line is not None)
        _combined(credits_, keys, report)
        limits = caps(keys, credits_, report, money)
        if keys.minimum_credit is not None:
            money.amount(keys.minimum_credit[2], report, "minimum_credit")
        given = bonuses(keys.bonuses, report.below("bonuses"), reading)
        earned = conditions(keys.earn_back, report.below("earn_back"), reading)
        held = conditions(keys.withhold, report.below("withhold"), reading)
        rights = terminations(keys.terminate, report, reading)
        _deadlines(keys, report, calendar)
        _years(keys, report)
        classes = exclusions(keys.exclusions, report, calendar)
        rule = outage(keys.outage, report.below("outage"))
        if service is None or keys.provider is None or keys.timezone is None:
            return None
        exclusive, minimum = keys.minimum_credit[:2] if keys.minimum_credit else (True, None)
        return Contract(
            name=self.name,
            service=service,
            provider=keys.provider,
            timezone=keys.timezone,
            clause=clause(report),
            kind=terms.Kind(keys.kind),
            customer=keys.customer or "",
            document=_document(keys),
            notes=keys.notes,
            effective=keys.effective,
            term=term,
            period=keys.period,
            service_hours=keys.service_hours,
            holidays=days_off,
            business_days=keys.business_days,
            currency=money.currency,
            prices=(terms.Price(amount=keys.price[0], per=keys.price[2]),) if keys.price else (),
            prorate=terms.Prorate(keys.prorate),
            credit_base=CreditBase(keys.credit_base),
            outage=rule,
            unknown=terms.UnknownTime(keys.unknown),
            min_coverage=keys.min_coverage,
            exclusions=classes,
            objectives=tuple(subjects.objectives.values()),
            credits=credits_,
            combine=Combine(keys.combine or "sum"),
            caps=limits,
            minimum_credit=minimum,
            minimum_credit_exclusive=exclusive,
            bonuses=given,
            earn_back=earned,
            withhold=held,
            claim=None
            if keys.claim is None
            else terms.Claim(report=keys.claim.report, by=keys.claim.by, clause=clause(report, "claim")),
            terminations=rights,
            reports=_reports(keys),
            supported_by=rests_on,
            origins=origins(keys, report.node),
        )

    def _composition(self, report: Report, key: str, known: Collection[str] | None, what: str) -> Composition | None:
        if key not in written(report):
            return None
        return composition(report.below(key), known=known, what=what)


def _term(keys: Keys, report: Report) -> terms.Term:
    if keys.term is None:
        return terms.Term()
    first, last = keys.term.from_, keys.term.to
    if first is not None and last is not None and last < first:
        report.say(("term", "to"), f"the term ends before it begins, on {first}", fix="exchange the two")
    return terms.Term(start=first, end=last)


def _years(keys: Keys, report: Report) -> None:
    """Contract years are counted from the first day of the term."""
    if keys.term is not None and "from" in written(report.below("term")):
        return
    reason = "contract years, and the contract does not say its first day"
    fix = "add for example `term: {from: 2026-01-01}`"
    if keys.period.kind is terms.PeriodKind.CONTRACT_YEAR:
        report.say(("period",), reason, fix=fix)
    if keys.caps and Span.CONTRACT_YEAR in keys.caps:
        report.say(("caps", Span.CONTRACT_YEAR.value), reason, fix=fix, at_key=True, show=False)


def _combined(credits_: Collection[Credit], keys: Keys, report: Report) -> None:
    money = len(keys.credits) - sum(not credit.money for credit in credits_)
    if money > 1 and keys.combine is None and "combine" not in written(report):
        report.say(
            ("credits",),
            f"{money} credits give money and `combine` does not say how they add up",
            fix="add `combine: sum`, or `combine: highest` to pay only the largest",
            show=False,
        )


def _deadlines(keys: Keys, report: Report, calendar: Calendar) -> None:
    if keys.claim is not None:
        calendar.check(keys.claim.report, CLAIM_REPORT, report, "claim", "report")
        calendar.check(keys.claim.by, CLAIM, report, "claim", "by")
    if keys.reports is not None:
        calendar.check(keys.reports.due, REPORT, report, "reports", "due")
        calendar.check(keys.reports.dispute, DISPUTE, report, "reports", "dispute")


def _document(keys: Keys) -> terms.Document | None:
    if keys.document is None or keys.document.file is None:
        return None
    return terms.Document(file=keys.document.file, sha256=keys.document.sha256 or "")


def _reports(keys: Keys) -> terms.Reports | None:
    own = keys.reports
    if own is None:
        return None
    review = None if own.review is None else Span(own.review)
    return terms.Reports(to=own.to, due=own.due, review=review, dispute=own.dispute)


def _warn(contract: Contract, keys: Keys, warn: Report) -> None:
    """Says what is allowed and rarely meant."""
    if contract.credits and contract.claim is None:
        warn.say((), "no `claim`: every credit is owed without anybody claiming it", show=False)
    if keys.caps is None and any(credit.money for credit in contract.credits):
        if contract.caps:
            fix = "write `caps: {period: 100%}` to say so, or `caps: {}` for no cap"
            warn.say((), "no `caps`: the credits of a period are capped at 100% of its charge", fix=fix, show=False)
        else:
            fix = "write `caps: {}` to say so, or for example `caps: {month: 500 USD}`"
            warn.say((), "no `caps` and no `price`: the credits are not capped", fix=fix, show=False)
    contradiction = disagreement(contract.credits)
    if contradiction is not None:
        fix = "keep the one the paper says, and write in `notes` which"
        warn.say(("credits",), contradiction, fix=fix, show=False)
    for objective in contract.objectives:
        if objective.base is None and not summed.is_given(objective):
            reason = "the daemon judges by sums of packets, which do not give this: the value stays unknown"
            warn.say(("objectives", objective.name, "statistic"), reason, fix=_sums_give(objective))


def _sums_give(objective: Objective) -> str:
    of = f"{objective.definition or ''} {objective.measure}".strip()
    words = [form.value for form in Form if form in summed.given(objective)]
    return f"of {of} the sums give {', '.join(words) or 'nothing'}"
