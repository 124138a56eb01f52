"""The mistakes slamon tells people about, each with its place, its value and its fix, and the exit code it maps to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

OK = 0
CHECK_FAILED = 1
USAGE = 2
UNAVAILABLE = 69  # EX_UNAVAILABLE of sysexits(3): the store is locked, the port is taken, the daemon cannot be reached
BAD_CONFIG = 78  # EX_CONFIG of sysexits(3)


_USERINFO = re.compile(r"([A-Za-z][\w+.-]*://)\S*@|[^\s:/@'\"=]+:\S*@")
"""What stands before the last `@`, behind `://` or as `user:password`: rather too much than a part of a password that has an `@` itself."""


def masked(text: str) -> str:
    """The text without the user and password of any URL in it: messages are logged and sent around."""
    return _USERINFO.sub(lambda match: f"{match[1] or ''}…@", text)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Place:
    """A position in a text file; line and column count from 1, column 0 means the whole line."""

    file: str
    line: int
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.column else f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake of an operator: where it stands, what stands there, why it is wrong, what to write instead."""

    place: Place | None
    path: str
    """Dotted key path, for example `services.hq.targets.ping.interval`."""
    reason: str
    value: str | None = None
    fix: str | None = None

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        what = f"{self.path}: " if self.path else ""
        value = f" (got {self.value!r})" if self.value is not None else ""
        fix = f"; {self.fix}" if self.fix else ""
        return f"{where}{what}{masked(f'{self.reason}{value}{fix}')}"


class SlamonError(Exception):
    """Base of every error that is the operator's to mend; its text is the whole message."""

    exit_code = CHECK_FAILED


class ConfigError(SlamonError):
    """The configuration does not load; carries every problem found, in file order."""

    exit_code = BAD_CONFIG

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class UsageError(SlamonError):
    """The command line asks for something that does not exist, such as an unknown contract name."""

    exit_code = USAGE


class UnavailableError(SlamonError):
    """Something outside is in the way: a lock, a port, a file that cannot be written."""

    exit_code = UNAVAILABLE
