"""`slamon probe KIND ADDRESS`: one-shot check of a target with the same probers the daemon uses."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from fractions import Fraction

import click
from pydantic import ValidationError

from slamon import units
from slamon.clock import Clock
from slamon.errors import CHECK_FAILED, UsageError
from slamon.model import MS, RESULT_CODE, Effect, Reading, Result, S, Target, Via, meaning
from slamon.probe import Context, Kind, Prober, Shot, unresolved
from slamon.probes import kinds
from slamon.record.series import Pending, Series
from slamon.record.track import Journal, Track
from slamon.resolve import Addresses
from slamon.stats import RTT_EDGES, Stats

TICK = 5 * MS
"""How often answers are looked for: fine enough to print them as they come."""

FIRST_LOOK_UP = 5.0
"""Seconds a name gets before its probes count as unresolved."""


class _Told(Series):
    """A series that prints every decision."""

    __slots__ = ("decided", "readings")

    def __init__(self, target: Target) -> None:
        track = Track(1, Journal(), probe=target.probe, interval=target.interval, limits=())
        super().__init__(target, track, edges=RTT_EDGES)
        self.readings: list[Reading] = []

    def decide(self, pending: Pending, reading: Reading) -> None:
        super().decide(pending, reading)
        self.readings.append(reading)
        click.echo(f"{len(self.readings):>4}  {_line(reading)}")


def _duration(value: str) -> int:
    try:
        return units.duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _ms(ns: int) -> str:
    return f"{units.round_half_up(Fraction(ns, MS), 3):f} ms"


def _line(reading: Reading) -> str:
    parts = [f"{reading.result:<13}"]
    if reading.rtt is not None:
        parts.append(_ms(reading.rtt))
    if reading.hop_limit is not None:
        parts.append(f"hop limit {reading.hop_limit}")
    if reading.userspace:
        parts.append("(our own clock)")
    parts += [f"{phase} {_ms(ns)}" for phase, ns in reading.phases]
    if reading.detail:
        parts.append(reading.detail)
    return "  ".join(parts)


def _settings(kind: Kind, name: str, pairs: tuple[str, ...]) -> object:
    values: dict[str, str] = {}
    for pair in pairs:
        key, sign, value = pair.partition("=")
        if not sign:
            raise UsageError(f"--set takes key=value (got {pair!r}); write for example --set port=443")
        values[key] = value
    try:
        return kind.settings.model_validate(values)
    except ValidationError as error:
        known = ", ".join(kind.settings.model_fields) or "none"
        reasons = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise UsageError(f"settings of {name}: {reasons}; its settings are: {known}") from error


def _family(address: str, family: int | None) -> int:
    if family is not None:
        return family
    return 6 if ":" in address else 4


async def _shoot(target: Target, kind: Kind, count: int) -> _Told:
    clock, stats = Clock(), Stats()
    context = Context(clock=clock, stats=stats, warn=lambda text: click.echo(f"warning: {text}", err=True))
    series = _Told(target)
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        prober: Prober = await stack.enter_async_context(kind.open(context))
        addresses = Addresses(stats=stats, changed=lambda *_: None)
        addresses.set([target])
        looking = group.create_task(addresses.run())
        await addresses.first(FIRST_LOOK_UP)
        due = clock.monotonic()
        left = count
        while left or series.in_flight:
            if left and clock.monotonic() >= due:
                left -= 1
                due += target.interval
                address = addresses.current(target)
                if address is None:
                    series.decide(series.send(clock.now()), unresolved(target, addresses.reason(target)))
                else:
                    prober.fire([Shot(target, address, series, clock.wall(due))])
            await asyncio.sleep(TICK / S)
            prober.drain()
            if not left and not series.in_flight and len(series.readings) + series.skipped["overrun"] >= count:
                break
        looking.cancel()
    return series


def _summary(series: _Told) -> str:
    counts = ", ".join(
        f"{series.results[code]} {result}" for result, code in RESULT_CODE.items() if series.results[code]
    )
    lines = [f"{series.attempts} sent: {counts}"]
    rtts = [reading.rtt for reading in series.readings if reading.result is Result.SUCCESS and reading.rtt is not None]
    if rtts:
        mean = Fraction(sum(rtts), len(rtts))
        lines.append(f"round trip min {_ms(min(rtts))}, mean {_ms(int(mean))}, max {_ms(max(rtts))}")
    return "\n".join(lines)


@click.command(short_help="Probe an address once or a few times, now.")
@click.argument("kind")
@click.argument("address", required=False)
@click.option("--count", type=click.IntRange(min=1), default=3, show_default=True, help="How many probes.")
@click.option("--interval", default="1s", show_default=True, metavar="DURATION", help="Time between two probes.")
@click.option("--timeout", default="3s", show_default=True, metavar="DURATION", help="A later answer is a loss.")
@click.option("--family", type=click.Choice(["4", "6"]), help="Of a host name; default 4.")
@click.option("--interface", help="Leave by this interface.")
@click.option("--source", help="Leave with this source address.")
@click.option("--set", "pairs", multiple=True, metavar="KEY=VALUE", help="A setting of the kind, for example port=443.")
def probe(
    kind: str,
    address: str | None,
    count: int,
    interval: str,
    timeout: str,
    family: str | None,
    interface: str | None,
    source: str | None,
    pairs: tuple[str, ...],
) -> None:
    """Probe ADDRESS (a literal, a host name or `gateway`) with a probe of KIND and print every result.

    Exit code 0 when at least one probe succeeded, else 1.
    """
    known = kinds()
    if kind not in known:
        raise UsageError(f"there is no probe kind {kind!r}; the kinds are {', '.join(known)}")
    settings = _settings(known[kind], kind, pairs)
    address = address or known[kind].default_address(settings)  # type: ignore[arg-type]
    if address is None:
        raise UsageError(f"probe kind {kind} needs an ADDRESS")
    target = Target(
        name=f"probe/{kind}",
        service="probe",
        probe=kind,
        address=address,
        family=_family(address, int(family) if family else None),
        interval=_duration(interval),
        timeout=_duration(timeout),
        down_after=1,
        up_after=1,
        settings=settings,
        via=Via(interface=interface, source=source),
    )
    series = asyncio.run(_shoot(target, known[kind], count))
    click.echo(_summary(series))
    if not any(meaning(reading.result, kind).effect is Effect.UP for reading in series.readings):
        sys.exit(CHECK_FAILED)
