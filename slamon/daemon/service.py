"""The running daemon: every eternal task of one process, its reloads and its end. A task that ends by itself is a bug."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping

from slamon import __version__
from slamon.clock import Clock
from slamon.config import Config
from slamon.daemon import garbage
from slamon.daemon.fixed import as_started
from slamon.daemon.notices import Declared, Notices
from slamon.daemon.probing import Probing
from slamon.daemon.reports import Reports
from slamon.daemon.standing import status
from slamon.daemon.watch import Watch
from slamon.errors import ConfigError, Problem
from slamon.judge import Judge, Source, evidence, service_facts
from slamon.ledger import TamperedError
from slamon.live import Inbox, Live, TargetView, normal_lag
from slamon.metrics import Exposition, View
from slamon.model import S
from slamon.path import Traced
from slamon.probe import Kind
from slamon.record.recorder import Recorder
from slamon.report.json import document
from slamon.report.status import document as status_document
from slamon.report.words import duration, instant
from slamon.resolve import Addresses
from slamon.stats import RTT_EDGES, Stats
from slamon.store import Store, StoreError, StoreThread
from slamon.systemd import Notifier
from slamon.turns import border, give_way

log = logging.getLogger("slamon")

BATCH = 1 * S
"""Between two writes of facts: what a power cut may cost. They come on full seconds of the monotonic clock, which are borders of ticks
too, with the answers just read: one wake-up serves both, and what a wake-up costs is mostly that nothing is in the caches."""

LOOK = 10
"""Batches between two looks for targets that have become lossy: one interval of most."""

HOURLY = 3600
"""Batches between two looks of the collector at all objects, as cycles that live longer than a few seconds are rare, and at the chain of
declarations."""

PRUNE = 600
"""Batches between two looks for single packets older than they are kept."""

AHEAD = 1 * S
"""A store ahead of the clock by less is caught up with before anybody could do anything about it."""

UNREADABLE = Problem(
    place=None, path="", reason="reading it failed", fix="the log of slamon has the details; please report them"
)


class Service:
    """One configuration at a time, probed, recorded, judged and published."""

    def __init__(
        self,
        config: Config,
        *,
        clock: Clock,
        stats: Stats,
        store: Store,
        thread: StoreThread,
        recorder: Recorder,
        addresses: Addresses,
        probing: Probing,
        live: Live,
        kinds: Mapping[str, Kind],
        notifier: Notifier,
        read: Callable[[], Config],
    ) -> None:
        """`read` loads the configuration again; raises ConfigError."""
        self.config = config
        self._clock = clock
        self._stats = stats
        self._store = store
        self._thread = thread
        self._recorder = recorder
        self._addresses = addresses
        self._probing = probing
        self.live = live
        self._kinds = kinds
        self._notifier = notifier
        self._read = read
        self._source = Source(store, thread)
        self._judge = Judge(clock=clock, stats=stats, source=self._source, config=config)
        self._reports = Reports(self._judge, self._source)
        self._exposition = Exposition()
        self._inbox = Inbox()
        self._reloading = asyncio.Lock()
        self._turn = asyncio.Lock()
        """A batch is made, and a configuration applied, one at a time."""
        self._judged = False
        self._looks = garbage.Looks()
        self._declarations = Declared()
        self.notices: Notices | None = None

    # what the configuration says

    async def apply(self, config: Config) -> None:
        """From here on probe and judge by `config`. Unchanged targets keep their state and their counters."""
        async with self._turn:
            # What was measured by the old configuration is handed over before anything is defined anew.
            await self._step()
            for sha256, text in config.contract_texts.items():
                self._thread.keep_text(sha256, text)
            renewed = self.live.renewed(service_facts(config).values(), config.targets.values())
            if renewed.targets:
                past = await self._source.load(renewed.targets, 0, self._clock.now(), records=False)
                if self._stats.store_pending and self._recorder.series:
                    raise StoreError(
                        f"{self._stats.store_pending} batches wait for a disk that takes nothing: until it does, the past of what changed "
                        "is not known whole"
                    )
                for _ in renewed.replay(past.series.values(), past.gaps, self._clock.now()):
                    await give_way()
            self._swap(config, renewed)

    def _swap(self, config: Config, renewed: Live) -> None:
        """All at once, without giving way: the next tick finds the targets, their series and their schedule agreeing."""
        targets = config.targets
        limits = config.latency_limits()
        edges = tuple(sorted({*RTT_EDGES, *limits}))
        self._probing.gather(self._recorder.ending(targets))
        for name in [name for name in self._recorder.series if name not in targets]:
            self._recorder.close(name)
        for target in targets.values():
            self._recorder.open(target, limits=limits, edges=edges)
        self.config = config
        self._addresses.set(targets.values())
        self.live.set(service_facts(config).values(), targets.values())
        self.live.adopt(renewed)
        self._recorder.retell()
        self._judge.set(config)
        self._probing.set(targets.values())

    async def reload(self) -> None:
        """Load the configuration file again, one reload after the other.

        Raises ConfigError, or StoreError when the past of a new target cannot be read; then nothing has changed.
        """
        async with self._reloading:
            await self._reload()

    async def _reload(self) -> None:
        self._notifier.reloading(self._clock.monotonic())
        try:
            found = await asyncio.to_thread(self._read)
        except ConfigError as error:
            self._stats.last_reload_ok = False
            for problem in error.problems:
                log.error("reload refused: %s", problem)
            raise
        except Exception as error:
            self._stats.last_reload_ok = False
            log.exception("reload refused: reading the configuration failed")
            raise ConfigError([UNREADABLE]) from error
        finally:
            self._notifier.ready(summary(self.config))
        for warning in found.warnings:
            log.warning("%s", warning)
        config, later = as_started(found, self.config)
        for key in later:
            log.warning("a change of `%s` takes effect when slamon is started again", key)
        try:
            await self.apply(config)
        except StoreError as error:
            self._stats.last_reload_ok = False
            log.error("reload refused: %s", error)
            raise
        self._stats.last_reload_ok = True
        self._stats.last_reload_at = self._clock.now()
        self._notifier.status(summary(self.config))
        log.info("configuration reloaded: %s", summary(self.config))

    # eternal tasks

    async def keep(self) -> None:
        """Every second: hand what was measured to the store and to the live states."""
        await self._examine()
        count = 0
        due = self._clock.monotonic()
        while True:
            due = await border(self._clock.monotonic, BATCH, due)
            async with self._turn:
                await self._step()
            count += 1
            await give_way()
            self._looks.batch()
            if count % LOOK == 0 and self.notices is not None:
                for _ in self.notices.say_lossy(self.config, self._clock.now()):
                    await give_way()
            if count % PRUNE == 0:
                await self._prune()
            if count % HOURLY == 0:
                garbage.look_at_all()
                await self._verify()

    async def _examine(self) -> None:
        """What is wrong with the store as it was found. Measuring goes on: what is recorded from here on is as good as ever."""
        await self._verify()
        ahead = self._recorder.ahead(self._clock.now())
        if ahead > AHEAD:
            log.error(
                "the store holds facts up to %s, %s after the present of this host's clock; until then probes are counted and "
                "nothing is recorded. Set the clock if it is wrong; if it was wrong before, stop slamon, move %s away "
                "and start slamon again",
                instant(self._clock.now() + ahead), duration(ahead), self._store.path,
            )  # fmt: skip

    async def _verify(self) -> None:
        """Whether the declarations are those that were written: one that somebody changed into another is judged like any."""
        try:
            await self._thread.call(self._store.verify)
        except TamperedError as error:
            self._stats.store_verify_errors += 1
            log.error("the declarations in %s cannot be relied on: %s", self._store.path, error)
        except StoreError as error:
            log.error("the declarations were not checked: %s", error)

    async def _prune(self) -> None:
        try:
            await self._thread.call(self._store.prune, self._clock.now(), self.config.store.keep_raw)
        except StoreError as error:
            self._stats.store_write_errors += 1
            log.error("old single packets are kept a little longer: %s", error)

    async def judge(self) -> None:
        """Every refresh, and soon after a declaration or a reload: judge all contracts by the facts stored."""
        self._stats.evaluation_due = self._clock.now()
        while True:
            config = self.config
            due = self._clock.monotonic() + config.judge_refresh
            try:
                await self._judge.refresh()
                self._judged = True
                self._stats.evaluation_due = self._clock.now() + config.judge_refresh
                if self._judge.declarations is not None:
                    self._declarations.say(self._judge.declarations)
                reached = self._clock.monotonic()
                due = (reached + config.judge_refresh) // BATCH * BATCH
                while reached < due and self.config is config:
                    reached = await border(self._clock.monotonic, BATCH, reached)
                    if self._source.declared > self._judge.declared:
                        break
            except (StoreError, TamperedError) as error:
                self._stats.store_verify_errors += isinstance(error, TamperedError)
                log.error("the contracts cannot be judged; what was judged last stays published: %s", error)
                await asyncio.sleep(max(due - self._clock.monotonic(), BATCH) / S)

    async def watchdog(self) -> None:
        """Tell the service manager that probes are being decided, and only then."""
        watch = Watch(self._clock.monotonic())
        period = (self._notifier.watchdog or 30 * S) / 4
        while True:
            if watch.alive(self.config.targets.values(), self._recorder.series, self._clock.monotonic()):
                self._notifier.alive()
            await asyncio.sleep(period / S)

    async def finish(self) -> None:
        """Hand over what was decided. What is in flight stays unrecorded: nobody waited for it."""
        async with self._turn:
            self._probing.gather(self._recorder.series)
            for name in list(self._recorder.series):
                self._recorder.close(name)
            await self._step(final=True)

    async def _step(self, *, final: bool = False) -> None:
        gaps = self._clock.check()
        for gap in gaps:
            self._recorder.gap(gap)
            log.warning("nothing could be observed for %.3f s: %s", (gap.end - gap.start) / S, gap.reason)
        self._note_clock()
        now = self._clock.now()
        batch = self._recorder.batch(now, final=final)
        self._thread.put(batch)
        await give_way()
        for gap in self._thread.given_up():
            self._recorder.interrupt(gap)
        turns = []
        for turned in self.live.steps(self._inbox.read(batch), gaps, now):
            turns += turned
            await give_way()
        if self.notices is not None:
            self.notices.say(turns, self.config)

    def _note_clock(self) -> None:
        self._stats.clock_steps = self._clock.steps
        discipline = self._clock.discipline
        self._stats.clock_synchronized = discipline.synchronized if discipline else None
        self._stats.clock_max_error = discipline.max_error if discipline else None

    # what is published

    def page_view(self) -> View:
        """The snapshot one scrape renders."""
        config, live, now = self.config, self.live, self._clock.now()
        series = self._recorder.series
        return View(
            targets=(
                TargetView(
                    target=target,
                    series=known,
                    address=self._addresses.current(target),
                    state=live.target(name),
                    failing=live.failing(name, now),
                    lag=normal_lag(target, config.targets),
                )
                for name, target in config.targets.items()
                if (known := series.get(name)) is not None
            ),
            services=live.services(),
            contracts=self._judge.views,
            stats=self._stats,
            version=__version__,
            vantage=config.vantage,
            kinds=self._kinds,
            providers={name: service.provider or "" for name, service in config.services.items()},
            label_keys=config.labels,
        )

    def last_failure(self, target: str) -> str:
        """What was said of the last probe of it that failed, in this process."""
        series = self._recorder.series.get(target)
        return "" if series is None else series.failure

    async def keep_path(self, traced: Traced) -> None:
        """Evidence a disk does not take is lost, and that is said; measuring and judging go on without it."""
        try:
            await self._thread.call(self._store.keep_path, traced)
        except StoreError as error:
            self._lost_path(traced.target, error)

    async def silence_over(self, target: str, since: int, until: int) -> None:
        """Of the paths kept for that silence."""
        try:
            await self._thread.call(self._store.silence_over, target, since, until)
        except StoreError as error:
            self._lost_path(target, error)

    def _lost_path(self, target: str, error: StoreError) -> None:
        self._stats.store_write_errors += 1
        log.error("what was found out about the path to %s is not kept: %s", target, error)

    def not_ready(self) -> str | None:
        if not self._judged:
            return "the contracts have not been judged yet"
        return None

    async def status(self) -> Mapping[str, object]:
        now = self._clock.now()
        return status_document(await status(self.config, self._source, now=now, running=True, live=self.live))

    async def report(self, contract: str | None, period: str) -> Mapping[str, object]:
        now = self._clock.now()
        config = self.config
        statements = await self._reports.of(config, contract, period, now)
        return document(statements, await evidence(config, self._source, statements), as_of=now)

    def page(self) -> Iterator[bytes]:
        """The metrics in steps."""
        with self._looks.page():
            for _ in self._recorder.catch_up():
                yield b""
            yield from self._exposition.page(self.page_view())
        yield b""
        self._looks.look()


def summary(config: Config) -> str:
    """`5 targets of 3 services, 1 contract`."""
    targets, services, contracts = (len(part) for part in (config.targets, config.services, config.contracts))
    return f"{_count(targets, 'target')} of {_count(services, 'service')}, {_count(contracts, 'contract')}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
