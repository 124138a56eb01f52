"""What came of contract tests: for people as text, for machines as JUnit XML and an exit code."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass

from slamon.errors import CHECK_FAILED, OK, USAGE, Place, Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One figure that is not what was expected."""

    place: Place
    period: str
    key: str
    expected: str
    got: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One test of one file."""

    file: str
    name: str
    """As written, or its number."""
    contract: str
    figures: int
    """Compared."""
    failures: tuple[Failure, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All files: a file that does not load has problems and no outcomes."""

    outcomes: tuple[Outcome, ...]
    problems: tuple[Problem, ...]

    @property
    def failures(self) -> int:
        """Figures that differ."""
        return sum(len(outcome.failures) for outcome in self.outcomes)

    @property
    def exit_code(self) -> int:
        """0 all as expected, 1 a figure differs, 2 a file does not load."""
        if self.problems:
            return USAGE
        return CHECK_FAILED if self.failures else OK

    def text(self) -> str:
        """Problems, then every figure that differs, then the sum; ends with a newline."""
        lines = [str(problem) for problem in self.problems]
        for outcome in self.outcomes:
            if outcome.failures:
                lines.append(f"{outcome.file}: {outcome.name} (contract {outcome.contract})")
                lines += _table(outcome.failures)
        if self.outcomes:
            failed = sum(bool(outcome.failures) for outcome in self.outcomes)
            files = _count(len({outcome.file for outcome in self.outcomes}), "file")
            figures = _count(sum(outcome.figures for outcome in self.outcomes), "figure")
            result = f"{failed} failed" if failed else "all as expected"
            lines.append(f"{_count(len(self.outcomes), 'test')} in {files}, {figures}: {result}")
        if self.problems:
            broken = len({_file(problem) for problem in self.problems})
            lines.append(f"{_count(len(self.problems), 'problem')}: {_count(broken, 'file')} not run")
        return "\n".join([*lines, ""])

    def junit(self) -> str:
        """JUnit XML: a suite a file, a case a test; a file that does not load is a case with an error."""
        root = ET.Element("testsuites", name="slamon test")
        files = dict.fromkeys(
            [outcome.file for outcome in self.outcomes] + [_file(problem) for problem in self.problems]
        )
        for file in files:
            outcomes = [outcome for outcome in self.outcomes if outcome.file == file]
            problems = [problem for problem in self.problems if _file(problem) == file]
            failed = sum(bool(outcome.failures) for outcome in outcomes)
            suite = ET.SubElement(
                root,
                "testsuite",
                name=file,
                tests=str(len(outcomes) + bool(problems)),
                failures=str(failed),
                errors=str(int(bool(problems))),
            )
            for outcome in outcomes:
                case = ET.SubElement(suite, "testcase", classname=file, name=outcome.name)
                if outcome.failures:
                    first = outcome.failures[0]
                    message = f"{first.period} {first.key}: expected {first.expected}, got {first.got}"
                    ET.SubElement(case, "failure", message=message).text = "\n".join(_table(outcome.failures))
            if problems:
                case = ET.SubElement(suite, "testcase", classname=file, name="load")
                ET.SubElement(case, "error", message=problems[0].reason).text = "\n".join(map(str, problems))
        ET.indent(root)
        return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _table(failures: tuple[Failure, ...]) -> list[str]:
    """One line a figure, in columns, with the line of the file it stands in."""
    rows = [(f"{f.place.line}:", f.period, f.key, f"expected {f.expected}", f"got {f.got}") for f in failures]
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    return [
        "  " + "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]])
        for row in rows
    ]


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"


def _file(problem: Problem) -> str:
    return problem.place.file if problem.place else ""
