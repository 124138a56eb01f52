"""The backup of deploy/README.md, made while the daemon writes: the copy holds the same facts, is judged the same, and goes on."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from slamon.store import Store
from tests.e2e.rig import ROOT, Daemon, calm_zone
from tests.e2e.test_exclusions import CONFIG, PROMPT, owes
from tests.store.rig import kept

TARGET = "line/port"


def documented(state: Path, copy: Path) -> str:
    """The line of the README, for these folders and the Python that runs slamon here."""
    text = (ROOT / "deploy" / "README.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^.*\)\.backup\(.*$", text, re.MULTILINE)
    command = str(line)
    ours = {"/opt/slamon/bin/python": sys.executable, "/var/lib/slamon": str(state), "/var/backups/slamon": str(copy)}
    for theirs, here in ours.items():
        assert command.count(theirs) == 1
        command = command.replace(theirs, here)
    return command


def test_a_backup_beside_the_running_daemon_is_judged_like_the_store_and_goes_on(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    with Daemon(tmp_path, CONFIG.format(zone=calm_zone())) as daemon:
        daemon.until(owes(100, active=0), 30, "owing a credit for the refused connections")
        span = ("--contract", "hq", "--class", "customer", "--from", "2026-01-01", "--for", "1h")
        daemon.command("exclude add", *span, "--note", "stated before the backup")
        subprocess.run(documented(daemon.state, copy), shell=True, check=True, timeout=60)
        assert [file.name for file in copy.iterdir()] == ["slamon.db"]
        daemon.command("exclude add", *span, "--note", "stated after it")
        known = daemon.metrics().value("slamon_probe_attempts_total", target=TARGET)
        daemon.until(
            lambda now: now.value("slamon_probe_attempts_total", target=TARGET) > known + 2, PROMPT, "measuring on"
        )

        live = daemon.reports()["hq"]
        with Store.open(daemon.state / "slamon.db", write=False) as store:
            declared, samples = store.exclusions(), kept(store, TARGET)
        original, daemon.state = daemon.state, copy
        copied = daemon.reports()["hq"]
        with Store.open(copy / "slamon.db", write=False) as store:
            store.verify()
            assert store.exclusions() == declared[:1]
            saved = kept(store, TARGET)
        daemon.state = original
        # the facts up to the backup, those in the write-ahead log too, and what follows from them
        assert len(saved) >= 3
        assert saved == samples[: len(saved)]
        assert saved[-1].sent <= copied.settled < live.settled
        assert (copied.terms_sha256, copied.credit) == (live.terms_sha256, live.credit)
        assert [outage.start for outage in copied.outages] == [outage.start for outage in live.outages]
        assert daemon.stop() == 0

        # restored in the place of what there was
        for file in original.glob("slamon.db*"):
            file.unlink()
        (copy / "slamon.db").rename(original / "slamon.db")
        daemon.start()
        metrics = daemon.until(owes(100, active=0), 30, "owing as before")
        assert metrics.value("slamon_store_verify_errors_total") == 0
        assert "stated before the backup" in daemon.command("exclude list")
        assert daemon.stop() == 0
    with Store.open(original / "slamon.db", write=False) as store:
        assert kept(store, TARGET)[: len(saved)] == saved
