"""The commands as people call them: real processes where the exit code matters, the click runner elsewhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result

from slamon import __version__
from slamon.cli import cli
from slamon.cli.options import open_store
from slamon.config import load
from slamon.errors import BAD_CONFIG, CHECK_FAILED, OK, UNAVAILABLE, USAGE, SlamonError, UnavailableError
from slamon.model import S
from slamon.report.words import instant
from slamon.store import Store
from tests.cli.conftest import START

ROOT = Path(__file__).parents[2]


def slamon(*args: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "slamon", *map(str, args)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=ROOT,
    )


def call(*args: str | Path) -> Result:
    return CliRunner().invoke(cli, [str(arg) for arg in args])


def in_a_terminal(*args: str | Path) -> str:
    """What a terminal shows."""
    ours, theirs = os.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "slamon", *map(str, args)], stdout=theirs, cwd=ROOT, timeout=60, check=False
    )
    os.close(theirs)
    shown = os.read(ours, 1 << 16)
    os.close(ours)
    assert done.returncode == OK
    return shown.decode().replace("\r\n", "\n")


def test_the_version() -> None:
    done = slamon("--version")
    assert (done.returncode, done.stdout) == (OK, f"slamon {__version__}\n")


def test_check_says_what_probing_costs(config: Path) -> None:
    done = slamon("check", config)
    assert done.returncode == OK
    assert f"{config}: ok: 1 target of 1 service, 1 contract" in done.stdout
    assert "packets/s" in done.stdout
    assert "bit/s" in done.stdout
    assert "/day" in done.stdout
    assert "no `claim`" in done.stderr


def test_check_says_every_mistake_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "bad.yml"
    path.write_text(
        "services:\n  hq: {targets: {a: {probe: icmp, address: 192.0.2.1, interval: 10}}}\nweb: {prot: 1}\n"
    )
    done = slamon("check", path)
    assert done.returncode == BAD_CONFIG
    assert (
        f"{path}:2:64: services.hq.targets.a.interval: a duration needs a unit; write for example 10s"
        not in done.stdout
    )
    assert f"{path}:2:" in done.stderr
    assert "(got '10'); write for example 10s" in done.stderr
    assert f"{path}:3:7: web.prot: unknown key; did you mean port?" in done.stderr


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    done = slamon("check", tmp_path / "none.yml")
    assert done.returncode == BAD_CONFIG
    assert "cannot be read: No such file" in done.stderr


def test_run_refuses_a_bad_configuration(tmp_path: Path) -> None:
    path = tmp_path / "bad.yml"
    path.write_text("services: {}\ncontracts: {k: {service: nothing}}\n")
    done = slamon("run", "--config", path, "--state", tmp_path / "state")
    assert done.returncode == BAD_CONFIG
    assert "nothing" in done.stderr
    assert not (tmp_path / "state").exists()


def test_run_refuses_a_store_in_use_and_a_port_taken(config: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    store = Store.open(state / "slamon.db", write=True)
    done = slamon("run", "--config", config, "--state", state)
    assert done.returncode == UNAVAILABLE
    assert "in use by another slamon" in done.stderr
    store.close()
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = slamon("run", "--config", config, "--state", state, "--listen", f"127.0.0.1:{taken.getsockname()[1]}")
    assert done.returncode == UNAVAILABLE
    assert "Address already in use" in done.stderr


def test_run_refuses_a_bad_listen_address(config: Path, tmp_path: Path) -> None:
    done = slamon("run", "--config", config, "--state", tmp_path / "state", "--listen", "9909")
    assert done.returncode == USAGE
    assert "127.0.0.1:9909" in done.stderr


def test_report_gives_the_same_figures_as_text_and_json(config: Path, facts: Path) -> None:
    text = slamon("report", "--config", config, "--state", facts, "--period", "2026-07")
    assert text.returncode == OK, text.stderr
    found = slamon("report", "--config", config, "--state", facts, "--period", "2026-07", "--format", "json")
    (statement,) = json.loads(found.stdout)["statements"]
    assert statement["downtime"] == {"exact": f"{600 * S}/1", "display": "600.000000000 s"}
    assert statement["credit"]["display"] == "100.00 EUR"
    assert "Credit owed: 100.00 EUR" in text.stdout
    assert statement["availability"]["display"] in text.stdout
    assert "10m" in text.stdout


def test_report_names_what_it_does_not_know(config: Path, facts: Path) -> None:
    done = slamon("report", "--config", config, "--state", facts, "--contract", "hk")
    assert done.returncode == USAGE
    assert "the contracts are: hq" in done.stderr
    done = slamon("report", "--config", config, "--state", facts, "--period", "July")
    assert done.returncode == USAGE
    assert "write 2026-06, 2026-Q2, 2026, or a span" in done.stderr


def test_report_without_facts_says_how_to_get_them(config: Path, tmp_path: Path) -> None:
    done = slamon("report", "--config", config, "--state", tmp_path / "nothing")
    assert done.returncode == USAGE
    assert "no facts yet; start the daemon" in done.stderr


@contextmanager
def as_nobody() -> Iterator[None]:
    """This process without root's rights over files."""
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.system
@pytest.mark.parametrize("write", [False, True])
def test_a_store_that_is_not_ours_is_said_in_one_line(config: Path, facts: Path, write: bool) -> None:
    loaded = load(config)
    with TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        state = facts.rename(Path(name) / "state")
        for mode in (0o700, 0o755):  # the folder is closed; only the file is
            state.chmod(mode)
            with as_nobody(), pytest.raises(UnavailableError) as refused:
                Store.open(state / "slamon.db", write=True) if write else open_store(loaded, state)
            assert str(state) in str(refused.value)
            assert "\n" not in str(refused.value)
        open_store(loaded, state).close()


def test_a_junit_file_that_cannot_be_written(tmp_path: Path) -> None:
    done = slamon("test", "tests/sla/cases/B01.yaml", "--junit", tmp_path / "none" / "out.xml")
    assert done.returncode == UNAVAILABLE
    assert "cannot write" in done.stderr
    assert "Traceback" not in done.stderr


def test_status_beside_no_daemon(config: Path, facts: Path) -> None:
    done = slamon("status", "--config", config, "--state", facts)
    assert done.returncode == OK, done.stderr
    assert "daemon not running" in done.stdout
    assert "ping icmp 127.0.0.1" in done.stdout
    found = json.loads(slamon("status", "--config", config, "--state", facts, "--format", "json").stdout)
    assert found["services"][0]["state"] == "unknown"  # months later nobody knows
    assert found["services"][0]["outages"] == 1


def test_an_exclusion_takes_the_credit_away_and_its_revocation_restores_it(config: Path, facts: Path) -> None:
    where = ("--config", config, "--state", facts)

    def credit() -> str:
        done = call("report", *where, "--period", "2026-07", "--format", "json")
        return str(json.loads(done.stdout)["statements"][0]["credit"]["display"])

    assert credit() == "100.00 EUR"
    done = call(
        "exclude", "add", *where, "--contract", "hq", "--class", "maintenance",
        "--from", "2026-07-01 02:20", "--for", "10m", "--note", "CHG-1",
    )  # fmt: skip
    assert done.exit_code == OK, done.output
    assert done.output.startswith(
        "exclusion 1: maintenance of hq from 2026-07-01 02:20:00+02:00 to 2026-07-01 02:30:00+02:00 (10m)"
    )
    assert credit() == "0.00 EUR"
    listed = call("exclude", "list", *where)
    assert "CHG-1" in listed.output
    assert (
        call(
            "exclude",
            "add",
            *where,
            "--contract",
            "hq",
            "--class",
            "maintenance",
            "--from",
            "2026-07-02",
            "--for",
            "1h",
        ).exit_code
        == OK
    )
    stated = json.loads(call("report", *where, "--period", "2026-07", "--format", "json").stdout)["statements"][0][
        "exclusions"
    ]
    declared = json.loads(call("exclude", "list", *where, "--format", "json").stdout)
    assert [each["declared_at"] for each in stated] == [each["declared_at"] for each in declared]
    done = call("exclude", "revoke", *where, "1")
    assert done.output.startswith("exclusion 1 revoked by ")
    assert credit() == "100.00 EUR"
    one, _ = json.loads(call("exclude", "list", *where, "--format", "json").output)
    assert one["note"] == "CHG-1"
    assert one["revoked_at"] is not None


def test_the_list_of_exclusions_says_who_and_when_in_any_width(
    config: Path, facts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = ("--config", config, "--state", facts)
    terms = ("--contract", "hq", "--class", "maintenance", "--note", "CHG-1")
    done = call("exclude", "add", *where, *terms, "--from", "2026-07-01T00:20:00.25Z", "--to", "2026-07-01T00:30Z")
    assert done.exit_code == OK, done.output
    assert call("exclude", "revoke", *where, "1").exit_code == OK
    (one,) = json.loads(call("exclude", "list", *where, "--format", "json").output)
    assert (one["start"], one["end"]) == (str(START + 1200 * S + S // 4), str(START + 1800 * S))
    berlin = ZoneInfo("Europe/Berlin")
    monkeypatch.setenv("COLUMNS", "40")
    listed = in_a_terminal("exclude", "list", *where)
    lines = [line.split(maxsplit=1) for line in listed.splitlines()]
    assert listed.startswith("1  maintenance of hq, revoked\n")
    assert ["from", "2026-07-01 02:20:00.250+02:00"] in lines
    for word, at, by in (("declared", "declared_at", "declared_by"), ("revoked", "revoked_at", "revoked_by")):
        (line,) = [" ".join(rest) for head, *rest in lines if head == word]
        assert line.startswith(instant(int(one[at]), berlin))
        assert one[by] in listed
    assert ["note", "CHG-1"] in lines
    assert max(map(len, listed.splitlines())) <= 40


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--class", "holiday", "--from", "2026-07-01", "--for", "1h"), "its classes are: maintenance"),
        (("--class", "maintenance", "--from", "yesterday", "--for", "1h"), "--from: not an instant"),
        (("--class", "maintenance", "--from", "2026-07-01", "--for", "1"), "--for: a duration needs a unit"),
        (
            ("--class", "maintenance", "--from", "2026-07-01", "--for", "90000d"),
            "--for: outside the years 1970 to 2261",
        ),
        (("--class", "maintenance", "--from", "2026-07-01", "--to", "2262-05-01"), "--to: outside the years 1970 to"),
        (("--class", "maintenance", "--from", "1969-07-01", "--for", "1h"), "--from: outside the years 1970 to 2261"),
        (("--class", "maintenance", "--from", "2026-07-01"), "say the end once"),
        (("--class", "maintenance", "--from", "2026-07-02", "--to", "2026-07-01"), "end after it starts"),
        (("--class", "maintenance", "--from", "2026-10-25 02:30", "--for", "1h"), "Europe/Berlin show this time twice"),
        (("--class", "maintenance", "--from", "2026-03-29 02:30", "--for", "1h"), "Europe/Berlin never show this time"),
    ],
)
def test_what_cannot_be_declared(config: Path, facts: Path, args: tuple[str, ...], said: str) -> None:
    done = call("exclude", "add", "--config", config, "--state", facts, "--contract", "hq", *args)
    assert isinstance(done.exception, SlamonError)
    assert done.exception.exit_code == USAGE
    assert said in str(done.exception)


def test_probe_loopback() -> None:
    done = slamon("probe", "icmp", "127.0.0.1", "--count", "2", "--interval", "50ms")
    assert done.returncode == OK, done.stdout + done.stderr
    assert "2 sent: 2 success" in done.stdout
    assert "round trip min" in done.stdout


def test_probe_a_closed_port_fails() -> None:
    done = slamon("probe", "tcp", "127.0.0.1", "--set", "port=9", "--count", "1")
    assert done.returncode == CHECK_FAILED
    assert "connect_error" in done.stdout


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("probe", "pong", "127.0.0.1"), "the kinds are dns, http, icmp, tcp"),
        (("probe", "tcp", "127.0.0.1"), "needs a setting; add for example --set port=443"),
        (
            ("probe", "http", "http://127.0.0.1:9/"),
            "ADDRESS: this is a URL (got 'http://127.0.0.1:9/'); write --set url=",
        ),
        (
            ("probe", "tcp", "127.0.0.1:80", "--set", "port=80"),
            "an address with a port (got '127.0.0.1:80'); write 127",
        ),
        (("probe", "http", "[::1]:80"), "write ::1 --set port=80"),
        (("probe", "icmp", "127.0.0.1", "--interface", "nope"), "--interface: there is no such interface (got 'nope')"),
        (
            ("probe", "icmp", "127.0.0.1", "--source", "::1"),
            "--source: this is an IPv6 address and the target's family",
        ),
        (("probe", "icmp", "127.0.0.1", "--timeout", "0s"), "--timeout: a timeout is from 1ms to 1h (got '0s')"),
        (("probe", "icmp", "127.0.0.1", "--interval", "5"), "--interval: a duration needs a unit"),
        (("probe", "icmp", "127.0.0.1", "--set", "timeout=1s"), "timeout is no such setting"),
        (("probe", "icmp", "127.0.0.1", "--set", "paylod=9"), "--set paylod: unknown key; did you mean payload?"),
        (("probe", "tcp", "127.0.0.1", "--set", "port=99999"), "--set port: more than 65535 (got '99999')"),
        (("probe", "http", "127.0.0.1", "--set", "status=[2"), "--set status: an inline list"),
        (("probe", "http", "--set", "url=http://u:hunter2@h/"), "no user or password in a URL (got 'http://…@h/')"),
        (("probe", "tcp", "127.0.0.1", "--set", "port"), "--set takes key=value"),
        (("probe", "icmp"), "needs an ADDRESS"),
    ],
)
def test_probe_says_what_it_needs(args: tuple[str, ...], said: str) -> None:
    done = call(*args)
    assert isinstance(done.exception, SlamonError)
    assert said in str(done.exception)


def test_contract_tests(tmp_path: Path) -> None:
    good = tmp_path / "good.yml"
    good.write_text(
        "contracts:\n  k: {service: s, provider: p, timezone: UTC, objectives: {availability: {target: 99%}}}\n"
        "tests:\n  - {facts: {down: [2026-06-10 00:00 + 1h]}, expect: {2026-06: {downtime: 1h, status: met}}}\n"
    )
    bad = tmp_path / "bad.yml"
    bad.write_text(good.read_text().replace("downtime: 1h", "downtime: 2h"))
    broken = tmp_path / "broken.yml"
    broken.write_text("contracts: 5\n")
    assert slamon("test", good).returncode == OK
    junit = tmp_path / "out.xml"
    done = slamon("test", good, bad, "--junit", junit)
    assert done.returncode == CHECK_FAILED
    assert "expected 2h" in done.stdout
    assert 'failures="1"' in junit.read_text()
    assert slamon("test", broken).returncode == USAGE
