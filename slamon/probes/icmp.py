"""Kind `icmp`: an echo request (ping), answered or not; all targets share the sockets of the engine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated

from pydantic import Field

from slamon import units
from slamon.icmp.engine import Engine
from slamon.icmp.packet import COUNTING, DEFAULT_PAYLOAD, HEADER_BYTES, MAX_PAYLOAD, STAMPED_BYTES
from slamon.icmp.peer import Form
from slamon.model import Target
from slamon.probe import COMMON, Context, Kind, Prober, Settings, Shot, text

LONGEST_PATTERN = 16
"""Bytes, as of ping(8)."""


def _pattern(value: str) -> bytes:
    """`ff00` → two bytes. Raises ValueError."""
    try:
        pattern = bytes.fromhex(value)
    except ValueError:
        pattern = b""
    if not 0 < len(pattern) <= LONGEST_PATTERN:
        raise ValueError(f"write 1 to {LONGEST_PATTERN} bytes as hexadecimal digits, for example ff00")
    return pattern


class Icmp(Settings):
    payload: Annotated[int, text(units.count), Field(ge=STAMPED_BYTES, le=MAX_PAYLOAD)] = DEFAULT_PAYLOAD
    """Bytes after the ICMP header. 16 of them tell our own answers from others; more than the path's MTU less 28 is fragmented."""
    pattern: Annotated[bytes | None, text(_pattern)] = Field(default=None, examples=["ff00"])
    """Bytes in hexadecimal digits that fill the payload behind its first 16, again and again; else 0, 1, 2 …"""


class _Pinger:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def fire(self, shots: Sequence[Shot]) -> None:
        self._engine.send(shots)

    def drain(self, *, eager: bool = True) -> None:
        self._engine.drain(eager=eager)


def form(target: Target) -> Form:
    """What the requests of a target of this kind carry."""
    settings = target.settings
    assert isinstance(settings, Icmp)
    return Form(settings.payload, settings.pattern or COUNTING)


@asynccontextmanager
async def pinger(context: Context) -> AsyncIterator[Prober]:
    """The engine, closed in the end; sockets are opened when the first target of their kind is due."""
    engine = Engine(context, form)
    try:
        yield _Pinger(engine)
    finally:
        engine.close()


def wire_cost(settings: Settings, family: int) -> tuple[int, int]:
    """Request and reply, with their IP headers."""
    assert isinstance(settings, Icmp)
    return 2, 2 * ((20 if family == 4 else 40) + HEADER_BYTES + settings.payload)


PROBE = Kind(settings=Icmp, open=pinger, results=COMMON, wire_cost=wire_cost)
