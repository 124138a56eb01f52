"""The benches: every file in this folder is one, its name is the bench's name, its constant `BENCH` is the bench."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from bench.frame import Bench


def names() -> list[str]:
    """In alphabetical order."""
    return sorted(module.name for module in iter_modules(__path__))


def load(name: str) -> Bench:
    """The bench of that name. Raises TypeError for a file without a `BENCH`, which is a bug."""
    bench = getattr(import_module(f"{__name__}.{name}"), "BENCH", None)
    if not isinstance(bench, Bench):
        raise TypeError(f"bench/cases/{name}.py has no BENCH = Bench(…)")
    return bench
