"""Contracts as text for the tests of their reading."""

from __future__ import annotations

from pathlib import Path

from slamon.config.contract import read_contract
from slamon.config.nodes import parse
from slamon.errors import Problem
from slamon.sla.terms import Contract

HEAD = "service: hq-dia\nprovider: Acme Telecom\ntimezone: America/New_York\n"
PRICED = HEAD + "price: 1000 USD/month\n"
SERVICES = {"hq-dia": ("hq-dia/a", "hq-dia/b"), "spare": ("spare/c",)}


def contract(text: str, *, folder: Path | None = None, services: bool = False) -> tuple[Contract, list[str]]:
    """The terms and the warnings of a contract that must be right."""
    problems: list[Problem] = []
    warnings: list[Problem] = []
    node = parse(text, "dir/slamon.yml", problems)
    assert node is not None
    terms = read_contract(
        "hq", node, problems, services=SERVICES if services else None, warnings=warnings, folder=folder
    )
    assert [str(problem) for problem in problems] == []
    assert terms is not None
    return terms, [str(warning) for warning in warnings]


def terms_of(text: str) -> Contract:
    return contract(text)[0]


def mistakes(text: str, *, contracts: tuple[str, ...] | None = None, folder: Path | None = None) -> list[str]:
    problems: list[Problem] = []
    node = parse(text, "f.yml", problems)
    assert node is not None
    assert read_contract("hq", node, problems, services=SERVICES, contracts=contracts, folder=folder) is None
    return [str(problem) for problem in problems]
