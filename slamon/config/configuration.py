"""The configuration as one value: reads the main file and what it includes, and either returns a Config or says every mistake."""

from __future__ import annotations

import glob
import socket
from collections.abc import Mapping as Lookup
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TypeVar

from slamon.config import nodes
from slamon.config.basis import basis, named
from slamon.config.composition import circle, supporting
from slamon.config.contract import latency_limits, read_contract
from slamon.config.edge import Keys, Report, key_at, read
from slamon.config.environment import Expansion, Secrets, SecretValues, environment, not_expanded
from slamon.config.nodes import Mapping, Node, Scalar
from slamon.config.sections import Included, Main
from slamon.config.services import Assembly, Service, Source
from slamon.config.values import name as valid_name
from slamon.errors import ConfigError, Place, Problem
from slamon.model import Target
from slamon.probe import Kind
from slamon.probes import kinds as probe_kinds
from slamon.sla.terms import Contract

Section = TypeVar("Section", bound=Included)

LOCAL = "local"
"""Name of the vantage when the host's name cannot be one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreConfig:
    path: Path | None
    """None = the state directory's own."""
    keep_raw: int
    """Nanoseconds single packets are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebConfig:
    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A configuration without a mistake: every reference is to something that is here."""

    path: Path
    """The main file, as it was given."""
    files: tuple[Path, ...]
    """All files read, the main one first."""
    vantage: str
    labels: tuple[str, ...]
    """Names of the custom labels, in the order of the metrics."""
    services: Lookup[str, Service]
    targets: Lookup[str, Target]
    contracts: Lookup[str, Contract]
    contract_texts: Lookup[str, str]
    """`text_sha256` of a contract → the text it is the hash of, as JSON; to be kept with the facts."""
    contract_nodes: Lookup[str, Node]
    """The contracts as they are written."""
    store: StoreConfig
    web: WebConfig
    judge_refresh: int
    """Nanoseconds between two judgements of the open periods."""
    warnings: tuple[Problem, ...]
    """What is allowed and rarely meant."""

    def latency_limits(self) -> tuple[int, ...]:
        """Every round-trip time a contract compares with, in nanoseconds, ascending."""
        return latency_limits(tuple(self.contracts.values()))


def load(
    path: Path,
    *,
    variables: Lookup[str, str] | None = None,
    kinds: Lookup[str, Kind] | None = None,
    secrets: Secrets = Secrets.NEEDED,
) -> Config:
    """The configuration in the file `path` and the files it includes.

    `variables` replaces the environment, `kinds` the kinds of probes in slamon/probes; `secrets`: what they are wanted for. Raises
    ConfigError with every problem of every file, in the order of the files.
    """
    return _Loading(path, environment() if variables is None else variables, kinds, secrets).run()


class _Loading:
    def __init__(
        self, path: Path, variables: Lookup[str, str], kinds: Lookup[str, Kind] | None, secrets: Secrets
    ) -> None:
        self.path = path
        self.kinds = probe_kinds() if kinds is None else kinds
        self.files: list[Path] = []
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.expansion = Expansion(variables)
        self.secret_values = SecretValues(secrets, self.expansion, self.warnings)
        self.written: dict[str, Node] = {}
        self.places: dict[tuple[str, str], Place] = {}

    def run(self) -> Config:
        found = self.file(self.path, Main)
        if found is None:
            raise ConfigError(self.sorted(self.problems))
        main, report = found
        sources = [Source(main, report)]
        for path in self.included(main, report):
            included = self.file(path, Included)
            if included is not None:
                sources.append(Source(*included))
        assembly = Assembly(self.kinds, main.labels, self.problems, self.secret_values)
        for source in sources:
            self.unique(source, "services")
            assembly.add(source, sources[0])
        assembly.finish()
        found_contracts = self.contracts(sources, assembly)
        if self.problems or self.expansion.problems:
            raise ConfigError(self.sorted(self.problems))
        judged_by = {
            name: basis(contract, self.written[name], assembly.services, assembly.targets)
            for name, contract in found_contracts.items()
        }
        contracts = {name: named(contract, judged_by[name]) for name, contract in found_contracts.items()}
        return Config(
            path=self.path,
            files=tuple(self.files),
            vantage=main.vantage or vantage(),
            labels=main.labels,
            services=assembly.services,
            targets=assembly.targets,
            contracts=contracts,
            contract_texts={contract.text_sha256: judged_by[name] for name, contract in contracts.items()},
            contract_nodes=self.written,
            store=StoreConfig(
                path=None if main.store.path is None else self.path.parent / main.store.path,
                keep_raw=main.store.keep_raw,
            ),
            web=WebConfig(host=main.web.host, port=main.web.port),
            judge_refresh=main.judge.refresh,
            warnings=tuple(self.sorted(self.warnings)),
        )

    def file(self, path: Path, model: type[Section]) -> tuple[Section, Report] | None:
        """The sections of one file; None after reporting why there are none."""
        self.files.append(path)
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            self.say(path, f"the file is not UTF-8 text (byte {error.start})")
            return None
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            self.say(path, f"the file cannot be read: {reason}")
            return None
        before = len(self.problems)
        root = nodes.parse(text, str(path), self.problems)
        if root is None:
            if len(self.problems) == before:
                self.say(path, "the file is empty")
            return None
        report = Report(self.expanded(root), "", self.problems)
        sections = read(model, report)
        return None if sections is None else (sections, report)

    def say(self, path: Path, reason: str) -> None:
        self.problems.append(Problem(place=Place(file=str(path), line=1), path="", reason=reason))

    def expanded(self, root: Node) -> Node:
        """`root` with the environment's values, but for contracts: what they say must not depend on who reads them."""
        if not isinstance(root, Mapping):
            return root
        items: list[tuple[Scalar, Node]] = []
        for key, value in root.items:
            if key.text == "contracts":
                self.warnings += not_expanded(value, key.text)
                items.append((key, value))
            else:
                items.append((key, self.expansion.expand(value, key.text)))
        return Mapping(items=tuple(items), place=root.place)

    def included(self, main: Main, report: Report) -> list[Path]:
        """The files named by `include`, each once, in the order of the patterns and by name within one."""
        found: dict[Path, None] = {}
        for at, pattern in enumerate(main.include):
            keys: Keys = ("include", at) if isinstance(report.below("include").node, nodes.Sequence) else ("include",)
            anywhere = Path(glob.escape(str(self.path.parent))) / pattern
            matches = sorted(glob.glob(str(anywhere), recursive=True))  # noqa: PTH207 - Path.glob refuses absolute patterns
            files = [Path(match) for match in matches if not self.is_main(Path(match))]
            if not matches and not glob.has_magic(pattern):
                report.say(keys, "there is no such file", fix="paths start at the folder of this file")
            elif not matches:
                Report(report.node, report.path, self.warnings).say(keys, "no file matches")
            found.update(dict.fromkeys(files))
        return list(found)

    def is_main(self, path: Path) -> bool:
        """A pattern may match the file it stands in."""
        return path.resolve() == self.path.resolve()

    def unique(self, source: Source, section: str) -> None:
        """Reports the names of a section that another file has already used."""
        names = source.keys.services if section == "services" else source.keys.contracts
        for name in names:
            place = key_at(source.report.node, (section, name))[0]
            first = self.places.setdefault((section, name), place)
            if first != place:
                reason = f"this name is already used at {first}"
                source.report.say((section, name), reason, fix="rename or remove one of them", show=False, at_key=True)

    def contracts(self, sources: list[Source], assembly: Assembly) -> dict[str, Contract]:
        targets = {service.name: service.targets for service in assembly.services.values()}
        names = {name for source in sources for name in source.keys.contracts}
        contracts: dict[str, Contract] = {}
        for source in sources:
            self.unique(source, "contracts")
            for name in source.keys.contracts:
                below = source.report.below("contracts", name)
                contract = read_contract(
                    name,
                    below.node,
                    self.problems,
                    services=targets,
                    warnings=self.warnings,
                    place=below.place(),
                    folder=Path(below.place().file).parent,
                    contracts=names,
                )
                if contract is not None:
                    contracts.setdefault(name, contract)
                    self.written.setdefault(name, below.node)
        self.supported(sources, contracts)
        return contracts

    def supported(self, sources: list[Source], contracts: Lookup[str, Contract]) -> None:
        """Reports contracts that rest on themselves, over others or not."""
        rests_on = {
            name: {below for version in (contract, *contract.amendments) for below in supporting(version)}
            for name, contract in contracts.items()
        }
        for source in sources:
            for name in source.keys.contracts:
                way = circle(rests_on, name)
                if way is not None:
                    reason = f"a contract that rests on itself: {' → '.join(way)}"
                    keys = ("contracts", name, "supported_by")
                    source.report.say(keys, reason, fix="name the contracts below it only", show=False)

    def sorted(self, problems: list[Problem]) -> list[Problem]:
        """In file order, each once; where a variable is not set, what its absence made wrong is not said too."""
        order = {str(path): at for at, path in enumerate(self.files)}
        variables = self.expansion.problems
        unset = {problem.place for problem in variables}
        every = dict.fromkeys(problem for problem in problems if problem.place not in unset)
        if problems is self.problems:
            every = dict.fromkeys(chain(every, variables))

        def place(problem: Problem) -> tuple[int, int, int]:
            if problem.place is None:
                return (-1, 0, 0)
            return (order.get(problem.place.file, len(order)), problem.place.line, problem.place.column)

        return sorted(every, key=place)


def vantage() -> str:
    """The host's name, or `local` when that is no name a metric can carry."""
    try:
        return valid_name(socket.gethostname())
    except (OSError, ValueError):
        return LOCAL
