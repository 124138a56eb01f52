"""How a line talks to its socket: the words both ways of doing it share, and the plain way, one system call per packet."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from itertools import repeat
from operator import add, mul
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

from slamon.egress import FAMILIES, MSG_ERRQUEUE, IcmpError, SocketAddress, icmp_error, transmit_key
from slamon.icmp.flights import MASK
from slamon.icmp.packet import HEADER_BYTES, NUMBER_BYTES, REQUEST, sound
from slamon.icmp.sockets import HOP_LIMIT, SCM_TIMESTAMPING_NEW, TIMESPEC, ProbeSocket
from slamon.model import S

if TYPE_CHECKING:
    from slamon.icmp.packet import Echo
    from slamon.icmp.peer import Peer
    from slamon.record.rank import Rank
    from slamon.record.series import Series

READ_LIMIT = 50_000
"""Packets read in one go, so that a flood cannot hold the loop; what is overdue then waits for the next go."""

ANCILLARY = 256
"""Bytes for the control messages of one packet: stamps 64, hop limit 24, an extended error with its offender 64."""

QUOTE = 2048
"""Bytes of what an ICMP error quotes of our packet: at most one MTU."""

Message: TypeAlias = tuple[int, int, int, int, bytes]
"""type, identifier, sequence, number (−1: too short for one), what follows the number."""

Envelope: TypeAlias = tuple[bytes, int, int, int]
"""binary address of the sender, seconds and nanoseconds of the kernel's receive stamp (0, 0: none), hop limit (−1: not seen)."""

Row: TypeAlias = tuple[Message, Envelope]

_HEADER = Struct("!BxxxHH")


class Reply(NamedTuple):
    """What every answer to the echo requests of one kind looks like."""

    kind: int
    ident: int
    tail: bytes
    """What follows the number."""


class Answers(NamedTuple):
    """Answers by columns, equally long."""

    numbers: tuple[int, ...]
    sources: bytes
    """The binary addresses, one after the other."""
    stamps: Sequence[int]
    """The kernel's, nanoseconds of CLOCK_REALTIME; 0: none."""
    hops: Sequence[int]


class Portion:
    """Messages that were read together, at least one. To be looked at before the next is asked for."""

    def __init__(self, messages: Sequence[Message] = (), envelopes: Sequence[Envelope] = ()) -> None:
        """Equally long."""
        self.messages = messages
        self.envelopes = envelopes

    def __len__(self) -> int:
        return len(self.messages)

    def rows(self) -> Iterator[Row]:
        return zip(self.messages, self.envelopes, strict=True)

    def answers(self, reply: Reply) -> Answers | None:
        """All of them, if each looks like that and has the sequence number that belongs to its number; else None."""
        kinds, idents, sequences, numbers, rests = zip(*self.messages, strict=True)
        sources, seconds, nanoseconds, hops = zip(*self.envelopes, strict=True)
        count = len(kinds)
        if not (
            kinds.count(reply.kind) == idents.count(reply.ident) == rests.count(reply.tail) == count
            and sequences == tuple([number & MASK for number in numbers])
        ):
            return None
        return Answers(numbers, b"".join(sources), [*map(add, map(mul, seconds, repeat(S)), nanoseconds)], hops)


class News(NamedTuple):
    """What was read off an error queue."""

    runs: list[tuple[int, Sequence[int]]]
    """(key of the first packet, transmit stamps on CLOCK_REALTIME of it and those that follow)."""
    errors: list[IcmpError]
    complete: bool
    """Whether the queue is empty now."""


class Salvo:
    """Peers of one line, with one timeout and one echo, that are sent to together; their packets, made once and numbered anew each time."""

    __slots__ = ("echo", "load", "packets", "peers", "rank", "series", "timeout")

    def __init__(self, peers: Sequence[Peer], echo: Echo, rank: Rank | None = None) -> None:
        """`rank`: of the series, where all are expected to answer."""
        self.peers = tuple(peers)
        self.series: tuple[Series, ...] = tuple(peer.series for peer in peers)
        self.timeout = peers[0].timeout
        self.rank = rank
        self.echo = echo
        self.packets = bytearray(echo.template * len(peers))
        self.load: object = None
        """What a wire prepared, to send it again and again."""


class Wire(Protocol):
    """Sends salvos and reads both queues of one non-blocking socket."""

    complete: bool
    """Whether `replies` came to the end of the queue when it was called last."""

    def send(self, salvo: Salvo, at: int, count: int) -> int:
        """Send the packets `at` to `at + count`, as far as the kernel takes them; how many that were."""

    def replies(self) -> Iterator[Portion]:
        """Everything in the receive queue, in portions; READ_LIMIT at most."""

    def news(self) -> News:
        """Everything in the error queue; READ_LIMIT at most."""


def message(data: bytearray | bytes, start: int, end: int) -> Message | None:
    """The ICMP message at `data[start:end]`; None for less than a header."""
    if end - start < HEADER_BYTES:
        return None
    if end - start < HEADER_BYTES + NUMBER_BYTES:
        return *_HEADER.unpack_from(data, start), -1, b""
    kind, _, _, ident, sequence, number = REQUEST.unpack_from(data, start)
    return kind, ident, sequence, number, bytes(data[start + HEADER_BYTES + NUMBER_BYTES : end])


def within_ip(data: bytearray | bytes, at: int, end: int) -> int | None:
    """Where the ICMP message begins that stands behind an IPv4 header at `at`; None for a damaged one.

    The header's own length says it. For IP a damaged message never arrived: only raw sockets are shown it.
    """
    start = at + ((data[at] & 15) << 2)
    return start if sound(data[start:end]) else None


class PlainWire:
    """sendto and recvmsg: works wherever Python does."""

    def __init__(self, probe: ProbeSocket) -> None:
        self._probe = probe
        self._socket = probe.socket
        self._buffer = bytearray(1 << 16)
        self.complete = True
        self._packed: dict[str, bytes] = {}

    def send(self, salvo: Salvo, at: int, count: int) -> int:
        sendto, length = self._socket.sendto, salvo.echo.length
        if salvo.load is None:
            view = memoryview(salvo.packets)
            salvo.load = [view[i : i + length] for i in range(0, len(view), length)]
        packets: list[memoryview] = salvo.load  # type: ignore[assignment] # nobody else writes it
        peers = salvo.peers
        for i in range(at, at + count):
            try:
                sendto(packets[i], peers[i].destination)
            except OSError:
                return i - at
        return count

    def replies(self) -> Iterator[Portion]:
        receive, buffer, headers = self._socket.recvmsg_into, self._buffer, self._probe.headers
        buffers, unpack_stamp, unpack_hop_limit = [buffer], TIMESPEC.unpack_from, HOP_LIMIT.unpack
        messages: list[Message] = []
        envelopes: list[Envelope] = []
        self.complete = False
        for _ in range(READ_LIMIT):
            try:
                size, ancillary, _, source = receive(buffers, ANCILLARY)
            except BlockingIOError:
                self.complete = True
                break
            except OSError:
                continue  # the report about an earlier packet, which the error queue holds in full
            seconds = nanoseconds = 0
            hop = -1
            for _, kind, data in ancillary:
                if kind == SCM_TIMESTAMPING_NEW:
                    seconds, nanoseconds = unpack_stamp(data)
                elif len(data) == HOP_LIMIT.size:
                    (hop,) = unpack_hop_limit(data)
            start = within_ip(buffer, 0, size) if headers else 0
            heard = None if start is None else message(buffer, start, size)
            if heard is not None:
                messages.append(heard)
                envelopes.append((self._address(source[0]), seconds, nanoseconds, hop))
        if messages:
            yield Portion(messages, envelopes)

    def _address(self, text: str) -> bytes:
        """The binary form of a sender; there are as many as targets, and strangers."""
        packed = self._packed.get(text)
        if packed is None:
            if len(self._packed) > READ_LIMIT:
                self._packed.clear()
            packed = self._packed[text] = socket.inet_pton(FAMILIES[self._probe.family], text.partition("%")[0])
        return packed

    def news(self) -> News:
        stamps: list[tuple[int, Sequence[int]]] = []
        errors: list[IcmpError] = []
        for _ in range(READ_LIMIT):
            try:
                packet, ancillary, _, destination = self._socket.recvmsg(QUOTE, ANCILLARY, MSG_ERRQUEUE)
            except BlockingIOError:
                return News(stamps, errors, complete=True)
            sort_out(packet, ancillary, destination or None, stamps, errors)
        return News(stamps, errors, complete=False)


def sort_out(
    packet: bytes,
    ancillary: Sequence[tuple[int, int, bytes]],
    destination: SocketAddress | None,
    stamps: list[tuple[int, Sequence[int]]],
    errors: list[IcmpError],
) -> None:
    """One message of an error queue, put where it belongs."""
    key = transmit_key(ancillary)
    if key is None:
        error = icmp_error(packet, ancillary, destination)
        if error is not None:
            errors.append(error)
        return
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == SCM_TIMESTAMPING_NEW:
            seconds, nanoseconds = TIMESPEC.unpack_from(data)
            stamps.append((key, (seconds * S + nanoseconds,)))
