"""`slamon probe KIND ADDRESS`: one-shot check of a target with the same probers the daemon uses."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from fractions import Fraction
from typing import get_origin

import click

from slamon import units
from slamon.clock import Clock
from slamon.config.addresses import address_problem, canonical, family_of, literal, source_problem
from slamon.config.drafts import draft
from slamon.config.edge import Report, keys_of
from slamon.config.nodes import Mapping as MappingNode
from slamon.config.nodes import Node, Scalar, parse
from slamon.config.sections import Target as Keys
from slamon.errors import CHECK_FAILED, Place, Problem, UsageError
from slamon.model import MEANING, MS, RESULT_CODE, Effect, Reading, Result, S, Target, Via
from slamon.probe import Context, Kind, Prober, Shot, unresolved
from slamon.probes import kinds
from slamon.record.series import Pending, Series
from slamon.record.track import Journal, Track
from slamon.report.words import one_line
from slamon.resolve import Addresses
from slamon.stats import RTT_EDGES, Stats

TICK = 5 * MS
"""How often answers are looked for: fine enough to print them as they come."""

FIRST_LOOK_UP = 5.0
"""Seconds a name gets before its probes count as unresolved."""


class _Told(Series):
    """A series that prints every decision."""

    __slots__ = ("decided", "readings")

    ranked = False

    def __init__(self, target: Target) -> None:
        track = Track(1, Journal(), interval=target.interval, limits=())
        super().__init__(target, track, edges=RTT_EDGES)
        self.readings: list[Reading] = []

    def decide(self, pending: Pending, reading: Reading) -> None:
        super().decide(pending, reading)
        self._tell(reading)

    def succeed(self, pending: Pending, rtt: int, hop_limit: int) -> None:
        super().succeed(pending, rtt, hop_limit)
        self._tell(Reading(Result.SUCCESS, rtt, hop_limit if hop_limit >= 0 else None))

    def _tell(self, reading: Reading) -> None:
        self.readings.append(reading)
        click.echo(f"{len(self.readings):>4}  {_line(reading)}")


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
        parts.append(one_line(reading.detail))
    return "  ".join(parts)


OPTIONS = {"probe": "KIND", "address": "ADDRESS", "via.interface": "--interface", "via.source": "--source"} | {
    key: f"--{key}" for key in ("interval", "timeout", "family")
}
"""Key of a target in a configuration → what says it on the command line; any other is a `--set`."""

_HERE = Place(file="the command line", line=1)
"""Never shown: an option is its own place. Files named in settings are beside it, so in the current folder."""


def target(kind: Kind, name: str, given: Mapping[str, str | None], pairs: Iterable[str]) -> Target:
    """What is to be probed, checked as a target of a configuration is. Raises UsageError with every mistake."""
    problems: list[Problem] = []
    written = draft("", Report(_node(kind, name, given, pairs), "", problems), {name: kind})
    if written is None or problems:
        raise UsageError("\n".join(map(_said, problems)))
    via = Via() if written.keys.via is None else Via(**written.keys.via.model_dump())
    address = given["address"] or kind.default_address(written.settings)
    if address is None:
        raise UsageError(f"probe kind {name} needs an ADDRESS")
    family = family_of(written.keys.family, address, via.source)
    for option, value, wrong in (
        ("ADDRESS", address, _no_address(name, address) or address_problem(address, family)),
        ("--source", via.source, via.source and source_problem(via.source, family)),
        ("--interface", via.interface, via.interface and _no_interface(via.interface)),
    ):
        if wrong:
            raise UsageError(str(Problem(place=None, path=option, reason=wrong[0], value=value, fix=wrong[1])))
    assert written.keys.interval is not None
    assert written.keys.timeout is not None
    return Target(
        name=f"probe/{name}",
        service="probe",
        probe=name,
        address=canonical(address),
        family=family,
        interval=written.keys.interval,
        timeout=written.keys.timeout,
        down_after=1,
        up_after=1,
        settings=written.settings,
        via=via,
    )


def _node(kind: Kind, name: str, given: Mapping[str, str | None], pairs: Iterable[str]) -> MappingNode:
    """The options as a target would be written."""
    values: dict[str, Node] = {}
    for pair in pairs:
        key, sign, value = pair.partition("=")
        if not sign:
            raise UsageError(f"--set takes key=value (got {pair!r}); write for example --set port=443")
        if key in keys_of(Keys):
            raise UsageError(f"--set is for the settings of {name}; {key} is no such setting, see --help")
        values[key] = _value(kind, key, value)
    lacking = [
        f"--set {key}={(field.examples or ['…'])[0]}"
        for key, field in kind.settings.model_fields.items()
        if field.is_required() and key not in values
    ]
    if lacking:
        raise UsageError(f"probe kind {name} needs a setting; add for example {' '.join(lacking)}")
    values["probe"] = _scalar(name)
    values |= {key: _scalar(given[key] or "") for key in ("interval", "timeout", "family") if given[key] is not None}
    via = [(key, _scalar(given[key] or "")) for key in ("interface", "source") if given[key] is not None]
    if via:
        values["via"] = MappingNode(items=tuple((_scalar(key), node) for key, node in via), place=_HERE)
    return MappingNode(items=tuple((_scalar(key), node) for key, node in values.items()), place=_HERE)


def _value(kind: Kind, key: str, value: str) -> Node:
    """A text; where a list or a mapping may stand also `[…]` or `{…}`."""
    field = kind.settings.model_fields.get(key)
    if field is not None and get_origin(field.annotation) is tuple and value[:1] in {"[", "{"}:
        problems: list[Problem] = []
        node = parse(value, _HERE.file, problems)
        if node is None or problems:
            raise UsageError("\n".join(map(_said, (replace(problem, path=key) for problem in problems))))
        return node
    return _scalar(value)


def _scalar(value: str) -> Scalar:
    return Scalar(text=value, place=_HERE, quoted=True)


def _said(problem: Problem) -> str:
    """A problem of the target, at the option that says it."""
    return str(replace(problem, place=None, path=OPTIONS.get(problem.path, f"--set {problem.path}".strip())))


def _no_address(name: str, address: str) -> tuple[str, str] | None:
    """A URL or an address with its port, which have their own settings."""
    if "://" in address:
        fix = f"write --set url={address}" if name == "http" else "write the host alone"
        return "this is a URL", fix
    host, _, port = address.rpartition(":")
    if (
        port.isdecimal()
        and literal(address) is None
        and address_problem(host.strip("[]"), 6 if "[" in host else 4) is None
    ):
        host = host.strip("[]")
        return "an address with a port", f"write {host}" + (f" --set port={port}" if name != "icmp" else "")
    return None


def _no_interface(name: str) -> tuple[str, str] | None:
    known = [present for _, present in socket.if_nameindex()]
    return None if name in known else ("there is no such interface", f"write one of {', '.join(known)}")


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
                    prober.fire([Shot(target, address, series)])
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
    given = {
        "address": address,
        "interval": interval,
        "timeout": timeout,
        "family": family,
        "interface": interface,
        "source": source,
    }
    series = asyncio.run(_shoot(target(known[kind], kind, given, pairs), known[kind], count))
    click.echo(_summary(series))
    if not any(MEANING[reading.result].effect is Effect.UP for reading in series.readings):
        sys.exit(CHECK_FAILED)
