"""News of every second, or the whole past in slices → accounts of settled time, through the `observe` that contracts are judged by."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from heapq import merge

from slamon.live.account import Account
from slamon.live.inbox import Growing, News
from slamon.live.known import Known
from slamon.live.loss import Failing
from slamon.live.views import StateView, Turn
from slamon.model import DAY, Target
from slamon.record.rows import Gap, Run, extended
from slamon.sla.attribution import LAPSE, detection_of, observe, unnoticed
from slamon.sla.facts import Facts, SeriesFacts, ServiceFacts, State
from slamon.sla.timeline import Spans, union

MANY_GAPS = 64
"""Gaps from which on it is worth finding out which are still needed."""

SLICE = 2000
"""Runs judged without giving way: some 10 ms."""

LEARNT = 500
"""Targets learnt about without giving way: some milliseconds."""

JUDGED, INVOLVED = 20, 40
"""What judging a service costs beside its runs, in runs: once, and for each of its targets."""


class Live:
    """Follows all services. `update` is called once a batch; in between nothing changes."""

    def __init__(self) -> None:
        self._services: dict[str, ServiceFacts] = {}
        self._defined: dict[str, Target] = {}
        self._known: dict[str, Known] = {}
        self._alone: tuple[str, ...] = ()
        """Targets that make up no service: they only serve as witnesses."""
        self._gaps: list[Gap] = []
        self._gap_limit = MANY_GAPS
        self._settled: int | None = None
        """Of the last batch; None while only stored facts are known."""
        self._horizon: int | None = None
        """While the past is replayed: nothing sent from here on is known yet."""
        self._lagging: Mapping[str, int] = {}
        self._growing = Growing()
        self._accounts: dict[str, Account] = {}
        self._service_accounts: dict[str, Account] = {}
        self._users: dict[str, list[ServiceFacts]] = {}
        """Target → the services it is part of, or a witness for."""
        self._crowded: set[str] = set()
        self._calm: set[str] = set()
        """Services all of whose targets go on answering: up until one of them turns, and added up when somebody looks."""
        self._slotted: dict[str, tuple[str, ...]] = {}
        """Service → its targets and their witnesses, where all of them are judged by slots."""
        self._ended: dict[str, tuple[int, ...]] = {}
        """Such a service → where the slots end that it was judged by last."""
        self._grown: set[str] = set()
        """Targets added up by all that is known of them, until the next news."""

    # which services and targets

    def set(self, services: Iterable[ServiceFacts], targets: Iterable[Target]) -> None:
        """Follow exactly these. What changed begins anew; see `renewed` for its past."""
        self._rouse(self._services.values())
        services_before, targets_before = self._services, self._defined
        self._follow(services, targets)
        kept, stays = self._unchanged(services_before, targets_before)
        self._known = {name: known for name, known in self._known.items() if known.target == self._defined.get(name)}
        self._accounts = {name: account for name, account in self._accounts.items() if name in stays}
        self._service_accounts = {name: account for name, account in self._service_accounts.items() if name in kept}
        self._crowded &= set(self._known)
        self._grown.clear()

    def renewed(self, services: Iterable[ServiceFacts], targets: Iterable[Target]) -> Live:
        """Of these, the services that are new or changed, or one of whose targets or witnesses is, to be given their past.

        Replay that, `set` the same services and targets here, and `adopt` it.
        """
        whole = Live()
        whole._follow(services, targets)
        kept, stays = whole._unchanged(self._services, self._defined)
        chosen = [service for name, service in whole._services.items() if name not in kept]
        alone = [name for name in whole._alone if name not in stays]
        names = dict.fromkeys(alone)
        for service in chosen:
            names |= whole._involved(service)
        result = Live()
        result._follow(chosen, [whole._defined[name] for name in names])
        result._alone = tuple(alone)
        return result

    def _follow(self, services: Iterable[ServiceFacts], targets: Iterable[Target]) -> None:
        self._services = {service.service: service for service in services}
        self._defined = {target.name: target for target in targets}
        members = {name for service in self._services.values() for name in service.targets}
        self._alone = tuple(name for name in self._defined if name not in members)
        self._users = {name: [] for name in self._defined}
        self._slotted, self._ended = {}, {}
        for service in self._services.values():
            names = tuple(self._involved(service))
            for name in names:
                self._users[name].append(service)
            if all(self._defined[name].slots is not None for name in names):
                self._slotted[service.service] = names

    def _unchanged(
        self, services: Mapping[str, ServiceFacts], targets: Mapping[str, Target]
    ) -> tuple[frozenset[str], frozenset[str]]:
        """Services, and targets, that are judged by the same as when these were followed."""
        kept = {
            name
            for name, service in self._services.items()
            if services.get(name) == service
            and all(targets.get(target) == self._defined[target] for target in self._involved(service))
        }
        stays = {name for name in self._alone if targets.get(name) == self._defined[name]}
        stays.update(name for service in kept for name in self._services[service].targets)
        return frozenset(kept), frozenset(stays)

    @property
    def targets(self) -> tuple[Target, ...]:
        """Those followed here, with the witnesses of theirs."""
        return tuple(self._defined.values())

    def adopt(self, other: Live) -> None:
        """Go on with what `other` found out about services and targets that are followed here from now on."""
        for name, known in other._known.items():
            mine = self._known.get(name)
            if mine is None or known.exact_from < mine.exact_from:
                self._known[name] = known
        self._gaps = sorted({*self._gaps, *other._gaps})
        self._accounts |= other._accounts
        self._service_accounts |= other._service_accounts
        self._crowded |= {name for name, known in self._known.items() if known.crowded}
        self._ended.clear()

    def replay(self, facts: Iterable[SeriesFacts], gaps: Iterable[Gap], now: int) -> Iterator[None]:
        """Judge the whole past of targets, all their runs, in steps that are short enough for the event loop."""
        self._gaps = sorted({*self._gaps, *gaps})
        queues = []
        for series in facts:
            self._known[series.target] = Known(
                self._defined[series.target], series.known_from, series.through, exact_from=series.known_from
            )
            queues.append(_queue(series))
        work = reached = 0
        for due, name, run in merge(*queues):
            self._learn(name, (run,))
            work += 1
            if work < SLICE:
                continue
            yield
            self._horizon = due
            before, reached = reached, bisect_left(self._gaps, due, key=lambda gap: gap.start)
            yield from self._slices(due, anew=reached > before)
            work = 0
        self._horizon = None
        yield from self._slices(now, anew=True)

    # what is news

    def update(self, news: News | None, gaps: Iterable[Gap], now: int) -> list[Turn]:
        """One batch of news; what turned, in the order it was noticed. `now` bounds what can be settled."""
        return [turn for turns in self.steps(news, gaps, now) for turn in turns]

    def steps(self, news: News | None, gaps: Iterable[Gap], now: int) -> Iterator[list[Turn]]:
        """`update` in steps that are short enough for the event loop; nothing else may change between them."""
        self._condense()
        fresh = list(gaps)
        if fresh:
            self._rouse(self._services.values())
        self._gaps += fresh
        if news is not None:
            self._settled, self._lagging, self._growing = news.settled, news.lagging, news.growing
            self._grown.clear()
            for number, (name, runs) in enumerate(news.runs.items(), start=1):
                self._learn(name, runs)
                if number % LEARNT == 0:
                    yield []
        yield from self._sliced(now, anew=bool(fresh))

    def target(self, name: str) -> StateView | None:
        """None until something about it has settled."""
        account = self._accounts.get(name)
        if account is None:
            return None
        for service in self._users[name]:
            if self._is_calm(service) and name in service.targets:
                self._grow(name)
                break
        return account.view() if account.since else None

    def failing(self, name: str, now: int) -> Failing | None:
        """Failures of a target in the last minutes that were no outage; None while nothing is known of it."""
        known = self._latest(name)
        return None if known is None else known.failing(now, self._union() if known.slot else ())

    def uneven(self) -> list[str]:
        """Targets that have not only answered, or only failed, in the last minutes: others cannot be lossy."""
        return [name for name, known in self._known.items() if known.recent]

    def services(self) -> Iterator[StateView]:
        """Every service about which something has settled, looked at one after the other."""
        return (view for name in list(self._service_accounts) if (view := self.service(name)) is not None)

    def service(self, name: str) -> StateView | None:
        account = self._service_accounts.get(name)
        if name in self._calm:
            self._grow_service(self._services[name])
        return account.view() if account is not None and account.since else None

    def last_runs(self, name: str, most: int | None = None) -> tuple[Run, ...]:
        """The latest runs of a target, oldest first, at most so many; None = all that are held."""
        known = self._latest(name)
        return () if known is None else known.runs()[-most if most else None :]

    def _latest(self, name: str) -> Known | None:
        """What is known of a target, its open run as far as it has come."""
        known = self._known.get(name)
        if known is not None and known.open is not None:
            known.open = extended(known.open, self._growing.get(name))
        return known

    def _learn(self, name: str, runs: tuple[Run, ...]) -> None:
        known = self._latest(name)
        self._grown.discard(name)
        if known is not None and runs and known.goes_on(runs[-1]):
            return  # those before it are repeated until they are stored
        self._rouse(self._users.get(name, ()))
        if known is None:
            if not runs or name not in self._defined:
                return
            first = runs[0].first_sent
            known = self._known[name] = Known(self._defined[name], first, first, exact_from=first)
        known.add(runs)
        if known.crowded:
            self._crowded.add(name)

    # judging

    def _slices(self, now: int, *, anew: bool) -> Iterator[None]:
        """`_judge` and what is to be dropped afterwards, giving way now and then."""
        for _ in self._sliced(now, anew=anew):
            yield
        self._condense()

    def _sliced(self, now: int, *, anew: bool) -> Iterator[list[Turn]]:
        """What turned, a slice of the work at a time."""
        turned: list[Turn] = []
        work = 0
        for turns, cost in self._judge(now, anew=anew):
            turned += turns
            work += cost
            if work >= SLICE:
                yield turned
                turned, work = [], 0
        yield turned

    def _judge(self, now: int, *, anew: bool) -> Iterator[tuple[list[Turn], int]]:
        """What turned, and the work done, after each service that was not steady, or of all `anew`."""
        for service in self._services.values():
            if self._is_calm(service):
                continue
            if anew or not (self._service_steady(service) or self._waits(service.service, now)):
                names = self._involved(service)
                yield self._judge_service(service, now), JUDGED + INVOLVED * len(names) + self._size(names)
        for name in self._alone:
            if name in self._known and (anew or not self._target_steady(name)):
                yield self._judge_alone(name), JUDGED + INVOLVED + self._size((name,))

    def _size(self, names: Iterable[str]) -> int:
        return sum(len(self._known[name].ended) for name in names if name in self._known)

    def _involved(self, service: ServiceFacts) -> dict[str, None]:
        """The targets of a service and their witnesses."""
        names = dict.fromkeys(service.targets)
        names |= {witness: None for name in service.targets if (witness := self._defined[name].witness) is not None}
        return names

    def _through(self, name: str) -> int:
        """Every probe the target sent before this instant is decided and known here."""
        known = self._known[name].through
        if self._horizon is not None:
            return min(known, self._horizon)
        return known if self._settled is None else max(known, self._lagging.get(name, self._settled))

    def _steady(self, name: str) -> bool:
        """The target was up when its open run of successes began or later, and that goes on: nothing to judge anew."""
        account, known = self._accounts.get(name), self._latest(name)
        if account is None or known is None or account.state is not State.UP:
            return False
        since = known.steady_from()
        return since is not None and since <= account.settled

    def _grow(self, name: str) -> int:
        account = self._accounts[name]
        if name in self._grown:
            return account.settled
        known = self._latest(name)
        assert known is not None
        assert known.open is not None
        until = min(known.open.last_sent, self._through(name))
        if known.slot:
            until -= until % known.slot  # the slot that goes on may yet turn out bad
        account.grow(until)
        if self._horizon is None:
            self._grown.add(name)
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
        self._grow_service(service)
        if self._horizon is None and not any(self._known[name].slot for name in service.targets):
            self._calm.add(service.service)
        return True

    def _grow_service(self, service: ServiceFacts) -> None:
        account = self._service_accounts[service.service]
        account.grow(min(map(self._grow, service.targets), default=account.settled))

    def _is_calm(self, service: ServiceFacts) -> bool:
        return service.service in self._calm

    def _rouse(self, services: Iterable[ServiceFacts]) -> None:
        """Something happens to these: what was up so far is added up, and they are judged again."""
        for service in filter(self._is_calm, services):
            self._grow_service(service)
            self._calm.remove(service.service)

    def _waits(self, service: str, now: int) -> bool:
        """No slot has ended since it was judged last: what has been sent since decides nothing yet."""
        names, account = self._slotted.get(service), self._service_accounts.get(service)
        if names is None or account is None or account.settled < now - LAPSE:
            return False
        ended = []
        for name in names:
            known = self._latest(name)
            if known is None or known.open is None:
                return False
            covered = min(known.open.until, self._through(name))
            ended.append(covered - covered % known.slot)
        before, self._ended[service] = self._ended.get(service), tuple(ended)
        return before == self._ended[service]

    def _judge_service(self, service: ServiceFacts, now: int) -> list[Turn]:
        facts = Facts(
            services={service.service: service},
            series={name: self._facts(name) for name in self._involved(service) if name in self._known},
            gaps=tuple(self._past_gaps()),
        )
        # While a past is replayed, what comes later is not known yet.
        as_of = now if self._horizon is None else min(now, self._horizon)
        seen = observe(facts, service.service, as_of=as_of)
        turns: list[Turn] = []
        for name, detection in seen.targets.items():
            account = self._account(self._accounts, "target", name, facts.series[name].known_from)
            turns += account.advance(detection.timeline, detection.timeline)
        if seen.timeline.pieces:
            account = self._account(self._service_accounts, "service", service.service, seen.timeline.start)
            turns += account.advance(seen.timeline, seen.detected)
        return turns

    def _judge_alone(self, name: str) -> list[Turn]:
        series = self._facts(name)
        detection = detection_of(series, self._union())
        account = self._account(self._accounts, "target", name, series.known_from)
        return account.advance(detection.timeline, detection.timeline)

    def _facts(self, name: str) -> SeriesFacts:
        known = self._latest(name)
        assert known is not None
        return known.facts(self._through(name), replayed=self._horizon)

    @staticmethod
    def _account(accounts: dict[str, Account], noun: str, name: str, first_known: int) -> Account:
        account = accounts.get(name)
        if account is None:
            account = accounts[name] = Account(noun, name, first_known, first_known)
        return account

    # what is not needed any more

    def _past_gaps(self) -> Iterable[Gap]:
        """Without those the replay has not come to."""
        return self._gaps if self._horizon is None else (gap for gap in self._gaps if gap.start < self._horizon)

    def _union(self) -> Spans:
        return union((gap.start, gap.end) for gap in self._past_gaps())

    def _condense(self) -> None:
        """Bound what is held of targets whose runs, and of times whose gaps, have become many."""
        crowded, self._crowded = self._crowded, set()
        if not crowded and len(self._gaps) < self._gap_limit:
            return
        gaps = self._union()
        for name in crowded:
            account = self._accounts.get(name)
            upto = self._through(name) if account is None else account.settled
            if (known := self._latest(name)) is not None:
                known.condense(upto, self._needed(name), gaps)
        if len(self._gaps) >= self._gap_limit:
            # A day more than the states need, so that no chain of probes that a gap broke grows together again.
            oldest = min((self._needed(name) for name in self._known), default=0) - DAY
            self._gaps = [gap for gap in self._gaps if gap.end > oldest]
            self._gap_limit = max(MANY_GAPS, 2 * len(self._gaps))

    def _needed(self, name: str) -> int:
        """From where on the states of the target still matter: to itself, to its services, to those it is a witness for."""
        account, target = self._accounts.get(name), self._defined[name]
        result = [] if account is None else [account.settled]
        for service in self._users[name]:
            whole = self._service_accounts.get(service.service)
            if whole is None:
                return self._known[name].known_from
            # As a witness: a silence that ended before may reach so much further.
            result.append(whole.settled - (0 if name in service.targets else unnoticed(target)))
        return min(result, default=self._known[name].known_from)


def _queue(series: SeriesFacts) -> Iterator[tuple[int, str, Run]]:
    return ((run.first_sent, series.target, run) for run in series.runs)
