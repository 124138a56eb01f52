"""Says which targets are due: a timer wheel over a fixed grid of slots. Knows nothing of probes and asks no clock.

Each target has its own phase, a hash of its name, on a grid of its interval: the slots of all targets are spread evenly, and are the same
after a restart. The grid lies on the wall clock as it stood at start and is followed by the monotonic clock from then on, so that a step of
the wall clock neither delays a probe nor doubles one; the next start takes the wall clock as it then is.

Targets whose slots lie in the same tick, interval after interval, stay together as one `Volley`: the wheel turns it as a whole, and who
sends it may keep what he prepared for it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from math import ceil
from operator import attrgetter
from zlib import crc32

from slamon.model import Sampling, Target
from slamon.poisson import Poisson
from slamon.stats import Stats

BURST = 32
"""Probes of one tick beyond twice the usual number: after a standstill all are due, but the customer's line must not see them at once."""

PATIENCE = 10
"""Ticks that an instant of a Poisson process may be late at least before it is missed: where the mean is a tick and a half, one in ten
thousand waits longer for those before it."""


def phase(name: str, interval: int) -> int:
    """Where in its interval a target is due, nanoseconds: the same at every start, spread evenly over targets (RFC 3432, section 3)."""
    return crc32(name.encode()) * interval >> 32


class Volley:
    """Targets that are due together, in the order of their slots."""

    __slots__ = ("begun", "lasting", "memo", "offsets", "targets")

    def __init__(self, targets: tuple[Target, ...], offsets: Sequence[int], *, lasting: bool) -> None:
        self.targets = targets
        self.begun = 0
        """Of this round."""
        self.offsets = offsets
        """Slots, counted from there."""
        self.lasting = lasting
        """Whether it will come again as it is."""
        self.memo: object = None
        """What whoever fires it made of it."""

    @property
    def slots(self) -> list[int]:
        """Of this round, monotonic; the latest that has passed."""
        return [self.begun + offset for offset in self.offsets]


class _Course:
    """The slots of one packet of each interval of one target: a target of `count` packets has so many."""

    __slots__ = ("at", "points", "target")

    def __init__(self, target: Target, at: int, points: Poisson | None) -> None:
        self.target = target
        self.at = at
        self.points = points
        """None on a periodic grid."""


class _Group:
    """Courses of one interval whose slots share a tick, for ever."""

    __slots__ = ("interval", "offsets", "tick", "total", "volley")

    def __init__(self, tick: int, width: int, courses: list[_Course]) -> None:
        courses.sort(key=attrgetter("at"))
        self.tick = tick
        """The tick in which its slots lie next."""
        self.interval = courses[0].target.interval
        self.offsets = [course.at - tick * width for course in courses]
        self.total = sum(self.offsets)
        self.volley = Volley(tuple(course.target for course in courses), self.offsets, lasting=True)


class Wheel:
    """The slots of all targets. Work is proportional to what is due, not to what exists.

    A slot is handed out by the first call of `due` at or after it, or by the next one: at a call on the border of two ticks, everything of
    the tick that ends. Of several instants of a Poisson process that came in one tick, each has a call of its own. `tick` is about the
    nanoseconds between two calls. `epoch` is the wall clock minus the monotonic clock at start. Every `now` is monotonic and does not run
    backwards.
    """

    def __init__(self, tick: int, *, epoch: int, stats: Stats) -> None:
        self._tick = tick
        self._epoch = epoch
        self._stats = stats
        self._courses: dict[tuple[str, int], _Course] = {}
        """Name of the target, number of the packet in its interval → its slots."""
        self._homes: dict[tuple[str, int], tuple[_Group, int]] = {}
        """Where the slot of a course is kept that belongs to a group: there, and its place among the offsets."""
        self._buckets: dict[int, list[_Group | _Course]] = {}
        """Number of the tick in which the slot lies → what is due then."""
        self._next = 0
        """The first tick that may still have a bucket."""
        self._waiting: deque[_Group | _Course] = deque()
        """What was due before and has not been handed out, oldest first."""
        self._budget = BURST

    def set(self, targets: Iterable[Target], now: int, *, tick: int | None = None) -> None:
        """Schedule exactly these targets, by another tick where one is given. One that keeps name and grid keeps its slots; a slot that
        has come is not lost."""
        before = {key: (course, self._slot(key, course)) for key, course in self._courses.items()}
        self._tick = self._tick if tick is None else tick
        self._courses, self._homes, self._buckets, self._waiting = {}, {}, {}, deque()
        usual = 0.0
        together: dict[tuple[int, int], list[tuple[str, int]]] = {}
        for target in targets:
            usual += target.count * self._tick / target.interval
            for number in range(target.count):
                key = target.name, number
                old = before.get(key)
                if old is not None and _grid(old[0].target) == _grid(target):
                    course = _Course(target, old[1], old[0].points)
                else:
                    course = self._start(target, number, now)
                self._courses[key] = course
                if course.points is None and target.interval % self._tick == 0:
                    together.setdefault((target.interval, course.at // self._tick), []).append(key)
                else:
                    self._file(course, course.at // self._tick)
        for (_, number), keys in together.items():
            group = _Group(number, self._tick, [self._courses[key] for key in keys])
            keys.sort(key=lambda key: self._courses[key].at)
            self._homes.update((key, (group, place)) for place, key in enumerate(keys))
            self._file(group, number)
        self._next = min(self._buckets, default=now // self._tick)
        self._budget = BURST + 2 * ceil(usual)

    def due(self, now: int) -> list[Volley]:
        """What is to be fired now, oldest tick first. A slot that comes round again unfired comes once; the others are counted missed, and
        so is an instant of a Poisson process that is more than a mean interval late, and PATIENCE, when another has come."""
        self._sweep(now)
        volleys: list[Volley] = []
        loose: list[tuple[int, Target]] = []
        fired = 0
        waiting = self._waiting
        while waiting:
            one = waiting[0]
            size = len(one.offsets) if isinstance(one, _Group) else 1
            if fired and fired + size > self._budget:
                break
            waiting.popleft()
            fired += size
            if isinstance(one, _Group):
                volleys.append(self._turn(one, now))
            else:
                loose.append(self._advance(one, now))
        if loose:
            loose.sort(key=lambda pair: pair[0])
            volleys.append(Volley(tuple(target for _, target in loose), [at for at, _ in loose], lasting=False))
        return volleys

    def _sweep(self, now: int) -> None:
        """Move everything whose slot has come to the queue."""
        tick = now // self._tick
        if tick - self._next > len(self._buckets):
            passed: Iterable[int] = sorted(number for number in self._buckets if number < tick)
        else:
            passed = range(self._next, tick)
        for number in passed:
            self._waiting.extend(self._buckets.pop(number, ()))
        self._next = tick
        present = self._buckets.pop(tick, None)
        if present:
            begun = tick * self._tick
            later: list[_Group | _Course] = []
            for one in present:
                last = begun + one.offsets[-1] if isinstance(one, _Group) else one.at
                (later if last > now else self._waiting).append(one)
            if later:
                self._buckets[tick] = later

    def _turn(self, group: _Group, now: int) -> Volley:
        """Hand out a group and file it for its next round."""
        begun = group.tick * self._tick
        missed = (now - begun - group.offsets[-1]) // group.interval
        self._stats.scheduler_lag.observe_ages(now - begun, group.offsets, group.total)
        self._stats.missed_slots += missed * len(group.offsets)
        volley = group.volley
        volley.begun = begun + missed * group.interval
        group.tick += (missed + 1) * group.interval // self._tick
        self._file(group, group.tick)
        return volley

    def _advance(self, course: _Course, now: int) -> tuple[int, Target]:
        """The slot of one course that is served now; it is filed for the one after."""
        at, interval = course.at, course.target.interval
        self._stats.scheduler_lag.observe(now - at)
        if course.points is None:
            missed = (now - at) // interval
            at += missed * interval
            course.at = at + interval
        else:
            missed = 0
            course.at = self._following(course.points, at)
            latest = now - max(interval, PATIENCE * self._tick)
            while at < latest and course.at <= now:
                at, course.at, missed = course.at, self._following(course.points, course.at), missed + 1
        self._stats.missed_slots += missed
        # The next instant of a Poisson process may have come as well. It has the next call: its packet is not to queue behind this one.
        self._file(course, max(course.at, now) // self._tick)
        return at, course.target

    def _following(self, points: Poisson, at: int) -> int:
        """The instant after that one, monotonic."""
        return points.after(at + self._epoch) - self._epoch

    def _slot(self, key: tuple[str, int], course: _Course) -> int:
        """The next slot of a course."""
        home = self._homes.get(key)
        return course.at if home is None else home[0].tick * self._tick + home[0].offsets[home[1]]

    def _file(self, one: _Group | _Course, tick: int) -> None:
        self._buckets.setdefault(tick, []).append(one)

    def _start(self, target: Target, number: int, now: int) -> _Course:
        """The first slot of packet `number` of the target's grid after `now`."""
        later = number * target.gap
        if target.sampling is Sampling.POISSON:
            points = Poisson(target.name, target.interval, later)
            return _Course(target, self._following(points, now), points)
        interval = target.interval
        return _Course(
            target, now + 1 + (phase(target.name, interval) + later - self._epoch - now - 1) % interval, None
        )


def _grid(target: Target) -> tuple[object, ...]:
    return target.interval, target.gap if target.count > 1 else 0, target.sampling
