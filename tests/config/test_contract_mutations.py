"""Whatever is done to a good contract, reading it ends in terms or in problems that say where."""

from __future__ import annotations

import copy
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from slamon.config.contract import latency_limits, read_contract
from slamon.config.nodes import parse
from slamon.errors import Problem
from tests.config.contracts import HEAD, PRICED
from tests.config.test_contract_keys import ROWS
from tests.config.test_mutations import parent, spots

TREES: list[Any] = [
    yaml.load((HEAD if "price:" in text else PRICED) + text, yaml.BaseLoader) for _, _, text, _, _ in ROWS
]
PIECES = [tree[key] for tree in TREES for key in tree]
"""What stands under the keys of one contract, to be put under those of another."""
WORDS = st.sampled_from(
    [
        *(
            "",
            "0",
            "10",
            "10s",
            "0s",
            "99999999999d",
            "100%",
            "99.9%",
            "101%",
            "1 day",
            "99999 days",
            "2 business days",
        ),
        *("1/0", "5 EUR", "5 USD", "3 points", "higher of 5 USD and 10%", "higher of higher of 1 USD and 2 USD and 3%"),
        *("each", "started 1h", "exact 0%", "nearest 0 of 1h", "nearest 0.1 of 1%", "each outage", "outages over 30m"),
        *("excess of latency", "excess of excess of latency", "runs of 0 bad slots", "breach of x", "points", "jitter"),
        *("availability", "latency", "loss", "p95", "p101", "worst 0s", "share over 10ms", "share below 1%", "pooled"),
        *("30 days after period end", "10d after notice", "31st of next month", "end of 1st next period", "report"),
        *("month", "contract year", "month from 29", "rolling 0s", "rolling 99999999d", "quarter", "any 0s"),
        *(
            "next 2 periods",
            "9 of 3 periods",
            "every period of year",
            "2026-02-29",
            "9999-12-31",
            "0001-01-01",
            "1970-01-01",
        ),
        *("mon-sun 00:00-24:00", "sat-mon 22:00-06:00 except holidays", "24:00-24:00", "US-NY", "none.ics", "9" * 5000),
        *(
            "over 99%",
            "below 99%",
            "0.01% down",
            "5 days up",
            "٣s",
            "é",
            "down over 1m",
            "loss over 0%",
            "hq-dia",
            "effective",
        ),
    ]
)
VALUES = st.one_of(
    WORDS,
    st.text(max_size=12),
    st.lists(WORDS, max_size=3),
    st.dictionaries(WORDS, WORDS, max_size=3),
    st.sampled_from(PIECES),
)


def read(tree: Any) -> None:
    text = yaml.safe_dump(tree, sort_keys=False)
    problems: list[Problem] = []
    node = parse(text, "f.yml", problems)
    if node is None:
        return
    before = len(problems)
    terms = read_contract("hq", node, problems, services=None, warnings=[], contracts=("x", "y"))
    assert (terms is None) == (len(problems) > before)
    for problem in problems:
        assert problem.place is not None, problem
        assert problem.reason
        assert problem.path.startswith("contracts.hq") or not problem.path
    if terms is not None:
        latency_limits([terms])


@given(data=st.data())
@settings(max_examples=400)
def test_mutated_contracts(data: st.DataObject) -> None:
    tree = copy.deepcopy(data.draw(st.sampled_from(TREES)))
    tree |= copy.deepcopy(data.draw(st.sampled_from(TREES)))
    for _ in range(data.draw(st.integers(1, 4))):
        path = data.draw(st.sampled_from(spots(tree)))
        holder, key = parent(tree, path), path[-1]
        match data.draw(st.sampled_from(["replace", "remove", "rename", "swap"])):
            case "replace":
                holder[key] = copy.deepcopy(data.draw(VALUES))
            case "remove":
                del holder[key]
            case "rename" if isinstance(holder, dict):
                holder[data.draw(WORDS)] = holder.pop(key)
            case _:
                other = data.draw(st.sampled_from(spots(tree)))
                holder[key] = copy.deepcopy(parent(tree, other)[other[-1]])
        if not spots(tree):
            break
    read(tree)


@given(data=st.data())
@settings(max_examples=150)
def test_amended_contracts(data: st.DataObject) -> None:
    first, later = (copy.deepcopy(data.draw(st.sampled_from(TREES))) for _ in range(2))
    changes = data.draw(st.lists(st.sampled_from(sorted(later)), max_size=3))
    day = data.draw(st.sampled_from(["2026-07-01", "2026-07-15", "1970-01-01", "9998-12-31", "2026-02-30"]))
    amendment = {"effective": day} | {key: later[key] for key in changes}
    read({**first, "amendments": [amendment, *data.draw(st.lists(VALUES, max_size=1))]})
