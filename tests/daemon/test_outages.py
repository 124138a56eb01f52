"""One number of outages: that of /metrics and of the status is the one that the recorded facts give a contract.

The whole service in virtual time, over a real store, without a probe sent: started, reloaded, stopped and killed as the daemon is.
"""

from __future__ import annotations

import random  # noqa: TID251 - seeded worlds
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from slamon.clock import Clock, Discipline, Sources
from slamon.config import load
from slamon.daemon.probing import Probing
from slamon.daemon.service import Service
from slamon.daemon.standing import status
from slamon.live import Live, known
from slamon.model import MS, US, Reading, Result, S
from slamon.probe import Shot
from slamon.probes import kinds
from slamon.record.recorder import Recorder
from slamon.record.series import Pending, Series
from slamon.resolve import Addresses
from slamon.stats import Stats
from slamon.store import Store, StoreError, StoreThread
from slamon.systemd import Notifier
from tests.store.rig import room

START = 1_794_268_800 * S
"""2026-11-10 00:00 UTC, in the month that the contracts judge."""

CONFIG = """
vantage: here
defaults: {interval: 1s, timeout: 500ms, down_after: 3}
services:
  hq:
    up_when: any
    targets:
      a: {probe: icmp, address: 192.0.2.1}
      b: {probe: icmp, address: 192.0.2.2}
contracts:
  hq: &terms
    service: hq
    provider: Acme
    timezone: UTC
    min_coverage: 0%
    objectives: {availability: {target: 99.9%}}
  bridged: {<<: *terms, outage: {merge_within: 1h}}
  measured:
    <<: *terms
    objectives:
      latency: {statistic: p90, target: 2ms}
      median: {measure: latency, statistic: median}
      range: {measure: latency, statistic: range}
      jitter: {definition: ipdv, statistic: mean_abs, target: 1ms}
      pdv: {measure: jitter, definition: pdv, statistic: mean, during: always}
      loss: {statistic: pooled, target: 1%}
      worst: {measure: loss, statistic: worst 15s}
"""

BY_SLOTS = CONFIG.replace(
    "down_after: 3", "outage: {slot: 5s, bad_slot: loss over 50%, after: 2 slots, until: 2 slots}"
)

PAUSES = (S // 10, S, 20 * S, 7200 * S)
"""How long nobody looks, nanoseconds."""

LETTERS = {".": Result.SUCCESS, "x": Result.TIMEOUT, "!": Result.LOCAL_ERROR}


class Unread:
    """Answers that lie in a socket until somebody reads them."""

    def __init__(self) -> None:
        self.held: list[tuple[Series, Pending]] = []

    def fire(self, shots: Sequence[Shot]) -> None:
        """Tests send."""

    def drain(self, *, eager: bool = True) -> None:
        for series, pending in self.held if eager else ():
            series.decide(pending, Reading(Result.SUCCESS, rtt=MS))
        self.held.clear()


class Daemon:
    """Time that tests move, and whatever of the daemon survives a restart: the file of the store and of the configuration."""

    def __init__(self, folder: Path, config: str = CONFIG) -> None:
        self.folder = folder
        self.now = START
        self.probers: dict[str, Unread] = {}
        self.write(config)

    def write(self, config: str) -> None:
        self.path = self.folder / "slamon.yml"
        self.path.write_text(config)

    async def start(self) -> None:
        clock = Clock(
            Sources(
                realtime=lambda: self.now,
                monotonic=lambda: self.now - START + S,
                boottime=lambda: self.now - START + S,
                discipline=lambda: Discipline(synchronized=True, max_error=0),
            )
        )
        stats, config = Stats(), load(self.path)
        store = Store.open(self.folder / "slamon.db", write=True)
        self.thread = StoreThread(store, stats)
        self.recorder = Recorder(config.vantage, store.restore())
        addresses = Addresses(stats=stats, changed=lambda *_: None)
        self.service = Service(
            config,
            clock=clock,
            stats=stats,
            store=store,
            thread=self.thread,
            recorder=self.recorder,
            addresses=addresses,
            probing=Probing(
                clock=clock, stats=stats, recorder=self.recorder, addresses=addresses, probers=self.probers
            ),
            live=Live(),
            kinds=kinds(),
            notifier=Notifier({}),
            read=lambda: load(self.path),
        )
        await self.service.apply(config)

    async def seconds(self, *letters: str, write: bool = True) -> None:
        """A letter a second, of each target or the same of all."""
        for results in zip(*(letters if len(letters) > 1 else letters * len(self.recorder.series)), strict=True):
            for series, letter in zip(self.recorder.series.values(), results, strict=True):
                result = LETTERS[letter]
                rtt = MS + self.now // S % 7 * US
                series.decide(series.send(self.now), Reading(result, rtt=rtt if result is Result.SUCCESS else None))
            self.now += S
            if write:
                await self.service._step()

    async def stop(self, pause: int, *, kill: bool = False) -> None:
        """For `pause` nanoseconds. `kill`: what was not written is lost."""
        if not kill:
            await self.service.finish()
        assert await self.thread.close()
        self.now += pause

    async def counted(self) -> dict[str, int]:
        """By whom → how many outages."""
        await self.service._judge.refresh()
        page = b"".join(self.service.page()).decode()
        samples = [sample for family in text_string_to_metric_families(page) for sample in family.samples]
        (live,) = (sample.value for sample in samples if sample.name == "slamon_outages_total")
        judged = dict[str, int]()
        for sample in samples:
            if sample.name == "slamon_sla_outages" and sample.labels["period"] == "current":
                name = sample.labels["contract"]
                judged[name] = judged.get(name, 0) + int(sample.value)
        document: Any = await self.service.report("hq", "current")
        source, config = self.service._source, self.service.config
        rebuilt = await status(config, source, now=self.now, running=True)
        return {
            "live": int(live),
            "rebuilt": rebuilt.services[0].outages,
            "reported": len(document["statements"][0]["outages"]),
            **judged,
        }


@pytest.mark.parametrize(
    ("happens", "outages"),
    [("nothing", 1), ("reload", 1), ("stop", 2), ("quick", 2), ("kill", 2), ("asleep", 2), ("no route", 2)],
)
async def test_an_outage_is_one_for_metrics_and_contracts_unless_nobody_looked(
    tmp_path: Path, happens: str, outages: int
) -> None:
    """What was not measured in an outage parts it into two, in a contract's statement as on /metrics; no rule bridges it."""
    daemon = Daemon(tmp_path)
    await daemon.start()
    await daemon.seconds("." * 10 + "x" * 10)
    if happens == "reload":
        daemon.write(CONFIG.replace("up_when: any", "up_when: all"))
        await daemon.service.reload()
    elif happens == "asleep":
        daemon.now += 30 * S
    elif happens == "no route":
        await daemon.seconds("!" * 30)
    elif happens != "nothing":
        if happens == "kill":
            await daemon.seconds("xx", write=False)
        await daemon.stop(S // 10 if happens == "quick" else 30 * S, kill=happens == "kill")
        await daemon.start()
        assert set((await daemon.counted()).values()) == {1}, "rebuilt from what is stored, before anything is measured"
    await daemon.seconds("x" * 10 + "." * 10)
    assert set((await daemon.counted()).values()) == {outages}
    await daemon.stop(0)


async def test_an_outage_that_ended_with_the_last_probe_before_a_restart_is_over(tmp_path: Path) -> None:
    """Of a past that is long enough for its runs to be summed up; the second restart comes after a single probe."""
    daemon = Daemon(tmp_path)
    await daemon.start()
    for letters in ("x." * 40 + "x" * 5 + ".", "x"):
        await daemon.seconds(letters)
        await daemon.stop(30 * S)
        await daemon.start()
    await daemon.seconds("x....")
    assert set((await daemon.counted()).values()) == {1}
    await daemon.stop(0)


async def test_what_is_in_flight_over_a_reload_belongs_to_the_outage_too(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    await daemon.start()
    await daemon.seconds("." * 10 + "x" * 10)
    flying = [(series, series.send(daemon.now)) for series in daemon.recorder.series.values()]
    daemon.now += S
    daemon.write(CONFIG.replace("timeout: 500ms", "timeout: 400ms"))
    await daemon.service.reload()
    for series, pending in flying:
        series.decide(pending, Reading(Result.TIMEOUT))
    await daemon.seconds("x" * 10)
    assert set((await daemon.counted()).values()) == {1}
    await daemon.stop(0)


@pytest.mark.parametrize("ends", ["another interval", "removed", "stop"])
async def test_answers_that_lie_unread_when_a_series_ends_are_recorded(tmp_path: Path, ends: str) -> None:
    daemon, unread = Daemon(tmp_path), Unread()
    daemon.probers["icmp"] = unread
    await daemon.start()
    await daemon.seconds("." * 5)
    unread.held = [(series, series.send(daemon.now)) for series in daemon.recorder.series.values()]
    daemon.now += S
    if ends != "stop":
        changed = CONFIG.replace("interval: 1s", "interval: 2s"), CONFIG.replace("      b: {", "      c: {")
        daemon.write(changed[ends == "removed"])
        await daemon.service.reload()
    await daemon.stop(0)
    with Store.open(daemon.folder / "slamon.db", write=False) as store:
        (run,) = store.load(["hq/b"], 0, 1 << 62).series["hq/b"].runs
    assert run.samples == 6


async def test_no_reload_forgets_what_waits_for_the_disk(tmp_path: Path) -> None:
    """What a full disk has not taken yet is in no past that could be read."""
    daemon = Daemon(tmp_path)
    await daemon.start()
    await daemon.thread.call(room, daemon.service._store, 1)
    while not daemon.service._stats.store_pending:  # the file has some room left
        await daemon.seconds("." * 60)
    await daemon.seconds("x" * 10 + "." * 70)
    daemon.write(CONFIG.replace("timeout: 500ms", "timeout: 400ms"))
    with pytest.raises(StoreError, match="batches wait for a disk that takes nothing"):
        await daemon.service.reload()
    assert {series.target.timeout for series in daemon.recorder.series.values()} == {500 * MS}
    await daemon.thread.call(room, daemon.service._store, 1 << 30)
    await daemon.seconds(".")
    await daemon.service.reload()
    await daemon.seconds(".")
    assert set((await daemon.counted()).values()) == {1}
    await daemon.stop(0)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("config", [CONFIG, BY_SLOTS], ids=["failures", "slots"])
async def test_outages_followed_live_are_those_of_the_record(
    tmp_path: Path, seed: int, config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over restarts, kills, reloads and sleep, more of them than any daemon sees, and with few runs kept as they are.

    Running judgements are those from scratch, whatever the last thing was that happened.
    """
    monkeypatch.setattr(known, "MANY_RUNS", 4)
    world = random.Random(seed)
    daemon = Daemon(tmp_path, config)
    await daemon.start()
    for _ in range(20):
        length, alike = world.randint(1, 15), world.random() < 0.6
        drawn = ["".join(world.choices("..xx!", k=length)) for _ in range(2)]
        await daemon.seconds(*([world.choice(".x") * length] if alike else drawn))
        match world.choice(("stop", "kill", "reload", "sleep", "", "")):
            case "stop":
                await daemon.stop(world.choice(PAUSES))
                await daemon.start()
            case "kill":
                await daemon.seconds("x" * world.randint(1, 5), write=False)
                await daemon.stop(world.choice(PAUSES), kill=True)
                await daemon.start()
            case "reload":
                changed = config.replace("up_when: any", f"up_when: {world.choice(('any', 'all'))}")
                daemon.write(changed.replace("down_after: 3", f"down_after: 3, up_after: {world.randint(1, 2)}"))
                await daemon.service.reload()
            case "sleep":
                daemon.now += world.choice(PAUSES)
        counted = await daemon.counted()
        del counted["bridged"]
        assert len(set(counted.values())) == 1, counted
        for _ in daemon.service._judge.views:
            assert await daemon.service._judge.recheck()
    assert counted["live"] > 1
    await daemon.stop(0)
