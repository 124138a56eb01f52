"""Who does not probe needs no secret: every command but `run` works where only the service is handed it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slamon.cli import cli
from slamon.errors import BAD_CONFIG, OK
from tests.cli.conftest import CONFIG
from tests.cli.test_commands import slamon

SECRET = "bearer_token_file: ${CREDENTIALS_DIRECTORY}/shop"
PAGE = f"""services:
  shop:
    targets:
      page:
        probe: http
        address: 127.0.0.1
        {SECRET}
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One contract about what was measured, one about a page with a token that systemd hands to the service alone."""
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    path = tmp_path / "slamon.yml"
    shop = "  shop: {service: shop, provider: us, timezone: UTC, objectives: {availability: {target: 99%}}}\n"
    path.write_text(CONFIG.replace("services:\n", PAGE) + shop)
    return path


def call(*words: str | Path) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


@pytest.mark.parametrize(
    "words",
    [
        "report --period 2026-07",
        "status",
        "exclude add --contract hq --class maintenance --from 2026-07-01T00:20:00Z --for 10m",
        "exclude list",
        "record payment --contract hq --due 2026-07-02",
        "record list",
    ],
)
def test_commands_over_the_facts_need_no_secret(config: Path, facts: Path, words: str) -> None:
    done = call(*words.split(), "--config", config, "--state", facts)
    assert (done.exit_code, done.exception) == (OK, None), done.output


def test_what_is_shown_and_compared_needs_none(config: Path, facts: Path, tmp_path: Path) -> None:
    for command in ("show", "document"):
        assert call("contract", command, "shop", "--config", config).exit_code == OK
    other = tmp_path / "other.yml"
    other.write_text(CONFIG[CONFIG.index("contracts:") :])
    where = ("--config", config, "--state", facts, "--against", "hq", "--period", "2026-07")
    assert call("whatif", other, *where).exit_code == OK


def test_a_report_is_the_same_with_the_secret_and_without(
    config: Path, facts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def statements() -> object:
        done = call("report", "--config", config, "--state", facts, "--period", "2026-07", "--format", "json")
        return [{**each, "as_of": None} for each in json.loads(done.stdout)["statements"]]

    without = statements()
    (tmp_path / "shop").write_text("s3cret\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert statements() == without


def test_check_warns_and_run_refuses(config: Path, tmp_path: Path) -> None:
    place = f"{config}:10:28: services.shop.targets.page.bearer_token_file: the environment has no variable"
    done = slamon("check", config)
    assert done.returncode == OK, done.stderr
    assert f"warning: {place} CREDENTIALS_DIRECTORY" in done.stderr
    assert "LoadCredential=" in done.stderr
    done = slamon("run", "--config", config, "--state", tmp_path / "state")
    assert done.returncode == BAD_CONFIG
    assert f"{place} CREDENTIALS_DIRECTORY" in done.stderr
    assert not (tmp_path / "state").exists()


def test_a_probe_refuses_without_its_secret(tmp_path: Path) -> None:
    done = slamon("probe", "http", "127.0.0.1", "--set", f"bearer_token_file={tmp_path / 'none'}")
    assert done.returncode != OK
    assert "--set bearer_token_file: the file cannot be read: No such file or directory" in done.stderr


def test_a_document_says_what_stands_in_it_as_it_is(config: Path) -> None:
    config.write_text(config.read_text().replace("    provider: Acme\n", "    provider: Acme\n    customer: ${C}\n"))
    done = call("contract", "document", "hq", "--config", config)
    assert done.exit_code == OK
    assert "contracts.hq.customer: ${C} stands here as it is" in done.stderr
    assert "${C}" in done.stdout
    assert "warning" not in done.stdout
