"""`python -m bench [NAME …]`: runs the benches, prints one table, writes bench/results/<name>.json and draws two pictures of them.

A missed goal is a finding, not an error: the exit code is 0 unless a bench could not run (69).
"""

from __future__ import annotations

import argparse
import os
import sys

from bench import cases, plot, table
from bench.frame import MIN_REPEATS, CannotRun, Row, rows
from bench.lengths import SOAK
from bench.run import samples

UNAVAILABLE = 69  # sysexits.h EX_UNAVAILABLE, as `slamon` itself says it


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Side-by-side benchmarks; see bench/README.md."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(cases.names())}; all by default")
    parser.add_argument(
        "--repeats", type=int, default=MIN_REPEATS, help=f"trials of each subject (at least {MIN_REPEATS})"
    )
    parser.add_argument("--soak", type=int, default=SOAK, help="seconds of the bench `soak` (300; less for a trial)")
    options = parser.parse_args(arguments)
    for name in options.names:
        if name not in cases.names():
            parser.error(f"there is no bench {name}; there are {', '.join(cases.names())}")
    if options.repeats < MIN_REPEATS:
        parser.error(f"a median needs at least {MIN_REPEATS} repeats")
    made: list[Row] = []
    not_run: list[str] = []
    for name in options.names or cases.names():
        bench = cases.load(name)
        try:
            measured = samples(name, bench, options.repeats, options.soak, _say)
        except CannotRun as missing:
            not_run.append(f"{name} could not run: {missing}")
            _say(not_run[-1])
            continue
        found = rows(name, bench, measured)
        table.write(table.RESULTS, name, bench, found, measured)
        made += found
    if made:
        print(table.text(made))
        print(
            f"medians of {options.repeats} repeats, measured alternately; load of the machine {os.getloadavg()[0]:.1f}"
        )
    for path in plot.write(table.RESULTS):
        _say(f"drawn: bench/results/{path.name}")
    if not_run and made:
        _say("\n".join(not_run))  # said above already, where a long run has scrolled it away
    return UNAVAILABLE if not_run else 0


def _say(progress: str) -> None:
    print(progress, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
