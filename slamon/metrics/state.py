"""The families of state and time: what is up now, and the settled seconds of each state since first known."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from slamon.live import StateView
from slamon.metrics.family import Family, Lines, Page, Row, Still, first_grows, instant, per_still_target, per_target
from slamon.metrics.probing import PROBE_LABELS
from slamon.metrics.text import ratio, seconds
from slamon.sla.facts import State

SERVICE_LABELS = ("service", "vantage")

_STATES = tuple(state for state in State if state is not State.DEGRADED)
"""What is probed is up or down; only facts stated by hand say degraded."""

_SUFFIX: dict[State, str] = {state: f',state="{state}"' for state in _STATES}


def _is(name: str, labels: str, now: State) -> str:
    return "".join([f"{name}{{{labels}{_SUFFIX[state]}}} {1 if state is now else 0}\n" for state in _STATES])


def _spent(name: str, labels: str, state: State, ns: int) -> str:
    return f"{name}{{{labels}{_SUFFIX[state]}}} {seconds(ns)}\n"


def _state(view: StateView | None) -> State:
    return State.UNKNOWN if view is None else view.state


def _nanoseconds(view: StateView | None) -> tuple[int, ...]:
    """By `_STATES`."""
    return (0,) * len(_STATES) if view is None else tuple([view.nanoseconds.get(state, 0) for state in _STATES])


def _service_state(name: str, page: Page) -> Iterator[str]:
    for labels, view in page.services:
        yield _is(name, labels, _state(view))


def _service_seconds(name: str, page: Page) -> Iterator[str]:
    for labels, view in page.services:
        for state, ns in zip(_STATES, _nanoseconds(view), strict=True):
            yield _spent(name, labels, state, ns)


def _per_service(read: Callable[[StateView], object]) -> Lines:
    def lines(name: str, page: Page) -> Iterator[str]:
        for labels, view in page.services:
            value = None if view is None else read(view)
            if value is not None:
                yield f"{name}{{{labels}}} {value}\n"

    return lines


def _failing(row: Row) -> str | None:
    share = None if row.view.failing is None else row.view.failing.ratio
    return None if share is None else ratio(share)


def _outages(name: str, page: Page) -> Iterator[str]:
    for labels, view in page.services:
        yield f"{name}{{{labels}}} {0 if view is None else view.outages}\n"


def _subject(noun: str, labels: tuple[str, ...], states: Lines, spent: Lines, settled: Lines) -> tuple[Family, ...]:
    return (
        Family(
            name=f"slamon_{noun}_state",
            type="gauge",
            help=f"1 for the state the {noun} is in, 0 for the others; unknown until first measured.",
            labels=(*labels, "state"),
            lines=states,
        ),
        Family(
            name=f"slamon_{noun}_state_seconds_total",
            type="counter",
            help=f"Settled time the {noun} spent in each state since first known, restarts included; adds up to settled - first known.",
            labels=(*labels, "state"),
            lines=spent,
        ),
        Family(
            name=f"slamon_{noun}_settled_timestamp_seconds",
            type="gauge",
            help="Up to this instant nothing that is still undecided can change the state.",
            labels=labels,
            lines=settled,
        ),
    )


def state() -> tuple[Family, ...]:
    """The families that every configuration has, in the order of the page."""
    return (
        *_subject(
            "target",
            PROBE_LABELS,
            Still(lambda row: _state(row.view.state), lambda name, row, now: _is(name, row.labels, now)),
            first_grows(
                lambda row: _nanoseconds(row.view.state),
                lambda name, row, place, ns: _spent(name, row.labels, _STATES[place], ns),
            ),
            per_target(lambda row: None if row.view.state is None else instant(row.view.state.settled)),
        ),
        Family(
            name="slamon_target_normal_lag_seconds",
            type="gauge",
            help="How far the settled instant is behind the present at most, by interval, rule, timeout and witness, while all is well.",
            labels=PROBE_LABELS,
            lines=per_still_target(lambda row: None if row.view.lag is None else seconds(row.view.lag)),
        ),
        Family(
            name="slamon_target_failure_ratio",
            type="gauge",
            help="Share of the probes of the last 5 minutes that failed without being part of an outage; absent when none was decided.",
            labels=PROBE_LABELS,
            lines=per_still_target(_failing),
        ),
        *_subject(
            "service",
            SERVICE_LABELS,
            _service_state,
            _service_seconds,
            _per_service(lambda view: instant(view.settled)),
        ),
        Family(
            name="slamon_outages_total",
            type="counter",
            help="Outages of the service detected since first known, whoever caused them.",
            labels=SERVICE_LABELS,
            lines=_outages,
        ),
        Family(
            name="slamon_outage_start_timestamp_seconds",
            type="gauge",
            help="Start of the outage the service is in; absent while there is none.",
            labels=SERVICE_LABELS,
            lines=_per_service(lambda view: instant(view.outage_start)),
        ),
    )
