"""`slamon contract`: what the contracts say, with every default, and as a document."""

from __future__ import annotations

from pathlib import Path

import click
from markdown_it import MarkdownIt

from slamon.cli.options import config_option, load_config
from slamon.config import Config
from slamon.config.nodes import block
from slamon.config.shown import shown
from slamon.errors import UnavailableError
from slamon.judge import find_contracts
from slamon.model import Target
from slamon.report.document import markdown
from slamon.report.words import share
from slamon.sla.terms import Contract
from slamon.units import format_duration

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; }}
h1 {{ font-size: 1.6rem; }} h2 {{ font-size: 1.15rem; margin-top: 2rem; border-bottom: 1px solid #ccc; }}
table {{ border-collapse: collapse; margin: .5rem 0; }} th, td {{ border: 1px solid #ccc; padding: .25rem .6rem; text-align: left; }}
pre {{ background: #f5f5f5; padding: .8rem; overflow-x: auto; }} code {{ font-size: .9em; overflow-wrap: anywhere; }}
@media print {{ body {{ margin: 0; max-width: none; }} h2 {{ break-after: avoid; }} }}
</style>
</head>
<body>
{body}</body>
</html>
"""


@click.group(short_help="What the contracts say.")
def contract() -> None:
    """Show a contract with every default filled in, or write the agreement as a document."""


@contract.command(short_help="A contract with every default and where each comes from.")
@click.argument("name")
@config_option
def show(name: str, config: Path) -> None:
    """Print the contract NAME as YAML with every default filled in; behind each line where its value comes from."""
    loaded = load_config(config)
    (found,) = find_contracts(loaded, name)
    measures = {objective.name: objective.measure.value for objective in found.objectives}
    click.echo(shown(found.name, loaded.contract_nodes[found.name], found.origins, measures), nl=False)


@contract.command(short_help="The agreement as a document.")
@click.argument("name")
@config_option
@click.option("--format", "form", type=click.Choice(["markdown", "html"]), default="markdown", show_default=True)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write to this file, not to standard output.",
)
def document(name: str, config: Path, form: str, output: Path | None) -> None:
    """Write the agreement NAME as a document both parties can sign, from its YAML and with its hash."""
    loaded = load_config(config, warn=True)
    (found,) = find_contracts(loaded, name)
    text = written(loaded, found, form)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UnavailableError(f"{output}: cannot be written: {error.strerror}") from error


def written(config: Config, found: Contract, form: str) -> str:
    """The document as `markdown` or `html`."""
    source = f"{found.name}:\n" + "".join(
        f"  {line}\n" for line in block(config.contract_nodes[found.name]).splitlines()
    )
    text = markdown(
        found, source, others=config.contracts, probes={name: _probes(config, name) for name in config.services}
    )
    if form == "markdown":
        return text
    renderer = MarkdownIt("commonmark", {"html": False}).enable("table")
    return PAGE.format(title=click.unstyle(found.name), body=renderer.render(text))


def _down(target: Target) -> str:
    rule = target.slots
    if rule is None:
        return f"down after {target.down_after} failures in a row"
    return (
        f"judged in slots of {format_duration(rule.length)} from 1970-01-01 00:00 UTC on, of which one is bad with more than "
        f"{share(rule.loss_over)} of its packets lost; down from the first of {rule.after} bad slots in a row to the first of "
        f"{rule.until} good ones"
    )


def _probes(config: Config, name: str) -> list[str]:
    """How a service is measured, one sentence a target."""
    service = config.services[name]
    lines = []
    for member in service.targets:
        target = config.targets[member]
        text = (
            f"{target.name}: {target.probe} to {target.address} every {format_duration(target.interval)}, "
            f"answered within {format_duration(target.timeout)}; {_down(target)}"
        )
        lines.append(text + (f"; witness {target.witness}" if target.witness else ""))
    if len(service.targets) > 1:
        lines.append(f"{name} is up while at least {service.quorum} of these {len(service.targets)} are up")
    if service.demarcation:
        lines.append(f"the provider's part begins with the first hop in {' or '.join(service.demarcation)}")
    return lines
