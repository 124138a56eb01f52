"""Values → the words of the Prometheus text format: the one place where exact numbers may become floats."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from slamon.model import S

_ESCAPED = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_HELP_ESCAPED = str.maketrans({"\\": r"\\", "\n": r"\n"})


def escape(value: str) -> str:
    """A label value as the format wants it between quotes."""
    return value.translate(_ESCAPED)


def escape_help(value: str) -> str:
    """A HELP text as the format wants it: one line."""
    return value.translate(_HELP_ESCAPED)


def pairs(labels: Iterable[tuple[str, str]]) -> str:
    """`[("a", "x")]` → `a="x"`, without braces so that more can be appended."""
    return ",".join(f'{name}="{escape(value)}"' for name, value in labels)


def seconds(ns: int) -> str:
    """Integer nanoseconds → exact decimal seconds; a float would lose nanoseconds after 104 days."""
    if ns < 0:
        return "-" + seconds(-ns)
    text = str(ns)
    whole, rest = text[:-9], text[-9:]
    if not whole:  # less than a second
        return f"0.{ns:09d}" if ns else "0"
    return f"{whole}.{rest}" if ns % S else whole


def ratio(value: Fraction) -> str:
    """The nearest float: int / int is correctly rounded whatever the size of the two."""
    return repr(value.numerator / value.denominator)


def number(value: Fraction) -> str:
    """A count or a number of days; a mean of them is the nearest float."""
    return str(value.numerator) if value.denominator == 1 else ratio(value)


def ratio_seconds(ns: Fraction) -> str:
    """Exact, possibly fractional nanoseconds (a mean) → the nearest float in seconds."""
    return repr(ns.numerator / (ns.denominator * S))


def edge(ns: int) -> str:
    """The `le` of a bucket, in the form Prometheus itself normalises to: `0.025`, `1.0`, `5e-05`."""
    return repr(ns / S)
