"""The shared tools of the tests do what they promise."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from tests.netlab import instants

Virtually = Callable[[Coroutine[Any, Any, list[float]]], list[float]]


def test_virtual_time_leaps_exactly(virtually: Virtually) -> None:
    async def naps() -> list[float]:
        loop = asyncio.get_running_loop()
        woke: list[float] = []

        async def nap(seconds: float) -> None:
            await asyncio.sleep(seconds)
            woke.append(loop.time())

        async with asyncio.TaskGroup() as group:
            for seconds in (3600.0, 0.25, 10.0):
                group.create_task(nap(seconds))
        return woke

    begun = instants.monotonic()
    assert virtually(naps()) == [0.25, 10.0, 3600.0]
    assert instants.monotonic() - begun < 2_000_000_000


def test_virtual_time_runs_into_timeouts(virtually: Virtually) -> None:
    async def late() -> list[float]:
        try:
            async with asyncio.timeout(30):
                await asyncio.sleep(86_400)
        except TimeoutError:
            return [asyncio.get_running_loop().time()]
        return []

    assert virtually(late()) == [30.0]


def test_virtual_time_waits_for_real_sockets_and_threads(virtually: Virtually) -> None:
    async def exchange() -> list[float]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(await reader.readline())
            writer.close()
            await writer.wait_closed()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"7\n")
            answer = await reader.readline()
            writer.close()
            await writer.wait_closed()
            return [float(answer), await asyncio.to_thread(lambda: 8.0)]

    assert virtually(exchange()) == [7.0, 8.0]


def test_a_skipped_system_test_fails_the_session(tmp_path: Path) -> None:
    conftest = Path(__file__).parent / "conftest.py"
    (tmp_path / "conftest.py").write_text(conftest.read_text())
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = system: real\n")
    test = "import pytest\n{mark}\ndef test_it():\n    pytest.skip('no')\ndef test_other(): pass\n"
    for mark, code in (("@pytest.mark.system", 1), ("", 0)):
        (tmp_path / "test_it.py").write_text(test.format(mark=mark))
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", str(tmp_path)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == code, done.stdout + done.stderr
        assert ("must run, not skip" in done.stdout) == bool(code)
