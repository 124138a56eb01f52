"""What the facts and expectations of a test may name: services, classes, objectives, rights … of the tested contract and its file."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction

from slamon import units
from slamon.config.reader import Reader, join, nearest, suggestion
from slamon.errors import Problem, UsageError
from slamon.sla import calendar, periods
from slamon.sla.lines import Period
from slamon.sla.terms import Contract
from slamon.sla.terms.composition import Composition, names
from slamon.sla.terms.measures import Subject
from slamon.sla.terms.objectives import Objective


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The tested contract and the `others` of its file."""

    contract: Contract
    others: tuple[Contract, ...] = ()
    shared: bool = False
    """The facts are those of the whole file: what only another contract has, or understands, is passed over, not refused."""

    @property
    def file(self) -> tuple[Contract, ...]:
        """Every contract of the file, in each of its versions."""
        return versions(self.contract, *self.others)

    @property
    def own(self) -> tuple[Contract, ...]:
        """The contracts whose names are no mistake."""
        return self.file if self.shared else versions(self.contract)

    def instant(self, text: str) -> int:
        """In the contract's zone. Raises ValueError."""
        return calendar.instant(text, self.contract.timezone)

    def span(self, text: str) -> tuple[int, int]:
        """Raises ValueError."""
        return calendar.span(text, self.contract.timezone)

    def service(self, text: str) -> str:
        """A service any contract of the file is about. Raises ValueError."""
        return known(text, services(*self.file), "no contract of this file is about this service")

    def category(self, text: str) -> str:
        """A class of exclusion of any contract of the file; a contract that does not list it refuses the fact. Raises ValueError."""
        classes = {entry.name for contract in self.file for entry in contract.exclusions}
        return known(text, classes, "not a class of the contract's exclusions")

    def right(self, text: str) -> str:
        """The name of a termination. Raises ValueError."""
        rights = {entry.condition.name for contract in self.own for entry in contract.terminations}
        return known(text, rights, "the contract has no such right to terminate")

    def duty(self, text: str) -> str:
        """Any; but one letter away from one the contract speaks of is that one, misspelt. Raises ValueError."""
        duties = {subject.duty for contract in self.file for subject in subjects(contract) if subject.duty}
        return known(text, duties, "the contract speaks of no such duty") if nearest(text, duties) else text

    def amount(self, text: str) -> Fraction:
        """Money in the contract's currency. Raises ValueError."""
        amount, currency = units.money(text)
        currencies = {contract.currency for contract in self.own if contract.currency is not None}
        if currencies and currency not in currencies:
            raise ValueError(
                f"the contract is in {' and '.join(sorted(currencies))}; one currency is never taken for another"
            )
        return amount

    def objectives(self) -> dict[str, Objective]:
        """Of the tested contract, by name."""
        return {entry.name: entry for contract in versions(self.contract) for entry in contract.objectives}

    def periods(self, reader: Reader, key: str) -> list[Period] | None:
        """The periods written as `key` of a mapping: one, or each of a row of them. None: not the tested contract's, or a mistake."""
        try:
            return periods.several(self.contract, key)
        except (UsageError, ValueError) as error:
            if not (self.shared and any(_understands(other, key) for other in self.others)):
                reason, _, fix = str(error).partition("; ")
                place = reader.key_place(key)
                path = join(reader.path, key)
                reader.problems.append(Problem(place=place, path=path, reason=reason, fix=fix or None))
            return None

    def period(self, text: str) -> Period | None:
        """One period. None: only another contract understands it. Raises ValueError."""
        try:
            found = periods.several(self.contract, text)
        except UsageError as error:
            if self.shared and any(_understands(other, text) for other in self.others):
                return None
            raise ValueError(str(error)) from error
        if len(found) > 1:
            raise ValueError(f"these are {len(found)} periods; write one of them, for example {found[0].name}")
        return found[0]


def versions(*contracts: Contract) -> tuple[Contract, ...]:
    """Each contract and its amendments."""
    return tuple(version for contract in contracts for version in (contract, *contract.amendments))


def services(*contracts: Contract) -> set[str]:
    """Every service they or one of their objectives are about."""
    compositions: list[Composition] = [contract.service for contract in contracts]
    compositions += [o.service for contract in contracts for o in contract.objectives if o.service is not None]
    return {name for composition in compositions for name in names(composition)}


def subjects(contract: Contract) -> list[Subject]:
    """Everything the contract compares with a threshold."""
    return [
        *(credit.subject for credit in contract.credits),
        *(bonus.credit.subject for bonus in contract.bonuses),
        *(condition.subject for condition in (*contract.earn_back, *contract.withhold)),
        *(termination.condition.subject for termination in contract.terminations),
    ]


def known(word: str, words: Collection[str], reason: str) -> str:
    """Raises ValueError for a word that is none of `words`, with the nearest that is."""
    if word not in words:
        fix = suggestion(word, words)
        raise ValueError(reason + (f"; {fix}" if fix else ""))
    return word


def _understands(contract: Contract, text: str) -> bool:
    try:
        periods.several(contract, text)
    except (UsageError, ValueError):
        return False
    return True
