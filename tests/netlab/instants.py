"""The clocks of the lab: read here and nowhere else, because the product bans them everywhere but in its own clock."""

from __future__ import annotations

import time

monotonic = time.monotonic_ns  # noqa: TID251 - the truth is stamped by the machine's own clock
wall = time.time_ns  # noqa: TID251 - the anchor in the truth's header
pause = time.sleep  # noqa: TID251 - test processes wait; there is no event loop to block
