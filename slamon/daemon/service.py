"""The running daemon: every eternal task of one process, its reloads and its end. A task that ends by itself is a bug."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping

from slamon import __version__
from slamon.clock import Clock
from slamon.config import Config, load
from slamon.daemon.notices import Notices
from slamon.daemon.probing import Probing
from slamon.daemon.standing import status
from slamon.daemon.watch import Watch
from slamon.errors import ConfigError
from slamon.judge import Judge, Observed, Source, report, service_facts
from slamon.live import Inbox, Live, TargetView
from slamon.metrics import Exposition, View
from slamon.model import S
from slamon.probe import Kind
from slamon.record.recorder import Recorder
from slamon.report.json import document
from slamon.report.status import document as status_document
from slamon.resolve import Addresses
from slamon.stats import RTT_EDGES, Stats
from slamon.store import Store, StoreThread
from slamon.systemd import Notifier

log = logging.getLogger("slamon")

BATCH = 1 * S
"""Between two writes of facts: what a power cut may cost."""

PRUNE = 600
"""Batches between two looks for single packets older than they are kept."""


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
    ) -> None:
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
        self._source = Source(store, thread)
        self._judge = Judge(clock=clock, stats=stats, source=self._source, config=config)
        self._exposition = Exposition()
        self._inbox = Inbox()
        self._reloading = asyncio.Lock()
        self._turn = asyncio.Lock()
        """A batch is made, and a configuration applied, one at a time."""
        self._judged = False
        self.notices: Notices | None = None

    # what the configuration says

    async def apply(self, config: Config) -> None:
        """From here on probe and judge by `config`. Unchanged targets keep their state and their counters."""
        async with self._turn:
            # What was measured by the old configuration is handed over before anything is defined anew.
            await self._step()
            for sha256, text in config.contract_texts.items():
                await self._thread.call(self._store.keep_text, sha256, text)
            missing = self.live.missing(config.targets.values())
            past = await self._source.load(missing, 0, self._clock.now(), records=False) if missing else None
            self._swap(config, past)

    def _swap(self, config: Config, past: Observed | None) -> None:
        """All at once, without giving way: the next tick finds the targets, their series and their schedule agreeing."""
        targets = config.targets
        limits = config.latency_limits()
        edges = tuple(sorted({*RTT_EDGES, *limits}))
        for name in [name for name in self._recorder.series if name not in targets]:
            self._recorder.close(name)
        for target in targets.values():
            self._recorder.open(target, limits=limits, edges=edges)
        self.config = config
        self._addresses.set(targets.values())
        self.live.set(service_facts(config).values(), targets.values())
        if past is not None:
            self.live.restore(past.series.values(), past.gaps)
            self.live.update(None, (), self._clock.now())
        self._judge.set(config)
        self._probing.set(targets.values())

    async def reload(self) -> None:
        """Load the configuration file again, one reload after the other. Raises ConfigError, and then nothing has changed."""
        async with self._reloading:
            await self._reload()

    async def _reload(self) -> None:
        self._notifier.reloading(self._clock.monotonic())
        try:
            config = await asyncio.to_thread(load, self.config.path)
        except ConfigError as error:
            self._stats.last_reload_ok = False
            for problem in error.problems:
                log.error("reload refused: %s", problem)
            raise
        finally:
            self._notifier.ready(summary(self.config))
        for warning in config.warnings:
            log.warning("%s", warning)
        for name in ("store", "web", "vantage"):
            if getattr(config, name) != getattr(self.config, name):
                log.warning("a change of `%s` takes effect when slamon is started again", name)
        await self.apply(config)
        self._stats.last_reload_ok = True
        self._stats.last_reload_at = self._clock.now()
        self._notifier.status(summary(self.config))
        log.info("configuration reloaded: %s", summary(self.config))

    # eternal tasks

    async def keep(self) -> None:
        """Every second: hand what was measured to the store and to the live states."""
        count = 0
        due = self._clock.monotonic()
        while True:
            due = max(due + BATCH, self._clock.monotonic())
            await asyncio.sleep((due - self._clock.monotonic()) / S)
            async with self._turn:
                await self._step()
            count += 1
            if count % PRUNE == 0:
                await self._thread.call(self._store.prune, self._clock.now(), self.config.store.keep_raw)

    async def judge(self) -> None:
        """Every refresh, and soon after a declaration or a reload: judge all contracts by the facts stored."""
        while True:
            config = self.config
            await self._judge.refresh()
            self._judged = True
            due = self._clock.monotonic() + config.judge_refresh
            while self._clock.monotonic() < due and self.config is config:
                await asyncio.sleep(min(BATCH, max(due - self._clock.monotonic(), 0)) / S)
                if await self._source.last_declaration() != self._judge.declared:
                    break

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
            for name in list(self._recorder.series):
                self._recorder.close(name)
            await self._step(final=True)

    async def _step(self, *, final: bool = False) -> None:
        gaps = self._clock.check()
        for gap in gaps:
            self._recorder.gap(gap)
            log.warning("nothing could be observed for %.3f s: %s", (gap.end - gap.start) / S, gap.reason)
        self._note_clock()
        batch = self._recorder.batch(self._clock.now(), final=final)
        self._thread.put(batch)
        turns = self.live.update(self._inbox.read(batch), gaps, self._clock.now())
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
        config, live = self.config, self.live
        series = self._recorder.series
        return View(
            targets=(
                TargetView(
                    target=target,
                    series=known,
                    address=self._addresses.current(target),
                    state=live.target(name),
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

    def not_ready(self) -> str | None:
        if not self._judged:
            return "the contracts have not been judged yet"
        return None

    async def status(self) -> Mapping[str, object]:
        now = self._clock.now()
        return status_document(await status(self.config, self._source, now=now, running=True, live=self.live))

    async def report(self, contract: str | None, period: str) -> Mapping[str, object]:
        now = self._clock.now()
        return document(await report(self.config, self._source, contract=contract, period=period, now=now), as_of=now)

    def page(self) -> Iterable[bytes]:
        """The metrics in steps."""
        return self._exposition.page(self.page_view())


def summary(config: Config) -> str:
    """`5 targets of 3 services, 1 contract`."""
    targets, services, contracts = (len(part) for part in (config.targets, config.services, config.contracts))
    return f"{_count(targets, 'target')} of {_count(services, 'service')}, {_count(contracts, 'contract')}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
