"""A folder to write configurations into."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Writes the main file, and others by their path with dots for slashes; returns the main file's path."""
    monkeypatch.chdir(tmp_path)

    def write(main: str, **others: str) -> Path:
        for name, text in others.items():
            path = tmp_path / (name.replace("__", "/") + ".yml")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (tmp_path / "slamon.yml").write_text(main)
        return Path("slamon.yml")

    return write
