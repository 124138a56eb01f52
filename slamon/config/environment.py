"""What a configuration takes from outside its text: `${VAR}` from the environment and `key_file: path` from a file."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from collections.abc import Mapping as Lookup
from dataclasses import replace
from pathlib import Path

from slamon.config.nodes import Mapping, Node, Scalar, Sequence
from slamon.errors import Problem

_VARIABLE = re.compile(r"(\$?)\$\{([^}]*)(\}?)")
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
MAX_SECRET = 64 * 1024
"""Bytes of a file read as a value; a key or token is far shorter, a device never ends."""


def environment() -> Lookup[str, str]:
    """The environment of this process."""
    return os.environ  # noqa: TID251 - this module is where the configuration meets the environment


class Expansion:
    """Replaces `${VAR}` in every value below a node; `$${` stands for `${`. A value is expanded once however often it is aliased."""

    def __init__(self, variables: Lookup[str, str], problems: list[Problem]) -> None:
        self.variables = variables
        self.problems = problems
        self.done: dict[int, tuple[Node, Node]] = {}

    def expand(self, node: Node, path: str = "") -> Node:
        known = self.done.get(id(node))
        if known is None:  # the node is kept beside its expansion: an id is only unique while its object lives
            known = self.done[id(node)] = node, self._expand(node, path)
        return known[1]

    def _expand(self, node: Node, path: str) -> Node:
        match node:
            case Scalar():
                return self._scalar(node, path) if "${" in node.text else node
            case Mapping():
                items = tuple(
                    (key, self.expand(value, f"{path}.{key.text}" if path else key.text)) for key, value in node.items
                )
                return Mapping(items=items, place=node.place)
            case Sequence():
                return Sequence(
                    items=tuple(self.expand(entry, f"{path}[{at}]") for at, entry in enumerate(node.items)),
                    place=node.place,
                )

    def _scalar(self, node: Scalar, path: str) -> Scalar:
        def value(match: re.Match[str]) -> str:
            escape, variable, end = match.groups()
            if escape:
                return match[0][1:]
            if not end or not _VARIABLE_NAME.fullmatch(variable):
                self._problem(node, path, "not a variable", fix="write ${NAME}, or $${ for a literal ${")
                return match[0]
            if variable not in self.variables:
                self._problem(
                    node, path, f"the environment has no variable {variable}", fix=f"set {variable}, or write the value"
                )
                return match[0]
            return self.variables[variable]

        return replace(node, text=_VARIABLE.sub(value, node.text), shown=node.text, quoted=True)

    def _problem(self, node: Scalar, path: str, reason: str, fix: str) -> None:
        self.problems.append(Problem(place=node.place, path=path, reason=reason, value=node.text, fix=fix))


def from_files(node: Mapping, keys: Collection[str], path: str, problems: list[Problem]) -> Mapping:
    """`node` with every `key_file: path` for a key of `keys` replaced by `key: the file's text` without its last newline.

    Relative paths start at the folder of the file the key stands in.
    """
    items: list[tuple[Scalar, Node]] = []
    for key, value in node.items:
        base = key.text.removesuffix("_file")
        if base == key.text or base not in keys or key.text in keys:
            items.append((key, value))
            continue
        where = f"{path}.{key.text}"
        if node.get(base) is not None:
            reason = f"both `{base}` and `{key.text}` are written"
            problems.append(Problem(place=key.place, path=where, reason=reason, fix="keep one of them"))
        elif not isinstance(value, Scalar):
            problems.append(Problem(place=key.place, path=where, reason="this must be the path of a file"))
        else:
            text = _file_text(value, where, problems)
            if text is not None:
                shown = f"the text of {value.text}"
                items.append((replace(key, text=base), replace(value, text=text, shown=shown, quoted=True)))
    return Mapping(items=tuple(items), place=node.place)


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


def _file_text(value: Scalar, path: str, problems: list[Problem]) -> str | None:
    try:
        with beside(value).open(encoding="utf-8") as file:
            text = file.read(MAX_SECRET + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not UTF-8 text"
        problems.append(
            Problem(place=value.place, path=path, reason=f"the file cannot be read: {reason}", value=value.text)
        )
        return None
    if len(text) > MAX_SECRET or not text.strip():
        reason = "the file is empty" if not text.strip() else f"the file is longer than {MAX_SECRET} characters"
        problems.append(Problem(place=value.place, path=path, reason=reason, value=value.text))
        return None
    return text.rstrip("\r\n")
