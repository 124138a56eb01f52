"""The one long run that several files of tests look at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.story import Story, told


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """The files that use it are listed in tests/conftest.py, so that one worker tells it once."""
    with told(tmp_path_factory.mktemp("story")) as story:
        yield story
        story.stop()
