"""The lines of a calendar file (.ics, RFC 5545): where each event and each of its properties stands, and what icalendar makes of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slamon.errors import Place, Problem
from slamon.ical.parsed import components

EVENT = "VEVENT"
_LINE = re.compile(r"([A-Za-z0-9-]+)(?:;[^:\"]*(?:\"[^\"]*\"[^:\"]*)*)?:(.*)", re.DOTALL)


@dataclass(slots=True)
class Block:
    """Where an event stands in the file: property → line and raw value."""

    line: int
    lines: dict[str, list[tuple[int, str]]] = field(default_factory=dict)

    def values(self, name: str) -> list[str]:
        return [value for _, value in self.lines.get(name, ())]


def blocks_of(path: Path, data: bytes, problems: list[Problem]) -> list[Block]:
    """Where every event and its properties stand, in the order of the file; says what is no line of a calendar."""

    def say(line: int, reason: str, value: str | None = None, fix: str | None = None) -> None:
        problems.append(Problem(place=Place(file=str(path), line=line), path="", reason=reason, value=value, fix=fix))

    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        say(data[: error.start].count(b"\n") + 1, "this is no UTF-8", fix="export the calendar again as .ics")
        return []
    blocks: list[Block] = []
    open_parts: list[tuple[str, int]] = []
    for line, content in _unfolded(text):
        match = _LINE.fullmatch(content)
        if match is None:
            say(line, "no line of a calendar", content, "export the calendar again as .ics")
            continue
        name, value = match[1].upper(), match[2]
        if name == "BEGIN":
            open_parts.append((value.upper(), line))
            if value.upper() == EVENT:
                blocks.append(Block(line))
        elif name == "END":
            if not open_parts or open_parts[-1][0] != value.upper():
                say(line, f"nothing that ends here began as {value}", fix="export the calendar again as .ics")
                return blocks
            open_parts.pop()
        elif open_parts and open_parts[-1][0] == EVENT:
            blocks[-1].lines.setdefault(name, []).append((line, value))
    for part, line in open_parts:
        say(line, f"{part} has no end", fix="copy the whole file")
    return blocks


def _unfolded(text: str) -> list[tuple[int, str]]:
    """Lines that are not empty, each with the number of its first piece; a piece that begins with a blank goes on with the last."""
    lines: list[tuple[int, str]] = []
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if line[:1] in {" ", "\t"} and lines:
            lines[-1] = (lines[-1][0], lines[-1][1] + line[1:])
        elif line.strip():
            lines.append((number, line))
    return lines


def components_of(path: Path, data: bytes, problems: list[Problem]) -> list[Any]:
    """The calendars of the file; says what is wrong with it where the lines do not say it already."""
    try:
        return components(data)
    except ValueError as error:
        if not problems:
            reason, _, fix = str(error).partition("; ")
            problems.append(Problem(place=Place(file=str(path), line=1), path="", reason=reason, fix=fix))
        return []
