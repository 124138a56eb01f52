"""The chain of declarations under a running daemon."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from slamon.daemon import service
from tests.daemon.test_outages import START, Daemon


async def test_a_declaration_changed_into_another_one_is_told_while_the_daemon_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It can be read and judged by, so that nothing else notices."""
    monkeypatch.setattr(service, "HOURLY", 1)
    daemon = Daemon(tmp_path)
    await daemon.start()
    store, stats = daemon.service._store, daemon.service._stats
    await daemon.thread.call(
        store.declare, contract="hq", cause="maintenance", start=1, end=2, at=START, by="ann", note="one"
    )
    keeping = asyncio.create_task(daemon.service.keep())
    async with asyncio.timeout(30):
        while daemon.recorder._journal.number < 3:  # noqa: ASYNC110 - two batches, a look with each
            await asyncio.sleep(0.01)
        assert stats.store_verify_errors == 0
        editor = sqlite3.connect(tmp_path / "slamon.db", isolation_level=None, timeout=5)
        editor.execute("UPDATE declaration SET body = replace(body, 'one', 'two')")
        editor.close()
        await daemon.service._judge.refresh()
        while not stats.store_verify_errors:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert "cannot be relied on: declaration 1" in caplog.text
    keeping.cancel()
    await daemon.stop(0)
