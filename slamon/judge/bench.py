"""A store → the facts one contract is judged by, as far as a judgement needs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from slamon.config import Config
from slamon.model import Target
from slamon.path import Traced
from slamon.record.rows import Gap
from slamon.sla.exclusions import standing
from slamon.sla.facts import Facts, SeriesFacts, ServiceFacts, happened
from slamon.sla.tally import Tally, counts_packets, eligible, tally
from slamon.sla.terms import Composition, Contract, names
from slamon.sla.timeline import Spans
from slamon.store import Declarations, Store, StoreThread


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
        self,
        targets: Sequence[Target],
        start: int,
        end: int,
        *,
        cuts: Sequence[int] = (),
        records: bool = True,
        up_after: int = 1,
    ) -> Observed:
        """See `Store.load`; series with their targets' definitions. `up_after`: of a rule in place of the targets' own."""
        asked = [target.name for target in targets]
        most = max((target.up_after for target in targets), default=1)
        stored = await self._thread.call(
            self._store.load, asked, start, end, cuts=cuts, records=records, up_after=max(most, up_after)
        )
        series = {
            target.name: stored.series[target.name].facts(target) for target in targets if target.name in stored.series
        }
        return Observed(series, stored.gaps)

    async def recorded(self) -> int:
        return await self._thread.call(self._store.recorded)

    async def paths(self, targets: Sequence[str], start: int, end: int) -> tuple[Traced, ...]:
        """See `Store.paths`."""
        return await self._thread.call(self._store.paths, targets, start, end)

    async def declarations(self) -> Declarations:
        return await self._thread.call(self._store.declarations)

    async def last_declaration(self) -> int:
        return await self._thread.call(self._store.last_declaration)


def service_facts(config: Config) -> dict[str, ServiceFacts]:
    """What makes each service up, as the core takes it."""
    return {
        service.name: ServiceFacts(
            service=service.name,
            targets=service.targets,
            quorum=service.quorum,
            round=max(config.targets[target].interval for target in service.targets),
        )
        for service in config.services.values()
    }


def involved(config: Config, service: Composition) -> tuple[Target, ...]:
    """The targets of a service, or of services together, and the witnesses their silence is held against."""
    found = dict.fromkeys(target for leaf in names(service) for target in config.services[leaf].targets)
    found |= dict.fromkeys(witness for name in tuple(found) if (witness := config.targets[name].witness) is not None)
    return tuple(config.targets[name] for name in found)


def declared(contract: Contract, declarations: Declarations, at: int) -> Facts:
    """The contract's declarations that stood at `at`, in their order, as facts without anything observed.

    The core asks each exclusion whether it stood at the instant of judging. That is asked here, once, so that facts and
    declarations of different instants can be judged together: they are handed over as made before anything else. Who declares
    an exclusion thereby lodges it, and gives notice of it, unless the declaration says when that was done.
    """
    stood = standing(declarations.exclusions, contract, at)
    exclusions = tuple(
        replace(
            each,
            declared_at=order,
            revoked_at=None,
            lodged=each.declared_at if each.lodged is None else each.lodged,
            notified=each.declared_at if each.notified is None else each.notified,
        )
        for order, each in enumerate(stood)
    )
    return happened((each.event for each in standing(declarations.events, contract, at)), Facts(exclusions=exclusions))


class Bench:
    """The facts one service is judged by under a contract, loaded as far as a judgement needs them.

    `declared` as the function of that name returns it.
    """

    def __init__(
        self,
        config: Config,
        terms: Contract,
        service: Composition,
        origin: int,
        source: Source,
        declared: Facts,
    ) -> None:
        """`terms`: the version in force; `origin`: where the period begins."""
        self._terms = terms
        self._service = service
        self._origin = origin
        self._source = source
        self._declared = declared
        self._services = service_facts(config)
        self._targets = involved(config, service)

    async def runs(self, start: int, end: int) -> Facts:
        """Runs and gaps of `[start, end)`, with what is needed before to know the state of every target at `start`."""
        up_after = 1 if self._terms.outage.slot is not None else self._terms.outage.until or 1
        return self._facts(await self._source.load(self._targets, start, end, records=False, up_after=up_after))

    async def tally(self, runs: Facts, start: int, end: int, *, as_of: int) -> Tally:
        """Sums over `[start, end)`; `runs` holds the runs that span needs, records are loaded here."""
        spans: Spans = ()
        if counts_packets(self._terms) and start < end:
            spans = eligible(self._terms, runs, start, end, as_of=as_of, service=self._service, origin=self._origin)
        facts = runs
        if spans:
            cuts = [edge for span in spans for edge in span]
            stored = await self._source.load(self._targets, spans[0][0], spans[-1][1], cuts=cuts)
            series = {name: _with_records(own, stored) for name, own in runs.series.items()}
            facts = replace(runs, series=series)
        return tally(self._terms, facts, start, end, as_of=as_of, service=self._service, origin=self._origin)

    def _facts(self, stored: Observed) -> Facts:
        return replace(self._declared, services=self._services, series=stored.series, gaps=stored.gaps)


def _with_records(facts: SeriesFacts, stored: Observed) -> SeriesFacts:
    found = stored.series.get(facts.target)
    return facts if found is None else replace(facts, records=found.records)
