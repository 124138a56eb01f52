"""What a reload leaves as it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from slamon.config import Config, WebConfig, load
from slamon.daemon.fixed import as_started

TEXT = """
vantage: {vantage}
web: {{port: {port}}}
store: {{keep_raw: {keep}}}
services: {{a: {{targets: {{b: {{probe: icmp, address: 192.0.2.1}}}}}}}}
"""


def made(folder: Path, **values: object) -> Config:
    path = folder / "slamon.yml"
    path.write_text(TEXT.format(**{"vantage": "here", "port": 9909, "keep": "7d", **values}))
    return load(path)


def test_what_a_start_decides_stays_and_is_named(tmp_path: Path) -> None:
    running = made(tmp_path)
    kept, later = as_started(made(tmp_path, vantage="there", port=1), running)
    assert later == ("web", "vantage")
    assert (kept.vantage, kept.web.port) == ("here", 9909)
    # it is compared with what runs: saying the same again is still a change, taking it back is none
    assert as_started(made(tmp_path, vantage="there"), kept)[1] == ("vantage",)
    assert as_started(made(tmp_path), kept) == (running, ())


def test_how_long_packets_are_kept_changes_at_once(tmp_path: Path) -> None:
    kept, later = as_started(made(tmp_path, keep="1d"), made(tmp_path))
    assert later == ()
    assert kept.store.keep_raw == made(tmp_path, keep="1d").store.keep_raw


def test_another_store_waits_for_a_start(tmp_path: Path) -> None:
    running = made(tmp_path)
    moved = replace(running, store=replace(running.store, path=tmp_path / "other.db"))
    assert as_started(moved, running) == (running, ("store.path",))
    assert as_started(replace(running, web=WebConfig(host="::", port=1)), running)[1] == ("web",)
