"""Changes of state, and what people declared → log lines; and a trace of the path when a target fell silent and when it is back."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from datetime import UTC

from slamon.config import Config
from slamon.live import LOSSY, Live, StateView, Turn
from slamon.model import Result, Target
from slamon.path import Moment, Traced
from slamon.report.events import Change, loss_sentence, sentence
from slamon.report.words import event_fields, instant
from slamon.sla.detection import sent_before
from slamon.sla.facts import Agreement, Exclusion, Recorded, State, kind
from slamon.sla.lines import LOCAL_FAULT, PROVIDER_DOWN
from slamon.store import Declarations
from slamon.trace import Tracer

log = logging.getLogger("slamon")

LOOKED_AT = 50
"""Targets looked at without giving way: about a millisecond."""

ENDED = {State.DOWN: PROVIDER_DOWN, State.LOCAL_FAULT: LOCAL_FAULT}
"""What an outage that is over counts as, before anybody declares anything."""


class Notices:
    """Says what turned since `live` was filled from the store.

    `address` gives a target's present address, `failure` what was last said of a failed probe of it, `spawn` runs the traces, `keep`
    stores one, `over` that the silence of a target that began at one instant ended at another.
    """

    def __init__(
        self,
        *,
        live: Live,
        tracer: Tracer,
        spawn: Callable[[Coroutine[object, object, None], str], None],
        address: Callable[[Target], str | None],
        failure: Callable[[str], str],
        keep: Callable[[Traced], Awaitable[None]],
        over: Callable[[str, int, int], Awaitable[None]],
    ) -> None:
        self._live = live
        self._tracer = tracer
        self._spawn = spawn
        self._address = address
        self._failure = failure
        self._keep = keep
        self._over = over
        self._silent: dict[str, int] = {}
        """Target → when the silence began whose end is waited for."""
        self._lossy: set[str] = set()
        """Targets that were last said to be."""
        self._unheard: set[tuple[str, str]] = set()
        """Nouns and names of which nothing was known when they were first judged."""
        self._stopped: dict[tuple[str, str], StateView] = {}
        """What they were when the daemon before this one stopped, until they are measured again."""

    def resume(self, config: Config) -> None:
        """Say in one line how things stood when the facts end. What is found to be still so is not said again."""
        targets = [view for name in config.targets if (view := self._live.target(name)) is not None]
        for noun, views in (("service", self._live.services()), ("target", targets)):
            self._stopped |= {(noun, view.name): view for view in views if view.state is not State.UNKNOWN}
        self._silent = {view.name: view.since for view in targets if view.state is State.DOWN}
        if self._stopped:
            until = max(view.settled for view in self._stopped.values())
            counts = Counter((noun, view.state.replace("_", " ")) for (noun, _), view in self._stopped.items())
            said = ", ".join(f"{n} {noun}{'' if n == 1 else 's'} {state}" for (noun, state), n in counts.items())
            log.info("as measured up to %s: %s; what changed since is said", instant(until), said)

    def say(self, turns: Iterable[Turn], config: Config) -> None:
        for turn in turns:
            key = (turn.noun, turn.name)
            stopped = self._stopped.get(key)
            if stopped is not None:
                if turn.state is State.UNKNOWN:
                    continue  # nobody looked while the daemon was stopped
                del self._stopped[key]
                if turn.state is stopped.state and turn.previous is State.UNKNOWN:
                    continue
            if turn.previous is None and turn.state is State.UNKNOWN:
                self._unheard.add(key)  # nothing is known yet: no news
                continue
            if key in self._unheard:
                self._unheard.discard(key)
                turn = turn._replace(previous=None, previous_since=None)  # noqa: PLW2901
            change = self._change(turn, config)
            log.log(logging.WARNING if change.alarming else logging.INFO, "%s", sentence(change))
            if turn.noun == "target" and turn.name in config.targets:
                self._follow(config.targets[turn.name], turn)

    def say_lossy(self, config: Config, now: int) -> Iterator[None]:
        """Targets that are up by their rule and fail too often all the same, once; and when that has halved.

        In steps that are short enough for the event loop.
        """
        for number, name in enumerate(self._live.uneven(), start=1):
            if number % LOOKED_AT == 0:
                yield
            failing, view = self._live.failing(name, now), self._live.target(name)
            if (
                name in self._lossy
                or failing is None
                or view is None
                or view.state is not State.UP
                or not failing.lossy
            ):
                continue
            self._lossy.add(name)
            log.warning("target %s LOSSY: %s", name, loss_sentence(failing))
        for name in list(self._lossy):
            failing = self._live.failing(name, now)
            if name not in config.targets or failing is None:
                self._lossy.discard(name)
            elif failing.ratio is not None and failing.ratio < LOSSY / 2:
                self._lossy.discard(name)
                log.info("target %s no longer lossy: %s", name, loss_sentence(failing))

    def _change(self, turn: Turn, config: Config) -> Change:
        names = (turn.name,) if turn.noun == "target" else config.services[turn.name].targets
        down = [name for name in names if (view := self._live.target(name)) is not None and view.state is not State.UP]
        shown = config.targets.get(down[0] if down else names[0])
        witness = shown.witness if shown else None
        witness_view = self._live.target(witness) if witness else None
        return Change(
            noun=turn.noun,
            name=turn.name,
            state=turn.state,
            since=turn.since,
            previous=turn.previous,
            previous_since=turn.previous_since,
            results=self._deciding(shown, turn.since) if shown else (),
            detail=self._failure(shown.name) if shown else "",
            down=len(down),
            targets=len(names) if turn.noun == "service" else 0,
            witness=witness,
            witness_state=witness_view.state if witness_view else None,
            cause=self._cause(turn, config),
        )

    @staticmethod
    def _cause(turn: Turn, config: Config) -> str | None:
        """Whose the time was that has just ended; a target, and a service nobody provides, has nobody to name."""
        service = config.services[config.targets[turn.name].service if turn.noun == "target" else turn.name]
        if turn.previous is None or (turn.previous is State.DOWN and (turn.noun == "target" or not service.provider)):
            return None
        return ENDED.get(turn.previous)

    def _deciding(self, target: Target, since: int) -> tuple[Result, ...]:
        """The first results from `since` on, as many as the rule asks for: of its bad slots all."""
        results: list[Result] = []
        if target.slots is not None:
            until = target.slots.floor(since) + target.slots.after * target.slots.length
            for run in self._live.last_runs(target.name):
                results += [run.result] * (sent_before(run, until) - sent_before(run, since))
            return tuple(results)
        for run in self._live.last_runs(target.name, target.down_after + 1):
            if run.last_sent >= since:
                results += [run.result] * min(run.samples, target.down_after)
        return tuple(results[: target.down_after])

    def _follow(self, target: Target, turn: Turn) -> None:
        """Trace the path once when the target fell silent and once when it is back. A silence it shares with its witness is one too."""
        if turn.previous is None:
            self._silent.pop(target.name, None)  # another target had this name
        shared = turn.state is State.LOCAL_FAULT and target.witness is not None
        if turn.state is State.UP:
            since = self._silent.pop(target.name, None)
            if since is not None:
                self._spawn(self._ended(target, since, turn.since), f"trace {target.name} again")
        elif (turn.state is State.DOWN or shared) and target.name not in self._silent:
            self._silent[target.name] = turn.since
            self._spawn(self._trace(target, Moment.BEGAN, turn.since, None), f"trace {target.name}")

    async def _ended(self, target: Target, since: int, until: int) -> None:
        await self._over(target.name, since, until)
        await self._trace(target, Moment.ENDED, since, until)

    async def _trace(self, target: Target, moment: Moment, since: int, until: int | None) -> None:
        address = self._address(target)
        if address is None:
            return
        trace = await self._tracer.trace(target.name, address, family=target.family, via=target.via, moment=moment)
        if trace is None:
            return
        log.info("target %s path to %s: %s", target.name, address, trace)
        await self._keep(Traced(target=target.name, moment=moment, since=since, until=until, trace=trace))
        if until is None and self._silent.get(target.name) != since:
            # It ended while the path was traced, which was more than `over` could know of.
            ended = self._live.target(target.name)
            if ended is not None and ended.state is State.UP and ended.since > since:
                await self._over(target.name, since, ended.since)


class Declared:
    """Says what was declared, settled and revoked since this was first asked."""

    def __init__(self) -> None:
        self._known: dict[str, Exclusion | Recorded] | None = None

    def say(self, declarations: Declarations) -> None:
        """`declarations`: all there are, also what was taken back."""
        every: tuple[Exclusion | Recorded, ...] = (*declarations.exclusions, *declarations.events)
        known = {each.id: each for each in every}
        before, self._known = self._known, known
        for one, each in known.items() if before is not None else ():
            old = (before or {}).get(one)
            what, about = _about(each)
            if old is None:
                note = f": {each.note}" if each.note else ""
                log.info("%s declared%s by %s: %s%s", what, _as(each), each.declared_by, about, note)
            elif isinstance(each, Exclusion) and isinstance(old, Exclusion) and each.state is not old.state:
                log.info("%s is %s now: %s", what, each.state, about)
            if each.revoked_at is not None and (old is None or old.revoked_at is None):
                log.info("%s revoked by %s: %s", what, each.revoked_by, about)


def _as(each: Exclusion | Recorded) -> str:
    return f" as {each.state}" if isinstance(each, Exclusion) and each.state is not Agreement.ACCEPTED else ""


def _about(each: Exclusion | Recorded) -> tuple[str, str]:
    """Which it is, and what it says."""
    if isinstance(each, Exclusion):
        span = f"from {instant(each.start)} to {instant(each.end)}"
        return f"exclusion {each.id}", f"{each.cause} of contract {each.contract} {span}"
    said = ", ".join(f"{name} {value}" for name, value in event_fields(each.event, UTC, ""))
    return f"{kind(each.event)} {each.id} of contract {each.contract}", said
