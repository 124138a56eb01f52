"""A namespace with loopback, for the tests of one file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.netlab.namespace import Namespace


@pytest.fixture(scope="module")
def space() -> Iterator[Namespace]:
    namespace = Namespace()
    try:
        yield namespace
    finally:
        namespace.close()
