"""A configuration with one contract, and a store with an hour of its facts."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from slamon.config import load
from slamon.model import Reading, S
from slamon.model import Result as Outcome
from slamon.record.recorder import Recorder
from slamon.stats import RTT_EDGES
from slamon.store import Store

START = 1_782_864_000 * S
"""2026-07-01 00:00 UTC."""

CONFIG = """
vantage: here
web: {port: 0}
services:
  hq: {targets: {ping: {probe: icmp, address: 127.0.0.1}}}
contracts:
  hq:
    service: hq
    provider: Acme
    timezone: Europe/Berlin
    price: 1000 EUR/month
    min_coverage: 0%
    exclusions: [{class: maintenance}]
    objectives: {availability: {target: 99.9%}}
    credits: {availability: {below: {99.9%: 10%}}}
    caps: {}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "slamon.yml"
    path.write_text(CONFIG)
    return path


@pytest.fixture(scope="session")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state directory: an hour of July measured every 10 s, down from minute 20 to minute 30."""
    folder = tmp_path_factory.mktemp("measured")
    path = folder / "slamon.yml"
    path.write_text(CONFIG)
    store = Store.open(folder / "state" / "slamon.db", write=True)
    recorder = Recorder("here", store.restore())
    (target,) = load(path).targets.values()
    series = recorder.open(target, limits=(), edges=RTT_EDGES)
    for i in range(360):
        down = 120 <= i < 180
        reading = Reading(Outcome.TIMEOUT) if down else Reading(Outcome.SUCCESS, rtt=5_000_000)
        series.decide(series.send(START + i * 10 * S), reading)
        store.write(recorder.batch(START + i * 10 * S + S))
    recorder.close(target.name)
    store.write(recorder.batch(START + 3600 * S, final=True))
    store.close()
    return folder / "state"


@pytest.fixture
def facts(tmp_path: Path, measured: Path) -> Path:
    """The same for each test, to declare in."""
    return Path(shutil.copytree(measured, tmp_path / "state"))
