"""One service under a contract over one period: what will not change any more is added up once, what follows it at every look."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from slamon.config import Config
from slamon.judge.bench import Bench, Reader
from slamon.model import DAY, HOUR, MINUTE
from slamon.record.rows import Run
from slamon.sla.attribution import LAPSE, TRUST, unnoticed
from slamon.sla.facts import Facts
from slamon.sla.lines import Period
from slamon.sla.outages import Ruled, indivisible
from slamon.sla.tally import QUARTER, Tally, base_end, counts_packets
from slamon.sla.terms import Contract
from slamon.sla.terms.composition import Composition
from slamon.turns import give_way

BEYOND = HOUR
"""After a span's end: usually enough for every probe of it to be decided."""

MANY_RUNS = 1000
"""Runs judged without giving way: some 10 ms, on a slow host 20."""


@dataclass(slots=True)
class Case:
    """The sums of one service over one period: what need not be computed again, and what it was computed with."""

    config: Config
    """The one the contract, its service and its targets are of; a reload may come between two steps of a judgement."""
    terms: Contract
    """The version in force."""
    service: Composition
    period: Period
    declared: Facts
    upto: int
    """The base covers `[period.start, upto)`."""
    base: Tally
    needed: int
    """Runs from here on judge everything after `upto`."""
    final: Tally | None = None
    """The sums of the whole period, once nothing can change them."""

    @classmethod
    def begin(cls, config: Config, terms: Contract, service: Composition, period: Period, declared: Facts) -> Case:
        # a witness silent over the start is believed by an answer before it
        start = period.start
        return cls(config, terms, service, period, declared, start, Tally(), start - TRUST - terms.outage.merge_within)

    async def sums(self, source: Reader, as_of: int, known: int, *, step: int = DAY) -> Tally:
        """The base and what follows it. The base grows by what will not change any more, at most `step` nanoseconds at a time.

        `known`: nothing is known of the service before; that far it grows at once.
        """
        if self.final is not None:
            return self.final
        terms, period, origin = self.terms, self.period, self.period.start
        bench = Bench(self.config, terms, self.service, origin, source, self.declared)
        recorded = max(await self._recorded(source), known - known % MINUTE)
        step = max(step, known - self.upto)
        last = min(period.end, recorded)
        wider = False
        while True:
            every = max(as_of, self.needed + 1)
            end = min(every, self.upto + step + BEYOND)
            runs = await bench.runs(self.needed, end)
            at = min(end, as_of)
            half = min(step, every - self.upto) // 2 // QUARTER * QUARTER
            if not wider and self.upto < last and 0 < half < end - self.upto - BEYOND and _many(runs, self.upto):
                step = half
                continue
            ruling = bench.ruled(runs, as_of=at)
            await give_way()
            found = self._base_end(runs, ruling, last, at)
            most = self.upto + step
            cut = found if found <= most else most - most % QUARTER
            # Time that is undecided for a day counts as unknown; here it may only be that the rest has not been loaded.
            loaded = end == every or ruling.settled > at - LAPSE
            if not loaded:
                cut = self.upto
            grown = cut > self.upto
            if grown:
                self.base += await bench.tally(runs, ruling, self.upto, cut, as_of=at)
                await give_way()
                self.upto, self.needed, wider = cut, self._needed(runs, ruling, cut), False
                await give_way()
            # The runs that made the base grow judge what follows it as well, where there are no others.
            over = loaded and self._over(ruling)
            if (end == every and cut == found) if grown else (end == every or over):
                whole = self.base + await bench.tally(runs, ruling, self.upto, period.end, as_of=at)
                if over and recorded >= period.end:
                    self.final = whole
                return whole
            if not grown:
                step, wider = 2 * step, True

    def _over(self, ruling: Ruled) -> bool:
        """Nothing that comes later changes the period: what of an outage counts is of the whole outage, also beyond the period.

        It is settled, and none of its outages is open, may be joined by a later one, or may begin with a ticket that is still open.
        """
        end = self.period.end
        if ruling.settled < end or (ruling.pending is not None and ruling.pending < end):
            return False
        return all(first >= end or after <= ruling.settled for first, after in indivisible(ruling, self.terms.outage))

    def _base_end(self, runs: Facts, ruling: Ruled, last: int, at: int) -> int:
        """Up to where nothing will change any more: a whole minute, so that little is left to judge at every look."""
        if last <= self.upto:
            return self.upto
        return base_end(
            self.terms,
            runs,
            self.upto,
            last,
            as_of=at,
            origin=self.period.start,
            service=self.service,
            ruling=ruling,
            grain=MINUTE,
        )

    async def _recorded(self, source: Reader) -> int:
        """Up to here packets are in records and will not be more; the period's end when the contract does not count packets."""
        if not counts_packets(self.terms):
            return self.period.end
        recorded = await source.recorded()
        return recorded - recorded % MINUTE

    def _needed(self, runs: Facts, ruling: Ruled, cut: int) -> int:
        """From where on the store is asked for what judges everything after `cut`.

        An outage that goes on over the cut, as measured or by its ticket, is needed whole, and so is a silence of the witness that
        reaches, widened, beyond it. With the runs from any instant on the store gives those that decide the states there, so how long
        ago that was does not matter.
        """
        rule = self.terms.outage
        began = next((first for first, after in indivisible(ruling, rule) if first < cut <= after), cut)
        widest = max(map(unnoticed, runs.series.values()), default=0)
        return began - widest - rule.merge_within


def _many(runs: Facts, start: int) -> bool:
    return sum(len(series.runs) - _before(series.runs, start) for series in runs.series.values()) > MANY_RUNS


def _before(runs: Sequence[Run], instant: int) -> int:
    return bisect_left(runs, instant, key=lambda run: run.first_sent)
