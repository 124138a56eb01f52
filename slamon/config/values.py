"""The types of single values in a configuration: what text is accepted, what it becomes, how an editor's schema describes it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from slamon import units
from slamon.model import DAY, HOUR, MS, S, Sampling

T = TypeVar("T")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_LABEL = re.compile(r"[a-zA-Z][a-zA-Z0-9_]*")
RESERVED_LABELS = frozenset(
    {
        "target",
        "service",
        "probe",
        "family",
        "vantage",
        "address",
        "provider",
        "via",
        "witness",
        "instance",
        "job",
        "le",
    }
)
"""Labels the metrics already carry, or Prometheus adds itself."""


def one(convert: Callable[[str], T]) -> Callable[[object], T]:
    """A validator that takes one text and nothing else; `convert` raises ValueError as `reason; fix`."""

    def read(value: object) -> T:
        if not isinstance(value, str):
            raise PydanticCustomError("one_value", "this must be one value")
        if not value.strip():
            raise ValueError("no value; write one, or leave the key out")
        return convert(value)

    return read


def several(value: object) -> object:
    """One text stands for a list of one."""
    return [value] if isinstance(value, str) else value


def within(low: int, high: int, what: str) -> Callable[[int], int]:
    """A validator of a duration in nanoseconds, both ends allowed."""

    def check(value: int) -> int:
        if not low <= value <= high:
            raise ValueError(f"{what} is from {units.format_duration(low)} to {units.format_duration(high)}")
        return value

    return check


def name(text: str) -> str:
    """A name in the configuration: it becomes a metric label, a part of a file name, an argument."""
    if not _NAME.fullmatch(text):
        raise ValueError("a name has 1 to 63 letters, digits, `-`, `_` and `.` and begins with a letter or digit")
    return text


def label(text: str) -> str:
    """The name of a custom label, as Prometheus takes it."""
    if not _LABEL.fullmatch(text) or len(text) > 63:
        raise ValueError("a label has letters, digits and `_` and begins with a letter; write for example site")
    if text in RESERVED_LABELS:
        raise ValueError("this label is already used by slamon or Prometheus; choose another name")
    return text


def family(text: str) -> int:
    if text not in {"4", "6"}:
        raise ValueError("not an address family; write 4 or 6")
    return int(text)


def quorum(text: str) -> str:
    """`any`, `all` or `at_least n`, n ≥ 1."""
    if text in {"any", "all"} or re.fullmatch(r"at_least [1-9]\d{0,4}", text):
        return text
    raise ValueError("not a rule for `up`; write any, all or at_least 2")


def number(low: int, high: int) -> Callable[[str], int]:
    """A converter to a whole number, both ends allowed."""

    def convert(text: str) -> int:
        value = units.count(text)
        if not low <= value <= high:
            raise ValueError(f"this is a number from {low} to {high}")
        return value

    return convert


def interface(text: str) -> str:
    """A network interface as Linux names them: up to 15 bytes (IFNAMSIZ − 1), no space, no slash."""
    if not re.fullmatch(r"[!-.0-~]{1,15}", text) or text in {".", ".."}:
        raise ValueError("not the name of a network interface; write for example eth0")
    return text


def prefix(text: str) -> str:
    """An address, or a prefix without bits behind its length, in the one spelling of a prefix."""
    try:
        return str(ipaddress.ip_network(text))
    except ValueError as error:
        try:
            meant = str(ipaddress.ip_network(text, strict=False))
        except ValueError:
            raise ValueError(
                "neither an address nor a prefix; write for example 198.51.100.1 or 2001:db8::/32"
            ) from error
        raise ValueError(f"a prefix with bits behind its length; write {meant}") from error


DSCP: dict[str, int] = {
    **{f"CS{n}": 8 * n for n in range(8)},
    **{f"AF{n}{drop}": 8 * n + 2 * drop for n in range(1, 5) for drop in range(1, 4)},
    "EF": 46,
    "VA": 44,
    "LE": 1,
}
"""Names of code points (RFC 2474, 2597, 3246, 5865, 8622)."""


def dscp(text: str) -> int:
    """A code point by name or number."""
    if text.upper() in DSCP:
        return DSCP[text.upper()]
    if not text.isascii() or not text.isdigit() or int(text) > 63:
        raise ValueError("not a code point; write a name such as EF or AF41, or a number from 0 to 63")
    return int(text)


def flag(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError("write true or false")
    return text == "true"


def sampling(text: str) -> Sampling:
    try:
        return Sampling(text)
    except ValueError:
        raise ValueError("not a way of sampling; write periodic or poisson") from None


def verbatim(text: str) -> str:
    return text


def pattern(expression: str, *examples: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^(?:{expression})$", "examples": list(examples)})


def _integer(low: int, high: int) -> WithJsonSchema:
    return WithJsonSchema({"type": "integer", "minimum": low, "maximum": high})


DURATION_PATTERN = r"(?=\d)(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?(\d+us)?"
DURATION_SCHEMA = pattern(DURATION_PATTERN, "10s", "1h30m", "250ms")

Text = Annotated[str, BeforeValidator(one(verbatim)), WithJsonSchema({"type": ["string", "number"]})]
Name = Annotated[
    str, BeforeValidator(one(name)), WithJsonSchema({"type": ["string", "integer"], "pattern": f"^{_NAME.pattern}$"})
]
Label = Annotated[str, BeforeValidator(one(label)), pattern(_LABEL.pattern, "site")]
Texts = Annotated[
    tuple[Text, ...],
    BeforeValidator(several),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
Duration = Annotated[int, BeforeValidator(one(units.duration)), DURATION_SCHEMA]

Interval = Annotated[Duration, AfterValidator(within(10 * MS, DAY, "an interval"))]
"""10 ms is the finest tick of the scheduler; more than a day measures nothing."""
Timeout = Annotated[Duration, AfterValidator(within(MS, HOUR, "a timeout"))]
Refresh = Annotated[Duration, AfterValidator(within(S, HOUR, "the refresh"))]
KeepRaw = Annotated[Duration, AfterValidator(within(HOUR, 3650 * DAY, "the time raw packets are kept"))]
Family = Annotated[int, BeforeValidator(one(family)), WithJsonSchema({"enum": [4, 6]})]
Quorum = Annotated[str, BeforeValidator(one(quorum)), pattern(r"any|all|at_least [1-9]\d*", "any", "all", "at_least 2")]
Count = Annotated[int, BeforeValidator(one(number(1, 1000))), _integer(1, 1000)]
Gap = Annotated[Duration, AfterValidator(within(10 * MS, HOUR, "a gap"))]
SamplingWord = Annotated[
    Sampling, BeforeValidator(one(sampling)), WithJsonSchema({"enum": [str(one) for one in Sampling]})
]
Dscp = Annotated[
    int,
    BeforeValidator(one(dscp)),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0, "maximum": 63}, {"enum": [*DSCP]}]}),
]
Ttl = Annotated[int, BeforeValidator(one(number(1, 255))), _integer(1, 255)]
Flag = Annotated[bool, BeforeValidator(one(flag)), WithJsonSchema({"type": "boolean"})]
Consecutive = Annotated[int, BeforeValidator(one(number(1, 1000))), _integer(1, 1000)]
"""So many results in a row decide up or down."""
Interface = Annotated[str, BeforeValidator(one(interface)), WithJsonSchema({"type": "string", "maxLength": 15})]
Prefix = Annotated[str, BeforeValidator(one(prefix)), WithJsonSchema({"type": "string"})]
Prefixes = Annotated[
    tuple[Prefix, ...],
    BeforeValidator(several),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
Port = Annotated[int, BeforeValidator(one(number(0, 65535))), _integer(0, 65535)]
"""0 = any free port, which the log then names."""
Mark = Annotated[int, BeforeValidator(one(number(1, 2**32 - 1))), _integer(1, 2**32 - 1)]
"""SO_MARK: a firewall mark is 32 bits, 0 = none."""
