"""The measures of the contract language: their words, what their quantities look like, and on which side they are worse."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction

from slamon import units
from slamon.config.grammar import SIDES, Amount, quantity
from slamon.config.reader import nearest
from slamon.sla.terms.measures import DIMENSION, FALLING, Dimension, Measure, Rounding, RoundingMode, Side, Subject
from slamon.sla.terms.objectives import Form, Level, Statistic

DEFINED = frozenset(
    {Measure.AVAILABILITY, Measure.LATENCY, Measure.JITTER, Measure.LOSS, Measure.RESTORE, Measure.NOTIFY}
)
"""Measures that only an objective says how to measure; the others say everything by their word."""

WORDS: tuple[str, ...] = (
    *(
        measure.value
        for measure in Measure
        if measure not in {Measure.EXCESS, Measure.RUNS, Measure.BREACH, Measure.OUTAGES, Measure.DAYS_WITH_OUTAGE}
    ),
    *("outages", "outages over 30m", "days with outage", "days with outage over 30m"),
    *("excess of latency", "runs of 2 bad slots", "breach of payment"),
)
"""Every measure, those with an argument with an example of it."""

_LIMITED = re.compile(r"(outages|days with outage)(?: (over|at_least) (\S+))?")
_RUNS = re.compile(r"runs of ([1-9]\d{0,5}) bad slots")
_EXCESS = re.compile(r"excess of (.+)")
_BREACH = re.compile(r"breach of (\S.*)")
_PLAIN = {
    measure.value: measure for measure in Measure if measure not in {Measure.EXCESS, Measure.RUNS, Measure.BREACH}
}


def measured(text: str) -> Subject | None:
    """What a measure's word says; None for a word that is no measure. `excess of X`: X is `objective`, not yet looked up.

    Raises ValueError (`reason; fix`) for a measure whose argument is wrong.
    """
    if match := _LIMITED.fullmatch(text):
        side = Side(match[2]) if match[2] else None
        return Subject(
            measure=Measure(match[1]), side=side, length=units.duration(match[3]) if side is not None else None
        )
    if match := _RUNS.fullmatch(text):
        return Subject(measure=Measure.RUNS, run=int(match[1]))
    if match := _EXCESS.fullmatch(text):
        return Subject(measure=Measure.EXCESS, objective=match[1])
    if match := _BREACH.fullmatch(text):
        return Subject(measure=Measure.BREACH, duty=match[1])
    if text in _PLAIN:
        return Subject(measure=_PLAIN[text])
    if re.match(r"(outages|days with outage) ", text):
        raise ValueError("not a measure; write for example outages over 30m, or days with outage at_least 5m")
    if text.startswith("runs of "):
        raise ValueError("not a measure; write for example runs of 2 bad slots")
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How the values of one measure or objective are written and compared."""

    name: str
    """As messages call it."""
    dimension: Dimension
    falls: bool
    """It gets worse as it falls."""
    most: Fraction | None = None
    """The largest value there can be."""
    least: Fraction | None = Fraction(0)
    """The smallest."""

    @property
    def example(self) -> str:
        if self.dimension is Dimension.RATIO:
            return "99.9%" if self.falls else "0.1%" if self.most is not None else "10%"
        return {Dimension.DURATION: "30ms" if self.name in {"latency", "jitter"} else "30m", Dimension.COUNT: "3"}.get(
            self.dimension, "3 days"
        )

    def quantity(self, text: str) -> Amount:
        """Raises ValueError (`reason; fix`)."""
        if re.match(rf"({SIDES}) ", text):
            raise ValueError(f"this is compared on a side that is said elsewhere; write only {text.partition(' ')[2]}")
        found = quantity(text, self.dimension, self.name, example=self.example, most=self.most)
        if self.name == "latency" and self.dimension is Dimension.DURATION and found.value == 0:
            raise ValueError("a latency of zero cannot be met; write for example 30ms")
        return found

    def level(self, text: str) -> Level:
        """`99.9%`, met on equality, or `over 99.99%`. Raises ValueError."""
        good = (Side.AT_LEAST, Side.OVER) if self.falls else (Side.AT_MOST, Side.BELOW)
        match = re.fullmatch(rf"({SIDES}) (.+)", text)
        side, value = (Side(match[1]), match[2]) if match else (good[0], text)
        if side not in good:
            way = "falls" if self.falls else "rises"
            raise ValueError(
                f"{self.name} gets worse as it {way}: a level is not `{side}`; write {good[0]} or {good[1]}"
            )
        found = self.quantity(value)
        if found.business:
            raise ValueError("a level is in days of the calendar; write for example 3 days")
        if found.value == {Side.OVER: self.most, Side.BELOW: self.least}.get(side):
            raise ValueError(f"{self.name} is never {text}: nobody can meet this; write {value}")
        return Level(value=found.value, side=side)

    def rounding(self, text: str) -> Rounding:
        """`0.01% down`. Raises ValueError."""
        step, _, mode = text.partition(" ")
        if mode == "days" or mode.startswith(("days ", "day ")) or mode == "day":  # the step itself has a blank
            word, _, mode = mode.partition(" ")
            step = f"{step} {word}"
        modes = [each.value for each in RoundingMode]
        if mode and mode not in modes:
            raise ValueError(f"not a way to round; write one of {', '.join(modes)}")
        example = _STEPS[self.dimension]
        value = quantity(step, self.dimension, self.name, example=example).value
        if value == 0:
            raise ValueError(f"a step of zero rounds nothing; write for example {example}")
        return Rounding(step=value, mode=RoundingMode(mode) if mode else RoundingMode.HALF_UP)

    def worse(self, value: Fraction, other: Fraction) -> bool:
        """True when `value` is worse than `other`."""
        return value < other if self.falls else value > other

    def better(self, level: Level, other: Level) -> bool:
        """True when it is harder to reach `level` than `other`."""
        if level.value != other.value:
            return self.worse(other.value, level.value)
        return level.side in {Side.OVER, Side.BELOW} and other.side in {Side.AT_LEAST, Side.AT_MOST}


_STEPS = {Dimension.RATIO: "0.01%", Dimension.DURATION: "1s", Dimension.COUNT: "1", Dimension.DAYS: "1 day"}


def scale_of(subject: Subject, base: Scale | None = None, statistic: Statistic | None = None) -> Scale:
    """`base`: the scale of the objective an `excess of` is about. `statistic`: `share over 10ms` is a share, whatever of."""
    measure = subject.measure
    if statistic is not None and statistic.form is Form.SHARE:
        falls = statistic.side in {Side.BELOW, Side.AT_MOST}  # the share of the good samples
        return Scale(name=f"a share of {measure.value}", dimension=Dimension.RATIO, falls=falls, most=Fraction(1))
    if measure is Measure.EXCESS:
        return Scale(
            name=f"excess of {subject.objective}",
            dimension=Dimension.RATIO,
            falls=base is not None and base.falls,
            least=None,
        )
    dimension = DIMENSION[measure]
    return Scale(
        name=measure.value,
        dimension=dimension,
        falls=measure in FALLING,
        most=Fraction(1) if dimension is Dimension.RATIO else None,
        least=None if measure is Measure.JITTER else Fraction(0),  # of ipdv either sign
    )


_FORMS: dict[Measure, str] = {
    Measure.LATENCY: "mean, median, max, min, range, mean_abs, last, a percentile such as p95, worst 15m, share over 10ms",
    Measure.LOSS: "pooled, mean, worst 15m",
    Measure.RESTORE: "mean, median, max, min, a percentile such as p95, share over 4h",
    Measure.EACH_OUTAGE: "max, mean, median, min",
}
_FORMS[Measure.JITTER] = _FORMS[Measure.LATENCY]
_FORMS[Measure.NOTIFY] = _FORMS[Measure.RESTORE]
"""What each measure's statistic may be, as it is said."""
DEFAULT_STATISTIC = {measure: Statistic(form=Form.MAX, text="max") for measure in (Measure.EACH_OUTAGE, Measure.NOTIFY)}
"""The longest outage, the slowest notice; the other measures with a statistic require it."""


def statistics(measure: Measure) -> str | None:
    """The statistics of a measure, as messages say them; None for a measure that has none."""
    return _FORMS.get(measure)


def statistic(text: str, measure: Measure) -> Statistic:
    """`p95`, `worst 15m`, `share over 10ms` of the measure. Raises ValueError."""
    allowed = _FORMS[measure]
    found = _statistic(text, measure)
    words = {word.partition(" ")[0] for word in allowed.split(", ")}
    name = "a" if found.form is Form.PERCENTILE else found.form.value
    if name not in words:
        raise ValueError(f"{measure.value} has no such statistic; write one of {allowed}")
    return replace(found, text=text)


def _statistic(text: str, measure: Measure) -> Statistic:
    forms = {form.value for form in Form} - {Form.PERCENTILE, Form.WORST, Form.SHARE}
    if text in forms:
        return Statistic(form=Form(text), text=text)
    if match := re.fullmatch(r"p(\d{1,3}(?:\.\d{1,6})?)", text):
        if not 0 < Fraction(match[1]) <= 100:
            raise ValueError("a percentile is more than p0 and at most p100; write for example p95 or p99.9")
        return Statistic(form=Form.PERCENTILE, text=text, p=Fraction(match[1]) / 100)
    if text.startswith("worst "):
        window = units.duration(text.removeprefix("worst "))
        if window == 0:
            raise ValueError("a window of no length; write for example worst 15m")
        return Statistic(form=Form.WORST, text=text, window=window)
    if match := re.fullmatch(rf"share ({SIDES}) (.+)", text):
        threshold = quantity(match[2], DIMENSION[measure], measure.value, example="10ms").value
        return Statistic(form=Form.SHARE, text=text, side=Side(match[1]), threshold=threshold)
    near = nearest(text, forms)
    hint = f"did you mean {near}?" if near else f"write one of {_FORMS[measure]}"
    raise ValueError(f"not a statistic; {hint}")
