"""The families of state and time: what is up now, and the settled seconds of each state since first known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from slamon.live import StateView
from slamon.metrics.family import Family, Page, instant
from slamon.metrics.probing import PROBE_LABELS
from slamon.metrics.text import pairs, ratio, seconds
from slamon.sla.facts import State

SERVICE_LABELS = ("service", "vantage")

_STATES = tuple((state, f',state="{state}"') for state in State if state is not State.DEGRADED)
"""What is probed is up or down; only facts stated by hand say degraded."""

Subjects = Callable[[Page], Iterable[tuple[str, StateView | None]]]
"""The page's (labels, state) of every target or every service."""


def _targets(page: Page) -> Iterator[tuple[str, StateView | None]]:
    for row in page.rows:
        yield row.labels, row.view.state


def _services(page: Page) -> Iterator[tuple[str, StateView | None]]:
    """Also the services of targets about which nothing has settled yet."""
    states: dict[str, StateView | None] = dict.fromkeys(row.view.target.service for row in page.rows)
    states.update((view.name, view) for view in page.view.services)
    for name, state in states.items():
        yield pairs((("service", name), ("vantage", page.view.vantage))), state


def _state(subjects: Subjects) -> Callable[[str, Page], Iterator[str]]:
    def lines(name: str, page: Page) -> Iterator[str]:
        for labels, view in subjects(page):
            now = State.UNKNOWN if view is None else view.state
            for state, suffix in _STATES:
                yield f"{name}{{{labels}{suffix}}} {1 if state is now else 0}\n"

    return lines


def _state_seconds(subjects: Subjects) -> Callable[[str, Page], Iterator[str]]:
    def lines(name: str, page: Page) -> Iterator[str]:
        for labels, view in subjects(page):
            for state, suffix in _STATES:
                yield f"{name}{{{labels}{suffix}}} {seconds(0 if view is None else view.nanoseconds.get(state, 0))}\n"

    return lines


def _read(subjects: Subjects, read: Callable[[StateView], object]) -> Callable[[str, Page], Iterator[str]]:
    def lines(name: str, page: Page) -> Iterator[str]:
        for labels, view in subjects(page):
            value = None if view is None else read(view)
            if value is not None:
                yield f"{name}{{{labels}}} {value}\n"

    return lines


def _failing(name: str, page: Page) -> Iterator[str]:
    for row in page.rows:
        share = None if row.view.failing is None else row.view.failing.ratio
        if share is not None:
            yield f"{name}{{{row.labels}}} {ratio(share)}\n"


def _outages(name: str, page: Page) -> Iterator[str]:
    for labels, view in _services(page):
        yield f"{name}{{{labels}}} {0 if view is None else view.outages}\n"


def _subject(noun: str, labels: tuple[str, ...], subjects: Subjects) -> tuple[Family, ...]:
    return (
        Family(
            name=f"slamon_{noun}_state",
            type="gauge",
            help=f"1 for the state the {noun} is in, 0 for the others; unknown until first measured.",
            labels=(*labels, "state"),
            lines=_state(subjects),
        ),
        Family(
            name=f"slamon_{noun}_state_seconds_total",
            type="counter",
            help=f"Settled time the {noun} spent in each state since first known, restarts included; adds up to settled - first known.",
            labels=(*labels, "state"),
            lines=_state_seconds(subjects),
        ),
        Family(
            name=f"slamon_{noun}_settled_timestamp_seconds",
            type="gauge",
            help="Up to this instant nothing that is still undecided can change the state.",
            labels=labels,
            lines=_read(subjects, lambda view: instant(view.settled)),
        ),
    )


STATE: tuple[Family, ...] = (
    *_subject("target", PROBE_LABELS, _targets),
    Family(
        name="slamon_target_failure_ratio",
        type="gauge",
        help="Share of the probes of the last 5 minutes that failed without being part of an outage; absent when none was decided.",
        labels=PROBE_LABELS,
        lines=_failing,
    ),
    *_subject("service", SERVICE_LABELS, _services),
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
        lines=_read(_services, lambda view: instant(view.outage_start)),
    ),
)
