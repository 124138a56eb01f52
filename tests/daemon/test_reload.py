"""A reload that is refused changes nothing and ends nothing, whatever is wrong."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from slamon.config import Config, load
from slamon.daemon import _reload
from slamon.errors import ConfigError
from tests.daemon.test_outages import CONFIG, Daemon


def broken() -> Config:
    raise AttributeError("a bug with a secret in it")


def successful(daemon: Daemon) -> str:
    (line,) = [
        line
        for line in b"".join(daemon.service.page()).decode().splitlines()
        if line.startswith("slamon_config_last_reload_successful ")
    ]
    return line.split()[1]


async def test_a_mistake_of_ours_in_reading_refuses_the_reload(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    daemon = Daemon(tmp_path)
    await daemon.start()
    running = daemon.service.config
    daemon.service._read = broken
    with caplog.at_level(logging.ERROR):
        await _reload(daemon.service)  # as SIGHUP does it: what it raises ends the daemon
    assert daemon.service.config is running
    assert float(successful(daemon)) == 0
    (record,) = caplog.records
    assert record.getMessage() == "reload refused: reading the configuration failed"
    assert record.exc_info is not None
    assert record.exc_info[0] is AttributeError
    with pytest.raises(ConfigError) as refused:  # as the web server asks for it, and says so
        await daemon.service.reload()
    assert str(refused.value) == "reading it failed; the log of slamon has the details; please report them"
    daemon.service._read = lambda: load(daemon.path)
    daemon.write(CONFIG.replace("up_when: any", "up_when: all"))
    await _reload(daemon.service)
    assert float(successful(daemon)) == 1
    await daemon.seconds("...")
    await daemon.stop(0)


async def test_a_calendar_with_mistakes_refuses_the_reload(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    await daemon.start()
    (tmp_path / "days.ics").write_text(
        "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:a\nTZID:b\nEND:VTIMEZONE\nEND:VCALENDAR\n"
    )
    daemon.write(CONFIG.replace("timezone: UTC", "timezone: UTC\n    holidays: days.ics"))
    await _reload(daemon.service)
    assert float(successful(daemon)) == 0
    with pytest.raises(ConfigError, match=r"days\.ics"):
        await daemon.service.reload()
    await daemon.stop(0)
