"""A store → the facts one contract is judged by, as far as a judgement needs them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol

from slamon.config import Config
from slamon.model import Target
from slamon.path import Traced
from slamon.record.rows import Gap, Record
from slamon.sla.attribution import decided
from slamon.sla.exclusions import standing
from slamon.sla.facts import Facts, SeriesFacts, ServiceFacts, happened
from slamon.sla.outages import Ruled, ruled
from slamon.sla.slots import judged_by_loss, own_rule
from slamon.sla.tally import Tally, counts_packets, eligible, tally
from slamon.sla.terms import Contract
from slamon.sla.terms.composition import Composition, names
from slamon.sla.timeline import Spans
from slamon.store import Answering, Declarations, Stood, Store, StoreThread


class Observed(NamedTuple):
    """What was observed of some targets: target name → its facts, and when nothing could be."""

    series: dict[str, SeriesFacts]
    gaps: tuple[Gap, ...]


class Reader(Protocol):
    """Whoever gives facts to a judgement: the store itself, or what was read of it a moment ago."""

    async def runs(self, targets: Sequence[Target], start: int, end: int, *, up_after: int) -> Observed:
        """Runs and gaps, no records; see `Store.load`."""

    async def records(
        self, targets: Sequence[Target], start: int, end: int, *, cuts: Sequence[int]
    ) -> Mapping[str, tuple[Record, ...]]:
        """Target name → its records; see `Store.load`."""

    async def recorded(self) -> int:
        """See `Store.recorded`."""

    async def known_from(self, targets: Sequence[Target]) -> int | None:
        """Since when anything is known of the targets; None = nothing is."""


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

    async def runs(self, targets: Sequence[Target], start: int, end: int, *, up_after: int) -> Observed:
        return await self.load(targets, start, end, records=False, up_after=up_after)

    async def records(
        self, targets: Sequence[Target], start: int, end: int, *, cuts: Sequence[int]
    ) -> Mapping[str, tuple[Record, ...]]:
        names = [target.name for target in targets]
        stored = await self._thread.call(self._store.load, names, start, end, cuts=cuts, up_after=1)
        return {name: series.records for name, series in stored.series.items()}

    async def known_from(self, targets: Sequence[Target]) -> int | None:
        known = await self.load(targets, 0, 1, records=False)
        return min((series.known_from for series in known.series.values()), default=None)

    async def answering(self, targets: Sequence[Target]) -> Answering:
        """See `Store.answering`."""
        return await self._thread.call(self._store.answering, [target.name for target in targets])

    async def paths(self, targets: Sequence[str], start: int, end: int) -> tuple[Traced, ...]:
        """See `Store.paths`."""
        return await self._thread.call(self._store.paths, targets, start, end)

    async def declarations(self) -> Declarations:
        return await self._thread.call(self._store.declarations)

    @property
    def declared(self) -> int:
        """`last_declaration` as of the last batch written, at once."""
        return self._store.declared

    async def history(self, contract: str, since: int) -> tuple[Stood, ...]:
        """See `Store.history`."""
        return await self._thread.call(self._store.history, contract, since)

    async def last_declaration(self) -> int:
        return await self._thread.call(self._store.last_declaration)


def service_facts(config: Config, of: Iterable[str] | None = None) -> dict[str, ServiceFacts]:
    """What makes each service up, as the core takes it; of these services, or of all."""
    services = config.services.values() if of is None else (config.services[name] for name in of)
    return {
        service.name: ServiceFacts(
            service=service.name,
            targets=service.targets,
            quorum=service.quorum,
            round=max(config.targets[target].interval for target in service.targets),
        )
        for service in services
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
            stated_at=each.declared_at,
            revoked_at=None,
            lodged=each.declared_at if each.lodged is None else each.lodged,
            notified=each.declared_at if each.notified is None else each.notified,
        )
        for order, each in enumerate(stood)
    )
    return happened((each.event for each in standing(declarations.events, contract, at)), Facts(exclusions=exclusions))


def most_up_after(terms: Contract) -> int:
    """The most successes in a row that the terms ask for in place of the targets' own rules."""
    return 1 if terms.outage.slot is not None else terms.outage.until or 1


def slots_back(terms: Contract, targets: Iterable[Target]) -> int:
    """How far before a span packets are read first, where slots are judged by their loss: usually they decide the state at its start."""
    rules = [own_rule(target.slots) for target in targets if target.slots is not None]
    rules += [terms.outage] if judged_by_loss(terms.outage) else []
    return max((((rule.until or 1) + 1) * (rule.slot or 0) for rule in rules), default=0)


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
        source: Reader,
        declared: Facts,
    ) -> None:
        """`terms`: the version in force; `origin`: where the period begins."""
        self._terms = terms
        self._service = service
        self._origin = origin
        self._source = source
        self._declared = declared
        self._services = service_facts(config, names(service))
        self._targets = involved(config, service)

    async def runs(self, start: int, end: int) -> Facts:
        """Runs and gaps of `[start, end)`, with what is needed before to know the state of every target at `start`."""
        up_after, rule = most_up_after(self._terms), self._terms.outage
        back = slots_back(self._terms, self._targets)
        while True:
            first = start - back
            runs = self._facts(await self._source.runs(self._targets, first, end, up_after=up_after))
            if not back or decided(runs, rule, first, start, origin=self._origin):
                return runs
            back *= 4

    def ruled(self, runs: Facts, *, as_of: int) -> Ruled:
        """What the outage rule makes of the runs: asked once, for all that is computed from them."""
        return ruled(self._terms, runs, self._service, as_of=as_of, origin=self._origin)

    async def tally(self, runs: Facts, ruling: Ruled, start: int, end: int, *, as_of: int) -> Tally:
        """Sums over `[start, end)`; `runs` holds the runs that span needs and `ruling` is of them, records are loaded here."""
        service, origin = self._service, self._origin
        spans: Spans = ()
        if counts_packets(self._terms) and start < end:
            spans = eligible(self._terms, runs, start, end, as_of=as_of, service=service, origin=origin, ruling=ruling)
        records: Mapping[str, tuple[Record, ...]] = {}
        if spans:
            cuts = [edge for span in spans for edge in span]
            records = await self._source.records(self._targets, spans[0][0], spans[-1][1], cuts=cuts)
        return tally(
            self._terms, runs, start, end, as_of=as_of, service=service, origin=origin, ruling=ruling, records=records
        )

    def _facts(self, stored: Observed) -> Facts:
        return replace(self._declared, services=self._services, series=stored.series, gaps=stored.gaps)
