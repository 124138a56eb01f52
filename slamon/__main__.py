"""`python -m slamon` and the `slamon` command: runs the command line and maps errors to exit codes."""

from __future__ import annotations

import sys

from slamon.cli import cli
from slamon.errors import SlamonError


def main() -> None:
    """Exit codes: 0 ok, 1 a check or test failed, 2 usage, 69 unavailable, 78 bad config."""
    try:
        cli(prog_name="slamon")
    except SlamonError as error:
        sys.stderr.write(f"slamon: {error}\n")
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
