"""What a configuration takes from outside its text: `${VAR}` from the environment and `key_file: path` from a file."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterator
from collections.abc import Mapping as Lookup
from dataclasses import replace
from enum import Enum, auto
from pathlib import Path
from typing import NamedTuple

from slamon.config.nodes import Mapping, Node, Scalar, Sequence, describe
from slamon.errors import Problem

_VARIABLE = re.compile(r"(\$?)\$\{([^}]*)(\}?)")
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
MAX_SECRET = 64 * 1024
"""Bytes of a file read as a value; a key or token is far shorter, a device never ends."""


def environment() -> Lookup[str, str]:
    """The environment of this process."""
    return os.environ  # noqa: TID251 - this module is where the configuration meets the environment


class _Unset(NamedTuple):
    scalar: Scalar
    """The expanded value; kept, for its id is only unique while it lives."""
    problems: list[Problem]


class Expansion:
    """Replaces `${VAR}` in every value below a node; `$${` stands for `${`. Mappings and lists are expanded once however often aliased."""

    def __init__(self, variables: Lookup[str, str]) -> None:
        self.variables = variables
        self._done: dict[int, tuple[Node, Node]] = {}
        self._malformed: list[Problem] = []
        self._unset: dict[int, _Unset] = {}
        self._excused: set[int] = set()

    def expand(self, node: Node, path: str = "") -> Node:
        if isinstance(node, Scalar):  # each use of an aliased value for itself: one may be excused and another not
            return self._scalar(node, path) if "${" in node.text else node
        known = self._done.get(id(node))
        if known is None:  # the node is kept beside its expansion: an id is only unique while its object lives
            known = self._done[id(node)] = node, self._expand(node, path)
        return known[1]

    def excuse(self, value: Scalar) -> list[Problem]:
        """The variables of an expanded value that are not set: there that is no mistake from here on."""
        if id(value) not in self._unset:
            return []
        self._excused.add(id(value))
        return self._unset[id(value)].problems

    @property
    def problems(self) -> list[Problem]:
        """Each once, however often its value is aliased."""
        found = self._malformed + [
            problem for key, unset in self._unset.items() if key not in self._excused for problem in unset.problems
        ]
        once: dict[object, Problem] = {}
        for problem in found:
            once.setdefault((problem.place, problem.reason), problem)
        return list(once.values())

    def _expand(self, node: Mapping | Sequence, path: str) -> Node:
        if isinstance(node, Mapping):
            items = tuple((key, self.expand(value, _below(path, key.text))) for key, value in node.items)
            return Mapping(items=items, place=node.place)
        entries = tuple(self.expand(entry, f"{path}[{at}]") for at, entry in enumerate(node.items))
        return Sequence(items=entries, place=node.place)

    def _scalar(self, node: Scalar, path: str) -> Scalar:
        unset: list[Problem] = []

        def value(match: re.Match[str]) -> str:
            escape, variable, end = match.groups()
            if escape:
                return match[0][1:]
            if not end or not _VARIABLE_NAME.fullmatch(variable):
                fix = "write ${NAME}, or $${ for a literal ${"
                self._malformed.append(_problem(node, path, "not a variable", fix))
                return match[0]
            if variable not in self.variables:
                fix = f"set {variable}, or write the value"
                unset.append(_problem(node, path, f"the environment has no variable {variable}", fix))
                return match[0]
            return self.variables[variable]

        expanded = replace(node, text=_VARIABLE.sub(value, node.text), shown=node.text, quoted=True)
        if unset:
            self._unset[id(expanded)] = _Unset(expanded, unset)
        return expanded


def not_expanded(node: Node, path: str) -> Iterator[Problem]:
    """Every value below a node in which `${VAR}` will stand as it is."""
    match node:
        case Scalar():
            names = [name for _, name, end in _VARIABLE.findall(node.text) if end and _VARIABLE_NAME.fullmatch(name)]
            if names:
                reason = f"${{{names[0]}}} stands here as it is: contracts take nothing from the environment"
                yield _problem(node, path, reason, "write the text itself")
        case Mapping():
            for key, value in node.items:
                yield from not_expanded(value, _below(path, key.text))
        case Sequence():
            for at, entry in enumerate(node.items):
                yield from not_expanded(entry, f"{path}[{at}]")


class Secrets(Enum):
    """What a configuration is loaded for, as far as its secrets go."""

    NEEDED = auto()
    """To probe: a secret that cannot be had is a mistake."""
    CHECKED = auto()
    """To say what probing will need: a secret that cannot be had here is a warning."""
    UNREAD = auto()
    """For anything else: no file and no variable of a secret is looked at, for what a secret is judges nothing."""


HIDDEN = "hidden"
"""Stands for a secret that was not looked at; the hash of what a contract is judged by is the same with any."""
_SET = "`slamon run` needs it: LoadCredential= in its unit sets CREDENTIALS_DIRECTORY, EnvironmentFile= any other"
_READ = "`slamon run` needs it, as a user of its own: LoadCredential= in its unit hands it over"


class SecretValues:
    """Secrets from where they are kept: written down, in a variable, in a file."""

    def __init__(
        self,
        wanted: Secrets = Secrets.NEEDED,
        expansion: Expansion | None = None,
        warnings: list[Problem] | None = None,
    ) -> None:
        """`expansion`: what expanded the values."""
        self._wanted = wanted
        self._expansion = Expansion({}) if expansion is None else expansion
        self._warnings = [] if warnings is None else warnings

    def fill(self, node: Mapping, keys: Collection[str], path: str, problems: list[Problem]) -> Mapping:
        """`node` with the secrets of `keys`: every `key_file: path` is replaced by `key: the file's text` without its last newline.

        Relative paths start at the folder of the file the key stands in.
        """
        items: list[tuple[Scalar, Node]] = []
        for key, value in node.items:
            base = key.text.removesuffix("_file")
            where = _below(path, key.text)
            if key.text in keys:
                items.append((key, self._written(value, where, problems)))
            elif base == key.text or base not in keys:
                items.append((key, value))
            elif node.get(base) is not None:
                reason = f"both `{base}` and `{key.text}` are written"
                problems.append(Problem(place=key.place, path=where, reason=reason, fix="keep one of them"))
            elif not isinstance(value, Scalar) or (not value.text and value.shown is None):
                problems.append(Problem(place=key.place, path=where, reason="this must be the path of a file"))
            else:
                text = HIDDEN if self._not_looked_at(value) else self._file_text(value, where, problems)
                if text is not None:
                    shown = f"the text of {describe(value)}"
                    items.append((replace(key, text=base), replace(value, text=text, shown=shown, quoted=True)))
        return Mapping(items=tuple(items), place=node.place)

    def _written(self, value: Node, path: str, problems: list[Problem]) -> Node:
        if not isinstance(value, Scalar) or value.shown is None:
            return value
        if self._not_looked_at(value):
            return replace(value, text=HIDDEN)
        if not value.text.strip():
            problems.append(_problem(value, path, "the value is empty"))
        return value

    def _not_looked_at(self, value: Scalar) -> bool:
        if self._wanted is Secrets.NEEDED:
            return False
        unset = self._expansion.excuse(value)
        if self._wanted is Secrets.UNREAD:
            return True
        self._warnings += [replace(problem, fix=_SET) for problem in unset]
        return bool(unset)

    def _file_text(self, value: Scalar, path: str, problems: list[Problem]) -> str | None:
        checked = self._wanted is Secrets.CHECKED
        try:
            with beside(value).open(encoding="utf-8") as file:
                text = file.read(MAX_SECRET + 1)
                mode = os.fstat(file.fileno()).st_mode
        except OSError as error:
            fix = _READ if checked or isinstance(error, PermissionError) else None
            problem = _problem(value, path, f"the file cannot be read: {error.strerror or error}", fix)
            (self._warnings if checked else problems).append(problem)
            return HIDDEN if checked else None
        except ValueError:
            problems.append(_problem(value, path, "the file cannot be read: not UTF-8 text"))
            return None
        if checked and os.geteuid() == 0 and value.shown is None and not mode & stat.S_IROTH:
            self._warnings.append(_problem(value, path, "not everybody can read this file", _READ))
        if len(text) > MAX_SECRET or not text.strip():
            reason = "the file is empty" if not text.strip() else f"the file is longer than {MAX_SECRET} characters"
            problems.append(_problem(value, path, reason))
            return None
        return text.rstrip("\r\n")


def relative_to_file(node: Mapping, keys: Collection[str]) -> Mapping:
    """`node` with the paths of `keys` starting at the folder of the file they stand in."""
    return Mapping(
        items=tuple(
            (key, replace(value, text=str(beside(value).absolute()), shown=value.text))
            if key.text in keys and isinstance(value, Scalar) and value.text
            else (key, value)
            for key, value in node.items
        ),
        place=node.place,
    )


def beside(value: Scalar) -> Path:
    """The path `value`, starting at the folder of the file it stands in unless it is absolute."""
    return Path(value.place.file).parent / value.text


def _below(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _problem(value: Scalar, path: str, reason: str, fix: str | None = None) -> Problem:
    written = value.text if value.shown is None else value.shown
    return Problem(place=value.place, path=path, reason=reason, value=written, fix=fix)
