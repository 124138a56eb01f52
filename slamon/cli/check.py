"""`slamon check FILE`: does the configuration load, and what will it cost."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import click

from slamon import units
from slamon.cli.options import DEFAULT_CONFIG, load_config
from slamon.config import Secrets
from slamon.config.cost import cost
from slamon.daemon import summary
from slamon.probes import kinds


def _rate(value: Fraction) -> str:
    return f"{units.round_half_up(value, 1):,f}"


def _bytes(value: int) -> str:
    """`1.5 MB`: decimal multiples, as disks and lines are sold."""
    amount = Fraction(value)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{units.round_half_up(amount, 0 if unit == 'B' else 1):f} {unit}"
        amount /= 1000
    return f"{units.round_half_up(amount, 1):f} TB"


@click.command(short_help="Check a configuration file.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), default=DEFAULT_CONFIG)
def check(file: Path) -> None:
    """Load FILE and everything it includes; say every mistake with its place, or what probing it will cost.

    A secret that cannot be had here is a warning: the service may have it. Exit code 0, or 78 when it does not load.
    """
    config = load_config(file, warn=True, secrets=Secrets.CHECKED)
    costs = cost(config, kinds())
    files = "" if len(config.files) == 1 else f", {len(config.files)} files"
    click.echo(f"{file}: ok: {summary(config)}{files}")
    click.echo(
        f"probes    {_rate(costs.probes_per_second)}/s = {_rate(costs.packets_per_second)} packets/s, "
        f"{_rate(costs.bits_per_second)} bit/s on the wire, both ways"
    )
    click.echo(f"wire      {_bytes(costs.wire_bytes_per_day)}/day")
    click.echo(
        f"store     {_bytes(costs.store_bytes_per_day)}/day written; "
        f"{_bytes(costs.store_bytes_per_year)}/year kept, beside {_bytes(costs.store_bytes_of_packets)} of single packets"
    )
