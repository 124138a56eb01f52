"""Test files → contracts, facts and expectations → a report. The evaluator is the one the daemon uses; there is no clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from slamon.cases.expectations import Expectation, read_expectations
from slamon.cases.facts import joined, read_facts
from slamon.cases.figures import Judged
from slamon.cases.files import Contracts, read_contracts, text_of
from slamon.cases.report import Failure, Outcome, Report
from slamon.cases.scope import Scope
from slamon.config import nodes
from slamon.config.reader import Reader, join, suggestion
from slamon.errors import Place, Problem
from slamon.sla.account import Account
from slamon.sla.facts import Facts
from slamon.sla.lines import Period
from slamon.sla.statement import evaluate
from slamon.sla.terms import Contract


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One test, ready to run."""

    name: str
    contract: Contract
    others: tuple[Contract, ...]
    facts: Facts
    as_of: int
    expectations: tuple[Expectation, ...]


def run(paths: Iterable[Path]) -> Report:
    """Every test of every file. A file with a mistake is not run; its mistakes are all reported."""
    outcomes: list[Outcome] = []
    problems: list[Problem] = []
    for path in paths:
        found: list[Problem] = []
        cases = read_file(path, found)
        if found:
            problems += sorted(
                set(found), key=lambda problem: (problem.place or Place(file="", line=0), problem.path, problem.reason)
            )
        else:
            outcomes += [_judge(case, str(path)) for case in cases]
    return Report(outcomes=tuple(outcomes), problems=tuple(problems))


def read_file(path: Path, problems: list[Problem]) -> list[Case]:
    """The tests of one file; mistakes go to `problems`, and then the tests are not complete."""
    text = text_of(path, problems)
    if text is None:
        return []
    root = nodes.parse(text, str(path), problems)
    if root is None and not problems:
        place = Place(file=str(path), line=1)
        problems.append(Problem(place=place, path="", reason="the file is empty", fix="add contracts and tests"))
    reader = Reader.over(root, "", problems)
    if reader is None:
        return []
    reader.require("tests")
    contracts = read_contracts(reader, path, problems)
    facts = _Shared(reader.take("facts"), contracts, problems)
    cases = []
    for i, node in enumerate(reader.sequence("tests") or ()):
        test = Reader.over(node, f"tests[{i}]", problems)
        if test is not None:
            case = _case(test, i, contracts, facts)
            cases += [case] if case else []
    reader.finish()
    return cases


class _Shared:
    """The facts of the file, as each contract understands them."""

    def __init__(self, node: nodes.Node | None, contracts: Contracts, problems: list[Problem]) -> None:
        self.node = node
        self.contracts = contracts
        self.problems = problems
        self.read: dict[str, Facts] = {}

    def of(self, contract: Contract) -> Facts:
        if contract.name not in self.read:
            scope = Scope(contract=contract, others=others(contract, self.contracts), shared=True)
            self.read[contract.name] = read_facts(self.node, "facts", scope, self.problems)
        return self.read[contract.name]


def others(contract: Contract, contracts: Contracts) -> tuple[Contract, ...]:
    """The other contracts of the file, as far as they load."""
    return tuple(other for other in contracts.values() if other is not None and other.name != contract.name)


def _case(test: Reader, index: int, contracts: Contracts, shared: _Shared) -> Case | None:
    name = test.text("name")
    contract = _contract(test, contracts)
    facts, expect = test.take("facts"), test.take("expect")
    test.require("expect")
    if contract is None:
        test.take("as_of")
        test.finish()
        return None
    scope = Scope(contract=contract, others=others(contract, contracts))
    as_of = test.parse("as_of", scope.instant)
    test.finish()
    own = read_facts(facts, join(test.path, "facts"), scope, test.problems)
    reader = Reader.over(expect, join(test.path, "expect"), test.problems)
    expectations = read_expectations(reader, scope) if reader else []
    last = max((expectation.period.end for expectation in expectations), default=0)
    return Case(
        name=name or f"test {index + 1}",
        contract=contract,
        others=scope.others,
        facts=joined(shared.of(contract), own),
        as_of=last if as_of is None else as_of,
        expectations=tuple(expectations),
    )


def _contract(test: Reader, contracts: Contracts) -> Contract | None:
    """The one the test names, or the only one there is."""
    name = test.text("contract")
    if name is None:
        if "contract" not in test and len(contracts) == 1:
            return next(iter(contracts.values()))
        if "contract" not in test and contracts:
            test.require("contract", why=f"the file has {len(contracts)} contracts")
        return None
    if name not in contracts:
        test.problem("contract", "no contract of this file", value=name, fix=suggestion(name, contracts))
    return contracts.get(name)


def _judge(case: Case, file: str) -> Outcome:
    """Evaluates each expected period once."""
    periods = dict.fromkeys(expectation.period for expectation in case.expectations)
    judged = {period: judge(case, period) for period in periods}
    failures = [
        Failure(
            place=expectation.figure.place,
            period=expectation.period.name,
            key=expectation.figure.key,
            expected=expectation.figure.text,
            got=expectation.figure.check.shows(judged[expectation.period]),
        )
        for expectation in case.expectations
        if not expectation.figure.check.agrees(judged[expectation.period])
    ]
    return Outcome(
        file=file,
        name=case.name,
        contract=case.contract.name,
        figures=len(case.expectations),
        failures=tuple(failures),
    )


def judge(case: Case, period: Period) -> Judged:
    """By the production evaluator."""
    named = {contract.name: contract for contract in case.others}
    return Judged(
        statement=evaluate(case.contract, case.facts, period, case.as_of, others=named),
        measure=lambda: Account(case.contract, case.facts, case.as_of).measured(period),
    )
