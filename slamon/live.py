"""What is true now: facts as they come → the judged state of every target and service, as values that metrics, web and CLI read.

Only settled time is accumulated, so a published figure never has to be taken back. In the steady case a second costs a few comparisons per
service; everything else goes through the same `sla.attribution.observe` that contracts are judged by.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from slamon.model import Effect, Target, meaning
from slamon.record.recorder import Batch
from slamon.record.rows import Gap, Run
from slamon.record.series import Series
from slamon.sla.attribution import context, observe
from slamon.sla.detection import detect, rule_of
from slamon.sla.facts import Facts, SeriesFacts, ServiceFacts, State
from slamon.sla.statement import Statement
from slamon.sla.terms import Contract
from slamon.sla.timeline import Timeline, union


@dataclass(frozen=True, slots=True, kw_only=True)
class StateView:
    """The judged state of a target or a service since it is known."""

    name: str
    state: State
    since: int
    nanoseconds: Mapping[State, int]
    """Settled time by state; Σ = settled − first_known."""
    first_known: int
    settled: int
    outages: int
    """Down intervals detected since first known, whoever caused them."""
    outage_start: int | None
    """Of the outage that is open now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetView:
    target: Target
    series: Series
    address: str | None
    """The address in use; None while the name has never resolved."""
    state: StateView | None
    """None until the first facts are settled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractView:
    contract: Contract
    current: Statement
    previous: Statement | None
    """None where nothing was known in the previous period."""
    active_exclusions: Mapping[str, bool]
    """Exclusion class of the contract → whether a declaration of it covers the present instant."""


class Turn(NamedTuple):
    """A service or target passed into `state` at `since`."""

    noun: str
    name: str
    state: State
    since: int
    previous: State | None
    previous_since: int | None


class News(NamedTuple):
    """What one batch says: by target the runs that are new or have grown, in send order, and how far everything is decided."""

    runs: Mapping[str, tuple[Run, ...]]
    settled: int
    lagging: Mapping[str, int]
    """Targets with undecided probes → everything they sent before this instant is decided."""


class Inbox:
    """Reads the recorder's batches, which know series by number."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}

    def read(self, batch: Batch) -> News:
        self._names.update({opened.id: opened.target for opened in batch.opened})
        runs: dict[int, list[Run]] = {}
        for minute in batch.minutes:
            runs.setdefault(minute.series, []).extend(minute.runs)
        for number, tail in (batch.tails or {}).items():
            runs.setdefault(number, []).extend(tail)
        return News(
            {self._names[number]: tuple(found) for number, found in runs.items()},
            batch.settled,
            {self._names[number]: instant for number, instant in batch.lagging.items()},
        )


@dataclass(slots=True)
class _Account:
    """Settled time of one target or service, added up as it settles."""

    noun: str
    name: str
    first_known: int
    settled: int
    state: State = State.UNKNOWN
    since: int = 0
    nanoseconds: dict[State, int] = field(default_factory=lambda: dict.fromkeys(State, 0))
    outages: int = 0
    outage_start: int | None = None

    def advance(self, judged: Timeline[State], detected: Timeline[State]) -> list[Turn]:
        """Add `[settled, judged.end)`. `detected` counts the outages, before anybody asked whose fault they are."""
        turns: list[Turn] = []
        start = self.settled
        if not judged.pieces or judged.end <= start:
            return turns
        for piece in judged.clip(start, judged.end).pieces:
            self.nanoseconds[piece.value] += piece.end - piece.start
            if piece.value is not self.state or self.since == 0:
                turns.append(Turn(self.noun, self.name, piece.value, piece.start, *self._before()))
                self.state, self.since = piece.value, piece.start
        self.settled = judged.end
        down = [piece for piece in detected.pieces if piece.value is State.DOWN and piece.start < self.settled]
        self.outages += sum(1 for piece in down if piece.start >= start)
        is_open = bool(down) and (down[-1].end >= self.settled)
        self.outage_start = down[-1].start if is_open else None
        return turns

    def grow(self, until: int) -> None:
        """The state goes on as it is until `until`."""
        if until > self.settled:
            self.nanoseconds[self.state] += until - self.settled
            self.settled = until

    def _before(self) -> tuple[State | None, int | None]:
        return (None, None) if self.since == 0 else (self.state, self.since)

    def view(self) -> StateView:
        return StateView(
            name=self.name,
            state=self.state,
            since=self.since,
            nanoseconds=dict(self.nanoseconds),
            first_known=self.first_known,
            settled=self.settled,
            outages=self.outages,
            outage_start=self.outage_start,
        )


@dataclass(slots=True)
class _Known:
    """The facts of one series that judging on from the present still needs."""

    target: Target
    known_from: int
    through: int
    """As restored; what batches say of it since is kept for all series together."""
    ended: list[Run]
    open: Run | None

    def facts(self, through: int) -> SeriesFacts:
        target = self.target
        return SeriesFacts(
            target=target.name,
            probe=target.probe,
            interval=target.interval,
            timeout=target.timeout,
            down_after=target.down_after,
            up_after=target.up_after,
            witness=target.witness,
            known_from=self.known_from,
            through=through,
            runs=(*self.ended, *((self.open,) if self.open else ())),
        )

    def steady_from(self) -> int | None:
        """First send of the open run when that is a run of successes."""
        run = self.open
        up = run is not None and meaning(run.result, self.target.probe).effect is Effect.UP
        return run.first_sent if run is not None and up else None

    def add(self, runs: Iterable[Run]) -> None:
        for run in runs:
            if self.open is None or run.first_sent > self.open.first_sent:
                if self.open is not None:
                    self.ended.append(self.open)
                self.open = run
            elif run.first_sent == self.open.first_sent:
                self.open = run
            # else it ended before, and batches repeat it until it is stored


MANY_RUNS = 32
"""Ended runs of one service from which on it is worth finding out which are still needed."""


class Live:
    """Follows all services. `update` is called once a batch; in between nothing changes."""

    def __init__(self) -> None:
        self._services: dict[str, ServiceFacts] = {}
        self._defined: dict[str, Target] = {}
        self._known: dict[str, _Known] = {}
        self._alone: tuple[str, ...] = ()
        """Targets that make up no service: they only serve as witnesses."""
        self._gaps: list[Gap] = []
        self._settled: int | None = None
        """Of the last batch; None while only stored facts are known."""
        self._lagging: Mapping[str, int] = {}
        self._accounts: dict[str, _Account] = {}
        self._service_accounts: dict[str, _Account] = {}
        self._needed: dict[str, int] = {}
        """Service → the instant from which on facts are needed to judge on."""

    def set(self, services: Iterable[ServiceFacts], targets: Iterable[Target]) -> None:
        """Follow exactly these. A target whose definition changed, and its service, begin anew: `restore` gives them their past."""
        self._services = {service.service: service for service in services}
        self._defined = defined = {target.name: target for target in targets}
        self._known = {
            name: known for name, known in self._known.items() if name in defined and known.target == defined[name]
        }
        members = {name for service in self._services.values() for name in service.targets}
        self._alone = tuple(name for name in defined if name not in members)
        self._accounts = {name: account for name, account in self._accounts.items() if name in self._known}
        self._service_accounts = {
            name: account
            for name, account in self._service_accounts.items()
            if name in self._services and all(target in self._known for target in self._services[name].targets)
        }

    def missing(self, targets: Iterable[Target]) -> tuple[Target, ...]:
        """Those, new or defined anew, whose past is not known here."""
        return tuple(
            target for target in targets if target.name not in self._known or self._known[target.name].target != target
        )

    def restore(self, facts: Iterable[SeriesFacts], gaps: Iterable[Gap]) -> None:
        """The whole past of targets: all their runs."""
        self._gaps = sorted({*self._gaps, *gaps})
        for series in facts:
            self._known[series.target] = _Known(
                self._defined[series.target],
                series.known_from,
                series.through,
                list(series.runs[:-1]),
                series.runs[-1] if series.runs else None,
            )

    def update(self, news: News | None, gaps: Iterable[Gap], now: int) -> list[Turn]:
        """One batch of news; what turned, in the order it was noticed. `now` bounds what can be settled."""
        fresh = list(gaps)
        self._gaps += fresh
        if news is not None:
            self._settled, self._lagging = news.settled, news.lagging
            for name, runs in news.runs.items():
                known = self._known.get(name)
                if known is None:
                    if not runs or name not in self._defined:
                        continue
                    first = runs[0].first_sent
                    known = self._known[name] = _Known(self._defined[name], first, first, [], None)
                known.add(runs)
        turns: list[Turn] = []
        for service in self._services.values():
            if fresh or not self._service_steady(service):
                turns += self._judge_service(service, now)
        for name in self._alone:
            if name in self._known and (fresh or not self._target_steady(name)):
                turns += self._judge_alone(name)
        return turns

    def target(self, name: str) -> StateView | None:
        """None until something about it has settled."""
        account = self._accounts.get(name)
        return account.view() if account is not None and account.since else None

    def services(self) -> list[StateView]:
        """Every service about which something has settled."""
        return [account.view() for account in self._service_accounts.values() if account.since]

    def service(self, name: str) -> StateView | None:
        account = self._service_accounts.get(name)
        return account.view() if account is not None and account.since else None

    def last_runs(self, name: str, most: int) -> tuple[Run, ...]:
        """The latest runs of a target, oldest first, at most so many."""
        known = self._known.get(name)
        return () if known is None else (*known.ended, *((known.open,) if known.open else ()))[-most:]

    def _through(self, name: str) -> int:
        """Every probe the target sent before this instant is decided and known here."""
        known = self._known[name].through
        return known if self._settled is None else max(known, self._lagging.get(name, self._settled))

    def _steady(self, name: str) -> bool:
        """The target was up when its open run of successes began or later, and that goes on: nothing to judge anew."""
        account, known = self._accounts.get(name), self._known.get(name)
        if account is None or known is None or account.state is not State.UP:
            return False
        since = known.steady_from()
        return since is not None and since <= account.settled

    def _grow(self, name: str) -> int:
        known, account = self._known[name], self._accounts[name]
        assert known.open is not None
        account.grow(min(known.open.last_sent, self._through(name)))
        return account.settled

    def _target_steady(self, name: str) -> bool:
        if not self._steady(name):
            return False
        self._grow(name)
        return True

    def _service_steady(self, service: ServiceFacts) -> bool:
        account = self._service_accounts.get(service.service)
        if account is None or account.state is not State.UP or not all(map(self._steady, service.targets)):
            return False
        account.grow(min(map(self._grow, service.targets), default=account.settled))
        return True

    def _facts(self, service: ServiceFacts) -> Facts:
        names = set(service.targets)
        names |= {self._known[name].target.witness for name in service.targets if name in self._known} - {None}  # type: ignore[arg-type]
        return Facts(
            services={service.service: service},
            series={name: self._known[name].facts(self._through(name)) for name in names if name in self._known},
            gaps=tuple(self._gaps),
        )

    def _judge_service(self, service: ServiceFacts, now: int) -> list[Turn]:
        facts = self._facts(service)
        seen = observe(facts, service.service, as_of=now)
        turns: list[Turn] = []
        for name, detection in seen.targets.items():
            account = self._account(self._accounts, "target", name, facts.series[name].known_from)
            turns += account.advance(detection.timeline, detection.timeline)
        if seen.timeline.pieces:
            account = self._account(self._service_accounts, "service", service.service, seen.timeline.start)
            turns += account.advance(seen.timeline, seen.detected)
            self._forget(service, facts, account.settled)
        return turns

    def _judge_alone(self, name: str) -> list[Turn]:
        series = self._known[name].facts(self._through(name))
        gaps = union((gap.start, gap.end) for gap in self._gaps)
        detection = detect(series, rule_of(series), gaps)
        account = self._account(self._accounts, "target", name, series.known_from)
        return account.advance(detection.timeline, detection.timeline)

    @staticmethod
    def _account(accounts: dict[str, _Account], noun: str, name: str, first_known: int) -> _Account:
        account = accounts.get(name)
        if account is None:
            account = accounts[name] = _Account(noun, name, first_known, first_known)
        return account

    def _forget(self, service: ServiceFacts, facts: Facts, settled: int) -> None:
        """Drop runs that no judgement after `settled` needs, now and then."""
        if sum(len(self._known[name].ended) for name in facts.series) < MANY_RUNS:
            return
        cut = min(settled, *(self._accounts[name].settled for name in service.targets if name in self._accounts))
        self._needed[service.service] = context(facts, service.service, cut)
        for name in facts.series:
            users = [
                other
                for other in self._services.values()
                if name in other.targets or any(self._witness_of(target) == name for target in other.targets)
            ]
            needed = min(self._needed.get(user.service, 0) for user in users)
            known = self._known[name]
            known.ended = [run for run in known.ended if run.until > needed]
        oldest = min((self._needed.get(name, 0) for name in self._services), default=0)
        self._gaps = [gap for gap in self._gaps if gap.end > oldest]

    def _witness_of(self, name: str) -> str | None:
        known = self._known.get(name)
        return None if known is None else known.target.witness
