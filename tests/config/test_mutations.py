"""Whatever is done to a good configuration, loading it ends in a Config or in a ConfigError that says where."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from slamon.config import Config, load
from slamon.config.gives import shares
from slamon.errors import ConfigError, Problem
from slamon.model import DAY, HOUR, MS
from slamon.sla.terms import Contract
from slamon.sla.terms.composition import names
from slamon.sla.terms.conditions import Condition
from slamon.sla.terms.credits import Credit

CONFIG = Path(__file__).parents[2] / "config"
PARTS = ["slamon.yml", "conf.d/branches.yml"]
TEXT = "\n".join((CONFIG / part).read_text() for part in PARTS[:1]).replace("include: conf.d/*.yml", "")
BRANCHES = (CONFIG / PARTS[1]).read_text()
TREES: list[Any] = [yaml.load(text, yaml.BaseLoader) for text in (TEXT, BRANCHES)]

WORDS = st.sampled_from(
    [
        *(
            "",
            "0",
            "10",
            "-1",
            "10s",
            "0s",
            "99999999999d",
            "100%",
            "99.9%",
            "101%",
            "1e3",
            "1 day",
            "1/0",
            "5 EUR",
            "5 XYZ",
        ),
        *(
            "yes",
            "null",
            "gateway",
            "none",
            "any",
            "at_least 9",
            "at_least 99999999",
            "p101",
            "over 1%",
            "${HOME}",
            "$${",
            "${",
        ),
        *(
            "::1",
            "0.0.0.0",
            "hq-line/gateway",
            "hq-line",
            "availability",
            "latency",
            "icmp",
            "http",
            "9" * 5000,
            "٣s",
            "é",
            "\x00",
        ),
    ]
)
VALUES = st.one_of(
    WORDS,
    st.text(max_size=12),
    st.lists(WORDS, max_size=3),
    st.dictionaries(WORDS, WORDS, max_size=3),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mutations")


def loads(folder: Path, text: str | bytes) -> None:
    path = folder / "slamon.yml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    for problem in problems(path):
        assert problem.place is not None, problem
        assert problem.place.line >= 1
        assert problem.reason
        assert str(problem).encode()


def problems(path: Path) -> tuple[Problem, ...]:
    try:
        config = load(path, variables={"HOME": "/root"})
    except ConfigError as error:
        return error.problems or pytest.fail("refused without a reason")
    holds_together(config)
    return ()


def holds_together(config: Config) -> None:
    """What the rest of slamon takes for granted of a Config."""
    for name, target in config.targets.items():
        assert name == target.name
        assert target.service in config.services
        assert 10 * MS <= target.interval <= DAY
        assert 0 < target.timeout <= HOUR
        assert target.family in {4, 6}
        if target.witness is not None:
            assert target.witness != name
            assert config.targets[target.witness].interval <= target.interval
    for service in config.services.values():
        assert 1 <= service.quorum <= len(service.targets)
        assert set(service.targets) <= set(config.targets)
    for contract in config.contracts.values():
        for version in (contract, *contract.amendments):
            version_holds_together(version, config)
    assert config.latency_limits() == tuple(sorted(set(config.latency_limits())))


def version_holds_together(contract: Contract, config: Config) -> None:
    assert set(names(contract.service)) <= set(config.services)
    credits_ = (*contract.credits, *(bonus.credit for bonus in contract.bonuses))
    assert contract.prices or not any(shares(give) for credit in credits_ for give in credit.gives)
    objectives = {objective.name for objective in contract.objectives}
    terminations = (termination.condition for termination in contract.terminations)
    entries: tuple[Credit | Condition, ...] = (*credits_, *contract.earn_back, *contract.withhold, *terminations)
    for entry in entries:
        assert entry.subject.objective is None or entry.subject.objective in objectives


def spots(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of everything below a tree of dicts and lists."""
    found = [path] if path else []
    entries = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in entries:
        found += spots(value, (*path, key))
    return found


def parent(tree: Any, path: tuple[Any, ...]) -> Any:
    for key in path[:-1]:
        tree = tree[key]
    return tree


@given(data=st.data())
@settings(max_examples=300)
def test_mutated_structure(data: st.DataObject, folder: Path) -> None:
    tree = copy.deepcopy(data.draw(st.sampled_from(TREES)))
    for _ in range(data.draw(st.integers(1, 4))):
        path = data.draw(st.sampled_from(spots(tree)))
        holder, key = parent(tree, path), path[-1]
        match data.draw(st.sampled_from(["replace", "remove", "rename", "swap"])):
            case "replace":
                holder[key] = data.draw(VALUES)
            case "remove":
                del holder[key]
            case "rename" if isinstance(holder, dict):
                holder[data.draw(WORDS)] = holder.pop(key)
            case _:
                other = data.draw(st.sampled_from(spots(tree)))
                holder[key] = copy.deepcopy(parent(tree, other)[other[-1]])
        if not spots(tree):
            break
    loads(folder, yaml.safe_dump(tree, sort_keys=False))


@given(data=st.data())
@settings(max_examples=150)
def test_mutated_text(data: st.DataObject, folder: Path) -> None:
    text = data.draw(st.sampled_from([TEXT, BRANCHES]))
    for _ in range(data.draw(st.integers(1, 5))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 8)))
        text = (
            text[:start]
            + data.draw(
                st.sampled_from(
                    [
                        "",
                        " ",
                        "\t",
                        "\n",
                        ":",
                        ": ",
                        "- ",
                        "{",
                        "}",
                        "[",
                        "]",
                        "'",
                        '"',
                        "&a ",
                        "*a ",
                        "<<: ",
                        "!x ",
                        "%",
                        "#",
                        "|\n",
                        "\\",
                        "\x07",
                        "\ud800",
                    ]
                )
            )
            + text[end:]
        )
    loads(folder, text)


@given(st.binary(max_size=40))
@settings(max_examples=100)
def test_any_bytes(folder: Path, data: bytes) -> None:
    loads(folder, data)
