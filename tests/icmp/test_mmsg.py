"""The fast way to read: messages as they lie in memory are what they are one by one."""

from __future__ import annotations

from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slamon.icmp.mmsg import _Look, _Slots, _Usual
from slamon.icmp.packet import REQUEST
from slamon.icmp.wire import Answers, Portion, Reply, Row
from slamon.model import S
from tests.icmp.rig import Pinger
from tests.netlab import instants
from tests.netlab.namespace import Namespace, inside

REPLY = Reply(0, 4711, bytes(range(100, 148)))
HELD = st.tuples(
    st.sampled_from(["usual"] * 30 + ["kind", "ident", "tail", "number"]),
    st.integers(0, (1 << 64) - 1),
    st.integers(0, 0xFFFF),
    st.binary(min_size=16, max_size=16),
    st.integers(0, 1 << 62),
    st.integers(-1, 255),
)
"""What is odd about a message, its number, its checksum, its source, its stamp, its hop limit."""


@pytest.mark.parametrize(("family", "wide"), [(4, 4), (6, 16)])
@given(st.lists(HELD, min_size=1, max_size=40), st.integers(0, 7), st.binary(min_size=8, max_size=8))
def test_what_lies_in_memory_reads_as_what_it_holds(
    family: int, wide: int, held: list[tuple[str, int, int, bytes, int, int]], over: int, behind: bytes
) -> None:
    tail = REPLY.tail + bytes(over)
    reply = REPLY._replace(tail=tail)
    length = 16 + len(tail)
    slots = _Slots((length + 8) & ~7, family)
    expected: list[Row] = []
    for i, (odd, number, checksum, source, stamp, hop) in enumerate(held):
        kind, ident = reply.kind + (odd == "kind"), reply.ident ^ (odd == "ident")
        sequence = number & 0xFFFF ^ (odd == "number")
        rest = bytes([tail[0] ^ (odd == "tail")]) + tail[1:]
        message = REQUEST.pack(kind, 0, checksum, ident, sequence, number) + rest + behind
        slots.data[i * slots.size : (i + 1) * slots.size] = message[: slots.size]
        name = {4: bytes(4) + source[:4], 6: bytes(8) + source}[family].ljust(32, b"\1")
        control = pack("=QIIqq32xQIIi", 64, 1, 65, stamp // S, stamp % S, 20, 0, 2, hop).ljust(256, b"\2")
        slots.rest[i * 288 : (i + 1) * 288] = name + control
        expected.append(((kind, ident, sequence, number, rest), (source[:wide], stamp // S, stamp % S, hop)))
    usual = _Usual(slots, _Look(slots, length), len(held))
    assert len(usual) == len(held)
    assert list(usual.rows()) == expected
    by_rows = Portion([heard for heard, _ in expected], [envelope for _, envelope in expected]).answers(reply)
    assert (by_rows is None) == any(odd != "usual" for odd, *_ in held)
    assert _plain(usual.answers(reply)) == _plain(by_rows)
    assert usual.answers(reply._replace(tail=tail + b"?")) is None


def _plain(answers: Answers | None) -> tuple[object, ...] | None:
    return None if answers is None else (answers.numbers, answers.sources, [*answers.stamps], [*answers.hops])


@pytest.mark.system
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
@pytest.mark.parametrize(("payload", "at_once"), [(16, True), (57, True), (4088, True), (4089, False)])
def test_what_the_kernel_hands_over_is_read_at_once(
    space: Namespace, address: str, payload: int, at_once: bool
) -> None:
    with inside(space), Pinger() as pinger:
        shot = pinger.shot(address, payload=payload)
        pinger.rounds([shot], 5)
        pinger.rounds([shot], 5)
        for _ in range(10):
            pinger.fire(shot)
        instants.pause(0.02)
        peer = pinger.engine._peers[shot.target.name]
        line = peer.channel.line
        assert line is not None
        reply = Reply(line._matching._reply_type, line.probe.ident, line._echo(peer.form).tail)
        read = 0
        for portion in line.wire.replies():
            rows = [*portion.rows()]
            by_rows = Portion([heard for heard, _ in rows], [envelope for _, envelope in rows]).answers(reply)
            assert by_rows is not None
            assert _plain(portion.answers(reply)) == (_plain(by_rows) if at_once else None)
            assert by_rows.sources == peer.source * len(rows)
            read += len(rows)
        assert read == 10
        pinger.engine.close()
