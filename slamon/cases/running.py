"""Test files → contracts, facts and expectations → a report. The evaluator is the one the daemon uses; there is no clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from slamon.cases import figures
from slamon.cases.facts import NOTHING, Declared, Scope, periods, read_facts
from slamon.cases.figures import Check
from slamon.cases.report import Failure, Outcome, Report
from slamon.config import nodes
from slamon.config.contract import read_contract
from slamon.config.reader import Reader, converted, expected, join, scalar, suggestion
from slamon.errors import Place, Problem
from slamon.sla import calendar
from slamon.sla.lines import Period
from slamon.sla.statement import evaluate
from slamon.sla.terms import Contract


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """One figure of one period."""

    period: Period
    key: str
    place: Place
    text: str
    check: Check


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One test, ready to run."""

    name: str
    contract: Contract
    declared: Declared
    as_of: int
    expectations: tuple[Expectation, ...]


def run(paths: Iterable[Path]) -> Report:
    """Every test of every file. A file with a mistake is not run; its mistakes are all reported."""
    outcomes: list[Outcome] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else "not text in UTF-8"
            problems.append(Problem(place=Place(file=str(path), line=1), path="", reason=f"cannot be read: {reason}"))
            continue
        found: list[Problem] = []
        cases = read_file(text, str(path), found)
        if found:
            problems += sorted(
                set(found), key=lambda problem: (problem.place or Place(file="", line=0), problem.path, problem.reason)
            )
        else:
            outcomes += [_judge(case, str(path)) for case in cases]
    return Report(outcomes=tuple(outcomes), problems=tuple(problems))


def read_file(text: str, file: str, problems: list[Problem]) -> list[Case]:
    """The tests of one file; mistakes go to `problems`, and then the tests are not complete."""
    root = nodes.parse(text, file, problems)
    if root is None and not problems:
        problems.append(
            Problem(place=Place(file=file, line=1), path="", reason="the file is empty", fix="add contracts and tests")
        )
    reader = Reader.over(root, "", problems)
    if reader is None:
        return []
    reader.require("contracts", "tests")
    contracts = _contracts(reader.mapping("contracts"), problems)
    facts = reader.take("facts")
    cases = []
    for i, node in enumerate(reader.sequence("tests") or ()):
        test = Reader.over(node, f"tests[{i}]", problems)
        if test is not None:
            case = _case(test, i, contracts, facts, problems)
            cases += [case] if case else []
    reader.finish(later=("contract_files",))
    return cases


def _contracts(reader: Reader | None, problems: list[Problem]) -> dict[str, Contract | None]:
    """By name; None for one that does not load, which is reported."""
    found: dict[str, Contract | None] = {}
    for name in reader.keys() if reader else ():
        assert reader is not None
        node = reader.take(name)
        assert node is not None
        found[name] = read_contract(name, node, problems, services=None)
    return found


def _case(
    test: Reader, index: int, contracts: dict[str, Contract | None], shared: nodes.Node | None, problems: list[Problem]
) -> Case | None:
    name = test.text("name")
    contract = _contract(test, contracts)
    facts, expect = test.take("facts"), test.take("expect")
    test.require("expect")
    if contract is None:
        test.take("as_of")
        test.finish()
        return None
    as_of = test.parse("as_of", lambda text: calendar.instant(text, contract.timezone))
    test.finish()
    others = tuple(other for other in contracts.values() if other is not None)
    declared = read_facts(shared, "facts", Scope(contract=contract, others=others), problems) if shared else NOTHING
    declared += read_facts(facts, join(test.path, "facts"), Scope(contract=contract), problems) if facts else NOTHING
    reader = Reader.over(expect, join(test.path, "expect"), problems)
    expectations = _expectations(reader, contract, problems) if reader else []
    last = max((expectation.period.end for expectation in expectations), default=0)
    return Case(
        name=name or f"test {index + 1}",
        contract=contract,
        declared=declared,
        as_of=last if as_of is None else as_of,
        expectations=tuple(expectations),
    )


def _contract(test: Reader, contracts: dict[str, Contract | None]) -> Contract | None:
    name = test.text("contract")
    if name is None and "contract" not in test and len(contracts) == 1:
        return next(iter(contracts.values()))
    if name is None:
        if "contract" not in test and contracts:
            test.require("contract", why=f"the file has {len(contracts)} contracts")
        return None
    if name not in contracts:
        test.problem("contract", "no contract of this file", value=name, fix=suggestion(name, contracts))
    return contracts.get(name)


def _expectations(reader: Reader, contract: Contract, problems: list[Problem]) -> list[Expectation]:
    found: list[Expectation] = []
    keys = reader.keys()
    for key in keys:
        try:
            named = periods(key, contract)
        except ValueError as error:
            reason, _, fix = str(error).partition("; ")
            place = reader.key_place(key)
            problems.append(Problem(place=place, path=join(reader.path, key), reason=reason, fix=fix or None))
            continue
        wanted = reader.mapping(key)
        if wanted is not None:
            checks = _figures(wanted, contract, problems)
            found += [
                Expectation(period=period, key=name, place=place, text=text, check=check)
                for period in named
                for name, place, text, check in checks
            ]
    return found


def _figures(reader: Reader, contract: Contract, problems: list[Problem]) -> list[tuple[str, Place, str, Check]]:
    """(key, place, text, check) of every figure written for one period."""
    found = []
    for key, reading in figures.PLAIN.items():
        found += _figure(reader, key, key, reading, contract)
    for key, (names, reading_of) in figures.NAMED.items():
        inner = reader.mapping(key)
        known = names(contract)
        for name in inner.keys() if inner else ():
            assert inner is not None
            if name in known:
                found += _figure(inner, name, f"{key}.{name}", reading_of(name, contract), contract)
        if inner is not None:
            inner.finish(also=known)
    spans = reader.take("outage_spans")
    if spans is not None:
        found += _outage_spans(spans, join(reader.path, "outage_spans"), contract, problems)
    reader.finish(later=figures.LATER)
    return found


def _figure(
    reader: Reader, key: str, shown: str, reading: figures.Reading, contract: Contract
) -> list[tuple[str, Place, str, Check]]:
    """The figure written at `key`, if one is, under the name it is `shown` by."""
    entry = reader.scalar(key)
    if entry is None:
        return []
    check = converted(entry, lambda text: reading(text, contract), join(reader.path, key), reader.problems)
    return [] if check is None else [(shown, entry.place, entry.text, check)]


def _outage_spans(
    node: nodes.Node, path: str, contract: Contract, problems: list[Problem]
) -> list[tuple[str, Place, str, Check]]:
    if not isinstance(node, nodes.Sequence):
        expected(node, path, problems, "a list [ … ]")
        return []
    entries = [scalar(entry, f"{path}[{i}]", problems) for i, entry in enumerate(node.items)]
    written = [entry for entry in entries if entry is not None]
    spans = [
        converted(entry, lambda text: calendar.span(text, contract.timezone), f"{path}[{i}]", problems)
        for i, entry in enumerate(written)
    ]
    check = figures.outage_spans([span for span in spans if span is not None], contract)
    return [("outage_spans", node.place, f"[{', '.join(entry.text for entry in written)}]", check)]


def _judge(case: Case, file: str) -> Outcome:
    """Evaluates each expected period once."""
    statements = {
        period: evaluate(case.contract, case.declared.facts(case.contract, period), period, case.as_of)
        for period in dict.fromkeys(expectation.period for expectation in case.expectations)
    }
    failures = [
        Failure(
            place=expectation.place,
            period=expectation.period.name,
            key=expectation.key,
            expected=expectation.text,
            got=expectation.check.shows(statements[expectation.period]),
        )
        for expectation in case.expectations
        if not expectation.check.agrees(statements[expectation.period])
    ]
    return Outcome(
        file=file,
        name=case.name,
        contract=case.contract.name,
        figures=len(case.expectations),
        failures=tuple(failures),
    )
