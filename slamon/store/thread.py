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

from slamon.model import MINUTE
from slamon.record import journal
from slamon.record.recorder import Batch
from slamon.record.rows import Gap, Run
from slamon.stats import Stats
from slamon.store.schema import StoreError
from slamon.store.store import Store

P = ParamSpec("P")
R = TypeVar("R")

PENDING_LIMIT = 256 * 1024 * 1024
"""Bytes of batches that wait for a disk that takes nothing: hours of a thousand targets, and still no danger to the host."""
TEXTS_LIMIT = 16 * 1024 * 1024
"""Characters of contract texts that wait: hundreds of reloads with changed contracts."""
MINUTE_COST = 2000
"""Bytes a closed minute takes in memory beside its packed samples."""
RUN_COST = 200
"""Bytes a run takes in memory."""
FULL = "store_full"
"""Reason of the gap that stands for batches given up."""

log = logging.getLogger("slamon.store")


class _Waiting:
    """A batch in the queue; mutable, because a later one may take its tails over."""

    __slots__ = ("batch", "size")

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        minutes = sum(MINUTE_COST + len(one.record.raw or b"") for one in batch.minutes)
        self.size = len(batch.samples) + minutes + RUN_COST * len(batch.ended)


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
        self._texts: dict[str, str] = {}
        """SHA-256 → contract text that waits, oldest first."""
        self._gaps: list[Gap] = []
        self._complained: int | None = None
        self._shed_said: int | None = None
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
                    tails, grown = last.batch.tails | batch.tails, last.batch.grown | batch.grown
                    batch = replace(batch, tails=tails, grown=grown)
                    last.batch = replace(last.batch, tails=None, grown={})
            waiting = _Waiting(batch)
            self._queue.append(waiting)
            self._size += waiting.size
            self._shed()
            self._stats.store_pending = len(self._queue)
        self._executor.submit(self._flush).add_done_callback(self._done)

    def keep_text(self, sha256: str, text: str) -> None:
        """Queue a contract's canonical text; like a batch it is kept until it is written."""
        with self._lock:
            self._texts[sha256] = text
            while len(self._texts) > 1 and sum(map(len, self._texts.values())) > TEXTS_LIMIT:
                lost = next(iter(self._texts))
                del self._texts[lost]
                log.error("the store has taken nothing for so long that the contract text %s is given up", lost)
        self._executor.submit(self._flush).add_done_callback(self._done)

    def given_up(self) -> list[Gap]:
        """Gaps written since the last call that stand for batches given up: the recorder went on and knows nothing of them."""
        with self._lock:
            gaps, self._gaps = self._gaps, []
        return gaps

    async def close(self) -> bool:
        """Write what is left, close the store, end the thread; False, with an error in the log, when the disk takes it not."""
        await self.call(self._flush)
        lost = len(self._queue) + len(self._texts)
        if lost:
            log.error(
                "the last %d batches and %d contract texts could not be written and are lost with the end of the process",
                len(self._queue), len(self._texts),
            )  # fmt: skip
        await self.call(self._store.close)
        self._executor.shutdown()
        return not lost

    def _flush(self) -> None:
        again: int | None = None
        while self._queue:
            batch = self._queue[0].batch
            try:
                self._store.write(batch)
            except StoreError as error:
                self._stats.store_write_errors += 1
                if batch.number != again and self._store.relieve():
                    again = batch.number
                    continue
                self._complain(error)
                return
            with self._lock:
                self._size -= self._queue.popleft().size
                self._stats.store_pending = len(self._queue)
                self._gaps += [gap for gap in batch.gaps if gap.reason == FULL]
            self._complained = self._shed_said = None
            self._stats.store_last_write = batch.at
        while (waiting := self._oldest_text()) is not None:
            sha256, text = waiting
            try:
                self._store.keep_text(sha256, text)
            except StoreError as error:
                self._stats.store_write_errors += 1
                self._complain(error)
                return
            with self._lock:
                self._texts.pop(sha256, None)

    def _oldest_text(self) -> tuple[str, str] | None:
        with self._lock:
            return next(iter(self._texts.items()), None)

    def _complain(self, error: StoreError) -> None:
        """Once a minute, counted by the batches: a full disk stays full for a while."""
        with self._lock:
            waiting = len(self._queue)
            latest = self._queue[-1].batch.at if self._queue else self._stats.store_last_write
        if self._complained is None or latest - self._complained >= MINUTE:
            self._complained = latest
            log.error("%s; %d batches are kept in memory and tried again", error, waiting)

    def _shed(self) -> None:
        """Over the limit, give up the oldest batches but the one being written; what they measured becomes a gap, not silence.

        A run that began before belongs to the time that was written: the next batch carries it on. Those that began
        within the gap have nothing to say.
        """
        while self._size > self._limit and len(self._queue) > 2:
            lost = self._queue[1]
            del self._queue[1]
            heir = self._queue[1]
            self._size -= lost.size + heir.size
            batch, rest = lost.batch, heir.batch
            gap = _lost(self._queue[0].batch, batch)
            self._queue[1] = heir = _Waiting(
                replace(
                    rest,
                    opened=batch.opened + rest.opened,
                    closed=batch.closed + rest.closed,
                    first=batch.first + rest.first,
                    gaps=(*(one for one in batch.gaps if one.reason != FULL), gap, *rest.gaps),
                    ended=batch.ended + _began_before(gap.start, batch) + rest.ended,
                )
            )
            self._size += heir.size
            if self._shed_said is None or batch.at - self._shed_said >= MINUTE:
                self._shed_said = batch.at
                log.error(
                    "the store has taken nothing for so long that its oldest batches are given up (batch %d); "
                    "their time is recorded as not measured",
                    batch.number,
                )

    def _done(self, flush: Future[None]) -> None:
        self._bug = self._bug or flush.exception()


def _lost(before: Batch, batch: Batch) -> Gap:
    """The time that only `batch` told of, and batches given up earlier: one stretch. `before` is written."""
    sents = [
        *journal.decode(batch.samples).sent(),
        *(one.record.start for one in batch.minutes),
        before.settled,
        batch.settled - 1,
    ]
    earlier = [gap for gap in batch.gaps if gap.reason == FULL]
    start = min([min(sents), *(gap.start for gap in earlier)])
    return Gap(start, max([max(sents) + 1, *(gap.end for gap in earlier)]), FULL)


def _began_before(instant: int, batch: Batch) -> tuple[tuple[int, Run], ...]:
    return tuple((one.series, run) for one in batch.minutes for run in one.runs if run.first_sent < instant)
