"""pydantic's errors in our words, at the place of the offending key; what is right is kept."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, model_validator

from slamon import units
from slamon.config.edge import Report, Section, locate, read
from slamon.config.nodes import parse, plain
from slamon.config.values import Duration, Name, Text, Texts
from slamon.errors import Problem
from slamon.model import S
from slamon.probe import Settings


class Inner(Section):
    word: Text | None = None
    often: Duration | None = None


class Outer(Section):
    name: Name | None = None
    inner: Inner = Inner()
    every: dict[Name, Inner] = Field(default={})
    listed: tuple[Inner, ...] = ()
    words: Texts = ()
    kind: Literal["up", "down"] = "up"

    REQUIRED: ClassVar[tuple[str, ...]] = ("name",)
    LATER: ClassVar[tuple[str, ...]] = ("colour",)


class Blunt(Settings):
    """Settings whose converter takes only text, and says nothing about a mapping but TypeError."""

    wait: Annotated[int, BeforeValidator(units.duration)] = S
    size: int = Field(default=3, ge=1)
    level: Annotated[int, BeforeValidator(units.count)]

    @model_validator(mode="after")
    def _consistent(self) -> Blunt:
        if self.size > 100:
            raise ValueError("a size above 100 needs more; write 100")
        return self


def report(text: str) -> Report:
    problems: list[Problem] = []
    node = parse(text, "f.yml", problems)
    assert node is not None
    assert not problems
    return Report(node, "top", problems)


def said(of: Report) -> list[str]:
    return [str(problem) for problem in of.problems]


def test_a_right_mapping_is_a_model() -> None:
    good = report("name: a\ninner: {word: x, often: 5s}\nevery: {b: {word: y}}\nlisted: [{word: z}]\nwords: one\n")
    model = read(Outer, good)
    assert model == Outer(
        name="a",
        inner=Inner.model_validate({"word": "x", "often": "5s"}),
        every={"b": Inner(word="y")},
        listed=(Inner(word="z"),),
        words=("one",),
    )
    assert said(good) == []


def test_each_mistake_is_said_once_and_the_rest_is_kept() -> None:
    bad = report(
        "inner: {word: [x], often: 5}\n"
        "every: {b c: {}, d: {often: 1m, wrod: x}, e: 3}\n"
        "listed: [{word: a}, 4, {often: x}, {word: b, colour: red}]\n"
        "words: {a: b}\n"
        "kind: upp\n"
        "colour: red\n"
        "nmae: x\n"
    )
    model = read(Outer, bad)
    assert said(bad) == [
        "f.yml:1:1: top: the key `name` is missing; add `name: …`",
        "f.yml:1:9: top.inner.word: this must be one value; write x",
        "f.yml:1:27: top.inner.often: a duration needs a unit (got '5'); write for example 5s",
        "f.yml:2:9: top.every.b c: a name has 1 to 63 letters, digits, `-`, `_` and `.` and begins with a letter or digit (got 'b c')",
        "f.yml:2:33: top.every.d.wrod: unknown key; did you mean word?",
        "f.yml:2:46: top.every.e: this must be a mapping (lines of `key: value`) (got '3')",
        "f.yml:3:21: top.listed[1]: this must be a mapping (lines of `key: value`) (got '4')",
        "f.yml:3:32: top.listed[2].often: not a duration (got 'x'); write for example 10s, 1h30m or 250ms",
        "f.yml:3:46: top.listed[3].colour: unknown key; write one of often, word",
        "f.yml:4:1: top.words: this must be a list; write [first, second]",
        "f.yml:5:7: top.kind: not one of up, down (got 'upp'); did you mean up?",
        "f.yml:6:1: top.colour: not yet supported; leave it out and keep what the paper says in `notes`",
        "f.yml:7:1: top.nmae: unknown key; did you mean name?",
    ]
    assert model is not None
    assert model.every["d"].often == 60 * S
    assert [entry.word for entry in model.listed] == ["a", None, "b"]
    assert model.kind == "up"


def test_a_node_that_is_no_mapping_is_no_model() -> None:
    for text in ("word\n", "[a, b]\n"):
        bad = report(text)
        assert read(Outer, bad) is None
        assert len(bad.problems) == 1


def test_settings_that_choke_on_a_mapping_are_reported_like_any_other() -> None:
    bad = report("wait: {a: b}\nlevel: [1]\nsize: 0\n")
    assert read(Blunt, bad) is None
    assert said(bad) == [
        "f.yml:1:1: top.wait: this must be one value",
        "f.yml:2:1: top.level: this must be one value; write 1",
        "f.yml:3:7: top.size: less than 1 (got '0')",
    ]


def test_a_rule_over_several_keys_is_said_of_the_whole() -> None:
    bad = report("level: 1\nsize: 200\n")
    assert read(Blunt, bad) is None
    assert said(bad) == ["f.yml:1:1: top: a size above 100 needs more; write 100"]


def test_keys_of_the_surroundings_are_suggested_too() -> None:
    bad = report("level: 1\nadress: x\n")
    read(Blunt, bad, also=("address",))
    assert said(bad) == ["f.yml:2:1: top.adress: unknown key; did you mean address?"]


def test_locate_goes_as_deep_as_what_is_written() -> None:
    root = report("a: {b: [x, y]}\n").node
    assert plain(locate(root, ("a", "b", 1))[1]) == "y"
    assert locate(root, ("a", "b", 1))[0].column == 12
    assert locate(root, ("a", "b", 7))[0].column == 5
    assert locate(root, ("a", "c"))[0].column == 1
    assert plain(locate(root, ())[1]) == {"a": {"b": ["x", "y"]}}
