"""What is true now, service by service: `slamon status` as text and as JSON, from the live daemon or from the store alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from rich.text import Text

from slamon.live import NOTHING, WINDOW, Failing
from slamon.model import Result, S
from slamon.record.rows import Record
from slamon.report.layout import WIDTH, columns, to_text
from slamon.report.words import duration, instant, milliseconds, percent
from slamon.sla.facts import State

_COLOURS = {State.UP: "green", State.DOWN: "red", State.LOCAL_FAULT: "yellow", State.UNKNOWN: "magenta"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the packets of the last minutes say. Delay is over the ones that came back."""

    span: tuple[int, int] | None = None
    """When they were sent, in whole minutes that are closed; None where there are none."""
    received: int = 0
    lost: int = 0
    rtt_mean: Fraction | None = None
    rtt_max: int | None = None

    @property
    def loss(self) -> Fraction | None:
        """Lost share of received + lost; None when nothing was sent that counts."""
        sent = self.received + self.lost
        return Fraction(self.lost, sent) if sent else None


def measured(records: Iterable[Record], until: int, window: int = WINDOW) -> Measured:
    """The sums of the records that begin in `[until - window, until)`; the minute that goes on has none yet."""
    inside = [record for record in records if until - window <= record.start < until]
    count = sum(record.rtt_count for record in inside)
    longest = [record.rtt_max for record in inside if record.rtt_max is not None]
    return Measured(
        span=(inside[0].start, min(inside[-1].end, until)) if inside else None,
        received=sum(record.received for record in inside),
        lost=sum(record.lost for record in inside),
        rtt_mean=Fraction(sum(record.rtt_sum for record in inside), count) if count else None,
        rtt_max=max(longest, default=None),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetStatus:
    name: str
    """`service/key`."""
    probe: str
    address: str | None
    """None while its name has never resolved."""
    state: State
    since: int | None
    """None while nothing is known."""
    measured: Measured
    failing: Failing = NOTHING
    """Probes of the window that failed outside outages."""
    last_result: Result | None = None
    last_result_at: int | None = None

    @property
    def lossy(self) -> bool:
        """Up by its rule, and fails too often all the same."""
        return self.state is State.UP and self.failing.lossy


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStatus:
    name: str
    state: State
    since: int | None
    outages: int
    """Detected since first known."""
    outage_start: int | None
    targets: tuple[TargetStatus, ...]
    lossy: bool = False
    """Up only because of targets that are lossy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    vantage: str
    as_of: int
    settled: int | None
    """Facts up to here were judged; None while there are none."""
    running: bool
    """Whether a daemon is writing these facts now; else every state is unknown from where they end."""
    services: tuple[ServiceStatus, ...]


def render(status: Status, *, width: int = WIDTH, colour: bool = False) -> str:
    """The status as text ending in a newline; instants in UTC."""
    table = columns("service / target", "state", ">for", "since", ">delay", ">loss", "last")
    for service in status.services:
        table.add_row(*_service(service, status.as_of))
        for target in service.targets:
            table.add_row(*_target(target, service.name, status.as_of))
    return to_text((*map(Text, _head(status)), Text(), table), width=width, colour=colour)


def _head(status: Status) -> Iterator[str]:
    running = "running" if status.running else "not running"
    yield f"vantage {status.vantage}, daemon {running}, as of {instant(status.as_of)}"
    if status.settled is None:
        yield "no facts yet"
    else:
        age = duration(status.as_of - status.settled)
        what = "judged up to" if status.running else "nothing measured since"
        yield f"{what} {instant(status.settled)} ({age} ago)"
    spans = [target.measured.span for service in status.services for target in service.targets if target.measured.span]
    if spans:
        start, end = min(start for start, _ in spans), max(end for _, end in spans)
        yield f"delay and loss of what was sent from {instant(start)} to {instant(end)}"


def _state(state: State, lossy: bool) -> Text:
    if lossy:
        return Text("lossy", style=_COLOURS[State.LOCAL_FAULT])
    return Text(state.replace("_", " "), style=_COLOURS[state])


def _since(since: int | None, until: int) -> tuple[Text, Text]:
    if since is None:
        return Text("–"), Text("–")
    # to the second: what is looked at is whether it is up; the JSON has the nanoseconds
    return Text(duration(max(until // S - since // S, 0) * S)), Text(instant(since // S * S))


def _service(service: ServiceStatus, until: int) -> tuple[Text, ...]:
    note = "1 outage" if service.outages == 1 else f"{service.outages} outages"
    return (
        Text(service.name, style="bold"),
        _state(service.state, service.lossy),
        *_since(service.since, until),
        Text(""),
        Text(""),
        Text(note),
    )


def _target(target: TargetStatus, service: str, until: int) -> tuple[Text, ...]:
    figures = target.measured
    return (
        Text(f"  {target.name.removeprefix(f'{service}/')} {target.probe} {target.address or 'unresolved'}"),
        _state(target.state, target.lossy),
        *_since(target.since, until),
        Text("–" if figures.rtt_mean is None else milliseconds(figures.rtt_mean)),
        Text("–" if figures.loss is None else percent(figures.loss)),
        Text(target.last_result or "–"),
    )


def document(status: Status) -> dict[str, object]:
    """The status as a JSON-able document: nanoseconds as strings, ratios exact with a display string."""
    return {
        "schema": 1,
        "vantage": status.vantage,
        "as_of": str(status.as_of),
        "settled": _text(status.settled),
        "running": status.running,
        "services": [_service_document(service) for service in status.services],
    }


def _text(ns: int | None) -> str | None:
    return None if ns is None else str(ns)


def _service_document(service: ServiceStatus) -> dict[str, object]:
    return {
        "name": service.name,
        "state": str(service.state),
        "since": _text(service.since),
        "lossy": service.lossy,
        "outages": service.outages,
        "outage_start": _text(service.outage_start),
        "targets": [_target_document(target) for target in service.targets],
    }


def _target_document(target: TargetStatus) -> dict[str, object]:
    figures = target.measured
    return {
        "name": target.name,
        "probe": target.probe,
        "address": target.address,
        "state": str(target.state),
        "since": _text(target.since),
        "lossy": target.lossy,
        "failing": _ratio(target.failing.ratio),
        "last_result": None if target.last_result is None else str(target.last_result),
        "last_result_at": _text(target.last_result_at),
        "window": str(figures.span[1] - figures.span[0] if figures.span else 0),
        "span": list(map(str, figures.span)) if figures.span else None,
        "received": figures.received,
        "lost": figures.lost,
        "loss": _ratio(figures.loss),
        "rtt_mean": None
        if figures.rtt_mean is None
        else {"exact": _exact(figures.rtt_mean), "display": milliseconds(figures.rtt_mean)},
        "rtt_max": _text(figures.rtt_max),
    }


def _exact(value: Fraction) -> str:
    return f"{value.numerator}/{value.denominator}"


def _ratio(value: Fraction | None) -> Mapping[str, str] | None:
    return None if value is None else {"exact": _exact(value), "display": percent(value)}
