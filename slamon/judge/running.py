"""The statements of every contract, kept up to date while facts come in."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace

from slamon.clock import Clock
from slamon.config import Config
from slamon.judge.bench import Source, declared, involved
from slamon.judge.case import Case
from slamon.live import ContractView
from slamon.model import HOUR
from slamon.sla import calendar
from slamon.sla.facts import Exclusion
from slamon.sla.statement import Statement, Status
from slamon.sla.terms import Contract, Measure
from slamon.stats import Stats

log = logging.getLogger(__name__)

TRIES = 5
"""Comparisons before a difference counts: a batch that is written between the two judgements may explain one or two."""

RECHECK = HOUR
"""How often one contract is judged from scratch and compared with its running tally."""


@dataclass(slots=True)
class _Pair:
    """The running judgement of one contract: its current period and the one before."""

    current: Case
    previous: Case
    before: Statement | None = None
    is_final: bool = False
    """Everything in the previous period had settled when it was judged."""


class Judge:
    """Keeps a statement of every contract's current and previous period up to date."""

    def __init__(self, *, clock: Clock, stats: Stats, source: Source, config: Config) -> None:
        self._clock = clock
        self._stats = stats
        self._source = source
        self._config = config
        self._cases: dict[str, _Pair] = {}
        self._next_check = clock.monotonic() + RECHECK
        self._checked = 0
        self.views: tuple[ContractView, ...] = ()
        """As of the last refresh, in the order of the configuration."""
        self.declared = 0
        """Number of the last declaration the views were judged with."""
        self.exclusions: tuple[Exclusion, ...] | None = None
        """All there were at the last refresh, also revoked ones; None before the first."""

    def set(self, config: Config) -> None:
        """Judge by this configuration from the next refresh on; a contract whose terms or targets changed is judged from scratch."""
        before, self._config = self._config, config
        for name, case in list(self._cases.items()):
            contract = config.contracts.get(name)
            if (
                contract != case.current.contract
                or involved(config, contract.service) != involved(before, contract.service)
                or config.services[contract.service].quorum != before.services[contract.service].quorum
            ):
                del self._cases[name]
            else:
                case.current.config = case.previous.config = config
        self.views = tuple(view for view in self.views if view.contract.name in self._cases)

    async def refresh(self) -> None:
        """Judge every contract as of now; others run between two contracts."""
        config = self._config
        number = await self._source.last_declaration()
        exclusions = await self._source.exclusions()
        views = []
        for contract in config.contracts.values():
            if config is not self._config:
                return  # a reload came in between; the next refresh judges by it
            begun = self._clock.monotonic()
            views.append(await self._view(config, contract, exclusions))
            self._stats.evaluation.observe(self._clock.monotonic() - begun)
            await asyncio.sleep(0)
        if config is self._config:
            self.views, self.declared, self.exclusions = tuple(views), number, exclusions
        if self._clock.monotonic() >= self._next_check:
            self._next_check = self._clock.monotonic() + RECHECK
            await self.recheck()

    async def recheck(self) -> bool:
        """Judge the next contract in turn from scratch; False, counted and logged, when its running tally says otherwise.

        Both judge what had settled at the last refresh, by the declarations that stood then. Facts go on being written meanwhile,
        and minutes become records: so only a difference that stays is one.
        """
        if not self.views:
            return True
        view = self.views[self._checked % len(self.views)]
        self._checked += 1
        contract, period, as_of = view.contract, view.current.period, view.current.settled
        case = self._cases.get(contract.name)
        for _ in range(TRIES):
            if case is None or as_of <= period.start:
                return True
            running = await case.current.judged(self._source, as_of)
            anew = Case.begin(case.current.config, contract, period, case.current.declared)
            scratch = await anew.judged(self._source, as_of, step=period.end - period.start)
            if _comparable(running, self._config, self._clock) == _comparable(scratch, self._config, self._clock):
                return True
        self._stats.evaluation_mismatches += 1
        log.error(
            "contract %s: the running judgement (%s) differs from the one from scratch (%s); it is judged anew from now on",
            contract.name,
            running.availability,
            scratch.availability,
        )
        self._cases.pop(contract.name, None)
        return False

    async def _view(self, config: Config, contract: Contract, exclusions: tuple[Exclusion, ...]) -> ContractView:
        now = self._clock.now()
        period = calendar.current(contract, now)
        stood = declared(contract, exclusions, now)
        case = self._cases.get(contract.name)
        if case is None or (case.current.contract, case.current.period, case.current.declared) != (
            contract,
            period,
            stood,
        ):
            before = calendar.previous(contract, now)
            case = _Pair(Case.begin(config, contract, period, stood), Case.begin(config, contract, before, stood))
            self._cases[contract.name] = case
        current = await case.current.judged(self._source, now)
        if not case.is_final:
            case.before, case.is_final = await self._previous(case.previous, now)
        return ContractView(
            contract=contract,
            current=current,
            previous=case.before,
            active_exclusions={
                rule.name: any(each.cause == rule.name and each.start <= now < each.end for each in stood)
                for rule in contract.exclusions
            },
        )

    async def _previous(self, case: Case, now: int) -> tuple[Statement | None, bool]:
        """The statement of the period before, None where nothing was known; and whether it can still change by new facts."""
        start, end = case.period.start, case.period.end
        known = await self._source.load(involved(case.config, case.contract.service), start, start + 1, records=False)
        if not any(series.known_from < end for series in known.series.values()):
            return None, True
        statement = await case.judged(self._source, now)
        return statement, statement.settled >= end and await case.recorded(self._source) >= end


def _comparable(statement: Statement, config: Config, clock: Clock) -> Statement:
    """Without delay and loss where single packets are gone: minutes cut by an edge left those figures with them."""
    if clock.now() - statement.period.start < config.store.keep_raw:
        return statement
    lines = tuple(line for line in statement.objectives if line.measure == Measure.AVAILABILITY)
    return replace(
        statement,
        objectives=lines,
        status=Status.UNKNOWN,
        credits=(),
        uncapped=None,
        uncapped_share=None,
        credit=None,
        credit_share=None,
        lost_to_cap=None,
        at_stake=None,
    )
