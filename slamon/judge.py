"""Loads facts and judges contracts: the one caller of the core's evaluation, for the daemon, the web and the command line alike.

A tally of everything that cannot change any more is kept per contract and period; a refresh judges that base plus the tail after it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from slamon.clock import Clock
from slamon.config import Config
from slamon.errors import UsageError
from slamon.live import ContractView
from slamon.model import DAY, HOUR, Target
from slamon.record.rows import Gap
from slamon.sla import calendar
from slamon.sla.attribution import TRUST
from slamon.sla.facts import Exclusion, Facts, SeriesFacts, ServiceFacts
from slamon.sla.statement import Period, Statement, Status, judge
from slamon.sla.tally import QUARTER, Tally, base_end, counts_packets, eligible, needed_from, settled, tally
from slamon.sla.terms import Contract, Measure
from slamon.stats import Stats
from slamon.store import Store, StoreThread

log = logging.getLogger(__name__)

TRIES = 5
"""Comparisons before a difference counts: a batch that is written between the two judgements may explain one or two."""

RECHECK = HOUR
"""How often one contract is judged from scratch and compared with its running tally."""


BEYOND = HOUR
"""After a period's end: usually enough for every probe of it to be decided."""


class Observed(NamedTuple):
    """What was observed of some targets: target name → its facts, and when nothing could be."""

    series: dict[str, SeriesFacts]
    gaps: tuple[Gap, ...]


class Source:
    """Where facts come from: a store, asked on its own thread."""

    def __init__(self, store: Store, thread: StoreThread) -> None:
        self._store = store
        self._thread = thread

    async def load(
        self, targets: Sequence[Target], start: int, end: int, *, cuts: Sequence[int] = (), records: bool = True
    ) -> Observed:
        """See `Store.load`; series with their targets' definitions."""
        names = [target.name for target in targets]
        stored = await self._thread.call(self._store.load, names, start, end, cuts=cuts, records=records)
        series = {
            target.name: stored.series[target.name].facts(target) for target in targets if target.name in stored.series
        }
        return Observed(series, stored.gaps)

    async def recorded(self) -> int:
        return await self._thread.call(self._store.recorded)

    async def exclusions(self) -> tuple[Exclusion, ...]:
        return await self._thread.call(self._store.exclusions)

    async def last_declaration(self) -> int:
        return await self._thread.call(self._store.last_declaration)


def service_facts(config: Config) -> dict[str, ServiceFacts]:
    """What makes each service up, as the core takes it."""
    return {
        service.name: ServiceFacts(service=service.name, targets=service.targets, quorum=service.quorum)
        for service in config.services.values()
    }


def involved(config: Config, service: str) -> tuple[Target, ...]:
    """The targets of a service and the witnesses their silence is held against."""
    names = dict.fromkeys(config.services[service].targets)
    names |= dict.fromkeys(witness for name in tuple(names) if (witness := config.targets[name].witness) is not None)
    return tuple(config.targets[name] for name in names)


class Bench:
    """One contract's facts, loaded as far as a judgement needs them."""

    def __init__(self, config: Config, contract: Contract, source: Source, exclusions: tuple[Exclusion, ...]) -> None:
        self._contract = contract
        self._source = source
        self._exclusions = tuple(each for each in exclusions if each.contract == contract.name)
        self._services = service_facts(config)
        self._targets = involved(config, contract.service)

    async def runs(self, start: int, end: int) -> Facts:
        """Runs and gaps of `[start, end)`, with what is needed before: also the answer that lets a silent witness be believed."""
        return self._facts(await self._source.load(self._targets, start - TRUST, end, records=False))

    async def past(self, period: Period, as_of: int) -> Facts:
        """What a period needs: what follows it decides its last seconds, so it is loaded beyond its end as far as necessary."""
        horizon = min(as_of, period.end + BEYOND)
        runs = await self.runs(period.start, max(horizon, period.start + 1))
        if horizon < as_of and settled(self._contract, runs, as_of=as_of) < period.end:
            runs = await self.runs(period.start, as_of)
        return runs

    async def tally(self, runs: Facts, start: int, end: int, *, as_of: int) -> Tally:
        """Sums over `[start, end)`; `runs` holds the runs that span needs, records are loaded here."""
        contract = self._contract
        counted = counts_packets(contract) and start < end
        spans = eligible(contract, runs, start, end, as_of=as_of) if counted else ()
        if not spans:
            return tally(contract, runs, start, end, as_of=as_of)
        cuts = [edge for span in spans for edge in span]
        stored = await self._source.load(self._targets, spans[0][0], spans[-1][1], cuts=cuts)
        series = {name: _with_records(facts, stored) for name, facts in runs.series.items()}
        return tally(
            contract,
            Facts(services=runs.services, series=series, gaps=runs.gaps, exclusions=runs.exclusions),
            start,
            end,
            as_of=as_of,
        )

    def _facts(self, stored: Observed) -> Facts:
        return Facts(services=self._services, series=stored.series, gaps=stored.gaps, exclusions=self._exclusions)


def _with_records(facts: SeriesFacts, stored: Observed) -> SeriesFacts:
    found = stored.series.get(facts.target)
    return facts if found is None else replace(facts, records=found.records)


async def judge_once(
    config: Config, contract: Contract, period: Period, *, source: Source, exclusions: tuple[Exclusion, ...], as_of: int
) -> Statement:
    """One contract over one period, from scratch."""
    bench = Bench(config, contract, source, exclusions)
    runs = await bench.past(period, as_of)
    whole = await bench.tally(runs, period.start, period.end, as_of=as_of)
    return judge(contract, period, whole, as_of=as_of)


def find_period(contract: Contract, name: str, now: int) -> Period:
    """`current`, `previous` or a name such as `2026-10`. Raises UsageError."""
    if name == "current":
        return calendar.current(contract, now)
    if name == "previous":
        return calendar.previous(contract, now)
    return calendar.period(contract, name)


def find_contracts(config: Config, name: str | None) -> tuple[Contract, ...]:
    """The contract of that name, or all. Raises UsageError for an unknown name, saying which there are."""
    if name is None:
        return tuple(config.contracts.values())
    if name not in config.contracts:
        known = ", ".join(config.contracts) or "none"
        raise UsageError(f"there is no contract {name!r}; the contracts are: {known}")
    return (config.contracts[name],)


async def report(
    config: Config, source: Source, *, contract: str | None, period: str, now: int
) -> tuple[Statement, ...]:
    """The statements people ask for, from scratch. Raises UsageError for an unknown contract or period."""
    exclusions = await source.exclusions()
    statements = []
    for each in find_contracts(config, contract):
        span = find_period(each, period, now)
        statements.append(await judge_once(config, each, span, source=source, exclusions=exclusions, as_of=now))
    return tuple(statements)


@dataclass(slots=True)
class _Case:
    """The running judgement of one contract: what need not be computed again, and the period it is of."""

    config: Config
    """The one the contract, its service and its targets are of; a reload may come between two steps of a judgement."""
    contract: Contract
    period: Period
    declared: int
    """Last declaration the base was computed with."""
    upto: int
    """The base covers `[period.start, upto)`."""
    base: Tally
    needed: int
    """Runs from here on judge everything after `upto`."""
    previous: Statement | None = None
    previous_final: bool = False
    """Everything in the previous period had settled when it was judged."""


class Judge:
    """Keeps a statement of every contract's current and previous period up to date."""

    def __init__(self, *, clock: Clock, stats: Stats, source: Source, config: Config) -> None:
        self._clock = clock
        self._stats = stats
        self._source = source
        self._config = config
        self._cases: dict[str, _Case] = {}
        self._next_check = clock.monotonic() + RECHECK
        self._checked = 0
        self.views: tuple[ContractView, ...] = ()
        """As of the last refresh, in the order of the configuration."""
        self.declared = 0
        """Number of the last declaration the views were judged with."""

    def set(self, config: Config) -> None:
        """Judge by this configuration from the next refresh on; a contract whose terms or targets changed is judged from scratch."""
        before, self._config = self._config, config
        for name, case in list(self._cases.items()):
            contract = config.contracts.get(name)
            if (
                contract != case.contract
                or involved(config, contract.service) != involved(before, contract.service)
                or config.services[contract.service].quorum != before.services[contract.service].quorum
            ):
                del self._cases[name]
            else:
                case.config = config
        self.views = tuple(view for view in self.views if view.contract.name in self._cases)

    async def refresh(self) -> None:
        """Judge every contract as of now; others run between two contracts."""
        config = self._config
        declared = await self._source.last_declaration()
        exclusions = await self._source.exclusions()
        views = []
        for contract in config.contracts.values():
            if config is not self._config:
                return  # a reload came in between; the next refresh judges by it
            begun = self._clock.monotonic()
            views.append(await self._view(config, contract, declared, exclusions))
            self._stats.evaluation.observe(self._clock.monotonic() - begun)
            await asyncio.sleep(0)
        if config is self._config:
            self.views = tuple(views)
            self.declared = declared
        if self._clock.monotonic() >= self._next_check:
            self._next_check = self._clock.monotonic() + RECHECK
            await self.recheck(exclusions)

    async def recheck(self, exclusions: tuple[Exclusion, ...]) -> bool:
        """Judge the next contract in turn from scratch; False, counted and logged, when its running tally says otherwise.

        Both judge what had settled at the last refresh. Facts go on being written meanwhile, and minutes become records: so only a
        difference that stays is one.
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
            running = await self._running(case, exclusions, as_of)
            scratch = await judge_once(
                case.config, contract, period, source=self._source, exclusions=exclusions, as_of=as_of
            )
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

    async def _view(
        self, config: Config, contract: Contract, declared: int, exclusions: tuple[Exclusion, ...]
    ) -> ContractView:
        now = self._clock.now()
        case = self._cases.get(contract.name)
        period = calendar.current(contract, now)
        if case is None or case.contract != contract or case.declared != declared or case.period != period:
            case = _Case(config, contract, period, declared, period.start, Tally(), period.start)
            self._cases[contract.name] = case
        current = await self._running(case, exclusions, now)
        if not case.previous_final:
            case.previous, case.previous_final = await self._previous(config, contract, exclusions, now)
        return ContractView(
            contract=contract,
            current=current,
            previous=case.previous,
            active_exclusions=_active(contract, exclusions, now),
        )

    async def _running(self, case: _Case, exclusions: tuple[Exclusion, ...], as_of: int) -> Statement:
        """The base and what follows it, judged; the base grows by what will not change any more."""
        contract, period = case.contract, case.period
        bench = Bench(case.config, contract, self._source, exclusions)
        runs = await bench.runs(case.needed, max(as_of, case.needed + 1))
        last = min(period.end, await self._recorded(contract, period.end))
        while (cut := min(base_end(contract, runs, case.upto, last, as_of=as_of), case.upto + DAY)) > case.upto:
            # a day at a time, so that a month that has to be judged anew does not hold up the sender
            case.base += await bench.tally(runs, case.upto, cut, as_of=as_of)
            case.upto, case.needed = cut, needed_from(contract, runs, cut)
            await asyncio.sleep(0)
        tail = await bench.tally(runs, case.upto, period.end, as_of=as_of)
        return judge(contract, period, case.base + tail, as_of=as_of)

    async def _recorded(self, contract: Contract, otherwise: int) -> int:
        """Up to here packets are in records and will not be more; `otherwise` when the contract does not count packets."""
        if not counts_packets(contract):
            return otherwise
        recorded = await self._source.recorded()
        return recorded - recorded % QUARTER

    async def _previous(
        self, config: Config, contract: Contract, exclusions: tuple[Exclusion, ...], now: int
    ) -> tuple[Statement | None, bool]:
        """The statement of the period before, None where nothing was known; and whether it can still change by new facts."""
        period = calendar.previous(contract, now)
        bench = Bench(config, contract, self._source, exclusions)
        runs = await bench.past(period, now)
        if not any(series.known_from < period.end for series in runs.series.values()):
            return None, True
        whole = await bench.tally(runs, period.start, period.end, as_of=now)
        final = whole.settled >= period.end and await self._recorded(contract, period.end) >= period.end
        return judge(contract, period, whole, as_of=now), final


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


def _active(contract: Contract, exclusions: Iterable[Exclusion], now: int) -> Mapping[str, bool]:
    covering = {
        each.cause
        for each in exclusions
        if each.contract == contract.name and each.revoked_at is None and each.start <= now < each.end
    }
    return {rule.name: rule.name in covering for rule in contract.exclusions}
