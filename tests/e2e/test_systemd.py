"""The unit under a booted systemd: a container on this machine's own /usr, with empty /etc and /var and a network of its own."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from slamon.store import Store
from tests.e2e.rig import ROOT, SECOND
from tests.netlab.namespace import ORPHAN
from tests.store.rig import kept

pytestmark = pytest.mark.system

UNIT = ROOT / "deploy" / "slamon.service"
README = (ROOT / "deploy" / "README.md").read_text(encoding="utf-8")
PYTHON = Path("/usr/bin/python3")
"""Debian's own: the service sees neither /root nor /home, where other Pythons live."""
INTERVAL = 0.2
CONFIG = """
defaults: {interval: 200ms, timeout: 400ms, down_after: 3}
judge: {refresh: 1s}
contracts:
  loop: {service: loop, provider: us, timezone: UTC, min_coverage: 0%, objectives: {availability: {target: 99%}}}
services:
  loop: {targets: {ping: {probe: icmp, address: 127.0.0.1}}}
  shop:
    targets:
      page:
        probe: http
        url: http://127.0.0.1:8080/
        SECRET
"""
DROP_IN = "[Service]\nWatchdogSec=3s\n"
"""The same unit, only less patient."""
CHECK_UNIT = """
[Unit]
Wants=slamon.service
After=slamon.service
[Service]
Type=oneshot
ExecStart=/usr/bin/python3 /out/booted.py
TimeoutStartSec=120
"""
TARGET = """
[Unit]
Requires=basic.target
Wants=check.service
After=basic.target
AllowIsolate=yes
"""


def install(prefix: Path) -> None:
    """What deploy/README.md does with pip, from the packages this test runs with: nothing is fetched."""
    version = subprocess.run(
        [PYTHON, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, text=True, check=True
    )
    assert version.stdout.split() == [str(part) for part in sys.version_info[:2]], (
        f"the packages here are for Python {sys.version_info[:2]}, {PYTHON} is {version.stdout}"
    )
    subprocess.run([PYTHON, "-m", "venv", "--without-pip", prefix], check=True, timeout=60)
    (packages,) = (prefix / "lib").glob("python3*/site-packages")
    shutil.copytree(ROOT / "slamon", packages / "slamon", ignore=shutil.ignore_patterns("__pycache__"))
    (packages / "dependencies.pth").write_text("/opt/dependencies\n")
    script = prefix / "bin" / "slamon"
    script.write_text("#!/opt/slamon/bin/python\nfrom slamon.__main__ import main\nmain()\n")
    script.chmod(0o755)


def shown(heading: str, language: str) -> list[str]:
    """The blocks of a chapter of deploy/README.md."""
    chapter = re.search(rf"^##+ {heading}\n(.*?)(?=^##|\Z)", README, re.DOTALL | re.MULTILINE)
    assert chapter, heading
    found = re.findall(rf"^```{language}\n(.*?)^```$", chapter[1], re.DOTALL | re.MULTILINE)
    assert found, heading
    return found


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Boots, lets tests/e2e/booted.py do its work, and returns what it wrote down."""
    directory = tmp_path_factory.mktemp("booted")
    units, out, etc = directory / "units", directory / "out", directory / "etc"
    for folder in (units, out, etc):
        folder.mkdir()
        folder.chmod(0o755)
    install(directory / "slamon")
    (directory / "slamon").chmod(0o755)
    (yaml,), (drop_in,) = shown("Secrets", "yaml"), shown("Secrets", "ini")
    (etc / "slamon.yml").write_text(CONFIG.replace("SECRET", yaml.strip()))
    (etc / "slamon.yml").chmod(0o644)
    (units / "slamon.service").write_text(UNIT.read_text())
    (units / "drop-in.conf").write_text(DROP_IN)
    (units / "secret.conf").write_text(drop_in)
    (etc / "shop.secret").write_text("s3cret\n")
    (etc / "shop.secret").chmod(0o600)
    (out / "backup.sh").write_text("".join(shown("Backup", "sh")))
    (out / "restore.sh").write_text("".join(shown("Restore", "sh")))
    (units / "check.service").write_text(CHECK_UNIT)
    (units / "check.target").write_text(TARGET)
    shutil.copy(Path(__file__).with_name("booted.py"), out)
    system = "/etc/systemd/system"
    binds = [
        f"--bind-ro={units / 'slamon.service'}:{system}/slamon.service",
        f"--bind-ro={units / 'drop-in.conf'}:{system}/slamon.service.d/test.conf",
        f"--bind-ro={units / 'secret.conf'}:{system}/slamon.service.d/secret.conf",
        f"--bind-ro={units / 'check.service'}:{system}/check.service",
        f"--bind-ro={units / 'check.target'}:{system}/check.target",
        f"--bind-ro={directory / 'slamon'}:/opt/slamon",
        f"--bind-ro={sysconfig.get_path('purelib')}:/opt/dependencies",
        f"--bind={etc}:/etc/slamon",
        f"--bind={out}:/out",
    ]
    command = (
        *("timeout", "-s", "KILL", "150"),
        *(
            "systemd-nspawn",
            "--quiet",
            "--directory=/",
            "--volatile=yes",
            "--private-network",
            "--register=no",
            "--keep-unit",
        ),
        *binds,
        *("--boot", "systemd.unit=check.target", "systemd.firstboot=no"),
    )
    with (directory / "console.log").open("wb") as console:
        subprocess.run(
            [*ORPHAN, *command], stdin=subprocess.DEVNULL, stdout=console, stderr=console, check=False, timeout=160
        )
    report = out / "seen.json"
    assert report.exists(), (directory / "console.log").read_text(errors="replace")[-4000:]
    story: dict[str, Any] = json.loads(report.read_text())
    story["store"] = out / "slamon.db"
    assert "failure" not in story, f"{story['failure']}\n{story['journal']}"
    return story


def test_active_means_ready(seen: dict[str, Any]) -> None:
    assert seen["at_once"]["ActiveState"] == "active"
    assert seen["at_once"]["SubState"] == "running"
    assert seen["ready_at_once"] == 200
    assert seen["at_once"]["StatusText"]


def test_the_process_has_one_capability_and_no_way_to_more(seen: dict[str, Any]) -> None:
    process = seen["process"]
    assert int(process["CapEff"], 16) == int(process["CapBnd"], 16) == 1 << 13, "CAP_NET_RAW only"
    assert process["NoNewPrivs"] == "1"
    assert process["Seccomp"] == "2"
    assert process["Uid"].split()[0] != "0"
    assert seen["sockets"], "ICMP has its socket"
    assert seen["state_mode"] == "0o700"


def test_a_reload_keeps_the_counters_and_shows_the_new_target(seen: dict[str, Any]) -> None:
    before, after = seen["counters"]
    assert after >= before > 10
    assert seen["reloaded"] == 1


def test_a_bad_config_changes_nothing(seen: dict[str, Any]) -> None:
    assert seen["kept"] > 0, "the target of the last good config is still probed"


def test_a_process_that_stopped_measuring_is_restarted_and_the_gap_is_unknown(seen: dict[str, Any]) -> None:
    assert seen["after_watchdog"]["NRestarts"] == "1"
    assert "watchdog" in seen["journal"].lower() or seen["after_watchdog"]["ActiveState"] == "active"
    gap = seen["back_at"] - seen["stopped_at"]
    assert gap > 2
    assert gap - 2 <= seen["unknown"] <= gap + 3
    assert seen["down"] == 0


def test_stop_is_clean_and_the_last_batch_is_there(seen: dict[str, Any]) -> None:
    stopped = seen["stopped"]
    assert (stopped["ActiveState"], stopped["Result"], stopped["ExecMainCode"], stopped["ExecMainStatus"]) == (
        "inactive",
        "success",
        "1",
        "0",
    )
    with Store.open(seen["store"], write=False) as store:
        samples = kept(store, "loop/ping")
    assert abs(samples[-1].sent - int(seen["stop_asked"] * SECOND)) < 3 * INTERVAL * SECOND


def test_the_service_has_its_secret_and_root_needs_none(seen: dict[str, Any]) -> None:
    assert "Bearer s3cret" in seen["tokens"]
    assert len(seen["beside"]) == len(seen["without"]) == 5
    for command, (code, said) in [*seen["beside"].items(), *seen["without"].items()]:
        assert code == 0, (command, said)
    assert "bearer_token_file: the environment has no variable CREDENTIALS_DIRECTORY" in seen["beside"]["check"][1]


def test_a_backup_is_judged_and_restored(seen: dict[str, Any]) -> None:
    for script in ("backup", "restore"):
        code, said = seen[script]
        assert code == 0, said
    assert "loop" in seen["backup"][1], "a report of the copy"
    assert seen["owners"][0] == seen["owners"][1] != 0
    with Store.open(seen["store"], write=False) as store:
        samples = kept(store, "loop/ping")
    saved, asked = (int(seen[key] * SECOND) for key in ("saved", "restore_asked"))
    assert samples[0].sent < saved < asked < samples[-1].sent
    assert not [sample for sample in samples if saved < sample.sent < asked], "what was measured since is not in it"
