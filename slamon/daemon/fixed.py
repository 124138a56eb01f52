"""What of a configuration is decided when the daemon starts, and stays as it is however often the file is loaded again."""

from __future__ import annotations

from dataclasses import replace

from slamon.config import Config


def as_started(config: Config, running: Config) -> tuple[Config, tuple[str, ...]]:
    """`config` with the store, the address listened on and the vantage that are in use; and the keys it would have changed."""
    fixed = {
        "store.path": (config.store.path, running.store.path),
        "web": (config.web, running.web),
        "vantage": (config.vantage, running.vantage),
    }
    kept = replace(
        config,
        store=replace(config.store, path=running.store.path),
        web=running.web,
        vantage=running.vantage,
    )
    return kept, tuple(key for key, (new, old) in fixed.items() if new != old)
