"""What a probe kind is: its settings, how it opens, what it can report. Kinds live one per file in slamon/probes.

Most kinds are a coroutine `(target, address, context) -> Reading`; `each` makes a Prober of it.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import resource
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, Protocol, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from slamon import units
from slamon.egress import SocketAddress, icmp_errors, literal, tolerate_errors
from slamon.listening import DEAF_SHARE, Listening, Wait
from slamon.model import MS, US, Reading, Result, S, Target
from slamon.surroundings import Surroundings
from slamon.verdict import MENDS, Unreachable, failure, silence, unreachable

if TYPE_CHECKING:
    from slamon.clock import Clock
    from slamon.record.series import Series
    from slamon.stats import Stats

log = logging.getLogger(__name__)


class Settings(BaseModel):
    """Base of every kind's settings: frozen, hashable, unknown keys refused; scalars arrive as YAML text.

    The text under a key is its description in the JSON Schema.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def text(parse: Callable[[str], object]) -> BeforeValidator:
    """A validator for a scalar that arrives as YAML text; a value that is no text, such as a default, passes."""
    return BeforeValidator(lambda value: parse(value) if isinstance(value, str) else value)


def flag(value: str) -> bool:
    """`true` or `false`, nothing else. Raises ValueError."""
    if value not in {"true", "false"}:
        raise ValueError("write true or false")
    return value == "true"


Count = Annotated[int, text(units.count)]
Port = Annotated[int, text(units.count), Field(ge=1, le=65535)]
Flag = Annotated[bool, text(flag)]


class Shot(NamedTuple):
    """One probe that is due: where it goes and who is told. The prober calls `series.send` then `series.decide`."""

    target: Target
    address: str
    """A literal address of `target.family`, already resolved."""
    series: Series


class Prober(Protocol):
    """An open kind. Both calls come from the event loop and must not block."""

    def fire(self, shots: Sequence[Shot]) -> None:
        """Start these probes. Every shot that is sent ends in exactly one `series.decide`, whatever happens.

        The same tuple comes again and again while nothing changes about its shots; a kind may keep what it prepared for it. What comes
        once is a list.
        """

    def drain(self, *, eager: bool = True) -> None:
        """Called every tick after `fire`: read what arrived, expire what is overdue.

        Unless `eager`, whatever loses nothing by waiting may be left to one of the next calls.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a kind may use from the daemon."""

    clock: Clock
    stats: Stats
    warn: Callable[[str], None]
    """Tells the operator about a degradation, with the line that mends it. Kinds call `tell`."""
    surroundings: Surroundings = field(init=False)
    told: set[str] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        object.__setattr__(self, "surroundings", Surroundings(self.clock.monotonic, self.tell))

    def tell(self, text: str) -> None:
        """Warn, but of the same once only."""
        if text not in self.told:
            self.told.add(text)
            self.warn(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """The one constant `PROBE` of a file in slamon/probes."""

    settings: type[Settings]
    open: Callable[[Context], AbstractAsyncContextManager[Prober]]
    """Entered once per daemon, and left by the same task."""
    results: frozenset[Result]
    """The results it can produce, those of `COMMON` among them; each has a series at 0 from the start."""
    gauges: Mapping[str, str] = field(default_factory=dict)
    """`slamon_probe_<name>` → help text, of values carried in `Reading.gauges`."""
    phases: tuple[str, ...] = ()
    wire_cost: Callable[[Settings, int], tuple[int, int]] = field(default=lambda _settings, _family: (2, 200))
    """(settings, family) → (packets, bytes on the wire, both directions) of one probe, for `slamon check`."""
    default_address: Callable[[Settings], str | None] = field(default=lambda _settings: None)
    """The address a target gets when the configuration gives none: the host of a URL; None where an address must be given."""


GATEWAY = "gateway"
"""The address that stands for the next hop of the default route."""

COMMON: frozenset[Result] = frozenset(
    {Result.SUCCESS, Result.TIMEOUT, Result.SEND_ERROR, Result.LOCAL_ERROR, Result.ICMP_ERROR, Result.DNS_ERROR}
)
"""What any kind can end with: an answer, silence, our own failure, an ICMP error, a target name that did not resolve."""


def unresolved(target: Target, reason: str) -> Reading:
    """The reading of a target that has no address to go to: unmeasured. The `gateway` is no name: there the failure is a local one."""
    return Reading(Result.LOCAL_ERROR if target.address == GATEWAY else Result.DNS_ERROR, detail=reason)


class Ended(Exception):  # noqa: N818 - not an error: a probe came to its end somewhere deep
    """Raised inside a kind's coroutine when the reading is known before the coroutine's own end."""

    def __init__(self, reading: Reading) -> None:
        super().__init__(reading)
        self.reading = reading


_peer: ContextVar[str] = ContextVar("_peer")
"""The literal address that the probe of the running task waits for: the last one it connected to, or began to."""


async def connect(sock: socket.socket, address: SocketAddress) -> None:
    """Connect a socket of `egress.open_socket`, in the probe's own task: if silence follows, it is this address's.

    Raises Unreachable when an ICMP error came, whether it or the timeout ended the wait; else OSError. Once connected, an ICMP error ends
    nothing any more: the peer may yet answer (RFC 1122 §4.2.3.9), and if it does not, that is silence.
    """
    _peer.set(literal(address))
    try:
        await asyncio.get_running_loop().sock_connect(sock, address)
    except (OSError, asyncio.CancelledError):
        heard = icmp_errors(sock)
        if heard:
            raise Unreachable(heard[-1]) from None
        raise
    tolerate_errors(sock)


Run: TypeAlias = Callable[[Target, str, Context], Coroutine[Any, Any, Reading]]
"""A kind as a coroutine: one probe of a target at a literal address.

It may raise Ended, Unreachable, OSError, or be cancelled at the timeout.
"""

RESERVED_FILES = 64
"""Open files left to the store, the web server, the log and the shared sockets."""


@asynccontextmanager
async def each(run: Run, context: Context, *, files: int = 1) -> AsyncIterator[Prober]:
    """A Prober that runs `run` once per shot, each in its own task of the running loop.

    A target has at most one probe in flight: a slot that comes meanwhile is skipped and counted as overrun. `files` is how many files one
    probe opens; all together they leave enough of the process's limit to everything else, and wait their turn. Leaving the context cancels
    what is in flight; those probes end as local errors.
    """
    prober = _Each(run, context, asyncio.Semaphore(_places(files)))
    try:
        yield prober
    finally:
        await prober.close()


def _places(files: int) -> int:
    """How many probes may be open at once: each kind takes a third of the open files, so that two busy kinds leave room for the rest."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == 0 or limit == resource.RLIM_INFINITY:
        return 1_000_000
    return max((limit - RESERVED_FILES) // 3 // files, 1)


class _Each:
    def __init__(self, run: Run, context: Context, places: asyncio.Semaphore) -> None:
        self._run = run
        self._context = context
        self._places = places
        self._bug: BaseException | None = None
        self._flights: dict[Series, asyncio.Task[None]] = {}
        """By series, since a changed target of the same name is another one."""
        self._loop = asyncio.get_running_loop()
        self._listening = Listening(context.clock.monotonic)

    def fire(self, shots: Sequence[Shot]) -> None:
        for shot in shots:
            if shot.series in self._flights:
                shot.series.overrun()
                continue
            task = self._flights[shot.series] = self._loop.create_task(self._fly(shot), name=shot.target.name)
            task.add_done_callback(partial(self._landed, shot.series))

    def drain(self, *, eager: bool = True) -> None:  # noqa: ARG002
        """The tasks wake by themselves; but what went wrong in the record is a bug of ours, and a crash."""
        bug, self._bug = self._bug, None
        if bug is not None:
            raise bug

    async def close(self) -> None:
        flying = list(self._flights.values())
        for task in flying:
            task.cancel()
        await asyncio.gather(*flying, return_exceptions=True)
        self._listening.close()
        self.drain()

    def _landed(self, series: Series, task: asyncio.Task[None]) -> None:
        if self._flights.get(series) is task:  # it was cancelled before it began
            del self._flights[series]
        if not task.cancelled() and task.exception() is not None:
            self._bug = task.exception()

    async def _fly(self, shot: Shot) -> None:
        async with self._places:
            pending = shot.series.send(self._context.clock.now() // US * US)
            reading = Reading(Result.LOCAL_ERROR, detail="cancelled: probing stopped")
            try:
                reading = await self._read(shot)
            finally:
                del self._flights[shot.series]
                shot.series.decide(pending, reading)

    async def _read(self, shot: Shot) -> Reading:
        target = shot.target
        wait = self._listening.begin(target.timeout)
        _peer.set(shot.address)
        try:
            async with asyncio.timeout(target.timeout / S):
                return await self._run(target, shot.address, self._context)
        except Ended as ended:
            return ended.reading
        except Unreachable as told:
            return unreachable(told.heard, target, self._context.surroundings)
        except OSError as error:
            return self._failed(target, error, wait)
        except Exception as error:
            log.exception("probe of %s failed: a bug in its kind", target.name)
            return Reading(Result.LOCAL_ERROR, detail=f"{type(error).__name__}: {error}")
        finally:
            self._listening.end(wait)

    def _failed(self, target: Target, error: OSError, wait: Wait) -> Reading:
        if isinstance(error, TimeoutError) and error.errno is None:  # we gave up, not the kernel
            deaf = self._listening.deaf(wait)
            if deaf * DEAF_SHARE >= target.timeout:
                return Reading(Result.LOCAL_ERROR, detail=f"slamon itself stood still for {deaf // MS} ms of the wait")
            return silence(_peer.get(), target, self._context.surroundings)
        reading = failure(error)
        if reading.result is Result.TIMEOUT:
            return silence(_peer.get(), target, self._context.surroundings, reading.detail)
        if reading.result in {Result.SEND_ERROR, Result.LOCAL_ERROR}:
            self._context.stats.send_errors[errno.errorcode.get(error.errno or 0, "unknown")] += 1
            if error.errno in MENDS:
                self._context.tell(f"probes of kind {target.probe} fail with {reading.detail}; {MENDS[error.errno]}")
        return reading
