"""One bad file per rule, with exactly what is said about it beside it (bad/*.yml, bad/*.txt)."""

from __future__ import annotations

from pathlib import Path

import pytest

from slamon.config import load
from slamon.errors import BAD_CONFIG, ConfigError

BAD = Path(__file__).parent / "bad"
FILES = sorted(BAD.glob("*.yml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_says_exactly_what_is_wrong(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BAD)
    with pytest.raises(ConfigError) as caught:
        load(Path(file.name), variables={})
    assert str(caught.value).splitlines() == file.with_suffix(".txt").read_text(encoding="utf-8").splitlines()
    assert caught.value.exit_code == BAD_CONFIG


def test_every_message_belongs_to_a_file() -> None:
    assert {file.stem for file in BAD.glob("*.txt")} == {file.stem for file in FILES}
    assert len(FILES) > 80
