"""Facts → what is true now, for `slamon status` and its web twin: judged states and the figures of the last minutes."""

from __future__ import annotations

from typing import TypedDict

from slamon.config import Config
from slamon.judge import Source, service_facts
from slamon.live import NOTHING, WINDOW, Live, StateView
from slamon.model import MINUTE
from slamon.report.status import ServiceStatus, Status, TargetStatus, measured
from slamon.sla.facts import SeriesFacts, State
from slamon.turns import give_way


def follow(config: Config) -> Live:
    """A `Live` of this configuration that knows no facts yet."""
    live = Live()
    live.set(service_facts(config).values(), config.targets.values())
    return live


async def status(config: Config, source: Source, *, now: int, running: bool, live: Live | None = None) -> Status:
    """What is true at `now`. Without the daemon's own `live` everything stored is judged again."""
    targets = tuple(config.targets.values())
    if live is None:
        live = follow(config)
        past = await source.load(targets, 0, now, records=False)
        for _ in live.replay(past.series.values(), past.gaps, now):
            await give_way()
    recent = (await source.load(targets, now - WINDOW - MINUTE, now)).series
    services = []
    # What was undecided a day ago counts as unknown, so of a stopped daemon the services say less than the targets.
    views = map(live.service, config.services) if running else map(live.target, config.targets)
    settled = [view.settled for view in views if view is not None]
    for service in config.services.values():
        view = live.service(service.name)
        targets_of = tuple(
            _target(config, live, name, recent.get(name), now, running=running)
            for name, target in config.targets.items()
            if target.service == service.name
        )
        present = _present(view, running=running)
        well = sum(each.state is State.UP and not each.lossy for each in targets_of if each.name in service.targets)
        services.append(
            ServiceStatus(
                name=service.name,
                **present,
                lossy=present["state"] is State.UP and well < service.quorum,
                outages=view.outages if view else 0,
                outage_start=view.outage_start if view and running else None,
                targets=targets_of,
            )
        )
    return Status(
        vantage=config.vantage,
        as_of=now,
        settled=min(settled) if settled else None,
        running=running,
        services=tuple(services),
    )


class _Present(TypedDict):
    state: State
    since: int | None


def _present(view: StateView | None, *, running: bool) -> _Present:
    """Of a stopped daemon everything is unknown from where its facts end."""
    if view is None:
        return {"state": State.UNKNOWN, "since": None}
    if running or view.state is State.UNKNOWN:
        return {"state": view.state, "since": view.since}
    return {"state": State.UNKNOWN, "since": view.settled}


def _target(
    config: Config, live: Live, name: str, recent: SeriesFacts | None, now: int, *, running: bool
) -> TargetStatus:
    view = live.target(name)
    target = config.targets[name]
    runs = live.last_runs(name, 1)
    return TargetStatus(
        name=name,
        probe=target.probe,
        address=target.address,
        **_present(view, running=running),
        measured=measured(recent.records if recent else (), now),
        failing=live.failing(name, now) or NOTHING,
        last_result=runs[-1].result if runs else None,
        last_result_at=runs[-1].last_sent if runs else None,
    )
