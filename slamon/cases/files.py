"""Where the contracts of a test file come from: the file itself, and the files it names."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

from slamon.config import nodes
from slamon.config.contract import read_contract
from slamon.config.reader import Reader, converted, expected, join
from slamon.errors import Place, Problem
from slamon.sla.terms import Contract

Contracts: TypeAlias = dict[str, Contract | None]
"""By name; None for one that does not load, which is reported."""


def text_of(path: Path, problems: list[Problem]) -> str | None:
    """None when it cannot be read, which is reported at the file itself."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        place = Place(file=str(path), line=1)
        problems.append(Problem(place=place, path="", reason=f"cannot be read: {_why(error)}"))
        return None


def read_contracts(reader: Reader, path: Path, problems: list[Problem]) -> Contracts:
    """Those of `contracts` and `contract_files` of the test file at `path`."""
    if "contracts" not in reader and "contract_files" not in reader:
        reader.require("contracts", why="a test judges contracts, written here or in `contract_files`")
    maps = [(reader.mapping("contracts"), path)]
    for i, node in enumerate(reader.sequence("contract_files") or ()):
        where = f"contract_files[{i}]"
        if isinstance(node, nodes.Scalar):
            file = converted(node, lambda text: path.parent / text, where, problems)
            outer = None if file is None else Reader.over(_tree(file, node, where, problems), "", problems)
            if outer is not None and file is not None and outer.require("contracts"):
                maps.append((outer.mapping("contracts"), file))
        else:
            expected(node, where, problems, "a path")
    written = [(inner, file, inner.keys()) for inner, file in maps if inner is not None]
    names = {name for _, _, keys in written for name in keys}
    if written and not names:
        reader.problem("contracts", "no contract", fix="write at least one, or name a file that has one")
    found: Contracts = {}
    for inner, file, keys in written:
        for name in keys:
            terms = inner.take(name)
            place = inner.key_place(name)
            if name in found:
                reason = "another contract of this test file has the name"
                fix = "rename one of them"
                problems.append(Problem(place=place, path=join(inner.path, name), reason=reason, fix=fix))
            else:
                assert terms is not None
                found[name] = read_contract(
                    name, terms, problems, services=None, place=place, folder=file.parent, contracts=names
                )
    return found


def _tree(file: Path, named: nodes.Scalar, where: str, problems: list[Problem]) -> nodes.Node | None:
    """A file a test file names; that it cannot be read is reported where it is named."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = f"cannot be read: {_why(error)}"
        fix = f"paths are relative to this file: {file.parent}"
        problems.append(Problem(place=named.place, path=where, reason=reason, value=named.text, fix=fix))
        return None
    before = len(problems)
    root = nodes.parse(text, str(file), problems)
    if root is None and len(problems) == before:
        problems.append(Problem(place=named.place, path=where, reason="the file is empty", value=named.text))
    return root


def _why(error: OSError | UnicodeDecodeError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "not text in UTF-8"
    return error.strerror or str(error)
