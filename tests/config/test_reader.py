"""The cursor over one mapping: everything wrong is collected, the rest is read."""

from __future__ import annotations

from fractions import Fraction

from slamon.config.nodes import Mapping, parse
from slamon.config.reader import Reader, nearest, suggestion
from slamon.errors import Problem
from slamon.model import S


def reader(text: str) -> tuple[Reader, list[Problem]]:
    problems: list[Problem] = []
    node = parse(text, "f.yml", problems)
    assert isinstance(node, Mapping)
    assert not problems
    return Reader(node, "top", problems), problems


def test_values_become_exact() -> None:
    keys, problems = reader(
        "a: 1m30s\nb: 99.9%\nc: 1/30\nd: 5 EUR\ne: 3\nf: text\ng: up\nh: [a, b]\ni: one\nj: {k: v}\nl: [x, {y: z}]\n"
    )
    assert keys.duration("a") == 90 * S
    assert keys.percent("b") == Fraction(999, 1000)
    assert keys.share("c") == Fraction(1, 30)
    assert keys.money("d") == (Fraction(5), "EUR")
    assert keys.count("e") == 3
    assert keys.text("f") == "text"
    assert keys.choice("g", ("up", "down")) == "up"
    assert keys.texts("h") == ("a", "b")
    assert keys.texts("i") == ("one",)
    inner = keys.mapping("j")
    assert inner is not None
    assert inner.text("k") == "v"
    entries = keys.sequence("l")
    assert entries is not None
    assert len(entries) == 2
    keys.finish()
    inner.finish()
    assert problems == []


def test_what_is_not_written_is_none_and_no_problem() -> None:
    keys, problems = reader("a: 1\n")
    assert keys.duration("b") is None
    assert keys.mapping("b") is None
    assert keys.sequence("b") is None
    assert keys.texts("b") is None
    assert "b" not in keys
    assert "a" in keys
    assert problems == []


def test_every_mistake_is_collected_and_reading_goes_on() -> None:
    keys, problems = reader("a: 10\nb: 99\nc: [1]\nd: x\ne: {}\nf:\ng: sideways\nunkown: 1\nlater: 2\n")
    assert keys.duration("a") is None
    assert keys.percent("b") is None
    assert keys.text("c") is None
    assert keys.mapping("d") is None
    assert keys.sequence("e") is None
    assert keys.text("f") is None
    assert keys.choice("g", ("up", "down", "sidewards")) is None
    keys.take("unknown")
    assert not keys.require("h", why="it says what")
    keys.finish(later=("later",))
    assert [str(problem) for problem in problems] == [
        "f.yml:1:4: top.a: a duration needs a unit (got '10'); write for example 10s",
        "f.yml:2:4: top.b: a percentage needs its sign (got '99'); write 99%",
        "f.yml:3:4: top.c: this must be one value (got 'a list')",
        "f.yml:4:4: top.d: this must be a mapping (key: value lines) (got 'x')",
        "f.yml:5:4: top.e: this must be a list [ … ] (got 'a mapping')",
        "f.yml:6:3: top.f: no value; write one, or leave the key out",
        "f.yml:7:4: top.g: not one of up, down, sidewards (got 'sideways'); did you mean sidewards?",
        "f.yml:1:1: top: the key `h` is missing: it says what; add `h: …`",
        "f.yml:8:1: top.unkown: unknown key; did you mean unknown?",
        "f.yml:9:1: top.later: not yet supported; leave it out, or keep it in the notes",
    ]


def test_a_problem_of_ones_own_points_at_the_value() -> None:
    keys, problems = reader("a: 1\nb: {c: 2}\n")
    keys.problem("a", "too small", value="1", fix="write 2")
    keys.problem("b", "too deep")
    keys.problem(None, "too short")
    assert [str(problem) for problem in problems] == [
        "f.yml:1:4: top.a: too small (got '1'); write 2",
        "f.yml:2:1: top.b: too deep",
        "f.yml:1:1: top: too short",
    ]


def test_the_nearest_word() -> None:
    assert nearest("Availabilty", ["availability", "latency"]) == "availability"
    assert nearest("zzz", ["availability", "latency"]) is None
    assert suggestion("zzz", ["b", "a"]) == "write one of a, b"
    assert suggestion("zzz", []) is None
    assert suggestion("zzz", [f"w{n}" for n in range(100)]) is None


def test_a_word_that_is_spelled_otherwise_and_one_that_is_not_built() -> None:
    assert suggestion("above", ["over", "below"]) == "did you mean over?"
    assert suggestion("above", ["about", "below"]) == "did you mean about?"
    assert suggestion("clam", ["price"], ["claim"]) == "did you mean claim, which is not yet supported?"
    assert suggestion("zzz", ["b", "a"], ["claim"]) == "write one of a, b"
    keys, problems = reader("zzz: 1\n")
    keys.take("a")
    keys.finish(later=("claim",))
    assert [str(problem) for problem in problems] == ["f.yml:1:1: top.zzz: unknown key; write one of a"]
