"""View → the Prometheus text page (format 0.0.4), in steps short enough that the event loop keeps sending between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address
from itertools import chain, islice

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest

from slamon.live import ContractView, StateView
from slamon.metrics.agreement import AGREEMENT
from slamon.metrics.family import BLOCK, Family, Identity, Page, Row, View
from slamon.metrics.own import OWN
from slamon.metrics.probing import kind_gauges, probing
from slamon.metrics.settlement import SETTLEMENT
from slamon.metrics.state import state
from slamon.metrics.text import escape_help, pairs
from slamon.model import Target
from slamon.probe import Kind
from slamon.sla.statement import Statement

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

STEP = 128 * 1024
"""Characters rendered without giving way, and a block of lines: less than 1 ms of a 2 ms allowance."""

PIECE, ASKED = 1024, 40
"""So many characters it takes the time of to find out of a block of targets, and of one statement, that they have nothing to say."""

STEP_ROWS = 50
"""Targets or services looked at and copied without giving way: some 1.5 ms."""


def families(kinds: Mapping[str, Kind], label_keys: tuple[str, ...] = ()) -> tuple[Family, ...]:
    """Every family of a page, in its order: the one table that is rendered and documented."""
    return (*probing(label_keys), *kind_gauges(kinds), *state(), *AGREEMENT, *SETTLEMENT, *OWN)


def _is_literal(address: str) -> bool:
    try:
        ip_address(address)
    except ValueError:
        return False
    return True


class Exposition:
    """Renders pages of the same daemon, one after the other or at the same time. `now` is never asked: values carry it."""

    def __init__(self) -> None:
        self._known: dict[str, Identity] = {}
        self._shape: list[Identity] = []
        self._context: tuple[object, ...] = ()
        self._families: tuple[Family, ...] = ()
        self._registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._registry)

    def page(self, view: View) -> Iterator[bytes]:
        """The page in steps; a step may be empty. Every target's counters are those of one instant."""
        self._prepare(view)
        rows: list[Row] = []
        targets = iter(view.targets)
        while batch := list(islice(targets, STEP_ROWS)):
            rows.extend(
                Row(target, self._identity(target.target, view), view.kinds[target.target.probe]) for target in batch
            )
            yield b""
        self._forget(rows)
        states: dict[str, StateView | None] = dict.fromkeys(row.view.target.service for row in rows)
        services = iter(view.services)
        while some := list(islice(services, STEP_ROWS)):
            states.update((one.name, one) for one in some)
            yield b""
        yield from self._steps(self._page(view, rows, states))
        yield generate_latest(self._registry)

    def _page(self, view: View, rows: Sequence[Row], states: Mapping[str, StateView | None]) -> Page:
        shape = [row.identity for row in rows]
        if shape != self._shape:
            self._shape = shape
        return Page(
            view=view,
            blocks=[rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)],
            shape=self._shape,
            kinds=[view.kinds[name] for name in {row.view.target.probe for row in rows}],
            services=[(pairs((("service", name), ("vantage", view.vantage))), state) for name, state in states.items()],
            judged=tuple(_judged(view)),
        )

    def _prepare(self, view: View) -> None:
        """Drops what was rendered under another configuration."""
        context = (view.label_keys, tuple(view.kinds.items()), view.vantage, dict(view.providers))
        if context != self._context:
            self._context = context
            self._known.clear()
            self._families = families(view.kinds, view.label_keys)

    def _forget(self, rows: list[Row]) -> None:
        """Drops targets that are gone."""
        if len(self._known) > len(rows):
            self._known.clear()  # the next page renders those that are left again

    def _identity(self, target: Target, view: View) -> Identity:
        known = self._known.get(target.name)
        if known is None or known.target is not target:
            labels = pairs(
                (
                    ("target", target.name),
                    ("service", target.service),
                    ("probe", target.probe),
                    ("family", str(target.family)),
                    ("vantage", view.vantage),
                )
            )
            custom = dict(target.labels)
            provider = view.providers.get(target.service, "")
            info = pairs((("provider", provider), *((key, custom.get(key, "")) for key in view.label_keys)))
            named = not _is_literal(target.address)
            known = self._known[target.name] = Identity(target, labels, info, named)
        return known

    def _steps(self, page: Page) -> Iterator[bytes]:
        """The families in steps of about STEP."""
        step: list[str] = []
        size = 0
        for family in self._families:
            size += len(page.judged) * ASKED
            header = f"# HELP {family.name} {escape_help(family.help)}\n# TYPE {family.name} {family.type}\n"
            for piece in chain((header,), family.lines(family.name, page)):
                step.append(piece)
                size += len(piece) + PIECE
                if size >= STEP:
                    yield "".join(step).encode()
                    step, size = [], 0
        yield "".join(step).encode()


def _judged(view: View) -> Iterator[tuple[str, ContractView, Statement]]:
    for contract in view.contracts:
        for period, statement in (("current", contract.current), ("previous", contract.previous)):
            if statement is not None:
                yield pairs((("contract", contract.contract.name), ("period", period))), contract, statement
