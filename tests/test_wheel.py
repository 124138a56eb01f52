"""The wheel: builds without the network, installs, and runs outside the checkout."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

from slamon import __version__

ROOT = Path(__file__).parents[1]


def call(*args: str | Path, cwd: Path, **env: str) -> str:
    done = subprocess.run(
        list(map(str, args)), cwd=cwd, env=env or None, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_builds_installs_and_runs(tmp_path: Path) -> None:
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    call(*pip, "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", tmp_path, ROOT, cwd=tmp_path)
    (wheel,) = tmp_path.glob("slamon-*.whl")
    assert wheel.name == f"slamon-{__version__}-py3-none-any.whl"
    with ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "slamon/py.typed" in names
    assert not [name for name in names if name.startswith(("tests/", "bench/"))]
    place = tmp_path / "site"
    call(*pip, "install", "-q", "--no-deps", "--no-index", "--target", place, wheel, cwd=tmp_path)
    where = {"PYTHONPATH": str(place)}
    found = call(sys.executable, "-c", "import slamon; print(slamon.__file__)", cwd=tmp_path, **where)
    assert found.strip() == str(place / "slamon" / "__init__.py")
    assert (
        call(sys.executable, place / "bin" / "slamon", "--version", cwd=tmp_path, **where) == f"slamon {__version__}\n"
    )
    kinds = call(sys.executable, "-c", "from slamon.probes import kinds; print(*kinds())", cwd=tmp_path, **where)
    assert kinds == "dns http icmp tcp\n"
