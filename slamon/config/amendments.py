"""Later versions of a contract: each replaces whole keys of the one before and is read as a whole contract again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from slamon.config.edge import Report, written
from slamon.config.nodes import Mapping, Node, Sequence
from slamon.errors import Problem
from slamon.sla import calendar, periods
from slamon.sla.lines import Period
from slamon.sla.terms import Contract

READ = Callable[[Node, list[Problem], "list[Problem] | None"], "Contract | None"]
ANYTIME = frozenset({"effective", "price"})
"""What may change inside a period."""
BEGIN_ANEW = "end this contract with `term` and begin a new one"
NEVER = {
    "amendments": ("an amendment inside an amendment", "list them side by side"),
    "timezone": ("all versions of a contract have one time zone", f"leave it out, or {BEGIN_ANEW}"),
}
"""The keys of a contract that an amendment does not have: why, and what to do instead."""
CHANGED = "amended"
"""Origin of a key that an amendment wrote."""


def read(first: Contract | None, node: Node, report: Report, version: READ) -> tuple[Contract, ...] | None:
    """The complete later versions in the order they take force; None after reporting what is wrong with them.

    `first` is the contract as signed (None = wrong, and reported); `version` reads a whole contract.
    """
    listed = node.get("amendments") if isinstance(node, Mapping) else None
    if listed is None:
        return ()
    assert isinstance(node, Mapping)
    below = report.below("amendments")
    if not isinstance(listed, Sequence):
        below.say((), "this must be a list", fix="write [{effective: 2026-07-01, …}]")
        return None
    found: list[Contract] = []
    before, text, complete = first, node, True
    for at in range(len(listed.items)):
        own = below.below(at)
        if not isinstance(own.node, Mapping):
            own.say((), "this must be a mapping (lines of `key: value`)")
            complete = False
            continue
        text = _merged(text, own.node)
        made = _version(text, own, report, version)
        if made is None or before is None:
            complete = False
        elif _follows(made, before, own):
            found.append(made)
        else:
            complete = False
        before = made or before
    return tuple(found) if complete else None


def complete(first: Contract, later: tuple[Contract, ...]) -> Contract:
    """The contract with its versions: all have the same prices, the same text and the same currency."""
    shared = (
        *first.prices,
        *(
            replace(price, since=version.effective)
            for version in later
            if version.origins.get("price") == CHANGED
            for price in version.prices
        ),
    )
    versions = tuple(replace(version, prices=shared, text_sha256=first.text_sha256) for version in later)
    return replace(first, prices=shared, amendments=versions)


def _merged(before: Mapping, own: Mapping) -> Mapping:
    """`before` with the keys of the amendment in place of its own. The list of amendments is no part of a version."""
    later = tuple((key, value) for key, value in own.items if key.text not in NEVER)
    changed = {key.text for key, _ in later}
    kept = tuple((key, value) for key, value in before.items if key.text not in changed | {"amendments"})
    return Mapping(items=(*kept, *later), place=before.place)


def _version(text: Mapping, own: Report, whole: Report, version: READ) -> Contract | None:
    """The merged version. What is wrong with a key is said where the key stands: once, and with the path of the amendment."""
    if "effective" not in written(own):
        own.missing((), "effective", "an amendment says when it takes force")
    for key, (reason, fix) in NEVER.items():
        if key in written(own):
            own.say((key,), reason, fix=fix, at_key=True, show=False)
    problems: list[Problem] = []
    made = version(text, problems, None)
    changed = written(own) - NEVER.keys()
    for problem in problems:
        key = problem.path.removeprefix(f"{whole.path}.").partition(".")[0].partition("[")[0]
        if key in changed and problem.path != whole.path:
            path = f"{own.path}{problem.path.removeprefix(whole.path)}"
            whole.problems.append(replace(problem, path=path))
        elif not any(each.place == problem.place and each.reason.startswith(problem.reason) for each in whole.problems):
            reason = f"{problem.reason}, as amended at line {own.place().line}"
            whole.problems.append(replace(problem, reason=reason))
    if made is None:
        return None
    origins = {**made.origins, **dict.fromkeys(changed, CHANGED)}
    return replace(made, clause=replace(made.clause, path=own.path), origins=origins)


def _follows(made: Contract, before: Contract, own: Report) -> bool:
    """True when the amendment may take force on its day: after the version before, and where periods of both begin unless only the
    price changes."""
    at = ("effective",)
    start = before.effective or before.term.start
    if made.effective is None:
        return False  # said already
    if start is not None and made.effective <= start:
        own.say(at, f"takes force on or before the version before it, of {start}", fix="list amendments in order")
        return False
    if before.currency is not None and made.currency != before.currency:
        reason = f"two currencies in one contract: {before.currency} and {made.currency}"
        own.say(("price",) if "price" in written(own) else (), reason, fix=f"write {before.currency}")
        return False
    changed = sorted(written(own) - ANYTIME - NEVER.keys())
    instant = calendar.midnight(made.effective, before.timezone)
    inside = _inside(instant, before, made) if changed else []
    if inside:
        reason = f"{', '.join(f'`{key}`' for key in changed)} changes inside the period {inside[0].name}"
        own.say(at, reason, fix=f"only `price` may; {_elsewhere(inside, before, made)}")
    return not inside


def _inside(instant: int, *versions: Contract) -> list[Period]:
    """The periods of the versions that have begun before the instant and are not over; rolling ones begin at any time."""
    found = [periods.current(terms, instant) for terms in versions if terms.period.length is None]
    return [period for period in found if period.start != instant]


def _elsewhere(inside: Iterable[Period], before: Contract, made: Contract) -> str:
    """What to write instead of a day inside those periods."""
    edges = sorted({edge for period in inside for edge in (period.start, period.end)})
    days = [f"{calendar.civil(edge, before.timezone):%Y-%m-%d}" for edge in edges if not _inside(edge, before, made)]
    if not days:
        return f"no day begins a period of both versions: {BEGIN_ANEW}"
    return f"write the first day of a period, such as {' or '.join(days)}"
