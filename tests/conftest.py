"""What every test may use: repeatable hypothesis, a loop whose time is virtual, and the promise that no system test is skipped."""

from __future__ import annotations

import asyncio
import gc
import selectors
from collections.abc import Callable, Coroutine, Iterator, Mapping
from typing import Any, TypeVar

import hypothesis
import pytest

Outcome = TypeVar("Outcome")

# The same examples on every run and machine: a red test is red again. `HYPOTHESIS_PROFILE`-like switches are left out on
# purpose; to hunt for new examples, run pytest with `--hypothesis-profile=hunt`.
hypothesis.settings.register_profile(
    "default",
    derandomize=True,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.register_profile("hunt", deadline=None, max_examples=2000)
hypothesis.settings.load_profile("default")


class _LeapingSelector(selectors.DefaultSelector):
    """Never waits for time: when no descriptor is ready it moves the loop's clock to the next timer instead."""

    def __init__(self) -> None:
        super().__init__()
        self.offset = 0.0
        """Seconds leapt so far."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout is None:
            # nothing is timed: only real I/O or another thread can wake the loop
            return ready or super().select(timeout)
        self.offset += max(0.0, timeout)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop that sleeps hours in no time. Timers fire in order at exactly their instants; sockets work, at leaping times.

    `loop.time()` starts at 0 and moves only by waiting, so tests compute with it exactly.
    """

    def __init__(self) -> None:
        self._leaping = _LeapingSelector()
        super().__init__(self._leaping)

    def time(self) -> float:
        return self._leaping.offset

    def stand_still(self, seconds: float) -> None:
        """What a callback does that takes so long."""
        self._leaping.offset += seconds


@pytest.fixture
def virtual_loop() -> Iterator[VirtualLoop]:
    """A `VirtualLoop` for code that takes a loop or is driven by `loop.run_until_complete`."""
    loop = VirtualLoop()
    try:
        yield loop
    finally:
        loop.close()


@pytest.fixture
def virtually(virtual_loop: VirtualLoop) -> Callable[[Coroutine[Any, Any, Outcome]], Outcome]:
    """Runs a coroutine to its end in virtual time: `virtually(main())`. For sync tests; an `async def` test runs in real time.

    Code under test sees the virtual time through `asyncio.get_running_loop().time()`, `asyncio.sleep`, `asyncio.timeout`.
    A coroutine that only waits for another thread or a socket waits for it really.
    """

    def run(coroutine: Coroutine[Any, Any, Outcome]) -> Outcome:
        with asyncio.Runner(loop_factory=lambda: virtual_loop) as runner:
            return runner.run(coroutine)

    return run


STORY = ("tests/e2e/test_credit.py", "tests/e2e/test_known_truth.py", "tests/e2e/test_whose_fault.py")
"""Files that look at one run of more than a minute."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file stays with one worker, so that what its fixtures build is built once; so do the files of one story."""
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

    class ByFile(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            file: str = nodeid.partition("::")[0]
            return STORY[0] if file in STORY else file

    config.option.loadscopereorder = False  # the order of the collection, see below
    return ByFile(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Several workers take the longest first: the story, then the other daemons; one worker begins with what fails fast."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: (item.nodeid.partition("::")[0] not in STORY, "e2e/" not in item.nodeid))


def _skipped(reports: Mapping[str, list[Any]]) -> list[str]:
    return sorted(report.nodeid for report in reports.get("skipped", []) if "system" in report.keywords)


def pytest_collection_finish() -> None:
    """The modules and parameters of all tests stay: a full collection that walks them stands a loop of real time still for 0.2 s."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A `system` test that skips itself would hide that the real thing was not tried: the session fails."""
    reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not (skipped := _skipped(reporter.stats)):
        return
    reporter.write_line("system tests must run, not skip; deselect them with -m 'not system':", red=True)
    for name in skipped:
        reporter.write_line(f"  {name}", red=True)
    session.exitstatus = pytest.ExitCode.TESTS_FAILED
