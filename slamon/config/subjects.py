"""What a credit, a bonus or a condition compares: looks its word up among the contract's objectives and the measures."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from slamon.config.edge import Report
from slamon.config.measures import DEFINED, WORDS, Scale, measured, scale_of
from slamon.config.objectives import Found, clause, exceeded
from slamon.config.reader import nearest
from slamon.sla.terms.measures import Measure, Subject
from slamon.sla.terms.objectives import Objective

EACH = frozenset({Measure.EACH_OUTAGE, Measure.EACH_DAY_OUT})
"""An entry named so applies to each of them, even where an objective of the same name shows the longest."""


class Comparison(NamedTuple):
    """What is compared, and how its thresholds are written."""

    subject: Subject
    scale: Scale


class Subjects:
    """The names a contract's entries can be about. An entry about availability brings its objective along."""

    def __init__(self, found: Found, keys: Collection[str]) -> None:
        """`keys` are the objectives as written, also those with a mistake, which is not said twice."""
        self.objectives: dict[str, Objective] = dict(found.objectives)
        self.scales: dict[str, Scale] = dict(found.scales)
        self.keys = keys

    def find(self, name: str, measure: str | None, report: Report) -> Comparison | None:
        """What the entry `name` with the key `measure` compares; None after reporting why that is not known."""
        at = () if measure is None else ("measure",)
        word = name if measure is None else measure
        try:
            subject = measured(word)
        except ValueError as error:
            reason, _, fix = str(error).partition("; ")
            report.say(at, reason, fix=fix, at_key=not at)
            return None
        objective = self.objectives.get(word)
        if objective is not None and (subject is None or subject.measure not in EACH):
            return Comparison(self._of(objective), self.scales[word])
        if word in self.keys and subject is None:
            return None  # its mistake is already reported
        if subject is None:
            self._nothing(word, report, at)
            return None
        return self._measured(subject, word, report, at)

    def _of(self, objective: Objective) -> Subject:
        """An objective of the contract: its judged value is compared, whatever it measures."""
        own = objective.subject
        if own is None:
            return Subject(measure=objective.measure, objective=objective.name)
        return Subject(
            measure=own.measure,
            objective=own.objective or objective.name,
            side=own.side,
            length=own.length,
            run=own.run,
            duty=own.duty,
        )

    def _measured(self, subject: Subject, word: str, report: Report, at: tuple[str, ...]) -> Comparison | None:
        if subject.measure is Measure.EXCESS:
            name = subject.objective or ""
            if not exceeded(subject, self.objectives, self.keys, report, *at):
                return None
            return Comparison(subject, scale_of(subject, self.scales[name]))
        if subject.measure not in DEFINED:
            return Comparison(subject, scale_of(subject))
        if word in self.keys:
            return None
        if subject.measure is Measure.AVAILABILITY:
            own = clause(report)
            self.objectives[word] = Objective(name=word, measure=subject.measure, clause=own)
            self.scales[word] = scale_of(subject)
            return Comparison(Subject(measure=subject.measure, objective=word), self.scales[word])
        report.say(
            at,
            f"there is no objective {word} to say how it is measured",
            fix=f"add `{word}` to `objectives`",
            at_key=True,
        )
        return None

    def _nothing(self, word: str, report: Report, at: tuple[str, ...]) -> None:
        names: Mapping[str, object] = {**dict.fromkeys(WORDS), **self.objectives}
        near = nearest(word, names)
        fix = f"did you mean {near}?" if near else "name a measure, or an objective of this contract, in `measure`"
        report.say(at, f"there is no objective or measure {word!r}", fix=fix, show=False)
