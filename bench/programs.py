"""The programs a bench needs: Debian packages that are installed, peers that are only unpacked, and our own C sources."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from bench.frame import CannotRun, Package

HERE = Path(__file__).parent
BUILT = HERE / "built"
"""What is compiled and unpacked here, and the stores of the daemons under test: on the disk of this folder. git ignores it."""
SYSTEM_DEPS = HERE.parent / "tests" / "system-deps"
"""Installs Debian packages as root, without starting their services."""
PACKAGES = HERE / "system-packages.txt"

FLAGS = ("-O2", "-Wall", "-Wextra", "-Werror")


def provide(package: Package) -> None:
    """Install or unpack what is missing where we may. Raises CannotRun with the line to type."""
    if found(package.program) is not None:
        return
    if package.unpacked:
        _unpack(package)
    elif os.geteuid() == 0:
        # its own words go to standard error: the table alone is our output
        subprocess.run([SYSTEM_DEPS, PACKAGES], check=False, stdout=sys.stderr, stdin=subprocess.DEVNULL)
    if found(package.program) is None:
        raise CannotRun(
            f"needs {package.program}; as root: apt-get install -y --no-install-recommends {package.package}"
        )


def found(program: str) -> str | None:
    """Its path: of this machine, or unpacked here."""
    return shutil.which(program) or shutil.which(program, path=str(BUILT / "peers" / "usr" / "bin"))


def located(program: str) -> str:
    """The same of a program that was provided. Raises CannotRun."""
    path = found(program)
    if path is None:
        raise CannotRun(f"needs {program}")
    return path


def _unpack(package: Package) -> None:
    """The files of a Debian package, without installing it: its service would start with the next boot of this machine."""
    directory = BUILT / "peers"
    directory.mkdir(parents=True, exist_ok=True)
    download = ("apt-get", "download", "-qq", package.package)
    try:
        if not _run(directory, *download) and os.geteuid() == 0:
            _run(directory, "apt-get", "update", "-qq")  # old lists name files that are gone
            _run(directory, *download)
        for archive in directory.glob(f"{package.package}_*.deb"):
            _run(directory, "dpkg", "-x", archive.name, ".")
            archive.unlink()
    except FileNotFoundError as error:
        raise CannotRun(
            f"needs {package.program} of the Debian package {package.package}, and {error.filename}"
        ) from error


def _run(directory: Path, *command: str) -> bool:
    """Its words go to standard error; whether it went well."""
    done = subprocess.run(
        command, cwd=directory, check=False, stdout=sys.stderr, stderr=sys.stderr, stdin=subprocess.DEVNULL
    )
    return done.returncode == 0


def compiled(name: str) -> Path:
    """`bench/<name>.c` as a program, made again when the source is newer. Raises CannotRun."""
    source, program = HERE / f"{name}.c", BUILT / name
    if program.exists() and program.stat().st_mtime >= source.stat().st_mtime:
        return program
    BUILT.mkdir(parents=True, exist_ok=True)
    made = program.with_suffix(".new")
    done = subprocess.run(
        ["gcc", *FLAGS, "-o", str(made), str(source)],
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        raise CannotRun(f"gcc does not compile {source.name}: {done.stderr.strip()}; it needs gcc and libc6-dev")
    made.replace(program)
    return program
