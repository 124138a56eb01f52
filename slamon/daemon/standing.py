"""Facts → what is true now, for `slamon status` and its web twin: judged states and the figures of the last minutes."""

from __future__ import annotations

from slamon.config import Config
from slamon.judge import Source, service_facts
from slamon.live import Live
from slamon.model import MINUTE
from slamon.report.status import WINDOW, ServiceStatus, Status, TargetStatus, measured
from slamon.sla.facts import SeriesFacts, State


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
        live.restore(past.series.values(), past.gaps)
        live.update(None, (), now)
    recent = (await source.load(targets, now - WINDOW - MINUTE, now)).series
    services = []
    settled: list[int] = []
    for service in config.services.values():
        view = live.service(service.name)
        if view is not None:
            settled.append(view.settled)
        services.append(
            ServiceStatus(
                name=service.name,
                state=view.state if view else State.UNKNOWN,
                since=view.since if view else None,
                outages=view.outages if view else 0,
                outage_start=view.outage_start if view else None,
                targets=tuple(
                    _target(config, live, name, recent.get(name), now)
                    for name, target in config.targets.items()
                    if target.service == service.name
                ),
            )
        )
    return Status(
        vantage=config.vantage,
        as_of=now,
        settled=min(settled) if settled else None,
        running=running,
        services=tuple(services),
    )


def _target(config: Config, live: Live, name: str, recent: SeriesFacts | None, now: int) -> TargetStatus:
    view = live.target(name)
    target = config.targets[name]
    runs = live.last_runs(name, 1)
    return TargetStatus(
        name=name,
        probe=target.probe,
        address=target.address,
        state=view.state if view else State.UNKNOWN,
        since=view.since if view else None,
        measured=measured(recent.records if recent else (), now),
        last_result=runs[-1].result if runs else None,
        last_result_at=runs[-1].last_sent if runs else None,
    )
