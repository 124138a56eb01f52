"""Groups of names, and contracts that rest on each other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from slamon.config import load
from slamon.config.composition import circle
from slamon.sla.terms.composition import Group, described, names
from tests.config.contracts import HEAD, terms_of

Write = Callable[..., Path]


@pytest.mark.parametrize(
    ("text", "group", "said"),
    [
        ("a", "a", "a"),
        ("{any: [a, b]}", Group(of=("a", "b"), need=1), "any of (a, b)"),
        ("{all: [a, b]}", Group(of=("a", "b"), need=2), "all of (a, b)"),
        ("{at_least: 2, of: [a, b, c]}", Group(of=("a", "b", "c"), need=2), "2 of (a, b, c)"),
        (
            "{any: [{all: [a, b]}, {all: [c, a]}]}",
            Group(of=(Group(of=("a", "b"), need=2), Group(of=("c", "a"), need=2)), need=1),
            "any of (all of (a, b), all of (c, a))",
        ),
    ],
)
def test_when_the_whole_is_up(text: str, group: Group | str, said: str) -> None:
    terms = terms_of(HEAD.replace("hq-dia", text))
    assert terms.service == group
    assert described(terms.service) == said
    assert set(names(terms.service)) <= {"a", "b", "c"}


@pytest.mark.parametrize(
    ("rests_on", "way"),
    [
        ({"a": []}, None),
        ({"a": ["a"]}, ("a", "a")),
        ({"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []}, None),
        ({"a": ["b"], "b": ["c"], "c": ["b", "a"]}, ("a", "b", "c", "a")),
        ({"a": ["b"], "b": ["c"], "c": ["b"]}, None),
        ({"a": ["elsewhere"]}, None),
    ],
)
def test_the_way_from_a_contract_back_to_itself(rests_on: dict[str, list[str]], way: tuple[str, ...] | None) -> None:
    assert circle(rests_on, "a") == way


def test_a_contract_rests_on_those_of_other_files_and_finds_its_calendar_beside_it(
    write: Write, tmp_path: Path
) -> None:
    line = "services: {line: {targets: {ping: {probe: icmp, address: 192.0.2.1}}}}\n"
    head = "{service: line, provider: Acme, timezone: UTC"
    main = write(f"include: conf.d/*.yml\n{line}contracts: {{sla: {head}, supported_by: {{all: [uc]}}}}}}\n")
    folder = main.parent / "conf.d"
    folder.mkdir()
    (folder / "uc.yml").write_text(f"contracts: {{uc: {head}, holidays: days.ics}}}}\n")
    event = "BEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20261225\r\nEND:VEVENT\r\n"
    (folder / "days.ics").write_text(
        f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//\r\n{event}END:VCALENDAR\r\n", newline=""
    )
    config = load(main, variables={})
    assert config.contracts["sla"].supported_by == Group(of=("uc",), need=1)
    assert {str(day) for day in config.contracts["uc"].holidays} == {"2026-12-25"}
