"""What a contract judges or rests on: a name, or a group of names that says when the whole is up."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Mapping as Lookup

from slamon.config.edge import Report
from slamon.config.nodes import Mapping, Scalar, Sequence
from slamon.config.reader import suggestion
from slamon.sla.terms import Contract
from slamon.sla.terms.composition import Composition, Group, names

KEYS = ("any", "all", "at_least", "of")
_EXAMPLE = "write one name, {any: [a, b]}, {all: [a, b]} or {at_least: 2, of: [a, b, c]}"


def composition(report: Report, *, known: Collection[str] | None, what: str) -> Composition | None:
    """The composition at the report's node; None after reporting what is wrong with it.

    `known` are the names that exist (None = do not check), `what` says of what: `service`, `contract`.
    """
    before = len(report.problems)
    found = _read(report, known, what)
    return found if len(report.problems) == before else None


def _read(report: Report, known: Collection[str] | None, what: str) -> Composition | None:
    node = report.node
    if isinstance(node, Scalar):
        if not node.text:
            report.say((), "no value", fix=_EXAMPLE)
        elif known is not None and node.text not in known:
            report.say((), f"there is no such {what}", fix=suggestion(node.text, known))
        return node.text
    keys = {key.text for key, _ in node.items} if isinstance(node, Mapping) else set()
    for key in sorted(keys - set(KEYS)):
        report.say((key,), "unknown key", fix=suggestion(key, KEYS), show=False, at_key=True)
    if keys & set(KEYS) not in ({"any"}, {"all"}, {"at_least", "of"}):
        report.say((), f"this is no composition of {what}s", fix=_EXAMPLE, show=False)
        return None
    word = "of" if "of" in keys else "any" if "any" in keys else "all"
    members = report.below(word)
    if not isinstance(members.node, Sequence) or not members.node.items:
        members.say((), "this must be a list of those it is made of", fix="write for example [a, b]")
        return None
    of = [_read(members.below(at), known, what) for at in range(len(members.node.items))]
    seen: set[str] = set()
    for at, each in enumerate(of):
        if isinstance(each, str) and each in seen:
            members.say((at,), "named twice", fix="keep one")
        elif isinstance(each, str):
            seen.add(each)
    need = {"any": 1, "all": len(of)}.get(word) or _need(report, len(of))
    if need is None or None in of:
        return None
    return Group(of=tuple(each for each in of if each is not None), need=need)


def _need(report: Report, of: int) -> int | None:
    count = report.below("at_least")
    text = count.node.text if isinstance(count.node, Scalar) else ""
    if not (text.isascii() and text.isdecimal() and 1 <= len(text) <= 5 and 1 <= int(text) <= of):
        count.say((), f"not a number from 1 to {of}, the number of members", fix="write for example 1")
        return None
    return int(text)


def supporting(contract: Contract) -> tuple[str, ...]:
    """The contracts one version of a contract rests on."""
    return () if contract.supported_by is None else names(contract.supported_by)


def circle(rests_on: Lookup[str, Collection[str]], name: str) -> tuple[str, ...] | None:
    """The way from a contract over those it rests on back to itself, its name first and last; None where there is none."""
    pending: list[tuple[str, ...]] = [(name,)]
    seen: set[str] = set()
    while pending:
        way = pending.pop(0)
        for below in rests_on.get(way[-1], ()):
            if below == name:
                return (*way, below)
            if below not in seen:
                seen.add(below)
                pending.append((*way, below))
    return None
