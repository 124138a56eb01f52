"""One contract over all the periods a statement looks at: the sums of each, kept while the declarations stay what they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from slamon.config import Config
from slamon.judge.bench import Reader, involved, service_facts
from slamon.judge.case import Case
from slamon.model import DAY, Target
from slamon.sla import hours, periods
from slamon.sla.account import Account
from slamon.sla.facts import Facts
from slamon.sla.lines import Period
from slamon.sla.reach import needed, services
from slamon.sla.statement import Statement, state
from slamon.sla.tally import Tally
from slamon.sla.terms import Contract
from slamon.sla.terms.composition import Composition, names
from slamon.turns import give_way

Stretch: TypeAlias = tuple[Composition, Period]
"""Services judged together, over a period or any other stretch of time."""


class _Asked:
    """The sums there are, and which others were asked for; these are nothing for now."""

    def __init__(self, tallies: Mapping[Stretch, Tally]) -> None:
        self._tallies = tallies
        self.missing: dict[Stretch, None] = {}

    def __call__(self, _terms: Contract, service: Composition, span: Period) -> Tally:
        if (service, span) not in self._tallies:
            self.missing[service, span] = None
        return self._tallies.get((service, span), Tally())


@dataclass(slots=True)
class Book:
    """The running judgement of one contract."""

    config: Config
    """The one the contract, its services and their targets are of; a reload may come between two steps of a judgement."""
    contract: Contract
    declared: Facts
    """As `bench.declared` returns them."""
    cases: dict[Stretch, Case] = field(default_factory=dict)
    odd: dict[Period, set[Stretch]] = field(default_factory=dict)
    """Period → the stretches, besides periods, that its last statement looked at."""
    _targets: tuple[Target, ...] | None = None
    _facts: Facts | None = None

    def without(self, period: Period) -> Book:
        """The same book, in which that period will be added up anew."""
        kept = {key: case for key, case in self.cases.items() if key[1] != period}
        return Book(self.config, self.contract, self.declared, kept, {})

    def renew(self, config: Config) -> None:
        """Judge by a configuration in which nothing changed that this contract is judged by."""
        self.config = config
        self._targets = self._facts = None
        for case in self.cases.values():
            case.config = config

    def forget(self, start: int) -> None:
        """Periods that end by then are no longer looked at."""
        self.odd = {period: odd for period, odd in self.odd.items() if period.end > start}
        self.cases = {key: case for key, case in self.cases.items() if key[1].end > start}

    async def statement(self, source: Reader, period: Period, as_of: int, *, step: int = DAY) -> Statement:
        """Judged by what the store holds, as of `as_of`; gives way to others every few milliseconds."""
        known = await self.known_from(source)
        agreed = hours.term(self.contract)[0]
        facts = self._stated()
        tallies: dict[Stretch, Tally] = {}
        spans = dict.fromkeys((*needed(self.contract, period, as_of), period))
        wanted = [(service, span) for span in spans for service in services(self.contract)]
        odd: set[Stretch] = set()
        while True:
            for stretch in wanted:
                tallies[stretch] = Tally()
                if known is not None and stretch[1].end > known:
                    tallies[stretch] = await self._case(*stretch).sums(source, as_of, known, step=step)
                await give_way()
            asked = _Asked(tallies)
            account = Account(
                self.contract,
                facts,
                as_of,
                tallies=asked,
                known_from=max(agreed, as_of if known is None else known),
            )
            found = state(account, period, others=self.config.contracts)
            if not asked.missing:
                self._keep(period, odd)
                return found
            # A condition looked at a stretch of time that is no period. What is found there decides where it looks next.
            wanted = list(asked.missing)
            odd.update(wanted)

    def _keep(self, period: Period, odd: set[Stretch]) -> None:
        """Of the stretches that are no periods, those a statement looked at last; `period`: the statement's."""
        before = self.odd.get(period, set())
        self.odd[period] = odd
        for stretch in before.difference(*self.odd.values()):
            self.cases.pop(stretch, None)

    def _stated(self) -> Facts:
        """The declarations, and what makes the contract's services up."""
        if self._facts is None:
            leaves = dict.fromkeys(name for service in services(self.contract) for name in names(service))
            self._facts = replace(self.declared, services=service_facts(self.config, leaves))
        return self._facts

    def targets(self) -> tuple[Target, ...]:
        """Of all the contract's services, with their witnesses."""
        if self._targets is None:
            found = dict.fromkeys(target for each in services(self.contract) for target in involved(self.config, each))
            self._targets = tuple(found)
        return self._targets

    async def known_from(self, source: Reader) -> int | None:
        """Since when anything is known of the contract's services; None = nothing is."""
        return await source.known_from(self.targets())

    def is_final(self, period: Period) -> bool:
        """Nothing measured can change the sums of the period any more."""
        own = [case for (_, span), case in self.cases.items() if span == period]
        return bool(own) and all(case.final is not None for case in own)

    def _case(self, service: Composition, period: Period) -> Case:
        key = service, period
        if key not in self.cases:
            terms = periods.version(self.contract, period.start)
            self.cases[key] = Case.begin(self.config, terms, service, period, self.declared)
        return self.cases[key]
