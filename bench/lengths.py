"""How long the soak lasts in this trial: what the command line of the benches was told."""

from __future__ import annotations

SOAK = 300
"""Seconds: five minutes."""

soak = SOAK
