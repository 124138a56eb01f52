"""`slamon whatif`: the recorded facts by another contract: what would this clause have paid?"""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import click

from slamon.cli.asking import ask
from slamon.cli.options import config_option, format_option, state_option
from slamon.config import Config, nodes
from slamon.config.contract import read_contract
from slamon.config.reader import Reader
from slamon.errors import ConfigError, Problem, UsageError
from slamon.judge import Source, find_contracts, judge_once
from slamon.report import json as report_json
from slamon.report import text as report_text
from slamon.report.comparison import compared
from slamon.report.layout import WIDTH
from slamon.sla import periods
from slamon.sla.lines import Period
from slamon.sla.statement import Statement
from slamon.sla.terms import Contract
from slamon.sla.terms.composition import Composition, names


@click.command(short_help="Judge the recorded facts by another contract.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--contract", "name", metavar="NAME", help="Which contract of FILE; needed when it has several.")
@click.option(
    "--against",
    metavar="NAME",
    required=True,
    help="The contract of the configuration whose service and facts are judged.",
)
@click.option(
    "--period", default="previous", show_default=True, metavar="PERIOD", help="A period, or PERIOD to PERIOD."
)
@click.option("--full", is_flag=True, help="The whole statement of every period, not only the comparison.")
@config_option
@state_option
@format_option
def whatif(
    file: Path, name: str | None, against: str, period: str, full: bool, config: Path, state: Path, form: str
) -> None:
    """Judge the facts recorded for the contract --against by the contract in FILE, and compare what both would owe.

    FILE holds `contracts:` like a configuration or a test file. Its contract, with its amendments, is judged over the service of the
    other one, in the periods of the other one, with its own exclusions as far as its classes have them.
    """
    other = _contract(file, name)

    async def question(loaded: Config, source: Source, now: int) -> tuple[list[tuple[Statement, Statement]], int]:
        (own,) = find_contracts(loaded, against)
        _check_services(other, loaded)
        declarations = await source.declarations()
        pairs = []
        for each in _periods(own, period, now):
            over = _over(other, own.name, periods.version(own, each.start).service)
            both = [
                await judge_once(loaded, terms, each, source=source, declarations=declarations, as_of=now)
                for terms in (own, over)
            ]
            pairs.append((both[0], replace(both[1], contract=f"{own.name} by {other.name}")))
        return pairs, now

    pairs, as_of = ask(config, state, question)
    statements = [statement for pair in pairs for statement in pair]
    if form == "json":
        click.echo(report_json.dumps(report_json.document(statements, as_of=as_of)), nl=False)
        return
    terminal = sys.stdout.isatty()
    width = min(shutil.get_terminal_size().columns, WIDTH) if terminal else WIDTH
    click.echo(compared(pairs, width=width, colour=terminal), nl=False)
    if full:
        click.echo("\n" + report_text.render(statements, width=width, colour=terminal), nl=False)


def _over(contract: Contract, name: str, service: Composition) -> Contract:
    """Its terms, in all their versions, as those of the contract `name` for that service."""
    amendments = tuple(_over(each, name, service) for each in contract.amendments)
    return replace(contract, name=name, service=service, amendments=amendments)


def _check_services(contract: Contract, config: Config) -> None:
    """Raises UsageError for objectives about services that the configuration does not have."""
    known = ", ".join(config.services) or "none"
    unknown = dict.fromkeys(
        f"{objective.clause.place}: {objective.clause.path}.service: there is no such service in the configuration "
        f"(got {name!r}); the services are: {known}"
        for terms in (contract, *contract.amendments)
        for objective in terms.objectives
        for name in (() if objective.service is None else names(objective.service))
        if name not in config.services
    )
    if unknown:
        raise UsageError("\n".join(unknown))


def _periods(contract: Contract, text: str, now: int) -> list[Period]:
    if text == "current":
        return [periods.current(contract, now)]
    if text == "previous":
        return [periods.previous(contract, now)]
    return periods.several(contract, text)


def _contract(file: Path, name: str | None) -> Contract:
    """The contract of the file. Raises ConfigError or UsageError."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{file}: cannot be read: {getattr(error, 'strerror', None) or 'not text in UTF-8'}"
        ) from error
    problems: list[Problem] = []
    root = Reader.over(nodes.parse(text, str(file), problems), "", problems)
    contracts = None if root is None else root.mapping("contracts")
    if contracts is None or problems:
        raise ConfigError(problems) if problems else UsageError(f"{file}: there are no `contracts:` in this file")
    found = contracts.keys()
    if name is None and len(found) != 1:
        raise UsageError(f"{file} has {len(found)} contracts; choose one with --contract: {', '.join(found)}")
    chosen = found[0] if name is None else name
    node = contracts.take(chosen)
    if node is None:
        raise UsageError(f"{file}: there is no contract {chosen!r}; there are: {', '.join(found)}")
    contract = read_contract(chosen, node, problems, services=None, folder=file.parent)
    if contract is None or problems:
        raise ConfigError(problems)
    return contract
