"""A contract with every default filled in, as YAML again, each line with where its value comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from slamon.config import clauses
from slamon.config.edge import Section, models_of
from slamon.config.nodes import Mapping as Tree
from slamon.config.nodes import Node, Scalar, Sequence, flow

DEFAULTS: Mapping[tuple[str, str], str] = {
    ("Contract", "kind"): "sla",
    ("Contract", "period"): "month",
    ("Contract", "service_hours"): "daily 00:00-24:00",
    ("Contract", "business_days"): "mon-fri",
    ("Contract", "prorate"): "day",
    ("Contract", "credit_base"): "charge",
    ("Contract", "unknown"): "excluded",
    ("Contract", "min_coverage"): "50%",
    ("Contract", "exclusions"): "[]",
    ("Outage", "vantages"): "1",
    ("Outage", "merge_within"): "0s",
    ("Outage", "starts"): "measured",
    ("Outage", "ends"): "measured",
    ("Outage", "degraded_counts"): "0%",
    ("Outage", "belongs_to"): "start",
    ("Objective", "packets"): "received",
    ("Objective", "during"): "available",
    ("Objective", "total"): "in_scope",
    ("Objective", "display"): "0.000001% half_up",
    ("Termination", "scope"): "contract",
}
"""What a key means that is not written, where that can be written."""

ABSENT: Mapping[tuple[str, str], str] = {
    ("Contract", "customer"): "nobody is named",
    ("Contract", "document"): "no signed paper",
    ("Contract", "notes"): "none",
    ("Contract", "effective"): "with the term",
    ("Contract", "amendments"): "none",
    ("Contract", "term"): "open",
    ("Contract", "holidays"): "none",
    ("Contract", "price"): "none",
    ("Contract", "objectives"): "none",
    ("Contract", "credits"): "none",
    ("Contract", "combine"): "one credit at most, nothing to combine",
    ("Contract", "caps"): "100% of the period's charge; none without a price",
    ("Contract", "minimum_credit"): "any amount is given",
    ("Contract", "bonuses"): "none",
    ("Contract", "earn_back"): "never",
    ("Contract", "withhold"): "never",
    ("Contract", "claim"): "nobody has to claim",
    ("Contract", "terminate"): "no right to terminate",
    ("Contract", "reports"): "none agreed",
    ("Contract", "supported_by"): "no other contract",
    ("Outage", "after"): "each target's own rule",
    ("Outage", "until"): "each target's own rule",
    ("Outage", "slot"): "none",
    ("Outage", "bad_slot"): "none",
    ("Outage", "at_least"): "any length counts",
    ("Outage", "over"): "any length counts",
    ("Outage", "weigh_by"): "an outage counts whole",
    ("Exclusion", "notice"): "none",
    ("Exclusion", "hours"): "any",
    ("Exclusion", "allowance"): "unlimited",
    ("Exclusion", "lodge"): "no cut-off",
    ("Objective", "measure"): "its name",
    ("Objective", "service"): "the contract's",
    ("Objective", "target"): "shown only",
    ("Objective", "minimum"): "none",
    ("Objective", "mean_of"): "this period alone",
    ("Objective", "round"): "exact",
    ("Objective", "over"): "the worst target",
    ("Credit", "measure"): "its name",
    ("Credit", "cap"): "none",
    ("Bonus", "measure"): "its name",
    ("Bonus", "cap"): "none",
    ("Bonus", "within"): "the period",
    ("Condition", "measure"): "its name",
    ("Condition", "within"): "the period",
    ("Termination", "measure"): "its name",
    ("Termination", "within"): "the period",
    ("Termination", "notice"): "none",
    ("Termination", "cure"): "none",
    ("Termination", "exercise"): "none",
}
"""What a key means that is not written and has nothing to write; keys that only belong to another form are not listed."""

ONLY_FOR: Mapping[tuple[str, str], frozenset[str]] = {
    ("Objective", "packets"): frozenset({"latency", "jitter"}),
    ("Objective", "during"): frozenset({"latency", "jitter", "loss"}),
    ("Objective", "over"): frozenset({"latency", "jitter", "loss"}),
    ("Objective", "total"): frozenset({"availability"}),
    ("Objective", "display"): frozenset({"availability", "loss"}),
}
"""Keys of an objective that only some measures have."""

WIDTH = 60
"""Column of the remarks."""


def shown(name: str, node: Node, origins: Mapping[str, str], measures: Mapping[str, str]) -> str:
    """YAML text. `origins`: as the contract has them; `measures`: objective → what it measures."""
    lines = [("contracts:", ""), (f"  {name}:", _place(node))]
    lines += _section(clauses.Contract, node, "", origins, measures, 4)
    return "\n".join(_line(text, remark) for text, remark in lines) + "\n"


def _line(text: str, remark: str) -> str:
    return f"{text.ljust(WIDTH)}  # {remark}" if remark else text


def _place(node: Node) -> str:
    return f"{node.place.file.rpartition('/')[2]}:{node.place.line}"


def _section(
    model: type[Section],
    node: Node | None,
    path: str,
    origins: Mapping[str, str],
    measures: Mapping[str, str],
    indent: int,
) -> Iterator[tuple[str, str]]:
    pad = " " * indent
    for field_name, field in model.model_fields.items():
        key = field.alias or field_name
        where = f"{path}{key}"
        own = node.get(key) if isinstance(node, Tree) else None
        inner = next((found for found in models_of(field) if issubclass(found, Section)), None)
        if own is not None:
            yield from _written(key, own, inner, where, origins, measures, indent)
        elif inner is clauses.Outage:
            yield f"{pad}{key}:", "default"
            yield from _section(inner, None, f"{where}.", origins, measures, indent + 2)
        else:
            yield from _unwritten(model.__name__, key, where, origins, measures, pad)


def _written(
    key: str,
    node: Node,
    inner: type[Section] | None,
    where: str,
    origins: Mapping[str, str],
    measures: Mapping[str, str],
    indent: int,
) -> Iterator[tuple[str, str]]:
    pad = " " * indent
    if inner is None or isinstance(node, Scalar):
        yield f"{pad}{key}: {flow(node)}", _place(node)
        return
    yield f"{pad}{key}:", _place(node)
    if isinstance(node, Sequence):
        for at, entry in enumerate(node.items):
            first = True
            for text, remark in _section(inner, entry, f"{where}[{at}].", origins, measures, indent + 4):
                yield (f"{pad}  - {text.lstrip()}" if first and not text.lstrip().startswith("#") else text), remark
                first = first and text.lstrip().startswith("#")
        return
    assert isinstance(node, Tree)
    if key in {"objectives", "credits", "bonuses", "earn_back", "withhold", "customer", "provider"}:
        for name, entry in node.items:
            yield f"{pad}  {name.text}:", _place(entry)
            yield from _section(inner, entry, f"{where}.{name.text}.", origins, measures, indent + 4)
    else:
        yield from _section(inner, node, f"{where}.", origins, measures, indent + 2)


def _unwritten(
    model: str, key: str, where: str, origins: Mapping[str, str], measures: Mapping[str, str], pad: str
) -> Iterator[tuple[str, str]]:
    origin = origins.get(where, "default")
    needs = ONLY_FOR.get((model, key))
    if needs is not None and measures.get(where.removeprefix("objectives.").rpartition(".")[0]) not in needs:
        return
    if origin.startswith("from "):
        yield f"{pad}# {key}: as {origin.removeprefix('from ')}", origin
    elif (model, key) in DEFAULTS:
        yield f"{pad}{key}: {DEFAULTS[model, key]}", origin
    elif (model, key) in ABSENT:
        yield f"{pad}# {key}: {ABSENT[model, key]}", origin
