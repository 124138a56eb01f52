"""Keeps a literal address for every target, apart from the hot path: names by the system's resolver, `gateway` by the routing table.

A name that does not resolve never stops anything: the last good address stays, and while there is none the target is unmeasured.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import NamedTuple

from slamon.egress import canonical
from slamon.model import S, Target, Via
from slamon.names import Resolver
from slamon.probe import GATEWAY
from slamon.routes import next_hop
from slamon.stats import Stats

REFRESH = 60 * S
"""How old the address of a name may get: the usual shortest lifetime of a record that is meant to move."""

RETRY = 10 * S
"""How long a name that has no address yet waits for its next look-up."""

POLL = 5 * S
"""How often the default route is looked at; it costs 20 µs and a changed gateway must not look like a dead one for long."""

THREADS = 4
"""Look-ups at once. A silent resolver holds a thread for tens of seconds; more threads would only be more questions to it."""


class _Place(NamedTuple):
    """What one look-up answers: several targets may share it."""

    address: str
    family: int
    via: Via
    """Matters for the gateway only; empty for names."""


class _Known:
    __slots__ = ("address", "due", "reason", "tried")

    def __init__(self) -> None:
        self.address: str | None = None
        self.reason = "not looked up yet"
        self.due: int | None = 0
        """When to look next, nanoseconds of the loop's clock; None: never (a literal), or not before the look-up under way ends."""
        self.tried = False


class Addresses:
    """The address in use of every target. `changed(target, old, new)` is called when one appears, moves or goes."""

    def __init__(
        self,
        *,
        stats: Stats,
        changed: Callable[[Target, str | None, str | None], None],
        refresh: int = REFRESH,
        retry: int = RETRY,
        poll: int = POLL,
    ) -> None:
        self._stats = stats
        self._changed = changed
        self._refresh = refresh
        self._retry = retry
        self._poll = poll
        self._targets: dict[_Place, list[Target]] = {}
        self._known: dict[_Place, _Known] = {}
        self._wake = asyncio.Event()
        self._all_tried = asyncio.Event()
        self._resolver = Resolver(THREADS)
        self.version = 0
        """Counts the changes of any address: while it stays, so does what `current` says."""

    def set(self, targets: Iterable[Target]) -> None:
        """Look after exactly these targets; what is known stays. Literals and the gateway are known at once."""
        self.version += 1
        self._targets = {}
        for target in targets:
            self._targets.setdefault(_place(target), []).append(target)
        before, self._known = self._known, {}
        for place in self._targets:
            known = self._known[place] = before.get(place) or _Known()
            if place.address == GATEWAY:
                self._ask_route(place, known)
            elif not known.tried:
                self._take_literal(place, known)
        self._all_tried.clear()
        self._tell_tried()
        self._wake.set()

    def current(self, target: Target) -> str | None:
        """The literal address to probe, None while there is none: then `reason` says why."""
        known = self._known.get(_place(target))
        return known.address if known else None

    def reason(self, target: Target) -> str:
        """Why there is no address, or why the one in use could not be confirmed; empty when all is well."""
        known = self._known.get(_place(target))
        return known.reason if known else "not configured"

    async def first(self, patience: float) -> None:
        """Return when every name has been looked up once, after `patience` seconds at the latest. `run` must be running."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._all_tried.wait()

    async def run(self) -> None:
        """Keep looking, for ever; to be cancelled. A resolver that does not answer holds up neither this nor the end of the process."""
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    self._wake.clear()
                    due = self._start_due(group)
                    with suppress(TimeoutError):
                        async with asyncio.timeout(None if due is None else max(due - self._now(), 0) / S):
                            await self._wake.wait()
        finally:
            self._resolver.close()

    def _start_due(self, group: asyncio.TaskGroup) -> int | None:
        """Start every look-up that is due; when the next one is."""
        now = self._now()
        for place, known in self._known.items():
            if known.due is None or known.due > now:
                continue
            if place.address == GATEWAY:
                self._ask_route(place, known)
            else:
                known.due = None
                group.create_task(self._look_up(place, known), name=f"resolve {place.address}")
        return min((known.due for known in self._known.values() if known.due is not None), default=None)

    def _take_literal(self, place: _Place, known: _Known) -> None:
        try:
            address = canonical(place.address)
        except OSError:
            return
        known.due = None
        if (6 if ":" in address else 4) == place.family:
            self._found(place, known, address)
        else:
            self._failed(known, f"{address} is not an IPv{place.family} address")

    def _ask_route(self, place: _Place, known: _Known) -> None:
        known.due = self._now() + self._poll
        try:
            router = next_hop(place.family, place.via)
        except OSError as error:
            self._failed(known, f"the default route is not known: {error.strerror or error}")
            return
        if router is not None:
            self._found(place, known, router)
            return
        # Unlike a name, a route that is gone is gone: its old router is nobody's gateway.
        way = f" by {place.via}" if str(place.via) else ""
        self._failed(known, f"there is no IPv{place.family} default route{way}")
        self._move(place, known, None)

    async def _look_up(self, place: _Place, known: _Known) -> None:
        try:
            found = await self._resolver.look_up(place.address, place.family)
        except (OSError, UnicodeError) as error:
            self._stats.dns_resolutions["failure"] += 1
            reason = (isinstance(error, OSError) and error.strerror) or str(error)
            self._failed(known, f"{place.address} does not resolve to an IPv{place.family} address: {reason}")
            known.due = self._now() + (self._refresh if known.address else self._retry)
        else:
            self._stats.dns_resolutions["success"] += 1
            # A server that rotates its answers has not moved as long as the address in use is among them.
            self._found(place, known, known.address if known.address in found else found[0])
            known.due = self._now() + self._refresh
        self._wake.set()

    def _found(self, place: _Place, known: _Known, address: str) -> None:
        known.tried = True
        known.reason = ""
        self._tell_tried()
        self._move(place, known, address)

    def _failed(self, known: _Known, reason: str) -> None:
        known.tried = True
        known.reason = reason
        self._tell_tried()

    def _tell_tried(self) -> None:
        if all(known.tried for known in self._known.values()):
            self._all_tried.set()

    def _move(self, place: _Place, known: _Known, address: str | None) -> None:
        old, known.address = known.address, address
        if address == old:
            return
        self.version += 1
        for target in self._targets.get(place, ()):
            if old is not None:
                self._stats.address_changes[target.name] += 1
            self._changed(target, old, address)

    @staticmethod
    def _now() -> int:
        return int(asyncio.get_running_loop().time() * S)


def _place(target: Target) -> _Place:
    return _Place(target.address, target.family, target.via if target.address == GATEWAY else Via())
