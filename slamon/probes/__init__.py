"""The kinds of probe: every file in this folder is one, its name is the kind's name, its constant `PROBE` is the kind."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from slamon.probe import Kind


def kinds() -> dict[str, Kind]:
    """Name → kind, in alphabetical order, of every file in the folder; a file without a `PROBE` of type `Kind` is a bug.

    Raises TypeError naming that file.
    """
    found: dict[str, Kind] = {}
    for name in sorted(module.name for module in iter_modules(__path__)):
        probe = getattr(import_module(f"{__name__}.{name}"), "PROBE", None)
        if not isinstance(probe, Kind):
            raise TypeError(f"slamon/probes/{name}.py has no PROBE = Kind(…)")
        found[name] = probe
    return found
