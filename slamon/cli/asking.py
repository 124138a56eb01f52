"""Runs a question over the stored facts: the daemon may be running or not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from slamon.cli.options import load_config, open_store
from slamon.clock import Clock
from slamon.config import Config
from slamon.judge import Source
from slamon.stats import Stats
from slamon.store import StoreThread

T = TypeVar("T")


def ask(config_file: Path, state: Path, question: Callable[[Config, Source, int], Awaitable[T]]) -> T:
    """The answer to `question(config, source, now)`. Raises SlamonError."""
    config = load_config(config_file)
    store = open_store(config, state)

    async def run() -> T:
        thread = StoreThread(store, Stats())
        try:
            return await question(config, Source(store, thread), Clock().now())
        finally:
            await thread.close()

    return asyncio.run(run())
