"""The running judgement against the one from scratch, over a real store that grows."""

from __future__ import annotations

import random  # noqa: TID251 - a seeded world
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from slamon.clock import Clock, Discipline, Sources
from slamon.config import Config, load
from slamon.errors import UsageError
from slamon.judge import Judge, Source, case, declared, find_contracts, find_period, judge_once, report
from slamon.judge import running as running_module
from slamon.judge.bench import Bench, Reader
from slamon.judge.book import Book
from slamon.judge.held import hold
from slamon.judge.running import QUIET, phase
from slamon.model import DAY, HOUR, MINUTE, MS, Reading, Result, S
from slamon.record import recorder as recorder_module
from slamon.record.recorder import Recorder
from slamon.record.rows import Gap
from slamon.sla import attribution
from slamon.sla import outages as outages_module
from slamon.sla.attribution import Observation, observe
from slamon.sla.facts import Agreement, Charged, Closed, Event, Facts, Lodged, Recorded, Ticket
from slamon.sla.lines import Period
from slamon.sla.packets import count
from slamon.sla.statement import Statement, Status, evaluate
from slamon.stats import RTT_EDGES, Stats
from slamon.store import Draft, Stood, Store, StoreThread

START = 1_795_996_800 * S - 40 * MINUTE
"""40 minutes before 2026-11-30 00:00 UTC."""

DECEMBER = START + 40 * MINUTE + DAY
"""2026-12-01 00:00 UTC."""

CONFIG = """
vantage: here
defaults: {interval: 10s, timeout: 3s, down_after: 3}
services:
  lan: {targets: {gw: {probe: icmp, address: 192.0.2.1}}}
  hq:
    witness: lan/gw
    up_when: any
    targets:
      a: {probe: icmp, address: 192.0.2.2}
      b: {probe: icmp, address: 192.0.2.3}
contracts:
  hq:
    service: hq
    provider: Acme
    timezone: UTC
    price: 1000 USD/month
    min_coverage: 0%
    exclusions: [{class: maintenance}, {class: customer}]
    objectives:
      availability: {target: 99.9%, minimum: 99%}
      latency: {target: 20ms, statistic: p95}
      loss: {target: 1%, statistic: pooled}
    credits:
      availability: {below: {99.9%: 10%, 99%: 25%}}
    caps: {period: 100%}
  lan:
    service: lan
    provider: us
    timezone: UTC
    objectives: {availability: {target: 99%}}
  ticketed:
    service: hq
    provider: Acme
    timezone: UTC
    price: 1000 USD/month
    min_coverage: 0%
    outage: {starts: later, ends: ticket, merge_within: 2m}
    claim: {by: 1 day after period end}
    objectives: {availability: {target: 99.99%}}
    credits: {availability: {below: {99.99%: 10%}}}
    caps: {}
"""

TERMINABLE = """
  sliding:
    service: hq
    provider: Acme
    timezone: UTC
    min_coverage: 0%
    objectives: {availability: {target: 99.99%}}
    terminate: {customer: {availability: {below: 80%, within: any 30m}}}
"""

STATISTICS = """      jitter: {definition: ipdv, statistic: mean_abs, target: 10ms}
      jitter-p95: {measure: jitter, definition: ipdv, statistic: p95, target: 10ms}
      pdv: {measure: jitter, definition: pdv, statistic: max, during: always, over: a}
      median: {measure: latency, statistic: median, target: 10ms}
      range: {measure: latency, statistic: range, target: 10ms}
      slow: {measure: latency, statistic: share at_least 15ms, target: 20%}
      every: {measure: latency, statistic: p80, packets: all}
      worst: {measure: loss, statistic: worst 15m, target: 5%}
      intervals: {measure: loss, statistic: mean, target: 1%, over: pooled}
    credits:
      availability: {below: {99.9%: 10%, 99%: 25%}}
      loss: {over: {1%: 10%}}
      median: {over: {10ms: 5%}}
    combine: sum"""

PROBED = CONFIG.partition("contracts:")[0]
"""Without contracts."""

CROSSING = """
contracts:
  long: &long
    service: lan
    provider: us
    timezone: UTC
    price: 1000 USD/month
    min_coverage: 0%
    outage: {at_least: 5m}
    credits: {each outage: {over: {10m: 5%}}}
    caps: {}
  merged: {<<: *long, outage: {merge_within: 20m}}
  slotted: {<<: *long, outage: {slot: 1m, bad_slot: loss over 30%, after: 2 slots, until: 3 slots}}
  ticket: {<<: *long, outage: {starts: later, ends: ticket}}
  reported: {<<: *long, service: hq, outage: {starts: ticket}}
"""

BEGUN = """
contracts:
  begun:
    service: lan
    provider: us
    timezone: UTC
    term: {from: 2026-12-01}
    price: 1000 USD/month
    min_coverage: 0%
    credits: {outages: {at_least: {1: 10%}}}
    earn_back: {downtime: {at_most: 10m, within: 2 consecutive periods}}
    bonuses: {downtime: {at_most: {2h: 2%}, within: every period of quarter}}
    caps: {}
"""

OWN = "outage: {slot: 1m, bad_slot: loss over 30%, after: 2 slots, until: 3 slots}"
SLOTS = f"""
  slots:
    service: hq
    provider: Acme
    timezone: UTC
    min_coverage: 0%
    {OWN.replace("1m", "50s")}
    objectives: {{availability: {{target: 99.9%}}}}
"""
"""The services are down by slots of their own, and so is what every contract but one judges."""


def by_slots() -> str:
    return CONFIG.replace("down_after: 3", OWN) + SLOTS


def with_all_statistics(config: str = CONFIG) -> str:
    """Objectives that sums give, and those that would need single packets."""
    return config.replace("    credits:\n      availability: {below: {99.9%: 10%, 99%: 25%}}", STATISTICS, 1)


class World:
    """Virtual time, a real store, probes whose results are drawn."""

    def __init__(self, folder: Path, seed: int, config: str = CONFIG) -> None:
        path = folder / "slamon.yml"
        path.write_text(config)
        self.config: Config = load(path)
        self.now = START
        self.random = random.Random(seed)
        self.clock = Clock(
            Sources(
                realtime=lambda: self.now,
                monotonic=lambda: self.now - START + S,
                boottime=lambda: self.now - START + S,
                discipline=lambda: Discipline(synchronized=True, max_error=0),
            )
        )
        self.stats = Stats()
        self.store = Store.open(folder / "slamon.db", write=True)
        self.thread = StoreThread(self.store, self.stats)
        self.source = Source(self.store, self.thread)
        self.recorder = Recorder("here", self.store.restore())
        limits = self.config.latency_limits()
        for target in self.config.targets.values():
            self.recorder.open(target, limits=limits, edges=tuple(sorted({*RTT_EDGES, *limits})))
        self.bad = dict.fromkeys(self.config.targets, 0)
        self.failure = Result.TIMEOUT
        self.sent: dict[str, list[tuple[int, int | None]]] = {name: [] for name in self.config.targets}
        """Target → instant and round trip of each packet, None of one that was lost."""

    def probe(self) -> None:
        """Ten seconds: everything is probed once, a batch is written."""
        self.now += 10 * S
        if self.random.random() < 0.004:
            self.now += 5 * MINUTE  # the daemon slept
            self.recorder.gap(Gap(self.now - 5 * MINUTE, self.now, "suspended"))
        for name, series in self.recorder.series.items():
            if self.bad[name] == 0 and self.random.random() < 0.01:
                self.bad[name] = self.random.choice((1, 2, 4, 30, 200))
            lost = self.bad[name] > 0
            self.bad[name] -= lost
            rtt = self.random.choice((5, 15, 30)) * MS + self.random.randrange(MS)
            reading = Reading(self.failure) if lost else Reading(Result.SUCCESS, rtt=rtt, hop_limit=60)
            series.decide(series.send(self.now), reading)
            self.sent[name].append((self.now, reading.rtt))
        self.now += S
        self.thread.put(self.recorder.batch(self.now))
        self.now -= S

    async def record(self, contract: str, event: Event, *, replaces: str | None = None) -> Recorded:
        return await self.thread.call(self.store.record, contract, event, at=self.now, by="test", replaces=replaces)


@pytest.mark.parametrize(
    ("seed", "lag", "many", "often", "config"),
    [
        (0, 0, 2500, 23, CONFIG),
        (1, 0, 8, 23, CONFIG),
        (2, 40, 2500, 23, CONFIG),
        (3, 7, 1, 23, CONFIG),
        (4, 5, 2500, 6, CONFIG),
        (200, 0, 1, 11, CONFIG),
        (8, 7, 8, 11, CONFIG),
        (5, 0, 2500, 7, by_slots()),
        (6, 7, 1, 23, by_slots()),
        (7, 0, 2500, 23, with_all_statistics()),
        (10, 7, 8, 11, with_all_statistics()),
        (9, 0, 2500, 23, with_all_statistics(by_slots())),
    ],
)
async def test_running_equals_scratch(
    tmp_path: Path, seed: int, lag: int, many: int, often: int, config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`lag`: batches for which closed minutes wait to become records, as they do with thousands of targets; `many`: runs in one go.

    `often`: so many batches from one refresh to the next.
    """
    monkeypatch.setattr(case, "MANY_RUNS", many)
    if lag:
        monkeypatch.setattr(recorder_module, "SLICE", 0)
    world = World(tmp_path, seed, config)
    judge = Judge(clock=world.clock, stats=world.stats, source=world.source, config=world.config)
    compared, outages, stood = 0, 0, 0
    for step in range(500):  # 80 minutes and more, over the end of a day
        world.probe()
        if lag and step % lag == 0:
            while world.recorder._journal.done:
                world.recorder._pack(100)
        if step == 150:
            declared = await world.thread.call(
                world.store.declare,
                contract="hq",
                cause="maintenance",
                start=START + 7 * MINUTE,
                end=START + 31 * MINUTE + 17 * S,
                at=world.now,
                by="test",
            )
        if step == 300:
            await world.thread.call(world.store.revoke, declared.id, at=world.now, by="test")
        if step in {60, 260}:  # an open ticket holds every outage it overlaps open
            opened = world.now - 20 * MINUTE
            ticket = await world.record("ticketed", Ticket(opened))
        if step in {200, 420}:
            await world.record("ticketed", Ticket(opened, world.now - 3 * MINUTE), replaces=ticket.id)
        # also right after a quarter hour, when records of its last minute are not there yet
        if step % often == 0 or (world.now - START + 5 * MINUTE) % (15 * MINUTE) < 40 * S:
            await judge.refresh()
            declarations = await world.source.declarations()
            for view in judge.views:
                scratch = await judge_once(
                    world.config,
                    view.contract,
                    view.current.period,
                    source=world.source,
                    declarations=declarations,
                    as_of=world.now,
                )
                if view.current.as_of == world.now:
                    assert view.current == scratch
                else:  # it stands: all that was left out is time up
                    assert view.current.outages == scratch.outages
                    assert _but_up(view.current) == _but_up(scratch)
                    assert world.now - view.current.as_of < QUIET
                    stood += 1
                compared += 1
                outages = max(outages, len(scratch.outages))
    assert compared > 44
    assert outages > 1
    assert stood > 0
    assert await judge.recheck()
    assert world.stats.evaluation_mismatches == 0
    assert await world.thread.close()


@pytest.mark.parametrize("probed", ["interval: 10s", "interval: 4s, sampling: poisson"])
async def test_figures_of_the_daemon_are_those_of_the_packets_it_sent(
    tmp_path: Path, probed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of every minute that is over, the first of which is cut where measuring began; what sums do not give is not known."""
    world = World(tmp_path, 1, with_all_statistics().replace("interval: 10s", probed))
    judge = Judge(clock=world.clock, stats=world.stats, source=world.source, config=world.config)
    monkeypatch.setattr(world.random, "random", lambda: 1.0)  # nothing happens but what follows
    for step in range(200):
        world.bad |= {"hq/a": int(step % 37 == 5), "hq/b": int(step % 50 in {7, 8})}
        world.probe()
        if step % 60 == 59:
            await judge.refresh()
    (view,) = (view for view in judge.views if view.contract.name == "hq")
    lines = {line.name: line.value for line in view.current.objectives}
    seen = {
        name: [rtt for sent, rtt in packets if sent < view.current.as_of // MINUTE * MINUTE]
        for name, packets in world.sent.items()
        if name != "lan/gw"
    }
    got = {name: sorted(rtt for rtt in rtts if rtt is not None) for name, rtts in seen.items()}
    steps = {
        name: [abs(b - a) for a, b in pairwise(rtts) if a is not None and b is not None] for name, rtts in seen.items()
    }
    lost = {name: rtts.count(None) for name, rtts in seen.items()}
    assert all(lost.values())

    def worst(figures: Iterable[Fraction | int]) -> Fraction | int:
        return max(figures)

    def near(figure: Fraction | None, true: Fraction | int) -> bool:
        return figure is not None and abs(figure - true) <= Fraction(true, 100)

    assert lines["jitter"] == worst(Fraction(sum(own), len(own)) for own in steps.values())
    assert lines["pdv"] == got["hq/a"][-1] - got["hq/a"][0]
    assert lines["range"] == worst(own[-1] - own[0] for own in got.values())
    assert lines["slow"] == worst(Fraction(sum(rtt >= 15 * MS for rtt in own), len(own)) for own in got.values())
    assert lines["loss"] == worst(Fraction(lost[name], len(seen[name])) for name in seen)
    assert lines["intervals"] == Fraction(sum(lost.values()), sum(map(len, seen.values())))
    middle = worst(Fraction(own[(len(own) - 1) // 2] + own[len(own) // 2], 2) for own in got.values())
    assert near(lines["median"], middle)
    every = worst(own[-(-8 * len(seen[name]) // 10) - 1] for name, own in got.items())
    assert near(lines["every"], every)
    assert (lines["worst"], lines["jitter-p95"]) == (None, None)
    assert await world.thread.close()


async def test_an_objective_that_is_not_known_leaves_the_others_known(tmp_path: Path) -> None:
    found = {}
    for name, text in (("plain", CONFIG), ("more", with_all_statistics())):
        (tmp_path / name).mkdir()
        world = World(tmp_path / name, 2, text)
        judge = Judge(clock=world.clock, stats=world.stats, source=world.source, config=world.config)
        for step in range(200):
            world.probe()
            if step % 50 == 49:
                await judge.refresh()
        found[name] = {line.name: line.value for line in judge.views[0].current.objectives}
        assert await world.thread.close()
    for name, value in found["plain"].items():
        assert value is not None, name
        assert found["more"][name] == value, name


def _but_up(statement: Statement) -> dict[str, int]:
    return {category: ns for category, ns in statement.time.items() if category not in {"up", "not_elapsed"}}


async def test_a_refresh_of_healthy_lines_asks_the_store_once_for_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many contracts there are: the declarations, how far the records go, and one reading each of runs and of records.

    And again within the minute: no more than who answers.
    """
    monkeypatch.setattr(running_module, "QUIET", MINUTE)
    world = World(tmp_path, 1)
    judge = Judge(clock=world.clock, stats=world.stats, source=world.source, config=world.config)
    monkeypatch.setattr(world.random, "random", lambda: 1.0)  # nothing happens
    asked: list[str] = []
    call = world.thread.call

    async def counted(function: Any, /, *args: Any, **kwargs: Any) -> Any:
        asked.append(function.__name__)
        return await call(function, *args, **kwargs)

    for step in range(180):
        world.probe()
        if step == 110:
            await judge.refresh()
        elif step >= 120 and step % 10 == 0:
            monkeypatch.setattr(world.thread, "call", counted)
            asked.clear()
            await judge.refresh()
            assert sorted(asked) == ["answering", "declarations", "last_declaration", "load", "load", "recorded"]
            asked.clear()
            await judge.refresh()
            assert sorted(asked) == ["answering", "declarations", "last_declaration"]
            monkeypatch.setattr(world.thread, "call", call)
    for running in judge._cases.values():
        for one in running.book.cases.values():
            assert one.upto > world.now - 3 * MINUTE
    assert await world.thread.close()


@pytest.mark.parametrize(("short", "step"), [(100, QUIET), (30 * 24 * 20, 3 * MINUTE)])
async def test_quiet_contracts_are_judged_in_turn(
    tmp_path: Path, short: int, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By every minute at first, then each in its turn, which differ here; of a short period more often; at once if anything happens."""
    world = World(tmp_path, 1)
    monkeypatch.setattr(running_module, "SHORT", short)
    judge = Judge(clock=world.clock, stats=world.stats, source=world.source, config=world.config)
    monkeypatch.setattr(world.random, "random", lambda: 1.0)  # nothing happens
    judged: dict[str, list[int]] = {name: [] for name in world.config.contracts}
    for _ in range(6 * 35):
        world.probe()
        await judge.refresh()
        for view in judge.views:
            if view.current.as_of == world.now:
                judged[view.contract.name].append(world.now)
    for name, instants in judged.items():
        assert [instant for instant in instants if instant - START < 3 * MINUTE][2:], name
        late = [after - before for before, after in pairwise(instants) if before - START > 15 * MINUTE]
        assert len(late) > 2
        assert step <= max(late) < step + MINUTE, name
    assert len({instants[-1] for instants in judged.values()}) == len(judged)
    world.bad = dict.fromkeys(world.bad, 1)
    world.probe()
    await judge.refresh()
    assert all(view.current.as_of == world.now for view in judge.views)
    assert await world.thread.close()


def test_contracts_take_turns_together_and_all_turns_are_alike() -> None:
    turns = Counter(phase(f"site-{number:03}") for number in range(1000))
    assert turns.keys() == {turn * MINUTE for turn in range(5)}
    assert all(150 < many < 250 for many in turns.values())


@pytest.mark.parametrize("seed", [1, 2])
async def test_what_is_held_is_what_the_store_gives(tmp_path: Path, seed: int) -> None:
    """Whatever is asked of it, also beyond what was read, and at instants that cut a minute that is over."""
    world = World(tmp_path, seed)
    judge = Judge(clock=world.clock, stats=world.stats, source=world.source, config=world.config)
    targets = tuple(world.config.targets.values())
    held_back = 0
    for step in range(300):
        world.probe()
        if step % 20:
            continue
        await judge.refresh()
        books = [running.book for running in judge._cases.values()]
        reader = await hold(world.source, books, world.now)
        for _ in range(30):
            some = tuple(world.random.sample(targets, 2))
            start, end = sorted(world.now - world.random.randrange(8 * MINUTE) for _ in range(2))
            start = world.random.choice((start, start - start % MINUTE))
            middle = world.random.randrange(start, end + 1)
            records = await reader.records(some, start, end, cuts=[middle])
            stored = await world.source.records(some, start, end, cuts=[middle])
            assert records.keys() == stored.keys()
            for name, found in records.items():
                for spans in (((start, end),), ((start, middle),), ((middle, end),)):
                    counts = [count(each, spans, spacing=10 * S, one_by_one=True) for each in (found, stored[name])]
                    assert counts[0] == counts[1]
            runs = await reader.runs(some, start, end, up_after=1)
            read = await world.source.runs(some, start, end, up_after=1)
            assert runs.series.keys() == read.series.keys()
            for name, series in read.series.items():
                own = runs.series[name]
                assert own.runs[len(own.runs) - len(series.runs) :] == series.runs
                assert (own.known_from, own.through) == (series.known_from, series.through)
            assert set(read.gaps) <= set(runs.gaps)
            assert await reader.known_from(some) == await world.source.known_from(some)
            held_back += reader is not world.source
    assert held_back > 200
    assert await world.thread.close()


async def test_what_people_state_is_judged_at_the_next_refresh(tmp_path: Path) -> None:
    """Also of a period that is over and measured, of which nothing changes any more but what people say, and the day it is."""
    world = World(tmp_path, 1)
    judge = Judge(clock=world.clock, stats=world.stats, source=world.source, config=world.config)

    async def before() -> Statement:
        await judge.refresh()
        (view,) = (view for view in judge.views if view.contract.name == "ticketed")
        assert view.previous is not None
        return view.previous

    world.bad = dict.fromkeys(world.bad, 0) | {"hq/a": 30, "hq/b": 30}
    for _ in range(100):
        world.probe()
    began = world.now - 1000 * S
    while world.now < START + 41 * MINUTE + 24 * HOUR:
        world.now += 4 * HOUR
        world.probe()
    assert (await before()).outages == ()
    ticket = await world.record("ticketed", Ticket(began, began + 8 * MINUTE))
    judged = await before()
    assert [(line.start, line.end) for line in judged.outages] == [(judged.outages[0].start, began + 8 * MINUTE)]
    assert judged.credit == 100
    assert judged.claim is not None
    assert judged.claim.state == "open"
    await world.record("ticketed", Charged("2026-11", billed=Fraction(500)))
    assert (await before()).credit == 50
    world.now += 24 * HOUR  # nobody says or measures anything, but the time to claim is over
    claim = (await before()).claim
    assert claim is not None
    assert claim.state == "late"
    await world.record("ticketed", Lodged("2026-11", START + 25 * HOUR))
    claim = (await before()).claim
    assert claim is not None
    assert claim.state == "in_time"
    await world.thread.call(world.store.retract, ticket.id, at=world.now, by="test")
    assert (await before()).outages == ()
    assert await world.thread.close()


async def test_an_outage_over_the_end_of_a_month_is_judged_as_long_as_it_lasts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when another one joins it, its ticket is open, or one is from which a later outage counts; and the running judgement, the one
    from scratch and the core say the same.
    """
    monkeypatch.setattr(case, "BEYOND", 5 * MINUTE)
    world = World(tmp_path, 1, PROBED + CROSSING)
    monkeypatch.setattr(world.random, "random", lambda: 1.0)  # nothing happens
    judge = Judge(clock=world.clock, stats=world.stats, source=world.source, config=world.config)
    world.now = DECEMBER - 10 * MINUTE
    for step in range(50 * 6):
        if step == 8 * 6:
            world.bad["lan/gw"] = 29 * 6
            for name in ("ticket", "reported"):
                await world.record(name, Ticket(world.now))
        if step == 43 * 6:
            world.bad["lan/gw"] = 6
        if step == 45 * 6:
            world.bad |= {"hq/a": 12, "hq/b": 12}
        world.probe()
        if step % 15 == 14:
            await judge.refresh()
    assert world.now == DECEMBER + 40 * MINUTE
    declarations = await world.source.declarations()
    found: dict[str, tuple[Any, ...]] = {}
    for view in judge.views:
        assert view.previous is not None
        contract, period = view.contract, view.previous.period
        scratch = await judge_once(
            world.config, contract, period, source=world.source, declarations=declarations, as_of=world.now
        )
        stated = declared(contract, declarations, world.now)
        bench = Bench(world.config, contract, contract.service, period.start, world.source, stated)
        assert scratch == evaluate(contract, await bench.runs(0, world.now), period, world.now)
        assert replace(view.previous, as_of=world.now) == scratch
        (outage,) = scratch.outages
        found[contract.name] = (outage.end, outage.charged, scratch.credit, judge._cases[contract.name].is_final)
    assert found == {
        "long": (DECEMBER, 29 * MINUTE, 50, True),
        "merged": (DECEMBER, 36 * MINUTE, 50, False),
        "slotted": (DECEMBER, 29 * MINUTE, 50, True),
        "ticket": (DECEMBER, found["ticket"][1], 50, False),
        "reported": (DECEMBER, 39 * MINUTE + 10 * S, 50, False),
    }
    assert found["ticket"][1] > 40 * MINUTE
    assert await world.thread.close()


async def test_what_is_undecided_for_want_of_facts_is_looked_at_further_on(tmp_path: Path) -> None:
    """An outage that takes more than a day to be found, at the end of a month that is over."""
    probed = PROBED.replace("10s", "1h").replace("down_after: 3", "down_after: 30")
    world = World(tmp_path, 1, probed + CROSSING.partition("  merged:")[0])
    world.random.random = lambda: 1.0  # type: ignore[method-assign]  # nothing happens
    world.now = DECEMBER - 30 * DAY - HOUR // 2
    for hour in range(33 * 24):
        if hour == 30 * 24 - 1:
            world.bad["lan/gw"] = 40
        world.failure = (Result.TIMEOUT, Result.ICMP_ERROR)[hour % 2]  # a run ends where the result changes
        world.now += HOUR - 10 * S
        world.probe()
    judge = Judge(clock=world.clock, stats=world.stats, source=world.source, config=world.config)
    await judge.refresh()
    view = judge.views[0]
    assert view.previous is not None
    bench = Bench(world.config, view.contract, "lan", view.previous.period.start, world.source, Facts())
    truth = evaluate(view.contract, await bench.runs(0, world.now), view.previous.period, world.now)
    assert view.previous == truth
    assert [line.charged for line in truth.outages] == [40 * HOUR]
    assert await world.thread.close()


async def test_nothing_is_known_before_the_term(tmp_path: Path) -> None:
    """What was measured before is of no contract yet: it earns no credit back and no bonus."""
    world = World(tmp_path, 1, PROBED + BEGUN)
    world.random.random = lambda: 1.0  # type: ignore[method-assign]  # nothing happens
    world.now = DECEMBER - 10 * MINUTE
    for step in range(20 * 6):
        if step == 12 * 6:
            world.bad["lan/gw"] = 12
        world.probe()
    world.now = DECEMBER + 31 * DAY
    world.probe()
    contract = world.config.contracts["begun"]
    period = find_period(contract, "previous", world.now)
    declarations = await world.source.declarations()
    scratch = await judge_once(
        world.config, contract, period, source=world.source, declarations=declarations, as_of=world.now
    )
    bench = Bench(world.config, contract, "lan", period.start, world.source, Facts())
    assert scratch == evaluate(contract, await bench.runs(0, world.now), period, world.now)
    money = (scratch.credit, scratch.earned_back, scratch.payable, scratch.bonus)
    assert [str(amount) for amount in money] == ["100.00", "0.00", "100.00", "0.00"]
    assert await world.thread.close()


@pytest.mark.parametrize("seed", [1, 5])
async def test_windows_that_slide_over_a_value_are_judged_as_by_the_core(tmp_path: Path, seed: int) -> None:
    """Availability of the last half hour, at every instant: stretches that are no periods."""
    world = World(tmp_path, seed)
    text = CONFIG.partition("  ticketed:")[0] + TERMINABLE
    (tmp_path / "slamon.yml").write_text(text)
    config = load(tmp_path / "slamon.yml")
    contract = config.contracts["sliding"]
    judge = Judge(clock=world.clock, stats=world.stats, source=world.source, config=config)
    arisen = 0
    for step in range(360):
        world.probe()
        if step == 100:
            world.bad |= {"hq/a": 40, "hq/b": 45}
        if step % 36 == 35:
            await judge.refresh()
            (view,) = (view for view in judge.views if view.contract is contract)
            bench = Bench(config, contract, "hq", view.current.period.start, world.source, Facts())
            facts = await bench.runs(0, view.current.as_of)
            truth = evaluate(contract, facts, view.current.period, view.current.as_of)
            assert view.current.rights == truth.rights
            arisen += len(truth.rights)
    assert arisen > 0
    assert await world.thread.close()


async def test_a_wrong_running_judgement_is_noticed_and_mended(tmp_path: Path) -> None:
    world = World(tmp_path, 1)
    judge = Judge(clock=world.clock, stats=world.stats, source=world.source, config=world.config)
    for _ in range(300):
        world.probe()
    await judge.refresh()
    for running in judge._cases.values():
        for one in running.book.cases.values():
            one.base += one.base  # every second twice
    await judge.refresh()
    assert not await judge.recheck()
    assert world.stats.evaluation_mismatches == 1
    await judge.refresh()
    judge._checked = 0
    assert await judge.recheck()
    assert await world.thread.close()


async def test_an_exclusion_shows_as_active_and_takes_the_credit_away(tmp_path: Path) -> None:
    world = World(tmp_path, 2)
    judge = Judge(clock=world.clock, stats=world.stats, source=world.source, config=world.config)
    for _ in range(200):
        world.bad = {"lan/gw": 0, "hq/a": 1, "hq/b": 1}
        world.probe()
    await judge.refresh()
    view = judge.views[0]
    assert view.current.status is not Status.MET
    assert view.current.credit
    assert view.active_exclusions == {"maintenance": False, "customer": False}
    made = await world.thread.call(
        world.store.declare,
        contract="hq",
        cause="customer",
        start=START - HOUR,
        end=world.now + HOUR,
        at=world.now,
        by="me",
    )
    await judge.refresh()
    view = judge.views[0]
    assert view.active_exclusions == {"maintenance": False, "customer": True}
    assert view.current.credit == 0
    assert [line.declared_at for line in view.current.exclusions] == [made.declared_at]
    await world.thread.call(world.store.settle, [made.id], "dispute", at=world.now, by="you")
    await judge.refresh()
    view = judge.views[0]
    assert view.active_exclusions == {"maintenance": False, "customer": False}
    assert view.current.credit
    await world.thread.call(world.store.revoke, made.id, at=world.now, by="me")
    await judge.refresh()
    assert judge.views[0].current.credit
    assert await world.thread.close()


@pytest.mark.parametrize(
    ("rules", "holds"),
    [
        ("", True),
        (", notice: 240h", False),
        (", hours: daily 04:00-05:00", False),
        (", allowance: 5m per month", False),
        (", lodge: 1h after outage start", False),
    ],
)
async def test_an_exclusion_that_does_not_count_now_is_not_active(tmp_path: Path, rules: str, holds: bool) -> None:
    """Refused, outside the hours of its class, beyond its allowance; and where two cover an instant, one owns it."""
    world = World(tmp_path, 2, CONFIG.replace("{class: maintenance}", f"{{class: maintenance{rules}}}"))
    judge = Judge(clock=world.clock, stats=world.stats, source=world.source, config=world.config)
    for _ in range(20):
        world.probe()

    async def active(cause: str) -> dict[str, bool]:
        """After that was declared, for two hours around the present."""
        start, end = world.now - HOUR - MINUTE, world.now + HOUR
        await world.thread.call(
            world.store.declare, contract="hq", cause=cause, start=start, end=end, at=world.now, by="me"
        )
        await judge.refresh()
        return dict(judge.views[0].active_exclusions)

    assert await active("maintenance") == {"maintenance": holds, "customer": False}
    assert await active("customer") == {"maintenance": holds, "customer": not holds}
    assert await world.thread.close()


async def test_an_exclusion_is_active_in_the_hours_of_its_class_though_nothing_else_happens(tmp_path: Path) -> None:
    """START is 23:20, and of a contract that is older a view stands for minutes."""
    world = World(tmp_path, 1, CONFIG.replace("{class: maintenance}", "{class: maintenance, hours: daily 23:35-23:36}"))
    judge = Judge(clock=world.clock, stats=world.stats, source=world.source, config=world.config)
    world.random.random = lambda: 1.0  # type: ignore[method-assign]  # nothing happens
    world.probe()
    await world.thread.call(
        world.store.declare, contract="hq", cause="maintenance", start=START, end=START + HOUR, at=world.now, by="me"
    )
    seen, stood = [], 0
    while world.now < START + 20 * MINUTE:
        await judge.refresh()
        seen.append((world.now, judge.views[0].active_exclusions["maintenance"]))
        stood += judge.views[0].current.as_of < world.now
        world.probe()
    assert [now for now, active in seen if active] == [START + 15 * MINUTE + n * 10 * S for n in range(6)]
    assert stood > 20
    assert await world.thread.close()


@pytest.mark.parametrize("length", ["30m", "7d"])
async def test_an_exclusion_is_active_whether_or_not_a_rolling_period_has_begun(tmp_path: Path, length: str) -> None:
    """START is 23:20, and the half hour that is current all day begins at 23:30."""
    config = CONFIG.replace("    timezone: UTC\n", f"    timezone: UTC\n    period: rolling {length}\n", 1)
    world = World(tmp_path, 1, config)
    judge = Judge(clock=world.clock, stats=world.stats, source=world.source, config=world.config)
    world.random.random = lambda: 1.0  # type: ignore[method-assign]  # nothing happens
    world.probe()
    await world.thread.call(
        world.store.declare, contract="hq", cause="maintenance", start=START, end=START + DAY, at=world.now, by="me"
    )
    for now in (world.now, START + 20 * MINUTE, DECEMBER + HOUR, START + DAY):
        world.now = now
        await judge.refresh()
        assert judge.views[0].active_exclusions["maintenance"] is (now < START + DAY)
    assert await world.thread.close()


async def test_an_exclusion_is_active_by_the_terms_of_the_current_period(tmp_path: Path) -> None:
    """An amendment asks for more notice than was given."""
    config = f"""{PROBED}contracts:
  lan:
    service: lan
    provider: us
    timezone: UTC
    period: month
    min_coverage: 0%
    objectives: {{availability: {{target: 99%}}}}
    exclusions: [{{class: maintenance}}]
    amendments: [{{effective: 2026-12-01, exclusions: [{{class: maintenance, notice: 3d}}]}}]
"""
    world = World(tmp_path, 1, config)
    world.now = DECEMBER - 10 * MINUTE
    judge = Judge(clock=world.clock, stats=world.stats, source=world.source, config=world.config)
    start, end = DECEMBER - HOUR, DECEMBER + HOUR
    await world.thread.call(
        world.store.declare, contract="lan", cause="maintenance", start=start, end=end, at=start, by="me"
    )
    seen = []
    while world.now < DECEMBER + 5 * MINUTE:
        world.probe()
        await judge.refresh()
        seen.append((world.now < DECEMBER, judge.views[0].active_exclusions["maintenance"]))
    assert set(seen) == {(True, True), (False, False)}
    assert await world.thread.close()


async def test_an_exclusion_begins_and_ends_in_time_though_nothing_else_happens(tmp_path: Path) -> None:
    world = World(tmp_path, 1)
    judge = Judge(clock=world.clock, stats=world.stats, source=world.source, config=world.config)
    world.random.random = lambda: 1.0  # type: ignore[method-assign]  # nothing happens
    while (world.now - START) % MINUTE < 20 * S or world.now < START + 10 * MINUTE:
        world.probe()
        await judge.refresh()
    start = world.now + 15 * S
    await world.thread.call(
        world.store.declare,
        contract="hq", cause="maintenance", start=start, end=start + 10 * S, at=world.now, by="me",
    )  # fmt: skip
    seen = []
    for _ in range(4):
        await judge.refresh()
        seen.append((judge.views[0].active_exclusions["maintenance"], judge.views[0].current.as_of == world.now))
        world.probe()
    assert seen == [(False, True), (False, False), (True, True), (False, True)]
    assert await world.thread.close()


async def test_a_declaration_made_by_a_clock_that_is_ahead_is_not_forgotten(tmp_path: Path) -> None:
    """The daemon's clock is slewed by up to 100 ms; who declares has another."""
    world = World(tmp_path, 2)
    judge = Judge(clock=world.clock, stats=world.stats, source=world.source, config=world.config)
    for _ in range(200):
        world.bad = {"lan/gw": 0, "hq/a": 1, "hq/b": 1}
        world.probe()
    await judge.refresh()
    until = world.now
    made = await world.thread.call(
        world.store.declare,
        contract="hq",
        cause="customer",
        start=START,
        end=until,
        at=world.now + 90 * MS,
        by="me",
    )
    await judge.refresh()
    assert judge.views[0].current.credit
    world.now += 100 * MS
    await judge.refresh()
    assert judge.views[0].current.credit == 0
    assert judge.views[0].current.time["customer"] == until - START
    await world.thread.call(world.store.revoke, made.id, at=world.now + 90 * MS, by="me")
    await judge.refresh()
    assert judge.views[0].current.credit == 0
    world.now += 100 * MS
    await judge.refresh()
    assert judge.views[0].current.credit
    assert await world.thread.close()


async def test_a_declaration_younger_than_the_facts_is_no_mismatch(tmp_path: Path) -> None:
    world = World(tmp_path, 2)
    judge = Judge(clock=world.clock, stats=world.stats, source=world.source, config=world.config)
    for _ in range(200):
        world.bad = {"lan/gw": 0, "hq/a": 1, "hq/b": 1}
        world.probe()
    world.now += 2 * S
    await world.thread.call(
        world.store.declare,
        contract="hq",
        cause="customer",
        start=START,
        end=world.now,
        at=world.now,
        by="me",
    )
    await judge.refresh()
    assert judge.views[0].current.settled < world.now
    assert await judge.recheck()
    assert judge.views[0].current.credit == 0
    assert world.stats.evaluation_mismatches == 0
    assert await world.thread.close()


async def test_a_long_past_is_judged_in_pieces(tmp_path: Path) -> None:
    """The loop runs in between: whoever sends probes waits for a few thousand runs at most."""
    world = World(tmp_path, 1)
    for step in range(500):
        world.bad = {"lan/gw": 0, "hq/a": step % 2, "hq/b": step % 2}
        world.probe()
    judge = Judge(clock=world.clock, stats=world.stats, source=world.source, config=world.config)
    longest = 0

    def watched(facts: Facts, service: str, **rest: Any) -> Observation:
        nonlocal longest
        longest = max(longest, *(len(series.runs) for series in facts.series.values()))
        return observe(facts, service, **rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(case, "MANY_RUNS", 100)
        patch.setattr(case, "BEYOND", 5 * MINUTE)
        patch.setattr(attribution, "observe", watched)
        patch.setattr(outages_module, "observe", watched)
        await judge.refresh()
    seen = judge.views[0].current
    assert longest < 300
    # what went on for long, as the witness that is up, does not make the refreshes to come look further back
    running = judge._cases["hq"].book.cases["hq", seen.period]
    assert running.needed > running.upto - MINUTE
    declarations = await world.source.declarations()
    assert seen == await judge_once(
        world.config,
        judge.views[0].contract,
        seen.period,
        source=world.source,
        declarations=declarations,
        as_of=seen.as_of,
    )
    assert await world.thread.close()


async def test_another_month_begins(tmp_path: Path) -> None:
    world = World(tmp_path, 3)
    judge = Judge(clock=world.clock, stats=world.stats, source=world.source, config=world.config)
    for _ in range(20):
        world.probe()
    await judge.refresh()
    assert [view.previous for view in judge.views] == [None, None, None]
    for _ in range(20):
        world.now += 2 * HOUR
        world.probe()
    await judge.refresh()
    view = judge.views[0]
    assert (view.current.period.name, view.previous and view.previous.period.name) == ("2026-12", "2026-11")
    assert view.previous is not None
    assert not view.previous.open
    statements = await report(world.config, world.source, contract="hq", period="previous", now=world.now)
    assert statements[0].credit == view.previous.credit
    assert await world.thread.close()


async def test_what_changes_a_statement_after_it_was_closed_makes_a_revision(tmp_path: Path) -> None:
    world = World(tmp_path, 2)
    judge = Judge(clock=world.clock, stats=world.stats, source=world.source, config=world.config)
    world.random.random = lambda: 1.0  # type: ignore[method-assign]  # nothing else happens
    for _ in range(200):
        world.bad = {"lan/gw": 0, "hq/a": 1, "hq/b": 1}
        world.probe()
    world.bad = dict.fromkeys(world.bad, 0)

    async def stands() -> tuple[int, Any, Any]:
        """Two hours later: the revision of November, its credit, and what has come to it since it was closed."""
        world.now += 2 * HOUR
        world.probe()
        await judge.refresh()
        shown = judge.views[0].previous
        assert shown is not None
        assert shown.period.name == "2026-11"
        (scratch,) = await report(world.config, world.source, contract="hq", period="2026-11", now=world.now)
        assert (scratch.revision, scratch.credit, scratch.adjustment) == (
            shown.revision,
            shown.credit,
            shown.adjustment,
        )
        return shown.revision, shown.credit, shown.adjustment

    world.now += 26 * HOUR
    revision, credit, adjustment = await stands()
    assert (revision, adjustment) == (1, 0)
    assert credit > 0
    draft = Draft(
        contract="hq", cause="customer", start=START - HOUR, end=START + DAY, state=Agreement.PROPOSED, notified=START
    )
    (made,) = await world.thread.call(world.store.declare_all, [draft], at=world.now, by="me") or ()

    async def settle(kind: str) -> None:
        await world.thread.call(world.store.settle, [made.id], kind, at=world.now, by="you")

    await settle("accept")
    assert await stands() == (1, 0, 0), "it was never closed"
    await settle("dispute")
    await stands()
    await world.record("hq", Closed("2026-10", world.now))
    assert await stands() == (1, credit, 0), "another one was closed"
    await world.record("hq", Closed("2026-11", world.now))
    assert await stands() == (1, credit, 0)
    await settle("accept")
    assert await stands() == (2, 0, -credit)
    await world.record("lan", Ticket(world.now))
    assert await stands() == (2, 0, -credit), "nothing of this contract"
    await world.record("hq", Closed("2026-11", world.now))
    assert await stands() == (2, 0, 0)
    charged = await world.record("hq", Charged("2026-11", billed=Fraction(2000)))
    await settle("reject")
    assert await stands() == (3, 2 * credit, 2 * credit), "both at one instant"
    await world.thread.call(world.store.retract, charged.id, at=world.now, by="me")
    assert await stands() == (4, credit, credit)
    await judge.refresh()
    assert not world.stats.evaluation_mismatches
    assert await world.thread.close()


async def both(world: World, judge: Judge) -> list[tuple[int, Any, Any]]:
    """Revision, credit and adjustment of November: as the daemon shows them, and from scratch."""
    shown = judge.views[0].previous
    assert shown is not None
    (scratch,) = await report(world.config, world.source, contract="hq", period="2026-11", now=world.now)
    return [(each.revision, each.credit, each.adjustment) for each in (shown, scratch)]


async def test_a_statement_closed_before_its_last_packets_were_decided_was_closed_with_them(tmp_path: Path) -> None:
    config = CONFIG.replace("      availability: {below: {99.9%: 10%, 99%: 25%}}", "      loss: {over: {1%: 10%}}", 1)
    world = World(tmp_path, 2, config)
    world.random.random = lambda: 1.0  # type: ignore[method-assign]  # nothing else happens
    judge = Judge(clock=world.clock, stats=world.stats, source=world.source, config=world.config)
    world.now = DECEMBER - HOUR
    while world.now < DECEMBER - 20 * S:
        if world.now // (10 * S) % 5 == 0:
            world.bad = {"lan/gw": 0, "hq/a": 1, "hq/b": 1}
        world.probe()
    await judge.refresh()
    world.now = DECEMBER + S
    await world.record("hq", Closed("2026-11", world.now))
    await judge.refresh()
    previous = judge.views[0].previous
    assert previous is not None
    assert previous.open, "the last packets are not decided"
    world.now = DECEMBER - 10 * S
    for _ in range(400):
        world.probe()
    world.now += 2 * HOUR
    world.probe()
    await judge.refresh()
    shown, scratch = await both(world, judge)
    assert shown == scratch
    assert shown[0] == 1
    assert shown[1] > 0
    assert shown[2] == 0
    assert await world.thread.close()


async def test_an_entry_stamped_by_a_clock_that_was_ahead_changes_no_other_ones_place(tmp_path: Path) -> None:
    world = World(tmp_path, 2)
    world.random.random = lambda: 1.0  # type: ignore[method-assign]  # nothing else happens
    judge = Judge(clock=world.clock, stats=world.stats, source=world.source, config=world.config)
    for _ in range(200):
        world.bad = {"lan/gw": 0, "hq/a": 1, "hq/b": 1}
        world.probe()
    world.bad = dict.fromkeys(world.bad, 0)
    world.now = DECEMBER + DAY
    world.probe()
    await world.record("hq", Closed("2026-11", world.now))
    await world.thread.call(world.store.record, "hq", Ticket(world.now), at=world.now + 12 * HOUR, by="ahead")
    world.now += MINUTE
    await world.record("hq", Charged("2026-11", billed=Fraction(2000)))
    for closed_anew in (False, True):
        if closed_anew:
            world.now += MINUTE
            await world.record("hq", Closed("2026-11", world.now))
        world.now += HOUR
        world.probe()
        await judge.refresh()
        shown, scratch = await both(world, judge)
        assert shown == scratch
        assert shown[0] == 2
        assert shown[1] > 0
        assert (shown[2] == 0) is closed_anew
    assert await world.thread.close()


RESTING = (
    CONFIG
    + """
  top: {service: hq, provider: Acme, timezone: UTC, min_coverage: 0%, supported_by: {all: [lan]}, objectives: {availability: {target: 99%}}}
"""
)


@pytest.mark.parametrize("amid", [False, True], ids=["between two refreshes", "amid one"])
async def test_a_reload_changes_what_a_promise_rests_on_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, amid: bool
) -> None:
    world = World(tmp_path, 2, RESTING)
    world.random.random = lambda: 1.0  # type: ignore[method-assign]  # nothing else happens
    judge = Judge(clock=world.clock, stats=world.stats, source=world.source, config=world.config)
    world.now = DECEMBER - 5 * MINUTE
    for _ in range(300):
        world.probe()
    for _ in range(60):
        world.probe()
        await judge.refresh()
    less = tmp_path / "slamon.yml"  # at the same place, or the contract would be another one
    lan = "    objectives: {availability: {target: 99%}}\n  ticketed"
    assert RESTING.count(lan) == 1
    less.write_text(RESTING.replace(lan, lan.replace("99%", "90%")))
    config = load(less)
    if amid:
        previous = Judge._previous

        async def reloaded(self: Judge, case: Any, *rest: Any) -> Any:
            found = await previous(self, case, *rest)
            if case.book.contract.name == "top" and self._config is not config:
                self.set(config)
            return found

        monkeypatch.setattr(Judge, "_previous", reloaded)
        for _ in range(31):
            world.probe()
        for case in judge._cases.values():
            case.view, case.again = None, 0
        await judge.refresh()
    else:
        judge.set(config)
    assert judge._config is config
    await judge.refresh()
    (view,) = [view for view in judge.views if view.contract.name == "top"]
    assert view.previous is not None
    assert (view.current.supportable, view.previous.supportable) == (Fraction(9, 10), Fraction(9, 10))
    assert await world.thread.close()


async def test_what_was_judged_of_a_closed_statement_is_not_judged_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path, 3)
    judge = Judge(clock=world.clock, stats=world.stats, source=world.source, config=world.config)
    for _ in range(20):
        world.probe()
    world.now += 26 * HOUR
    await world.record("hq", Closed("2026-11", world.now))
    asked = []
    history = Source.history

    async def counted(self: Source, contract: str, since: int) -> tuple[Stood, ...]:
        asked.append(contract)
        return await history(self, contract, since)

    monkeypatch.setattr(Source, "history", counted)
    judged = []
    statement = Book.statement

    async def from_scratch(self: Book, source: Reader, period: Period, as_of: int, *, step: int = DAY) -> Statement:
        judged.append(as_of)
        return await statement(self, source, period, as_of, step=step)

    monkeypatch.setattr(Book, "statement", from_scratch)
    closed_at = world.now
    for _ in range(3):
        world.now += 2 * HOUR
        world.probe()
        await judge.refresh()
    assert asked == ["hq"] * 3
    assert judged.count(closed_at) == 1
    assert await world.thread.close()


def test_unknown_names_are_said_with_the_known_ones(tmp_path: Path) -> None:
    path = tmp_path / "slamon.yml"
    path.write_text(CONFIG)
    config = load(path)
    with pytest.raises(UsageError, match=r"there is no contract 'hk'; the contracts are: hq, lan"):
        find_contracts(config, "hk")
    with pytest.raises(UsageError, match="2026-13"):
        find_period(config.contracts["hq"], "2026-13", START)
