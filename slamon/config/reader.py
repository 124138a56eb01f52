"""A cursor over one mapping: takes the keys it is asked for, turns text into exact values, collects every problem and carries on."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable
from fractions import Fraction
from typing import TypeVar

from slamon import units
from slamon.config.nodes import Mapping, Node, Scalar, Sequence, describe
from slamon.errors import Place, Problem

T = TypeVar("T")


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The valid word that was probably meant."""
    found = difflib.get_close_matches(word.lower(), sorted(words), n=1, cutoff=0.6)
    return found[0] if found else None


MEANT = {
    **dict.fromkeys(("above", "greater", "more_than", "exceeds"), "over"),
    **dict.fromkeys(("under", "less", "less_than"), "below"),
    **dict.fromkeys(("uptime", "sla"), "availability"),
    **dict.fromkeys(("delay", "rtt", "ping"), "latency"),
    **dict.fromkeys(("host", "hostname", "ip"), "address"),
    **dict.fromkeys(("every", "frequency"), "interval"),
    **dict.fromkeys(("tz", "time_zone"), "timezone"),
    **dict.fromkeys(("max", "limit"), "cap"),
    "packet_loss": "loss",
    "type": "probe",
    "listen": "host",
}
"""Words people try that are spelled like none of ours, and the one they mean, where that is valid."""


def suggestion(word: str, words: Collection[str], later: Collection[str] = ()) -> str | None:
    """The fix for a word that is none of `words`: the one that was meant, or all when they are few. `later`: valid words that are
    refused as not yet supported."""
    meant = MEANT.get(word.lower())
    close = meant if meant in words else nearest(word, {*words, *later})
    if close is not None:
        return f"did you mean {close}{'' if close in words else ', which is not yet supported'}?"
    return f"write one of {', '.join(sorted(words))}" if 0 < len(words) <= 20 else None


def join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


class Reader:
    """The keys of `node`, one at a time. `finish()` reports those nobody asked for."""

    def __init__(self, node: Mapping, path: str, problems: list[Problem]) -> None:
        self.node = node
        self.path = path
        self.problems = problems
        self._entries = {key.text: (key, value) for key, value in node.items}
        self._known: set[str] = set()

    @classmethod
    def over(cls, node: Node | None, path: str, problems: list[Problem]) -> Reader | None:
        """A reader of `node` if it is a mapping; otherwise a problem (none for None, which somebody reported) and None."""
        if isinstance(node, Mapping):
            return cls(node, path, problems)
        if node is not None:
            expected(node, path, problems, "a mapping (key: value lines)")
        return None

    @property
    def place(self) -> Place:
        return self.node.place

    def problem(self, key: str | None, reason: str, *, value: str | None = None, fix: str | None = None) -> None:
        """Report at the value of `key`, or at the key itself when it holds more than text, or at the mapping."""
        path, place = self.path, self.node.place
        if key is not None:
            path = join(path, key)
            if key in self._entries:
                name, node = self._entries[key]
                place = node.place if isinstance(node, Scalar) else name.place
        self.problems.append(Problem(place=place, path=path, reason=reason, value=value, fix=fix))

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def keys(self) -> list[str]:
        return list(self._entries)

    def key_place(self, key: str) -> Place:
        return self._entries[key][0].place if key in self._entries else self.node.place

    def take(self, key: str) -> Node | None:
        """The node of `key`, which is thereby known; None when it is not written."""
        self._known.add(key)
        entry = self._entries.get(key)
        return entry[1] if entry else None

    def require(self, *keys: str, why: str = "") -> bool:
        """Report those of `keys` that are not written. True when all are."""
        missing = [key for key in keys if key not in self._entries]
        for key in missing:
            self.problems.append(
                Problem(
                    place=self.node.place,
                    path=self.path,
                    reason=f"the key `{key}` is missing{why and ': ' + why}",
                    fix=f"add `{key}: …`",
                )
            )
        return not missing

    def scalar(self, key: str) -> Scalar | None:
        node = self.take(key)
        if node is None:
            return None
        return scalar(node, join(self.path, key), self.problems)

    def parse(self, key: str, convert: Callable[[str], T]) -> T | None:
        """`convert` of the text; its ValueError (`reason; fix`) becomes a problem. None: not written, or wrong."""
        node = self.scalar(key)
        return None if node is None else converted(node, convert, join(self.path, key), self.problems)

    def text(self, key: str) -> str | None:
        return self.parse(key, nonempty)

    def duration(self, key: str) -> int | None:
        return self.parse(key, units.duration)

    def percent(self, key: str) -> Fraction | None:
        return self.parse(key, units.percent)

    def share(self, key: str) -> Fraction | None:
        return self.parse(key, units.share)

    def money(self, key: str) -> tuple[Fraction, str] | None:
        return self.parse(key, units.money)

    def count(self, key: str) -> int | None:
        return self.parse(key, units.count)

    def choice(self, key: str, words: Collection[str]) -> str | None:
        return self.parse(key, one_of(words))

    def texts(self, key: str) -> tuple[str, ...] | None:
        """A list of texts; a single text counts as a list of one."""
        node = self.take(key)
        if node is None:
            return None
        path = join(self.path, key)
        entries = node.items if isinstance(node, Sequence) else (node,)
        read = [scalar(entry, path, self.problems) for entry in entries]
        values = [converted(entry, nonempty, path, self.problems) for entry in read if entry is not None]
        return tuple(value for value in values if value is not None)

    def mapping(self, key: str) -> Reader | None:
        return Reader.over(self.take(key), join(self.path, key), self.problems)

    def sequence(self, key: str) -> tuple[Node, ...] | None:
        node = self.take(key)
        if node is None or isinstance(node, Sequence):
            return None if node is None else node.items
        expected(node, join(self.path, key), self.problems, "a list [ … ]")
        return None

    def finish(self, *, later: Collection[str] = (), also: Collection[str] = ()) -> None:
        """Report what was written and never taken; `later` are keys that exist in the language but are not built yet,
        `also` are valid keys that were not asked for here."""
        for key, (name, _) in self._entries.items():
            if key in self._known or key in also:
                continue
            if key in later:
                self._at_key(name, "not yet supported", fix="leave it out, or keep it in the notes")
            else:
                self._at_key(name, "unknown key", fix=suggestion(key, {*self._known, *also} - {*later}, later))

    def _at_key(self, name: Scalar, reason: str, fix: str | None) -> None:
        self.problems.append(Problem(place=name.place, path=join(self.path, name.text), reason=reason, fix=fix))


def expected(node: Node, path: str, problems: list[Problem], what: str) -> None:
    value = None if isinstance(node, Scalar) and not node.text else describe(node)
    problems.append(Problem(place=node.place, path=path, reason=f"this must be {what}", value=value))


def scalar(node: Node, path: str, problems: list[Problem]) -> Scalar | None:
    if isinstance(node, Scalar):
        return node
    expected(node, path, problems, "one value")
    return None


def converted(node: Scalar, convert: Callable[[str], T], path: str, problems: list[Problem]) -> T | None:
    """`convert(node.text)`; a ValueError whose text is `reason; fix` becomes a problem at the node."""
    if not node.text and not node.quoted:
        problems.append(Problem(place=node.place, path=path, reason="no value", fix="write one, or leave the key out"))
        return None
    try:
        return convert(node.text)
    except ValueError as error:
        reason, _, fix = str(error).partition("; ")
        problems.append(Problem(place=node.place, path=path, reason=reason, value=describe(node), fix=fix or None))
        return None


def nonempty(text: str) -> str:
    if not text.strip():
        raise ValueError("no text; write one, or leave the key out")
    return text


def one_of(words: Collection[str]) -> Callable[[str], str]:
    """A converter that takes exactly one of `words`."""

    def choose(text: str) -> str:
        if text in words:
            return text
        raise ValueError(
            f"not one of {', '.join(words)}" + (f"; did you mean {near}?" if (near := nearest(text, words)) else "")
        )

    return choose
