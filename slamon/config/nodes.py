"""YAML text → a tree of plain nodes that know their place: the first step of reading a configuration or a contract test.

Every scalar is text with exactly one reading (no float, boolean, null, octal or sexagesimal). Anchors, aliases and merge keys
work inside one file and within a bound; tags, duplicate keys, keys that are not text and several documents are refused.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, TypeAlias, cast

import yaml

from slamon import units
from slamon.errors import Place, Problem, masked

MAX_DEPTH = 40
"""Levels of nesting; the deepest configuration that means something has fewer than 12."""
ALIAS_FACTOR = 20
"""Aliases may unfold a file to so many times what is written in it; a document made to explode needs far more."""
ALIAS_ALLOWANCE = 10_000
"""Nodes every file may unfold to, however short it is."""

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
"""Control characters (tab and newline excepted) and lone surrogates, which only escapes in double quotes can make."""

_STR, _SEQ, _MAP = (f"tag:yaml.org,2002:{kind}" for kind in ("str", "seq", "map"))

_SYNTAX: tuple[tuple[str, str, str], ...] = (
    ("'\\t' that cannot start", "a tab cannot indent YAML", "use spaces"),
    ("'%' that cannot start", "a value cannot begin with % unless it is quoted", 'write "%…"'),
    ("'@' that cannot start", "a value cannot begin with @ unless it is quoted", 'write "@…"'),
    ("'`' that cannot start", "a value cannot begin with ` unless it is quoted", 'write "`…"'),
    (
        "mapping values are not allowed here",
        "a second `: ` in this value, or a line indented differently from its neighbours",
        "quote the value or align the line",
    ),
    ("could not find expected ':'", "a key without `:`", "write `key: value`, with a space after the colon"),
    ("expected <block end>, but found", "this line is indented differently from its neighbours", "align it with them"),
    ("expected ',' or '}'", "an inline mapping { … } that does not end", "add the missing `,` or `}`"),
    ("expected ',' or ']'", "an inline list [ … ] that does not end", "add the missing `,` or `]`"),
    ("unexpected end of stream", "a quoted value that does not end", "add the closing quote"),
    (
        "found undefined alias",
        "an alias (*name) without its anchor (&name)",
        "define the anchor earlier in the same file, or quote the value",
    ),
    ("but found another document", "several documents in one file", "remove the line `---` between them"),
)
"""What PyYAML says (a part of it) → what is wrong in the operator's words, and the fix."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    text: str
    place: Place
    quoted: bool = False
    """True for '…', "…", | and >: then the text is meant as it stands."""
    shown: str | None = None
    """What messages show instead of a text that came from the environment or a file and may be secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    items: tuple[tuple[Scalar, Node], ...]
    """In written order, keys unique; entries taken over by a merge key (<<) come last."""
    place: Place

    def get(self, key: str) -> Node | None:
        return next((value for name, value in self.items if name.text == key), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    items: tuple[Node, ...]
    place: Place


Node: TypeAlias = Scalar | Mapping | Sequence


def parse(text: str, file: str, problems: list[Problem]) -> Node | None:
    """The tree of one YAML document; None when it is empty or broken.

    `file` is the name problems are shown with. Every mistake goes to `problems`; after a duplicate key or a tag the tree is
    still returned, so that later checks find the rest.
    """
    unreadable = yaml.reader.Reader.NON_PRINTABLE.search(text)
    if unreadable:
        at = unreadable.start()
        place = Place(file=file, line=text.count("\n", 0, at) + 1, column=at - text.rfind("\n", 0, at))
        value = f"\\x{ord(unreadable[0]):02x}"
        problems.append(
            Problem(place=place, path="", reason="a character YAML cannot contain", value=value, fix="remove it")
        )
        return None
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        problems.append(_syntax(error, file, text))
        return None
    except (ValueError, OverflowError):  # PyYAML passes on what chr() says of an escape such as "\UFFFFFFFF"
        place = _place(loader.get_mark(), file)
        problems.append(
            Problem(place=place, path="", reason="an escape that is no character", fix="write the character itself")
        )
        return None
    finally:
        loader.dispose()
    return None if root is None else _Conversion(file, problems).convert(root)


def describe(node: Node) -> str:
    """What stands there, for messages: the text itself, `a mapping` or `a list`."""
    match node:
        case Scalar():
            text = masked(node.text if node.shown is None else node.shown)
            return text if len(text) <= 60 else text[:57] + "..."
        case Mapping():
            return "a mapping"
        case Sequence():
            return "a list"


def canonical(node: Node) -> str:
    """One text for one meaning, as JSON: keys sorted, no comments, no layout; lists keep their order. For hashing terms."""
    return json.dumps(plain(node), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def plain(node: Node) -> Any:
    """The node as text, lists and dicts of it."""
    match node:
        case Scalar():
            return node.text
        case Mapping():
            return {key.text: plain(value) for key, value in node.items}
        case Sequence():
            return [plain(entry) for entry in node.items]


def flow(node: Node) -> str:
    """The node as YAML on one line, read back as the same texts."""
    text = yaml.dump(
        plain(node), default_flow_style=True, allow_unicode=True, sort_keys=False, width=100_000, Dumper=_Plain
    )
    return text.removesuffix("\n").removesuffix("\n...")


def block(node: Node) -> str:
    """The node as YAML in lines, without comments."""
    return yaml.dump(
        plain(node), default_flow_style=False, allow_unicode=True, sort_keys=False, width=100, Dumper=_Plain
    )


class _Plain(yaml.SafeDumper):
    """Texts without quotes wherever BaseLoader needs none: it takes every scalar for text."""


_Plain.yaml_implicit_resolvers = {}


class _Loader(yaml.BaseLoader):
    """BaseLoader with a bound on nesting: the composer calls itself once a level."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: object) -> yaml.Node | None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise yaml.composer.ComposerError(None, None, "nested too deep", self.get_mark())
        node = super().compose_node(parent, index)  # type: ignore[arg-type]  # the stub knows only nodes, PyYAML passes ints
        self.depth -= 1
        return node


class _Conversion:
    """PyYAML's nodes → ours. A node an alias repeats is converted once; its size is counted each time."""

    def __init__(self, file: str, problems: list[Problem]) -> None:
        self.file = file
        self.problems = problems
        self.done: dict[int, tuple[Node, int]] = {}
        self.open: set[int] = set()
        self.written = 0

    def convert(self, root: yaml.Node) -> Node | None:
        try:
            node, size = self.node(root)
        except _EndlessAliasError as error:
            self.problem(error.place, "an alias inside the value it stands for", fix="write the value out")
            return None
        if size > ALIAS_FACTOR * self.written + ALIAS_ALLOWANCE:
            self.problem(
                node.place,
                f"aliases unfold this file to more than {ALIAS_FACTOR} times what is written in it",
                fix="write the values out, or use defaults",
            )
            return None
        return node

    def problem(self, place: Place, reason: str, *, value: str | None = None, fix: str | None = None) -> None:
        self.problems.append(Problem(place=place, path="", reason=reason, value=value, fix=fix))

    def node(self, source: yaml.Node) -> tuple[Node, int]:
        known = self.done.get(id(source))
        if known is not None:
            return known
        place = _place(source.start_mark, self.file)
        if id(source) in self.open:
            raise _EndlessAliasError(place)
        if source.tag not in {_STR, _SEQ, _MAP}:
            self.problem(place, "tags are not used here", value=source.tag, fix="remove the tag; every value is text")
        self.open.add(id(source))
        self.written += 1
        result: tuple[Node, int]
        if isinstance(source, yaml.ScalarNode):
            result = self.scalar(source, place), 1
        elif isinstance(source, yaml.SequenceNode):
            entries = [self.node(entry) for entry in source.value]
            result = Sequence(items=tuple(n for n, _ in entries), place=place), 1 + sum(size for _, size in entries)
        else:
            result = self.mapping(cast("yaml.MappingNode", source), place)
        self.open.discard(id(source))
        self.done[id(source)] = result
        return result

    def scalar(self, source: yaml.ScalarNode, place: Place) -> Scalar:
        text = source.value
        if _UNPRINTABLE.search(text):
            self.problem(place, "a control character in a value", fix="remove the escape")
            text = _UNPRINTABLE.sub("", text)
        return Scalar(text=text, place=place, quoted=source.style is not None)

    def mapping(self, source: yaml.MappingNode, place: Place) -> tuple[Mapping, int]:
        items: dict[str, tuple[Scalar, Node]] = {}
        merged: list[Mapping] = []
        size = 1
        self.commas(source)
        for key_source, value_source in source.value:
            value, value_size = self.node(value_source)
            size += 1 + value_size
            if not isinstance(key_source, yaml.ScalarNode):
                self.problem(_place(key_source.start_mark, self.file), "a key must be text", fix="write `key: value`")
                continue
            key = self.scalar(key_source, _place(key_source.start_mark, self.file))
            if key.text == "<<" and not key.quoted:
                merged += self.merges(value)
                continue
            first = items.get(key.text)
            if first is None:
                items[key.text] = key, value
                continue
            line = first[0].place.line
            self.problem(
                key.place,
                f"this key is already written at line {line} ({first[0].place})",
                value=key.text,
                fix="keep one of them",
            )
        for taken in merged:
            for key, value in taken.items:
                items.setdefault(key.text, (key, value))
        self.written += len(items)
        return Mapping(items=tuple(items.values()), place=place), size

    def commas(self, source: yaml.MappingNode) -> None:
        """`{target: 99,9%}` is two entries to YAML, and a number with a comma to who wrote it: report it and put it together."""
        pairs: list[tuple[yaml.Node, yaml.Node]] = []
        for key, value in source.value:
            before = pairs[-1] if pairs else None
            torn = None if before is None else before[1] if _plain(before[1]) else before[0]
            if before is None or torn is None or not _plain(torn) or not _plain(key) or not _adjacent(torn, key):
                pairs.append((key, value))
                continue
            written = f"{torn.value},{key.value}"
            meant = units.without_comma(written)
            whole = yaml.ScalarNode(_STR, meant, torn.start_mark, key.end_mark)
            if meant is None or (torn is before[1] and _plain(value)):
                pairs.append((key, value))
                continue
            place = _place(torn.start_mark, self.file)
            self.problem(place, "a comma in a number", value=written, fix=f"write {meant}")
            pairs[-1] = (before[0], whole) if torn is before[1] else (whole, value)
        source.value = pairs

    def merges(self, value: Node) -> list[Mapping]:
        """What a merge key takes over: one mapping, or a list of them of which the first wins."""
        candidates = value.items if isinstance(value, Sequence) else (value,)
        for candidate in candidates:
            if not isinstance(candidate, Mapping):
                self.problem(
                    candidate.place,
                    "a merge key (<<) takes a mapping",
                    value=describe(candidate),
                    fix="write `<<: *name`",
                )
        return [candidate for candidate in candidates if isinstance(candidate, Mapping)]


class _EndlessAliasError(Exception):
    def __init__(self, place: Place) -> None:
        super().__init__(str(place))
        self.place = place


def _plain(node: yaml.Node) -> bool:
    """Text without quotes, and some."""
    return isinstance(node, yaml.ScalarNode) and node.style is None and node.value != ""


def _adjacent(left: yaml.Node, right: yaml.Node) -> bool:
    """Digits with nothing but one character between them."""
    between = right.start_mark.index - left.end_mark.index
    return between == 1 and left.value[-1:].isdecimal() and right.value[:1].isdecimal()


_WORD = re.compile(r"[^\s,{}\"']+")
_IPV6 = re.compile(r"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")


def _unquoted(text: str, mark: yaml.Mark, file: str) -> Problem | None:
    """When the word at `mark` is one that YAML takes for something else: an IPv6 address, a pattern with `*`."""
    before, after = text.rfind("\n", 0, mark.index) + 1, text.find("\n", mark.index)
    words = _WORD.finditer(text, before, len(text) if after < 0 else after)
    word = next((word for word in words if word.start() <= mark.index <= word.end()), None)
    if word is None:
        return None
    place = Place(file=file, line=mark.line + 1, column=mark.column + 1 - (mark.index - word.start()))
    bare = word[0].strip("[]")
    if bare.startswith("*"):
        reason = "a value cannot begin with * unless it is quoted"
        return Problem(place=place, path="", reason=reason, fix=f'write "{bare}"')
    for candidate in _IPV6.findall(word[0]):
        with suppress(ValueError):
            ip_address(candidate)
            meant = candidate if bare == candidate else word[0]
            reason = "an IPv6 address must be quoted here"
            return Problem(place=place, path="", reason=reason, fix=f'write "{meant}"')
    return None


def _place(mark: yaml.Mark, file: str) -> Place:
    return Place(file=file, line=mark.line + 1, column=mark.column + 1)


def _syntax(error: yaml.MarkedYAMLError, file: str, source: str) -> Problem:
    alias = error.context == "while scanning an alias"
    mark = (error.context_mark if alias else error.problem_mark) or error.context_mark
    text = error.problem or "not YAML"
    unquoted = None if mark is None or "undefined alias" in text else _unquoted(source, mark, file)
    if unquoted is not None:
        return unquoted
    place = None if mark is None else _place(mark, file)
    for pattern, reason, fix in _SYNTAX:
        if pattern in text or pattern in (error.context or ""):
            return Problem(place=place, path="", reason=reason, fix=fix)
    return Problem(place=place, path="", reason=f"not YAML: {text}")
