"""`python -m bench.trial BENCH SUBJECT SOAK`: one trial of one subject in this process; its figures as JSON on standard output."""

from __future__ import annotations

import json
import sys

from bench import cases, lengths, network
from bench.frame import CannotRun, Disturbed

DISTURBED = 75
"""Exit code, sysexits.h EX_TEMPFAIL."""


def main(name: str, subject: str, soak: str = str(lengths.SOAK)) -> int:
    """`soak` in seconds."""
    lengths.soak = int(soak)
    bench = cases.load(name)
    try:
        if bench.own_network:
            network.prepare()
        figures = bench.subjects[subject]()
    except CannotRun as missing:
        print(missing, file=sys.stderr)
        return DISTURBED if isinstance(missing, Disturbed) else 1
    print(json.dumps(dict(figures)))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
