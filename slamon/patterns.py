"""Regular expressions that are searched in what a server under test wrote: none may take the loop that serves every target for long."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Annotated, TypeAlias

import regex
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from slamon.model import Reading, Result
from slamon.probe import Ended

SEARCH = 0.05
"""Seconds of one search: what is searched in, the server chooses."""


@lru_cache(maxsize=4096)
def _bounded(pattern: re.Pattern[str]) -> regex.Pattern[str]:
    """The same pattern, whose search can be given a time. Raises PydanticCustomError where it is none."""
    try:
        return regex.compile(pattern.pattern, regex.VERSION0)
    except regex.error as error:
        raise PydanticCustomError(
            "pattern_regex", "not a regular expression: {error}", {"error": str(error)}
        ) from error


def _searchable(pattern: re.Pattern[str]) -> re.Pattern[str]:
    _bounded(pattern)
    return pattern


Expression: TypeAlias = Annotated[re.Pattern[str], AfterValidator(_searchable)]
"""A setting of a kind."""


def occurs(pattern: re.Pattern[str], text: str, setting: str) -> bool:
    """Raises Ended where that takes too long to tell: nothing is said then of the server. `setting`: the name of the pattern."""
    try:
        return _bounded(pattern).search(text, timeout=SEARCH) is not None
    except TimeoutError:
        detail = (
            f"{setting} {pattern.pattern!r} took longer than {SEARCH * 1000:.0f} ms on this answer; write a simpler one"
        )
        raise Ended(Reading(Result.LOCAL_ERROR, detail=detail)) from None
