"""YAML text → nodes: what is read, what is refused, and at which place."""

from __future__ import annotations

import pytest

from slamon.config.nodes import Mapping, Node, Scalar, Sequence, canonical, describe, parse, plain
from slamon.errors import Place, Problem


def read(text: str) -> tuple[Node | None, list[str]]:
    problems: list[Problem] = []
    node = parse(text, "f.yml", problems)
    return node, [str(problem) for problem in problems]


def good(text: str) -> Node:
    node, problems = read(text)
    assert node is not None
    assert problems == []
    return node


@pytest.mark.parametrize(
    "word", ["yes", "no", "on", "null", "~", "0x1F", "1_000", "12:30", "1e3", "010", "1.0", "2026-06-10"]
)
def test_every_scalar_is_its_text(word: str) -> None:
    assert plain(good(f"a: {word}")) == {"a": word}


def test_places_are_of_the_key_and_of_the_value() -> None:
    node = good("a:\n  b: [1,\n      two]\n")
    assert isinstance(node, Mapping)
    inner = node.items[0][1]
    assert isinstance(inner, Mapping)
    key, value = inner.items[0]
    assert isinstance(value, Sequence)
    assert key.place == Place(file="f.yml", line=2, column=3)
    assert value.place == Place(file="f.yml", line=2, column=6)
    assert value.items[1].place == Place(file="f.yml", line=3, column=7)


def test_quoted_text_is_marked() -> None:
    node = good("a: ''\nb: x\nc: |\n  x\nd:\n")
    assert isinstance(node, Mapping)
    quoted = [value.quoted for _, value in node.items if isinstance(value, Scalar)]
    assert quoted == [True, False, True, False]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a: 1\nb:\n  c: 2\na: 3\n",
            "f.yml:4:1: this key is already written at line 1 (f.yml:1:1) (got 'a'); keep one of them",
        ),
        ("a: 1\n'a': 2\n", "f.yml:2:1: this key is already written at line 1 (f.yml:1:1) (got 'a'); keep one of them"),
        ("a:\n\tb: 1\n", "f.yml:2:1: a tab cannot indent YAML; use spaces"),
        (
            "a: 1\n  b: 2\n",
            "f.yml:2:4: a second `: ` in this value, or a line indented differently from its neighbours; quote the value or align the line",
        ),
        ("a:\n  b: 1\n c: 2\n", "f.yml:3:2: this line is indented differently from its neighbours; align it with them"),
        ("a: [1, 2\n", "f.yml:2:1: an inline list [ … ] that does not end; add the missing `,` or `]`"),
        ("a: {b: 1\n", "f.yml:2:1: an inline mapping { … } that does not end; add the missing `,` or `}`"),
        ("a: 'x\n", "f.yml:2:1: a quoted value that does not end; add the closing quote"),
        ("a: %x\n", 'f.yml:1:4: a value cannot begin with % unless it is quoted; write "%…"'),
        ("a: 1\n---\nb: 2\n", "f.yml:2:1: several documents in one file; remove the line `---` between them"),
        (
            "a: *x\n",
            "f.yml:1:4: an alias (*name) without its anchor (&name); define the anchor earlier in the same file, or quote the value",
        ),
        ("a: &x [*x]\n", "f.yml:1:4: an alias inside the value it stands for; write the value out"),
        ("? [a]\n: b\n", "f.yml:1:3: a key must be text; write `key: value`"),
        (
            "a: !!float 1\n",
            "f.yml:1:4: tags are not used here (got 'tag:yaml.org,2002:float'); remove the tag; every value is text",
        ),
        ("a: !secret x\n", "f.yml:1:4: tags are not used here (got '!secret'); remove the tag; every value is text"),
        ("a: x\x07\n", "f.yml:1:5: a character YAML cannot contain (got '\\\\x07'); remove it"),
        ('a: "\\0"\n', "f.yml:1:4: a control character in a value; remove the escape"),
        ('a: "\\uD800"\n', "f.yml:1:4: a control character in a value; remove the escape"),
        ('a: "\\UFFFFFFFF"\n', "f.yml:1:7: an escape that is no character; write the character itself"),
        ("a: {<<: 1}\n", "f.yml:1:9: a merge key (<<) takes a mapping (got '1'); write `<<: *name`"),
        ("[" * 60, "f.yml:1:61: not YAML: nested too deep"),
    ],
)
def test_refused_with_its_place(text: str, message: str) -> None:
    assert read(text)[1] == [message]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: *.yml\n", 'f.yml:1:4: a value cannot begin with * unless it is quoted; write "*.yml"'),
        ("a: [b, **/*.yml]\n", 'f.yml:1:8: a value cannot begin with * unless it is quoted; write "**/*.yml"'),
        ("a: {b: ::1}\n", 'f.yml:1:8: an IPv6 address must be quoted here; write "::1"'),
        ("a:\n  b: 2001:db8::\n", 'f.yml:2:6: an IPv6 address must be quoted here; write "2001:db8::"'),
        ("a: {b: [::1], c: 1}\n", 'f.yml:1:8: an IPv6 address must be quoted here; write "::1"'),
        ("a: {b: http://[::1]/}\n", 'f.yml:1:8: an IPv6 address must be quoted here; write "http://[::1]/"'),
    ],
)
def test_what_must_be_quoted_is_said_quoted(text: str, message: str) -> None:
    assert read(text)[1] == [message]


@pytest.mark.parametrize(
    ("text", "written", "meant", "tree"),
    [
        ("{a: 99,9%, b: 1}", "99,9%", "99.9%", {"a": "99.9%", "b": "1"}),
        ("{a: {99,9%: 10%, 99%: 20%}}", "99,9%", "99.9%", {"a": {"99.9%": "10%", "99%": "20%"}}),
        ("{a: 1,000 USD/month}", "1,000 USD/month", "1000 USD/month", {"a": "1000 USD/month"}),
        ("{a: 1,5s}", "1,5s", "1s500ms", {"a": "1s500ms"}),
    ],
)
def test_a_comma_in_a_number_is_one_mistake_and_not_two_entries(
    text: str, written: str, meant: str, tree: object
) -> None:
    node, problems = read(text)
    assert [problem.partition(": ")[2] for problem in problems] == [
        f"a comma in a number (got {written!r}); write {meant}"
    ]
    assert node is not None
    assert plain(node) == tree


@pytest.mark.parametrize("text", ["[200,401]", "{a: 1, 2: b}", "{a: '1',2: b}", "{a: 1,2: b}", "{1: a,2: b}"])
def test_other_commas_stand_between_entries(text: str) -> None:
    good(text)


def test_after_a_duplicate_key_the_rest_is_still_read() -> None:
    node, problems = read("a: 1\na: 2\nb: 3\n")
    assert node is not None
    assert plain(node) == {"a": "1", "b": "3"}
    assert len(problems) == 1


def test_nothing_is_no_node_and_no_problem() -> None:
    assert read("") == (None, [])
    assert read("# only a comment\n") == (None, [])


def test_merge_keys_fill_in_what_is_not_written() -> None:
    node = good(
        "base: &base {a: 1, b: 2}\nmore: &more {b: 3, c: 4}\nx: {<<: *base, b: 9}\ny: {<<: [*more, *base]}\nz: {'<<': 1}\n"
    )
    tree = plain(node)
    assert tree["x"] == {"b": "9", "a": "1"}
    assert tree["y"] == {"b": "3", "c": "4", "a": "1"}
    assert tree["z"] == {"<<": "1"}


def test_ordinary_sharing_is_within_the_bound() -> None:
    sites = "".join(f"s{n}: {{<<: *site, address: 192.0.2.1}}\n" for n in range(2000))
    good("site: &site {a: [1, 2, 3], b: {c: d, e: f}, g: h, i: j}\n" + sites)


def test_a_document_made_to_explode_is_refused_before_it_does() -> None:
    bomb = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 30))
    node, problems = read(bomb)
    assert node is None
    assert problems == [
        "f.yml:1:1: aliases unfold this file to more than 20 times what is written in it; write the values out, or use defaults"
    ]


def test_what_is_shown_of_a_node() -> None:
    assert describe(good("a: 1")) == "a mapping"
    assert describe(good("[1]")) == "a list"
    assert describe(good("word")) == "word"
    assert describe(good("x" * 100)) == "x" * 57 + "..."
    place = Place(file="f", line=1)
    assert describe(Scalar(text="hunter2", place=place, shown="${PASSWORD}")) == "${PASSWORD}"


def test_the_canonical_text_is_of_the_meaning_only() -> None:
    one = good("# comment\na: {x: 1, y: '2'}\nb: [1, 2]\n")
    same = good('b:\n  - 1\n  - 2\na:\n  y: 2\n  x: "1"\n')
    assert canonical(one) == canonical(same)
    others = ["a: {x: 1, y: 2}\nb: [2, 1]\n", "a: {x: 1, y: 2}\nb: [12]\n", "a: {x: 1}\nb: [1, 2]\n", "a: 1\n"]
    assert canonical(one) not in {canonical(good(text)) for text in others}


def test_the_canonical_text_cannot_be_forged_by_separators() -> None:
    assert canonical(good('a: \'1","b":"1\'')) != canonical(good("a: 1\nb: 1"))
    assert canonical(good("b: [x, é]\na: {d: 1, c: 2}")) == '{"a":{"c":"2","d":"1"},"b":["x","é"]}'
