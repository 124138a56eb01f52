"""deploy/slamon.service: systemd reads it without a word, and finds little to attack."""

from __future__ import annotations

import configparser
import re
import subprocess
from pathlib import Path

import pytest

from slamon.config.drafts import secrets
from slamon.probes import kinds

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "deploy" / "slamon.service"
EXPOSURE_LIMIT = 2.0
"""`systemd-analyze security`: 0 is a unit that can do nothing, 10 one without any protection."""


def analyze(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.system
def test_systemd_verifies_the_unit(tmp_path: Path) -> None:
    # verify looks for the program, which is not in /opt on the machine of the tests
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace("/opt/slamon/bin/slamon", str(ROOT / ".venv" / "bin" / "slamon")))
    done = analyze("verify", "--man=no", str(copy))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.system
def test_exposure() -> None:
    done = analyze("security", "--offline=yes", "--no-pager", str(UNIT))
    found = re.search(r"Overall exposure level for slamon.service: ([\d.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    assert float(found[1]) <= EXPOSURE_LIMIT


def test_what_the_daemon_relies_on() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign] # systemd's keys are case sensitive
    unit.read_string(UNIT.read_text())
    service = unit["Service"]
    assert service["Type"] == "notify"
    assert service["NotifyAccess"] == "main"
    assert service["WatchdogSec"] == "30s"
    assert service["StateDirectory"] == "slamon"
    assert service["AmbientCapabilities"] == service["CapabilityBoundingSet"] == "CAP_NET_RAW"
    assert service["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert service["RestartPreventExitStatus"] == "2 78"


def test_the_readme_names_files_that_are_there() -> None:
    text = (ROOT / "deploy" / "README.md").read_text()
    named = set(re.findall(r"(?<![\w/])((?:deploy|config)/[\w./-]+\w|requirements\.lock)", text))
    named |= {f"deploy/{file}" for file in re.findall(r"^\| `([\w./-]+)` \|", text, re.MULTILINE) if "." in file}
    assert len(named) >= 8
    assert not [file for file in named if not (ROOT / file).exists()]


def test_the_secrets_that_are_shown_are_keys_and_handed_over() -> None:
    """In the unit, in its README and in the example configuration: a key that takes a secret, and the credential it names."""
    known = {f"{key}_file" for kind in kinds().values() for key in secrets(kind.settings)}
    for file in ("deploy/slamon.service", "deploy/README.md", "config/slamon.yml"):
        text = (ROOT / file).read_text(encoding="utf-8")
        keys = re.findall(r"(\w+_file): (\$\{\w+\}/\w+|\S+)", text)
        credentials = set(re.findall(r"LoadCredential=(\w+):/etc/slamon/\w+\.secret", text))
        assert keys, file
        assert {key for key, _ in keys} <= known, file
        assert {path for _, path in keys} <= {f"${{CREDENTIALS_DIRECTORY}}/{name}" for name in credentials}, file
