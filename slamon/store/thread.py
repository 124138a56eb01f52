"""The one thread that waits for the disk, so that the event loop never does."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from threading import Lock
from typing import ParamSpec, TypeVar

from sqlalchemy.exc import DBAPIError

from slamon.model import MINUTE
from slamon.record.recorder import Batch
from slamon.record.rows import Gap
from slamon.stats import Stats
from slamon.store.store import Store

P = ParamSpec("P")
R = TypeVar("R")

PENDING_LIMIT = 256 * 1024 * 1024
"""Bytes of batches that wait for a disk that takes nothing: hours of a thousand targets, and still no danger to the host."""
MINUTE_COST = 2000
"""Bytes a closed minute takes in memory beside its packed samples."""
FULL = "store_full"
"""Reason of the gap that stands for batches given up."""

log = logging.getLogger("slamon.store")


class _Waiting:
    """A batch in the queue; mutable, because a later one may take its tails over."""

    __slots__ = ("batch", "size")

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.size = len(batch.samples) + sum(MINUTE_COST + len(one.record.raw or b"") for one in batch.minutes)


class StoreThread:
    """Runs the calls of one `Store` one after the other. Made and used on the event loop; owns the store from then on."""

    def __init__(self, store: Store, stats: Stats, *, limit: int = PENDING_LIMIT) -> None:
        self._store = store
        self._stats = stats
        self._limit = limit
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._lock = Lock()
        """Held over the queue for moments only, never while the disk is waited for."""
        self._queue: deque[_Waiting] = deque()
        self._size = 0
        self._complained: int | None = None
        self._bug: BaseException | None = None

    async def call(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """`function` (a method of the store) on the store thread, after everything asked for before; its result or error."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, partial(function, *args, **kwargs))

    def put(self, batch: Batch) -> None:
        """Queue a batch for writing. It is kept until it is written; every further batch is an occasion to try again.

        Raises what an earlier write raised, when that was a bug and not a disk.
        """
        if self._bug is not None:
            raise self._bug
        with self._lock:
            if self._queue:
                last = self._queue[-1]
                if last.batch.tails is not None and batch.tails is not None:
                    # Only the latest view of the open runs is worth its memory; the batch that waits goes without.
                    batch = replace(batch, tails=last.batch.tails | batch.tails)
                    last.batch = replace(last.batch, tails=None)
            waiting = _Waiting(batch)
            self._queue.append(waiting)
            self._size += waiting.size
            self._shed()
            self._stats.store_pending = len(self._queue)
        self._executor.submit(self._flush).add_done_callback(self._done)

    async def close(self) -> bool:
        """Write what is left, close the store, end the thread; False, with an error in the log, when the disk takes it not."""
        await self.call(self._flush)
        lost = len(self._queue)
        if lost:
            log.error("the last %d batches could not be written and are lost with the end of the process", lost)
        await self.call(self._store.close)
        self._executor.shutdown()
        return not lost

    def _flush(self) -> None:
        again: int | None = None
        while self._queue:
            batch = self._queue[0].batch
            try:
                self._store.write(batch)
            except DBAPIError as error:
                self._stats.store_write_errors += 1
                if batch.number != again and self._store.relieve():
                    again = batch.number
                    continue
                self._complain(batch, error)
                return
            with self._lock:
                self._size -= self._queue.popleft().size
                self._stats.store_pending = len(self._queue)
            self._complained = None
            self._stats.store_last_write = batch.at

    def _complain(self, batch: Batch, error: DBAPIError) -> None:
        """Once a minute, counted by the batches: a full disk stays full for a while."""
        with self._lock:
            latest = self._queue[-1].batch.at
            waiting = len(self._queue)
        if self._complained is None or latest - self._complained >= MINUTE:
            self._complained = latest
            log.error(
                "cannot write to the store %s: %s; %d batches are kept in memory and tried again (batch %d)",
                self._store.path, error.orig, waiting, batch.number,
            )  # fmt: skip

    def _shed(self) -> None:
        """Over the limit, give up the oldest batches but the one being written; what they measured becomes a gap, not silence."""
        while self._size > self._limit and len(self._queue) > 2:
            lost = self._queue[1]
            del self._queue[1]
            self._size -= lost.size
            batch, heir = lost.batch, self._queue[1]
            before = self._queue[0].batch.settled
            start = min([before, *(one.record.start for one in batch.minutes)])
            heir.batch = replace(
                heir.batch,
                opened=batch.opened + heir.batch.opened,
                closed=batch.closed + heir.batch.closed,
                first=batch.first + heir.batch.first,
                gaps=(*batch.gaps, Gap(start, batch.settled, FULL), *heir.batch.gaps),
            )
            log.error(
                "the store has taken nothing for so long that batch %d is given up; its time is recorded as not measured",
                batch.number,
            )

    def _done(self, flush: Future[None]) -> None:
        self._bug = self._bug or flush.exception()
