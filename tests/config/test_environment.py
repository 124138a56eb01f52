"""What a configuration takes from the environment and from files, and that it is never shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from slamon.config import load
from slamon.errors import ConfigError
from slamon.probes.http import Http

Write = Callable[..., Path]


def problems(path: Path, variables: Mapping[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(path, variables=variables or {})
    return str(caught.value).splitlines()


def test_variables_come_from_the_environment(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(
        "vantage: ${V}\nservices:\n  s:\n    targets:\n"
        "      a: {probe: http, address: '${HOST}', path: '/a?x=$${y}${EMPTY}', headers: {X: '${A}-${B}'}}\n"
        "contracts: {c: {service: s, provider: '${V}', timezone: UTC}}\n"
    )
    variables = {"V": "hq", "HOST": "192.0.2.7", "A": "1", "B": "two", "EMPTY": ""}
    config = load(path, variables=variables)
    settings = config.targets["s/a"].settings
    assert isinstance(settings, Http)
    assert (config.vantage, config.targets["s/a"].address, settings.path) == ("hq", "192.0.2.7", "/a?x=${y}")
    assert settings.headers == (("X", "1-two"),)
    # the terms of a contract do not depend on who reads them
    assert config.contracts["c"].provider == "${V}"
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert load(path) == config


def test_a_secret_is_never_shown(write: Write, tmp_path: Path) -> None:
    path = write("vantage: ${SECRET}\nweb: {port: '${SECRET}'}\n")
    text = "\n".join(problems(path, {"SECRET": "hunter 2"}))
    assert "hunter" not in text
    assert "${SECRET}" in text


def test_a_secret_from_a_file_beside_the_configuration(write: Write, tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "token").write_text("s3cret\n")
    target = "services: {s: {targets: {a: {probe: http, address: 192.0.2.1, bearer_token_file: token}}}}\n"
    config = load(write("include: conf.d/s.yml\n", **{"conf.d__s": target}), variables={})
    settings = config.targets["s/a"].settings
    assert isinstance(settings, Http)
    assert settings.bearer_token is not None
    assert settings.bearer_token.get_secret_value() == "s3cret"
    assert "s3cret" not in repr(config)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            "bearer_token_file: none",
            "slamon.yml:1:82: {}.bearer_token_file: the file cannot be read: No such file or directory (got 'none')",
        ),
        ("bearer_token_file: empty", "slamon.yml:1:82: {}.bearer_token_file: the file is empty (got 'empty')"),
        (
            "bearer_token_file: /dev/zero",
            "slamon.yml:1:82: {}.bearer_token_file: the file is longer than 65536 characters (got '/dev/zero')",
        ),
        ("bearer_token_file: [a]", "slamon.yml:1:63: {}.bearer_token_file: this must be the path of a file"),
        (
            "bearer_token_file: token, bearer_token: x",
            "slamon.yml:1:63: {}.bearer_token_file: both `bearer_token` and `bearer_token_file` are written; keep one of them",
        ),
        ("path_file: token", "slamon.yml:1:63: {}.path_file: unknown key; did you mean path?"),
    ],
)
def test_a_secret_file_that_does_not_do(write: Write, tmp_path: Path, keys: str, message: str) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "token").write_text("x\n")
    path = write(f"services: {{s: {{targets: {{a: {{probe: http, address: 192.0.2.1, {keys}}}}}}}}}\n")
    assert problems(path) == [message.format("services.s.targets.a")]


def test_other_files_start_at_the_configuration_too(write: Write, tmp_path: Path) -> None:
    target = "services: {s: {targets: {a: {probe: http, scheme: https, address: 192.0.2.1, tls_ca: ca.pem}}}}\n"
    config = load(write("include: conf.d/s.yml\n", **{"conf.d__s": target}), variables={})
    settings = config.targets["s/a"].settings
    assert isinstance(settings, Http)
    assert settings.tls_ca == tmp_path / "conf.d" / "ca.pem"
