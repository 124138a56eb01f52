"""The log sentences of state changes, as an operator reads them."""

from __future__ import annotations

import dataclasses

import pytest

from slamon.model import MINUTE, Result, S
from slamon.report.events import Change, sentence
from slamon.sla.facts import State

SINCE = 1_795_514_400 * S  # 2026-11-24 10:00:00Z
DOWN = Change(
    noun="service",
    name="hq-dia",
    state=State.DOWN,
    since=SINCE,
    previous=State.UP,
    previous_since=SINCE - 60 * MINUTE,
    results=(Result.TIMEOUT,) * 3,
    targets=1,
    down=1,
    witness="hq-dia/gateway",
    witness_state=State.UP,
)
UP = Change(
    noun="service",
    name="hq-dia",
    state=State.UP,
    since=SINCE + 200 * S,
    previous=State.DOWN,
    previous_since=SINCE,
    cause="provider_down",
)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (DOWN, "service hq-dia DOWN since 2026-11-24 10:00:00Z, 3 of 3 lost, witness up"),
        (UP, "service hq-dia UP again since 2026-11-24 10:03:20Z, down for 3m20s, provider"),
        (
            dataclasses.replace(UP, cause="local_fault"),
            "service hq-dia UP again since 2026-11-24 10:03:20Z, down for 3m20s, our side",
        ),
        (
            dataclasses.replace(UP, cause="force_majeure"),
            "service hq-dia UP again since 2026-11-24 10:03:20Z, down for 3m20s, force majeure",
        ),
        (
            dataclasses.replace(UP, previous=State.UNKNOWN, cause=None),
            "service hq-dia UP again since 2026-11-24 10:03:20Z, unknown for 3m20s",
        ),
        (
            dataclasses.replace(UP, previous=None, previous_since=None, cause=None),
            "service hq-dia UP since 2026-11-24 10:03:20Z",
        ),
        (
            dataclasses.replace(
                DOWN, since=SINCE + 250_999_999, results=(Result.ICMP_ERROR, Result.TIMEOUT, Result.TIMEOUT)
            ),
            "service hq-dia DOWN since 2026-11-24 10:00:00.250Z, 3 of 3 lost, witness up",
        ),
        (
            dataclasses.replace(DOWN, targets=3, down=2, results=()),
            "service hq-dia DOWN since 2026-11-24 10:00:00Z, 2 of 3 targets down, witness up",
        ),
        (
            dataclasses.replace(DOWN, noun="target", name="hq-dia/web", results=(Result.CONNECT_ERROR,) * 2),
            "target hq-dia/web DOWN since 2026-11-24 10:00:00Z, 2 of 2 refused, witness up",
        ),
        (
            dataclasses.replace(
                DOWN, results=(Result.TIMEOUT, Result.BAD_RESPONSE, Result.SUCCESS), witness_state=None
            ),
            "service hq-dia DOWN since 2026-11-24 10:00:00Z, 2 of 3 failed (1 bad_response, 1 timeout)",
        ),
        (
            dataclasses.replace(DOWN, state=State.LOCAL_FAULT, witness_state=State.DOWN),
            "service hq-dia LOCAL FAULT since 2026-11-24 10:00:00Z, 3 of 3 lost, witness hq-dia/gateway down, not the provider's",
        ),
        (
            dataclasses.replace(DOWN, state=State.UNKNOWN, results=()),
            "service hq-dia UNKNOWN since 2026-11-24 10:00:00Z, not measured",
        ),
    ],
)
def test_sentences(change: Change, said: str) -> None:
    assert sentence(change) == said


def test_what_alarms() -> None:
    assert DOWN.alarming
    assert not UP.alarming
    assert dataclasses.replace(DOWN, state=State.UNKNOWN).alarming
    assert not dataclasses.replace(
        DOWN, state=State.UNKNOWN, previous=None
    ).alarming  # nothing was measured yet: the start
