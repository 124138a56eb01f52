"""kill -9 at every kind of moment: between two writes of one transaction, before its sync, while a minute is being closed."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from slamon.errors import UnavailableError
from slamon.model import MINUTE, S
from slamon.store import Store
from slamon.store.reading import StoredFacts
from tests.record.worlds import T0, target
from tests.store.crasher import NAMES, STEP, reading
from tests.store.rig import EVER, Daemon, counted, kept

SECONDS = 600


def crash(path: Path, *wrapper: str, after: int | None = None) -> int:
    """Run the story until it is killed; seconds of it whose writing was confirmed."""
    command = [*wrapper, sys.executable, "-m", "tests.store.crasher", str(path), str(SECONDS)]
    confirmed = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            confirmed = int(line)
            if after is not None and confirmed >= after:
                process.kill()
        assert process.wait(30) in {-signal.SIGKILL, 128 + signal.SIGKILL}
    return confirmed


def check(facts: StoredFacts, confirmed: int) -> int:
    """Everything up to `through` is there, exactly; seconds that are known."""
    if not facts.series:
        assert confirmed == 0
        return 0
    seconds = set()
    for name in NAMES:
        one = facts.series[name]
        known = -(-(one.through - T0) // S)
        assert known >= confirmed, "what was confirmed is there"
        assert known <= confirmed + STEP, "and no more than the batch that was being written"
        assert [run.result for run in one.runs for _ in range(run.samples)] == [reading(i).result for i in range(known)]
        assert all(a.until == b.first_sent for a, b in pairwise(one.runs))
        seconds.add(known)
    (known,) = seconds
    return known


def aftermath(path: Path, confirmed: int) -> None:
    with Store.open(path, write=False) as reader:
        known = check(reader.load(NAMES, 0, EVER), confirmed)
        for name in NAMES:
            samples = kept(reader, name)
            assert [(one.sent, one.reading) for one in samples] == [(T0 + i * S, reading(i)) for i in range(known)]
    with Daemon(path, *(target(name) for name in NAMES), now=T0 + 2000 * S) as daemon:
        facts = daemon.store.load(NAMES, 0, EVER)
        assert check(facts, confirmed) == known
        for name in NAMES:
            records = facts.series[name].records if known else ()
            assert [one.start for one in records] == [T0 + i * MINUTE for i in range(-(-known // 60))]
            assert counted(records) == known
            assert sum(one.rtt_sum for one in records) == sum(reading(i).rtt or 0 for i in range(known))
        daemon.seconds([reading(i) for i in range(3)])
        assert daemon.store.load(NAMES, 0, EVER).series[NAMES[0]].runs[-1].first_sent == T0 + 2000 * S
    database = sqlite3.connect(path)
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()


@pytest.mark.parametrize("after", [10, 350])
def test_killed_at_some_moment(tmp_path: Path, after: int) -> None:
    path = tmp_path / "slamon.db"
    aftermath(path, crash(path, after=after))


@pytest.mark.system
@pytest.mark.parametrize("when", [9, 16, 17, 40])
def test_killed_at_a_sync(tmp_path: Path, when: int) -> None:
    """At its `when`th sync: the transaction is in the log and was not confirmed."""
    path = tmp_path / "slamon.db"
    wrapper = ("strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync,fsync")
    aftermath(path, crash(path, *wrapper, "-e", f"inject=fdatasync,fsync:signal=KILL:when={when}"))


@pytest.mark.system
@pytest.mark.parametrize("when", [60, 121, 142, 184, 220])
def test_killed_at_a_write(tmp_path: Path, when: int) -> None:
    """At its `when`th write into a file at a place: in the middle of a transaction, which must leave no trace."""
    path = tmp_path / "slamon.db"
    wrapper = ("strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=pwrite64")
    aftermath(path, crash(path, *wrapper, "-e", f"inject=pwrite64:signal=KILL:when={when}"))


@pytest.mark.system
@pytest.mark.parametrize("when", [1, 7, 24])
def test_killed_while_the_store_is_made(tmp_path: Path, when: int) -> None:
    path = tmp_path / "slamon.db"
    wrapper = ("strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=pwrite64")
    assert crash(path, *wrapper, "-e", f"inject=pwrite64:signal=KILL:when={when}") == 0
    with pytest.raises(UnavailableError, match="is not a store of slamon"):
        Store.open(path, write=False)
    with Daemon(path, target(NAMES[0])) as daemon:
        daemon.seconds([reading(0)])
        assert daemon.store.load(NAMES, 0, EVER).series[NAMES[0]].runs[0].samples == 1


@pytest.mark.system
@pytest.mark.parametrize("when", [1, 3, 8])
def test_killed_while_putting_in_order_what_was_left(tmp_path: Path, when: int) -> None:
    path = tmp_path / "slamon.db"
    confirmed = crash(path, after=100)
    opening = "import sys; from pathlib import Path; from slamon.store import Store; Store.open(Path(sys.argv[1]), write=True)"
    wrapper = ("strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=pwrite64")
    killed = subprocess.run(
        [*wrapper, "-e", f"inject=pwrite64:signal=KILL:when={when}", sys.executable, "-c", opening, str(path)],
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    aftermath(path, confirmed)
