"""One contract over all the periods a statement looks at: the sums of each, kept while the declarations stay what they are."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from slamon.config import Config
from slamon.judge.bench import Source, involved, service_facts
from slamon.judge.case import Case
from slamon.model import DAY
from slamon.sla import periods
from slamon.sla.account import Account
from slamon.sla.facts import Exclusion, Facts
from slamon.sla.lines import Period
from slamon.sla.reach import needed, services
from slamon.sla.statement import Statement, state
from slamon.sla.tally import Tally
from slamon.sla.terms import Composition, Contract


@dataclass(slots=True)
class Book:
    """The running judgement of one contract."""

    config: Config
    """The one the contract, its services and their targets are of; a reload may come between two steps of a judgement."""
    contract: Contract
    declared: tuple[Exclusion, ...]
    """As `bench.declared` returns them."""
    cases: dict[tuple[Composition, Period], Case] = field(default_factory=dict)

    def without(self, period: Period) -> Book:
        """The same book, in which that period will be added up anew."""
        kept = {key: case for key, case in self.cases.items() if key[1] != period}
        return Book(self.config, self.contract, self.declared, kept)

    def renew(self, config: Config) -> None:
        """Judge by a configuration in which nothing changed that this contract is judged by."""
        self.config = config
        for case in self.cases.values():
            case.config = config

    def forget(self, start: int) -> None:
        """Periods that end by then are no longer looked at."""
        self.cases = {key: case for key, case in self.cases.items() if key[1].end > start}

    async def statement(self, source: Source, period: Period, as_of: int, *, step: int = DAY) -> Statement:
        """Judged by what the store holds, as of `as_of`; gives way to others every few milliseconds."""
        known = await self.known_from(source)
        tallies: dict[tuple[Composition, Period], Tally] = {}
        for each in dict.fromkeys((*needed(self.contract, period, as_of), period)):
            if known is None or each.end <= known:
                continue
            for service in services(self.contract):
                tallies[service, each] = await self._case(service, each).sums(source, as_of, step=step)
                await asyncio.sleep(0)
        account = Account(
            self.contract,
            Facts(services=service_facts(self.config), exclusions=self.declared),
            as_of,
            tallies=lambda _terms, service, span: tallies.get((service, span), Tally()),
            known_from=as_of if known is None else max(known, 0),
        )
        return state(account, period, others=self.config.contracts)

    async def known_from(self, source: Source) -> int | None:
        """Since when anything is known of the contract's services; None = nothing is."""
        targets = dict.fromkeys(
            target for service in services(self.contract) for target in involved(self.config, service)
        )
        known = await source.load(tuple(targets), 0, 1, records=False)
        return min((series.known_from for series in known.series.values()), default=None)

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
