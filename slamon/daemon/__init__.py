"""The composition root: builds everything the daemon is made of, starts its eternal tasks, ends them in order."""

from __future__ import annotations

import asyncio
import logging
import resource
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from functools import partial
from pathlib import Path

from slamon import __version__
from slamon.clock import Clock
from slamon.config import Config
from slamon.daemon import garbage
from slamon.daemon.notices import Notices
from slamon.daemon.probing import Probing
from slamon.daemon.service import Service, summary
from slamon.daemon.standing import follow, status
from slamon.errors import ConfigError, UnavailableError
from slamon.live import Live
from slamon.model import Target
from slamon.probe import Context
from slamon.probes import kinds as probe_kinds
from slamon.record.recorder import Recorder
from slamon.resolve import Addresses
from slamon.stats import Stats
from slamon.store import Store, StoreError, StoreThread
from slamon.systemd import Notifier
from slamon.trace import Tracer
from slamon.web import Site, make_app, serving

__all__ = ["database", "follow", "serve", "status", "summary"]

log = logging.getLogger("slamon")

NAMES = 3.0
"""Seconds that names get to resolve before probing starts without them."""

DATABASE = "slamon.db"

SWITCH = 0.001
"""Seconds after which the thread of the store gives way to the sender, who may ask for the processor several times in a tick."""


def database(config: Config, state: Path) -> Path:
    """The store's file: what the configuration names, else the state directory's own."""
    return config.store.path or state / DATABASE


async def serve(
    config: Config, state: Path, *, read: Callable[[], Config], announce: Callable[[str, Config], None]
) -> None:
    """Run until SIGTERM or SIGINT. `read` loads the configuration again; `announce` is told the `host:port` listened on
    once everything runs.

    Raises UnavailableError: the store is in use, the port is taken, the last facts could not be written.
    """
    _raise_file_limit()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        notifier = Notifier()
        stack.callback(notifier.close)
        service, probing, addresses, tracer = await _build(config, state, stack, notifier, read)
        bound = await stack.enter_async_context(serving(make_app(_site(service)), config.web.host, config.web.port))
        async with asyncio.TaskGroup() as group:
            tasks = Tasks(group)
            loop.add_signal_handler(signal.SIGHUP, lambda: tasks.spawn(_reload(service), "reload"))
            tasks.forever(addresses.run(), "addresses")
            await addresses.first(NAMES)
            service.notices = Notices(
                live=service.live,
                tracer=tracer,
                spawn=tasks.spawn,
                address=addresses.current,
                failure=service.last_failure,
                keep=service.keep_path,
                over=service.silence_over,
            )
            service.notices.resume(config)
            tasks.forever(probing.run(), "probing")
            tasks.forever(service.keep(), "keeping")
            tasks.forever(service.judge(), "judging")
            tasks.forever(service.watchdog(), "watchdog")
            # What was built at start stays: a collection that walks all of it would hold the sender for tens of milliseconds.
            garbage.settle()
            sys.setswitchinterval(SWITCH)
            notifier.ready(summary(config))
            announce(bound, config)
            await stop.wait()
            notifier.stopping()
            log.info("stopping")
            loop.add_signal_handler(signal.SIGHUP, lambda: None)  # too late for a reload, and no reason to die of one
            tasks.stop()
        service.notices = None
        await service.finish()


class Tasks:
    """The tasks of the daemon. One that should run for ever and ends, or any that fails, ends the daemon: both are bugs."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._tasks: set[asyncio.Task[None]] = set()

    def forever(self, task: Coroutine[object, object, None], name: str) -> None:
        self.spawn(_never_ending(task, name), name)

    def spawn(self, task: Coroutine[object, object, None], name: str) -> None:
        made = self._group.create_task(task, name=name)
        self._tasks.add(made)
        made.add_done_callback(self._tasks.discard)

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()


async def _never_ending(task: Coroutine[object, object, None], name: str) -> None:
    await task
    raise RuntimeError(f"the task {name} came to an end")


async def _build(
    config: Config, state: Path, stack: AsyncExitStack, notifier: Notifier, read: Callable[[], Config]
) -> tuple[Service, Probing, Addresses, Tracer]:
    clock, stats = Clock(), Stats()
    stats.last_reload_at = clock.now()
    store = Store.open(database(config, state), write=True)
    thread = StoreThread(store, stats)
    stack.push_async_exit(partial(_close, thread))
    recorder = Recorder(config.vantage, store.restore())
    tracer = Tracer(clock)
    stack.callback(tracer.close)
    context = Context(clock=clock, stats=stats, warn=lambda text: log.warning("%s", text))
    kinds = probe_kinds()
    probers = {name: await stack.enter_async_context(kind.open(context)) for name, kind in kinds.items()}
    addresses = Addresses(stats=stats, changed=_say_address)
    probing = Probing(clock=clock, stats=stats, recorder=recorder, addresses=addresses, probers=probers)
    service = Service(
        config,
        clock=clock,
        stats=stats,
        store=store,
        thread=thread,
        recorder=recorder,
        addresses=addresses,
        probing=probing,
        live=Live(),
        kinds=kinds,
        notifier=notifier,
        read=read,
    )
    await service.apply(config)
    return service, probing, addresses, tracer


def _raise_file_limit() -> None:
    """Every probe in flight may hold a socket, and the usual soft limit of 1024 is for programs that use select(2)."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _site(service: Service) -> Site:
    return Site(
        page=service.page,
        not_ready=service.not_ready,
        reload=service.reload,
        status=service.status,
        report=service.report,
        version=__version__,
        vantage=service.config.vantage,
    )


def _say_address(target: Target, old: str | None, new: str | None) -> None:
    if old is not None or new != target.address:
        log.info("target %s: address %s, was %s", target.name, new or "none", old or "none")


async def _reload(service: Service) -> None:
    with suppress(ConfigError, StoreError):  # said, problem by problem, where it was found
        await service.reload()


async def _close(thread: StoreThread, _: object, error: BaseException | None, __: object) -> None:
    if not await thread.close() and error is None:  # else the log has it, and the error is what matters
        raise UnavailableError("the last facts could not be written to the store; the log says why")
