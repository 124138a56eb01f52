"""What the log says of changes, of a restart in the middle of an outage, and of declarations."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Coroutine
from pathlib import Path

import pytest

from slamon.clock import Clock
from slamon.config import Config, load
from slamon.daemon import notices
from slamon.daemon.notices import Declared, Notices
from slamon.daemon.standing import follow
from slamon.live import Inbox, Live
from slamon.model import Reading, Result, S, Via
from slamon.path import Moment, Trace, Traced
from slamon.record.recorder import Recorder
from slamon.record.rows import Run
from slamon.sla.facts import Agreement, Exclusion, Recorded, SeriesFacts, Ticket
from slamon.stats import RTT_EDGES
from slamon.store import Declarations
from slamon.trace import ANY_WAY, Tracer

START = 1_795_514_400 * S  # 2026-11-24 10:00:00Z
CONFIG = """
vantage: here
defaults: {interval: 1s, timeout: 500ms, down_after: 3}
services:
  shop: {targets: {page: {probe: http, url: "http://192.0.2.1/"}}}
  line: {targets: {port: {probe: tcp, address: 192.0.2.2, port: 80}}}
"""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "slamon.yml").write_text(CONFIG)
    return load(tmp_path / "slamon.yml")


class Still(Tracer):
    """Sends nothing: what a trace finds is the business of other tests."""

    def __init__(self) -> None:
        super().__init__(Clock())
        self.asked: list[tuple[str, Moment]] = []

    async def trace(
        self, name: str, address: str, *, family: int, via: Via = ANY_WAY, moment: Moment = Moment.BEGAN
    ) -> Trace | None:
        self.asked.append((name, moment))
        return Trace(address=address, family=family, started=1, duration=2, hops=(), reached=False, ended="still")


class Talk:
    """Live states with notices on top, fed a letter a second."""

    def __init__(self, config: Config, live: Live) -> None:
        self.config = config
        self.live = live
        self.recorder, self.inbox = Recorder("here"), Inbox()
        self.series = {t.name: self.recorder.open(t, limits=(), edges=RTT_EDGES) for t in config.targets.values()}
        self.spawned: list[str] = []
        self.tracing = False
        self.tasks: list[Coroutine[object, object, None]] = []
        self.kept: list[Traced] = []
        self.over: list[tuple[str, int, int]] = []
        self.tracer = Still()
        self.notices = Notices(
            live=live,
            tracer=self.tracer,
            spawn=self.spawn,
            address=lambda target: target.address,
            failure=lambda name: self.series[name].failure,
            keep=self.keep,
            over=self.end,
        )

    def spawn(self, task: Coroutine[object, object, None], name: str) -> None:
        self.spawned.append(name)
        if self.tracing:
            self.tasks.append(task)
        else:
            task.close()

    async def keep(self, traced: Traced) -> None:
        self.kept.append(traced)

    async def end(self, target: str, since: int, until: int) -> None:
        self.over.append((target, since, until))

    def run(self) -> None:
        """What was spawned, one after the other."""
        tasks, self.tasks = self.tasks, []
        for task in tasks:
            asyncio.run(task)

    def feed(self, start: int, page: str, port: str) -> int:
        now = start
        for second, letters in enumerate(zip(page, port, strict=True)):
            now = start + second * S
            for name, letter in zip(("shop/page", "line/port"), letters, strict=True):
                pending = self.series[name].send(now)
                self.series[name].decide(pending, READINGS[letter])
            turns = self.live.update(self.inbox.read(self.recorder.batch(now + S // 2)), (), now + S // 2)
            self.notices.say(turns, self.config)
        return now


READINGS = {
    ".": Reading(Result.SUCCESS, rtt=1000),
    "5": Reading(Result.BAD_RESPONSE, rtt=1000, detail="HTTP 500 Internal\r\nServer Error"),
    "r": Reading(Result.CONNECT_ERROR, detail="ECONNREFUSED: Connection refused"),
    "x": Reading(Result.TIMEOUT, detail="no answer within 500ms"),
}


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "slamon"]


def test_what_failed_and_how_is_said(config: Config, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    Talk(config, follow(config)).feed(START, ".....5555.....", ".....rrrrxxx..")
    assert [line for line in said(caplog) if " DOWN " in line and line.startswith("target")] == [
        "target shop/page DOWN since 2026-11-24 10:00:05Z, 3 of 3 failed (3 bad_response; HTTP 500 Internal  Server Error)",
        "target line/port DOWN since 2026-11-24 10:00:05Z, 3 of 3 refused (ECONNREFUSED: Connection refused)",
    ]


def test_bad_slots_are_told_by_all_their_packets(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "slamon.yml").write_text(
        CONFIG.replace("down_after: 3", "outage: {slot: 5s, bad_slot: loss over 50%, after: 2 slots}")
    )
    config = load(tmp_path / "slamon.yml")
    caplog.set_level(logging.INFO)
    Talk(config, follow(config)).feed(START, "." * 24, "....." + "xx.xx" + ".xxx." + ".x.x." + "....")
    assert [line for line in said(caplog) if line.startswith("target line/port")][1:] == [
        "target line/port DOWN since 2026-11-24 10:00:05Z, 7 of 10 lost (no answer within 500ms)",
        "target line/port UP again since 2026-11-24 10:00:15Z, down for 10s",
    ]


def stored(config: Config, letters: dict[str, list[tuple[Result, int]]], end: int) -> list[SeriesFacts]:
    found = []
    for name, spans in letters.items():
        at, runs = START, []
        for result, seconds in spans:
            until = at + seconds * S
            last = until - S
            runs.append(Run(at, last, last if until == end else until, seconds, result))
            at = until
        target = config.targets[name]
        found.append(
            SeriesFacts(
                target=name,
                interval=target.interval,
                timeout=target.timeout,
                known_from=START,
                through=end,
                runs=tuple(runs),
            )
        )
    return found


def restarted(config: Config) -> Talk:
    """A daemon that starts again after an up target and one that was down."""
    live = follow(config)
    page, port = [(Result.SUCCESS, 100)], [(Result.SUCCESS, 50), (Result.CONNECT_ERROR, 50)]
    end = START + 100 * S
    for _ in live.replay(stored(config, {"shop/page": page, "line/port": port}, end), (), end + 30 * S):
        pass
    talk = Talk(config, live)
    talk.notices.resume(config)
    return talk


def test_a_restart_says_in_one_line_what_has_not_changed(config: Config, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    talk = restarted(config)
    talk.feed(START + 130 * S, "." * 20, "r" * 20)
    (line,) = said(caplog)
    stood = "1 service up, 1 service down, 1 target up, 1 target down"
    assert line == f"as measured up to 2026-11-24 10:01:39Z: {stood}; what changed since is said"
    assert talk.spawned == []


def test_what_changed_over_a_restart_is_said(config: Config, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    restarted(config).feed(START + 130 * S, "5" * 10, "r" * 2 + "." * 8)
    lines = said(caplog)[1:]
    assert [line.partition(",")[0] for line in lines] == [
        "target shop/page DOWN since 2026-11-24 10:02:10Z",
        "service shop DOWN since 2026-11-24 10:02:10Z",
        "target line/port UP again since 2026-11-24 10:02:12Z",
        "service line UP again since 2026-11-24 10:02:12Z",
    ]


def test_a_later_change_is_said_once(config: Config, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    restarted(config).feed(START + 130 * S, "." * 10 + "5" * 10 + "." * 5, "r" * 25)
    lines = [line.partition(" since")[0] for line in said(caplog)[1:]]
    assert lines == ["target shop/page DOWN", "service shop DOWN", "target shop/page UP again", "service shop UP again"]


def exclusion(number: int, revoked: int | None = None, state: Agreement = Agreement.ACCEPTED) -> Exclusion:
    return Exclusion(
        id=str(number),
        contract="hq",
        cause="maintenance",
        start=START,
        end=START + 3600 * S,
        declared_at=START,
        declared_by="anna@noc",
        note="CHG-1",
        revoked_at=revoked,
        revoked_by="bob@noc" if revoked else "",
        state=state,
    )


def test_declarations_are_said_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    known = Declared()
    known.say(Declarations((exclusion(1),)))  # was there when the daemon started
    known.say(Declarations((exclusion(1), exclusion(2))))
    known.say(Declarations((exclusion(1, revoked=START), exclusion(2))))
    event = Recorded(id="4", contract="hq", event=Ticket(START), declared_at=START, declared_by="anna@noc")
    known.say(Declarations((exclusion(1, revoked=START), exclusion(2)), (event,)))
    known.say(Declarations((exclusion(1, revoked=START), exclusion(2)), (event,)))
    span = "maintenance of contract hq from 2026-11-24 10:00:00Z to 2026-11-24 11:00:00Z"
    assert said(caplog) == [
        f"exclusion 2 declared by anna@noc: {span}: CHG-1",
        f"exclusion 1 revoked by bob@noc: {span}",
        "ticket 4 of contract hq declared by anna@noc: opened 2026-11-24 10:00:00Z",
    ]
    known.say(
        Declarations((exclusion(1, revoked=START), exclusion(2), exclusion(3, state=Agreement.PROPOSED)), (event,))
    )
    known.say(
        Declarations((exclusion(1, revoked=START), exclusion(2, state=Agreement.DISPUTED), exclusion(3)), (event,))
    )
    assert said(caplog)[3:] == [
        f"exclusion 3 declared as proposed by anna@noc: {span}: CHG-1",
        f"exclusion 2 is disputed now: {span}",
        f"exclusion 3 is accepted now: {span}",
    ]


def test_the_path_is_traced_when_a_target_falls_silent_and_when_it_is_back(config: Config) -> None:
    talk = Talk(config, follow(config))
    talk.tracing = True
    talk.feed(START, ".....xxxxx.....", "...............")
    assert talk.spawned == ["trace shop/page", "trace shop/page again"]
    talk.run()
    since, until = START + 5 * S, START + 10 * S
    assert talk.tracer.asked == [("shop/page", Moment.BEGAN), ("shop/page", Moment.ENDED)]
    assert [(each.moment, each.since, each.until) for each in talk.kept] == [
        (Moment.BEGAN, since, None),
        (Moment.ENDED, since, until),
    ]
    # the first is told twice: its trace took longer than the silence
    assert talk.over == [("shop/page", since, until)] * 2


def test_an_outage_that_outlasts_a_restart_is_traced_at_its_end(config: Config) -> None:
    talk = restarted(config)
    talk.tracing = True
    talk.feed(START + 130 * S, "." * 10, "r" * 5 + "." * 5)
    assert talk.spawned == ["trace line/port again"]
    talk.run()
    assert talk.over == [("line/port", START + 50 * S, START + 135 * S)]


def test_a_silence_shared_with_the_witness_is_traced_too(tmp_path: Path) -> None:
    (tmp_path / "slamon.yml").write_text(CONFIG.replace("port: 80}", "port: 80, witness: shop/page}"))
    config = load(tmp_path / "slamon.yml")
    talk = Talk(config, follow(config))
    talk.feed(START, "." * 5 + "x" * 10 + "." * 5, "." * 5 + "x" * 10 + "." * 5)
    assert sorted(talk.spawned) == [
        "trace line/port",
        "trace line/port again",
        "trace shop/page",
        "trace shop/page again",
    ]


def test_heavy_loss_without_an_outage_is_said_once_and_so_is_its_end(
    config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    talk = Talk(config, follow(config))
    now = START
    for page in ("." * 10, "xx." * 10, "xx." * 10, "." * 150, "." * 300, "." * 300):
        now = talk.feed(now, page, "." * len(page)) + S
        deque(talk.notices.say_lossy(config, now), maxlen=0)
    lines = [line for line in said(caplog) if "ossy" in line.lower()]
    assert lines == [
        "target shop/page LOSSY: 20 of 40 probes of the last 5m failed without being an outage",
        "target shop/page no longer lossy: 0 of 300 probes of the last 5m failed without being an outage",
    ]
    assert not any("DOWN" in line for line in said(caplog))


def test_looking_for_lossy_targets_gives_way(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "LOOKED_AT", 1)
    talk = Talk(config, follow(config))
    now = talk.feed(START, "xx." * 10, "xx." * 10) + S
    assert len(list(talk.notices.say_lossy(config, now))) == len(talk.live.uneven()) == 2


def test_an_outage_makes_nothing_lossy(config: Config, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    talk = Talk(config, follow(config))
    now = talk.feed(START, "." * 10 + "x" * 60 + "." * 20, "." * 90) + S
    deque(talk.notices.say_lossy(config, now), maxlen=0)
    assert not any("LOSSY" in line for line in said(caplog))
