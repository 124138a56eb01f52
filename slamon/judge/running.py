"""The statements of every contract, kept up to date while facts come in."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias
from zlib import crc32

from slamon.clock import Clock
from slamon.config import Config
from slamon.judge.bench import Reader, Source, declared, involved, most_up_after
from slamon.judge.book import Book
from slamon.judge.held import hold
from slamon.judge.revisions import Revisions
from slamon.live import ContractView
from slamon.model import HOUR, MINUTE, S
from slamon.sla import periods
from slamon.sla.exclusions import decide, owned
from slamon.sla.facts import Exclusion, Facts
from slamon.sla.lines import Period, Status
from slamon.sla.reach import looks_ahead, needed, services
from slamon.sla.statement import Statement
from slamon.sla.terms import Contract
from slamon.sla.terms.composition import names
from slamon.sla.terms.measures import Measure
from slamon.sla.timeline import Piece
from slamon.stats import Stats
from slamon.store import Answering, Declarations
from slamon.turns import give_way

log = logging.getLogger(__name__)

TRIES = 5
"""Comparisons before a difference counts: a batch that is written between the two judgements may explain one or two."""

AT_ONCE = 100
"""Targets whose facts are read of the store in one go: a few milliseconds of its thread."""

EASY = MINUTE + 15 * S
"""How old a view may become while all that could be added to it is time up; usually a minute, for then the next one is recorded."""

QUIET = 5 * MINUTE
"""How often a contract is judged, each in its turn, while its targets answer: all it gains is time up and packets that came back."""

TURNS = 5
"""In which all have theirs: those of one are judged one after the other. The first finds nothing in the caches: alone a contract took
4.3 ms, one of twenty 2.6."""

SHORT = 100
"""Times as long as a view may become old a period has to be: of a short one every minute counts for more."""

_Well: TypeAlias = tuple[int, ...]
"""Since when each target answers."""

RECHECK = HOUR
"""How often one contract is judged from scratch and compared with its running tally."""


@dataclass(slots=True)
class _Running:
    """The running judgement of one contract."""

    book: Book
    current: Period
    begun: int
    """When it was judged first."""
    excluded: list[Piece[Exclusion]]
    """Time that does not count by the terms of `current`, each piece with the declaration it is due to."""
    revisions: Revisions
    before: Statement | None = None
    """Of the period before, None where nothing was known."""
    is_final: bool = False
    """Nothing measured can change it any more."""
    again: int = 0
    """When a final one is judged anew all the same: a deadline may have passed, a debt fallen due."""
    view: ContractView | None = None
    """The last one made."""
    well: _Well | None = None
    """That every target answered just before it was made, and all time before was settled; None where not."""
    recorded: int = 0
    """Minutes that were recorded when it was made."""

    def seen(self, view: ContractView, answering: Answering) -> None:
        """It was judged by what was there when these answered. Unless all time before their answers is settled in it, it will not stand."""
        well = self.answered(answering)
        self.well = well if well is not None and view.current.settled >= max(well, default=0) else None
        self.view, self.recorded = view, answering.recorded // MINUTE

    async def statement(self, reader: Reader, source: Source, period: Period, now: int) -> Statement:
        return await self.revisions.of(self.book, await self.book.statement(reader, period, now), source)

    def answered(self, answering: Answering) -> _Well | None:
        """All targets answer, and have for as long as any rule may ask for; None where that is not known."""
        asked = max(map(most_up_after, (self.book.contract, *self.book.contract.amendments)))
        since = []
        for target in self.book.targets():
            first, samples = answering.runs.get(target.name, (0, 0))
            if samples < max(target.up_after, asked):
                return None
            since.append(first)
        return tuple(since)

    def stands(self, answering: Answering, now: int) -> bool:
        """Nothing happened since the view was made, and its turn has not come: its targets answer as they did."""
        if self.view is None or self.well is None:
            return False
        shown = self.view.current
        return (
            shown.as_of <= now < self._turn(shown, answering)
            and self.well == self.answered(answering)
            and not any(outage.end is None for outage in shown.outages)
            and not any(shown.as_of < edge <= now for start, end, _ in self.excluded for edge in (start, end))
        )

    def _turn(self, shown: Statement, answering: Answering) -> int:
        """When it is judged again though nothing happens: young, or of a short period, by every minute that is recorded."""
        period, as_of = self.current, shown.as_of
        following = QUIET - (as_of - phase(self.book.contract.name)) % QUIET
        rest = min(following, as_of - self.begun, (period.end - period.start) // SHORT)
        if answering.recorded // MINUTE == self.recorded:
            rest = max(rest, EASY)
        return min(as_of + rest, period.end)


def phase(name: str) -> int:
    """When in each QUIET the turn of the contract of that name is; the same after a restart."""
    return (crc32(name.encode()) * TURNS >> 32) * QUIET // TURNS


class Judge:
    """Keeps a statement of every contract's current and previous period up to date."""

    def __init__(self, *, clock: Clock, stats: Stats, source: Source, config: Config) -> None:
        self._clock = clock
        self._stats = stats
        self._source = source
        self._config = config
        self._groups = list(_together(config))
        self._cases: dict[str, _Running] = {}
        self._next_check = clock.monotonic() + RECHECK
        self._checked = 0
        self.views: tuple[ContractView, ...] = ()
        """As of the last refresh, in the order of the configuration."""
        self.declared = 0
        """Number of the last declaration the views were judged with."""
        self.declarations: Declarations | None = None
        """All there were at the last refresh, also revoked ones; None before the first."""

    def set(self, config: Config) -> None:
        """Judge by this configuration from the next refresh on; a contract whose terms or targets changed is judged from scratch."""
        before, self._config = self._config, config
        self._groups = list(_together(config))
        for name, case in list(self._cases.items()):
            contract = config.contracts.get(name)
            if contract != case.book.contract or _watched(config, contract) != _watched(before, contract):
                del self._cases[name]
            else:
                case.book.renew(config)
                case.view, case.again = None, 0  # what its promise rests on may be another
        self.views = tuple(view for view in self.views if view.contract.name in self._cases)

    async def refresh(self) -> None:
        """Judge every contract as of now; others run between two contracts."""
        config, groups = self._config, self._groups
        number = await self._source.last_declaration()
        declarations = await self._source.declarations()
        views: dict[str, ContractView] = {}
        for contracts in groups:
            cases = {each.name: self._cases[each.name] for each in contracts if each.name in self._cases}
            answering = await self._source.answering(
                [target for case in cases.values() for target in case.book.targets()]
            )
            now = self._clock.now()
            if number == self.declared:
                views |= {name: case.view for name, case in cases.items() if case.view and case.stands(answering, now)}
            due = [contract for contract in contracts if contract.name not in views]
            reader = await hold(self._source, [cases[each.name].book for each in due if each.name in cases], now)
            for contract in due:
                if config is not self._config:
                    return  # a reload came in between; the next refresh judges by it
                begun = self._clock.monotonic()
                views[contract.name] = await self._view(config, contract, declarations, reader)
                case = self._cases.get(contract.name)
                if case is not None and config is self._config:  # else a reload came in between
                    case.seen(views[contract.name], answering)
                self._stats.evaluation.observe(self._clock.monotonic() - begun)
                await give_way()
        if config is self._config:
            self.views = tuple(views[name] for name in config.contracts)
            self.declared, self.declarations = number, declarations
        if self._clock.monotonic() >= self._next_check:
            self._next_check = self._clock.monotonic() + RECHECK
            await self.recheck()

    async def recheck(self) -> bool:
        """Judge the next contract in turn from scratch; False, counted and logged, when its running tally says otherwise.

        Both judge as of the last refresh, by the declarations that stood then; not as of what had settled by then, since what settled
        it may have come later. Facts go on being written meanwhile, and minutes become records: so only a difference that stays is one.
        """
        if not self.views:
            return True
        view = self.views[self._checked % len(self.views)]
        self._checked += 1
        contract, period, as_of = view.contract, view.current.period, view.current.as_of
        case = self._cases.get(contract.name)
        for _ in range(TRIES):
            if case is None or as_of <= period.start:
                return True
            running = await case.book.statement(self._source, period, as_of)
            anew = case.book.without(period)
            scratch = await anew.statement(self._source, period, as_of, step=period.end - period.start)
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
        self, config: Config, contract: Contract, declarations: Declarations, reader: Reader
    ) -> ContractView:
        now = self._clock.now()
        period = periods.current(contract, now)
        terms = periods.version(contract, period.start)
        stood = declared(contract, declarations, now)
        case = self._cases.get(contract.name)
        if case is None or (case.book.contract, case.book.declared) != (contract, stood):
            revisions = case.revisions if case is not None and case.book.contract == contract else Revisions(contract)
            case = _Running(Book(config, contract, stood), period, now, _excluded(terms, stood, period, now), revisions)
            self._cases[contract.name] = case
        elif case.current != period:
            case.current, case.before, case.is_final = period, None, False
            case.excluded = _excluded(terms, stood, period, now)
            case.book.forget(needed(contract, periods.previous(contract, now), now)[0].start)
        current = await case.statement(reader, self._source, period, now)
        if not case.is_final or now >= case.again:
            case.again = now + RECHECK
            case.before, case.is_final = await self._previous(case, periods.previous(contract, now), now, reader)
        owner = next((piece.value.cause for piece in case.excluded if piece.start <= now < piece.end), None)
        return ContractView(
            contract=contract,
            current=current,
            previous=case.before,
            active_exclusions={rule.name: rule.name == owner for rule in terms.exclusions},
        )

    async def _previous(
        self, case: _Running, period: Period, now: int, reader: Reader
    ) -> tuple[Statement | None, bool]:
        """The statement of the period before, None where nothing was known; and whether it can no longer change."""
        known = await case.book.known_from(reader)
        if known is None or known >= period.end:
            return None, True
        statement = await case.statement(reader, self._source, period, now)
        return statement, case.book.is_final(period) and not looks_ahead(case.book.contract, period)


def _excluded(terms: Contract, stood: Facts, period: Period, now: int) -> list[Piece[Exclusion]]:
    """From now on, as long as the period is the current one; one of less than a day may not have begun."""
    decisions = decide(terms, stood.exclusions, stood.tickets)
    return owned(decisions, terms, start=min(period.start, now), end=period.end)


def _together(config: Config) -> Iterator[list[Contract]]:
    """The contracts in their order, by so many targets at once."""
    group: list[Contract] = []
    targets = 0
    for contract in config.contracts.values():
        own = sum(len(involved(config, service)) for service in services(contract))
        if group and targets + own > AT_ONCE:
            yield group
            group, targets = [], 0
        group.append(contract)
        targets += own
    if group:
        yield group


def _watched(config: Config, contract: Contract) -> list[object]:
    """What decides when the contract's services are up, besides the contract."""
    leaves = dict.fromkeys(name for service in services(contract) for name in names(service))
    return [(involved(config, name), config.services[name].quorum) for name in leaves]


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
        caps=(),
        bonuses=(),
        rights=(),
        uncapped=None,
        uncapped_share=None,
        credit=None,
        credit_share=None,
        lost_to_cap=None,
        at_stake=None,
        earned_back=None,
        payable=None,
        bonus=None,
        adjustment=None,
    )
