"""One contract over one period: what will not change any more is added up once, what follows it is judged at every look."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from slamon.config import Config
from slamon.judge.bench import Bench, Source
from slamon.model import DAY, HOUR
from slamon.record.rows import Run
from slamon.sla.attribution import LAPSE, TRUST, observe
from slamon.sla.facts import Exclusion, Facts
from slamon.sla.statement import Period, Statement, judge
from slamon.sla.tally import QUARTER, Tally, base_end, counts_packets, settled
from slamon.sla.terms import Contract

BEYOND = HOUR
"""After a span's end: usually enough for every probe of it to be decided."""

MANY_RUNS = 1000
"""Runs judged without giving way: some 10 ms, on a slow host 20."""


@dataclass(slots=True)
class Case:
    """The judgement of one contract over one period: what need not be computed again, and what it was computed with."""

    config: Config
    """The one the contract, its service and its targets are of; a reload may come between two steps of a judgement."""
    contract: Contract
    period: Period
    declared: tuple[Exclusion, ...]
    upto: int
    """The base covers `[period.start, upto)`."""
    base: Tally
    needed: int
    """Runs from here on judge everything after `upto`."""

    @classmethod
    def begin(cls, config: Config, contract: Contract, period: Period, declared: tuple[Exclusion, ...]) -> Case:
        # a witness silent over the start is believed by an answer before it
        return cls(config, contract, period, declared, period.start, Tally(), period.start - TRUST)

    async def judged(self, source: Source, as_of: int, *, step: int = DAY) -> Statement:
        """The base and what follows it. The base grows by what will not change any more, at most `step` nanoseconds at a time."""
        contract, period = self.contract, self.period
        bench = Bench(self.config, contract, source, self.declared)
        last = min(period.end, await self.recorded(source))
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
            done = settled(contract, runs, as_of=at)
            await asyncio.sleep(0)
            cut = min(base_end(contract, runs, self.upto, last, as_of=at), self.upto + step)
            # Time that is undecided for a day counts as unknown; here it may only be that the rest has not been loaded.
            if end < every and done <= at - LAPSE:
                cut = self.upto
            if cut > self.upto:
                await asyncio.sleep(0)
                self.base += await bench.tally(runs, self.upto, cut, as_of=at)
                await asyncio.sleep(0)
                self.upto, self.needed, wider = cut, _needed(contract, runs, cut), False
                await asyncio.sleep(0)
            elif end == every or done >= period.end:
                tail = await bench.tally(runs, self.upto, period.end, as_of=at)
                return judge(contract, period, self.base + tail, as_of=as_of)
            else:
                step, wider = 2 * step, True

    async def recorded(self, source: Source) -> int:
        """Up to here packets are in records and will not be more; the period's end when the contract does not count packets."""
        if not counts_packets(self.contract):
            return self.period.end
        recorded = await source.recorded()
        return recorded - recorded % QUARTER


def _needed(contract: Contract, runs: Facts, cut: int) -> int:
    """From where on the store is asked for what judges everything after `cut`.

    An outage that goes on over the cut is needed whole, and so is a silence of the witness that reaches, widened, beyond it. With the
    runs from any instant on the store gives those that decide the states there, so how long ago that was does not matter.
    """
    rule = {"down_after": contract.down_after, "up_after": contract.up_after}
    outages = observe(runs, contract.service, as_of=cut, **rule).outages
    began = outages[-1][0] if outages and outages[-1][1] >= cut else cut
    return began - max((series.interval + series.timeout for series in runs.series.values()), default=0)


def _many(runs: Facts, start: int) -> bool:
    return sum(len(series.runs) - _before(series.runs, start) for series in runs.series.values()) > MANY_RUNS


def _before(runs: Sequence[Run], instant: int) -> int:
    return bisect_left(runs, instant, key=lambda run: run.first_sent)
