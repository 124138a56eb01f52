"""When Python looks for cycles of objects that nobody refers to: where nothing else is under way, and not in the midst of a page."""

from __future__ import annotations

import gc


def settle() -> None:
    """What there is stays: no later look walks it. From here on there are looks when `tidy` or `tidy_all` is called, at no other time."""
    gc.collect()
    gc.freeze()
    gc.disable()


def tidy() -> None:
    """Look at what was made since the last look."""
    gc.collect(0)


def tidy_all() -> None:
    """Look at everything made since `settle`, also what outlived a look: a tenth of a second with thousands of targets."""
    gc.collect()
