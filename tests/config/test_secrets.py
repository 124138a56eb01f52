"""Secrets are needed to probe and for nothing else: what is loaded without them, what is said of them, what stays a mistake."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from slamon.config import Secrets, load
from slamon.errors import ConfigError
from slamon.probes.http import Http
from tests.config.test_environment import problems

Write = Callable[..., Path]

CONTRACT = "contracts: {c: {service: s, provider: p, timezone: UTC, objectives: {availability: {target: 99%}}}}\n"
SET = "`slamon run` needs it: LoadCredential= in its unit sets CREDENTIALS_DIRECTORY, EnvironmentFile= any other"
READ = "`slamon run` needs it, as a user of its own: LoadCredential= in its unit hands it over"


def web(*lines: str) -> str:
    """One service with a page; `lines` from line 7 on."""
    head = ("services:", "  s:", "    targets:", "      a:", "        probe: http", "        address: 192.0.2.1")
    return "\n".join((*head, *(f"        {line}" for line in lines), CONTRACT))


SECRETS = pytest.mark.parametrize(
    ("line", "variables"),
    [
        ("bearer_token_file: ${DIRECTORY}/shop", {"DIRECTORY": "kept"}),
        ("bearer_token_file: kept/shop", {}),
        ("bearer_token: ${TOKEN}", {"TOKEN": "s3cret"}),
        ('bearer_token: "a${TOKEN}${MORE}"', {"TOKEN": "b", "MORE": "c"}),
    ],
)


@SECRETS
def test_who_does_not_probe_needs_no_secret(
    write: Write, tmp_path: Path, line: str, variables: Mapping[str, str]
) -> None:
    path = write(web(line))
    without = load(path, variables={}, secrets=Secrets.UNREAD)
    with pytest.raises(ConfigError):
        load(path, variables={})
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "shop").write_text("s3cret\n")
    probing = load(path, variables=variables)
    settings, unread = probing.targets["s/a"].settings, without.targets["s/a"].settings
    assert isinstance(settings, Http)
    assert isinstance(unread, Http)
    assert settings.bearer_token is not None
    assert settings.bearer_token.get_secret_value() in {"s3cret", "abc"}
    assert unread.bearer_token is not None
    assert unread.bearer_token != settings.bearer_token, "not looked at"
    # what it is judges nothing: the same terms, of the same hash
    assert without.contracts == probing.contracts
    assert without.contract_texts == probing.contract_texts
    assert load(path, variables=variables, secrets=Secrets.UNREAD) == without


@pytest.mark.parametrize(
    ("line", "warnings"),
    [
        (
            "bearer_token_file: ${CREDENTIALS_DIRECTORY}/shop",
            [
                "28: services.s.targets.a.bearer_token_file: the environment has no variable CREDENTIALS_DIRECTORY "
                "(got '${CREDENTIALS_DIRECTORY}/shop'); " + SET
            ],
        ),
        (
            'bearer_token: "${A}-${B}"',
            [
                "23: services.s.targets.a.bearer_token: the environment has no variable A (got '${A}-${B}'); " + SET,
                "23: services.s.targets.a.bearer_token: the environment has no variable B (got '${A}-${B}'); " + SET,
            ],
        ),
        (
            "bearer_token_file: none",
            [
                "28: services.s.targets.a.bearer_token_file: the file cannot be read: No such file or directory "
                "(got 'none'); " + READ
            ],
        ),
        (
            "bearer_token_file: ${HERE}/none",
            [
                "28: services.s.targets.a.bearer_token_file: the file cannot be read: No such file or directory "
                "(got '${HERE}/none'); " + READ
            ],
        ),
        ("bearer_token_file: ${HERE}/token", []),
        ("bearer_token_file: token", []),
        ("bearer_token: ${HERE}", []),
    ],
)
def test_a_check_says_which_secrets_the_service_will_need(
    write: Write, tmp_path: Path, line: str, warnings: list[str]
) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    path = write(web(line))
    config = load(path, variables={"HERE": str(tmp_path)}, secrets=Secrets.CHECKED)
    told = [str(warning) for warning in config.warnings if "bearer_token" in warning.path]
    assert told == [f"slamon.yml:7:{warning}" for warning in warnings]


@pytest.fixture
def _as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)


@pytest.mark.usefixtures("_as_root")
def test_a_check_by_root_says_that_the_service_may_not_read_what_root_may(write: Write, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret\n")
    token.chmod(0o600)

    def told(line: str, secrets: Secrets = Secrets.CHECKED) -> list[str]:
        config = load(write(web(line)), variables={"HERE": str(tmp_path)}, secrets=secrets)
        return [str(warning) for warning in config.warnings if "bearer_token" in warning.path]

    said = "slamon.yml:7:28: services.s.targets.a.bearer_token_file: not everybody can read this file (got 'token')"
    assert told("bearer_token_file: token") == [f"{said}; {READ}"]
    assert told("bearer_token_file: ${HERE}/token") == [], "who hands over a folder hands over what is in it"
    assert told("bearer_token_file: token", Secrets.NEEDED) == []
    token.chmod(0o644)
    assert told("bearer_token_file: token") == []


@pytest.mark.parametrize("secrets", Secrets)
@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["bearer_token_file: [a]"], "bearer_token_file: this must be the path of a file"),
        (['bearer_token_file: ""'], "bearer_token_file: this must be the path of a file"),
        (["bearer_token_file: token", "bearer_token: x"], "both `bearer_token` and `bearer_token_file` are written"),
        (["bearer_tokn_file: token"], "bearer_tokn_file: unknown key"),
        (["bearer_token: ${A"], "bearer_token: not a variable"),
        (["bearer_token: [a]"], "bearer_token: "),
        # not a secret by its key, so part of what a contract is judged by
        (["headers: {X: '${A}'}"], "headers.X: the environment has no variable A"),
        (["path: /${A}"], "path: the environment has no variable A"),
        # one value for both
        (["bearer_token: &a '${A}'", "headers: {X: *a}"], "headers.X: the environment has no variable A"),
    ],
)
def test_everything_else_about_a_secret_is_checked_all_the_same(
    write: Write, tmp_path: Path, secrets: Secrets, lines: list[str], message: str
) -> None:
    (tmp_path / "token").write_text("x\n")
    if secrets is Secrets.NEEDED and "&a" in lines[0]:
        message = "the environment has no variable A"  # said once, at the first use
    with pytest.raises(ConfigError) as caught:
        load(write(web(*lines)), variables={}, secrets=secrets)
    (said,) = str(caught.value).splitlines()
    assert message in said


@pytest.mark.parametrize("secrets", [Secrets.NEEDED, Secrets.CHECKED])
@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("bearer_token_file: empty", "the file is empty (got 'empty')"),
        ("bearer_token_file: ${HERE}/empty", "the file is empty (got '${HERE}/empty')"),
        ("bearer_token: ${EMPTY}", "the value is empty (got '${EMPTY}')"),
    ],
)
def test_a_secret_that_is_there_has_to_be_one(
    write: Write, tmp_path: Path, secrets: Secrets, line: str, message: str
) -> None:
    (tmp_path / "empty").write_text("\n")
    path = write(web(line))
    with pytest.raises(ConfigError) as caught:
        load(path, variables={"HERE": str(tmp_path), "EMPTY": ""}, secrets=secrets)
    (said,) = str(caught.value).splitlines()
    assert said.endswith(message)


def test_a_default_target_of_many_services_is_excused_in_all(write: Write) -> None:
    path = write(
        "defaults:\n  targets: &t\n    a: {probe: http, bearer_token: '${TOKEN}'}\n"
        "services: {s: {address: 192.0.2.1}, t: {address: 192.0.2.2}, u: {address: 192.0.2.3, targets: *t}}\n"
    )
    assert len(load(path, variables={}, secrets=Secrets.UNREAD).targets) == 3
    checked = load(path, variables={}, secrets=Secrets.CHECKED)
    assert [str(warning).partition(" (got")[0] for warning in checked.warnings] == [
        "slamon.yml:3:36: defaults.targets.a.bearer_token: the environment has no variable TOKEN"
    ]
    assert len(problems(path)) == 1


@pytest.mark.parametrize(
    ("contract", "said"),
    [
        ("customer: ${C}", ["6:15: contracts.c.customer: ${C} stands here as it is"]),
        ("customer: a $${C}", ["6:15: contracts.c.customer: ${C} stands here as it is"]),
        ("notes: [one, 'two ${A} ${B}']", ["6:18: contracts.c.notes[1]: ${A} stands here as it is"]),
        ("customer: ${", []),
        ("customer: $C", []),
    ],
)
def test_a_variable_in_a_contract_is_a_warning(write: Write, contract: str, said: list[str]) -> None:
    path = write(
        "services: {s: {targets: {a: {probe: icmp, address: 192.0.2.1}}}}\n"
        "contracts:\n  c:\n    service: s\n    provider: p\n"
        f"    {contract}\n    timezone: UTC\n    objectives: {{availability: {{target: 99%}}}}\n"
    )
    config = load(path, variables={"A": "x", "C": "Buyer Ltd"})
    told = [str(warning) for warning in config.warnings if "stands here" in warning.reason]
    assert [line.partition(": contracts take nothing")[0] for line in told] == [f"slamon.yml:{line}" for line in said]
    assert all(line.endswith("; write the text itself") for line in told)
