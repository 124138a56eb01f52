"""The fast way to talk to a socket: sendmmsg(2) and recvmmsg(2) by ctypes, one system call for a whole batch of packets.

Everything a call needs lies ready in memory: of a salvo, the kernel's own structures are built once and used every round; of what is read,
one comparison tells whether all messages of a batch look as they usually do, and then one format string takes them apart.
"""

from __future__ import annotations

import ctypes
import errno
import socket
import sys
from array import array
from collections.abc import Iterator, Sequence
from itertools import repeat
from operator import add, mul
from struct import Struct, calcsize
from typing import Final, Literal

from slamon.egress import FAMILIES, MSG_ERRQUEUE, IcmpError, SocketAddress
from slamon.icmp.packet import HEADER_BYTES, NUMBER_BYTES, REQUEST
from slamon.icmp.sockets import HOP_LIMIT, SCM_TIMESTAMPING_NEW, TIMESPEC, ProbeSocket
from slamon.icmp.wire import (
    ANCILLARY,
    QUOTE,
    READ_LIMIT,
    Answers,
    Envelope,
    Message,
    News,
    Portion,
    Reply,
    Row,
    Salvo,
    message,
    sort_out,
    within_ip,
)
from slamon.model import S

# PyDLL keeps the interpreter's lock: the calls do not block, and to wait for the lock again would make gaps between packets.
_LIBC = ctypes.PyDLL(None, use_errno=True)


def _available() -> bool:
    """Whether this is 64-bit Linux, whose structures stand below, and nothing (an old C library, a seccomp filter) forbids the calls."""
    if ctypes.sizeof(ctypes.c_void_p) != 8 or sys.byteorder != "little":
        return False
    try:
        calls = _LIBC.sendmmsg, _LIBC.recvmmsg
    except AttributeError:
        return False
    pointer, number = ctypes.c_void_p, ctypes.c_uint
    calls[0].argtypes = (ctypes.c_int, pointer, number, ctypes.c_int)
    calls[1].argtypes = (ctypes.c_int, pointer, number, ctypes.c_int, pointer)
    for call, more in zip(calls, ((), (None,)), strict=True):
        call(-1, None, 0, 0, *more)
        if ctypes.get_errno() != errno.EBADF:
            return False
    return True


AVAILABLE: Final = _available()

VLEN = 256
"""Packets read by one call: half a second of 1000 a second takes two."""

LARGEST = 4096
"""Bytes of a reply up to which replies are compared all at once: 1 MB of what they have to look like."""

_DONTWAIT = int(socket.MSG_DONTWAIT)

_HEADER = Struct("=QI4xQQQQi4xI4x")
"""struct mmsghdr: name, its length, iovec, number of them, control messages, their length, flags, bytes of the message."""
_IOVEC = Struct("=QQ")
_CONTROL = Struct("=QII")
"""struct cmsghdr: length with this header, level, type."""
_NAME = 32
"""Bytes kept for an address: struct sockaddr_in6 has 28."""
_NAME_BYTES = {4: 16, 6: 28}
_ADDRESS = {4: slice(4, 8), 6: slice(8, 24)}
"""Where the address stands in a sockaddr."""

# The control messages of a usual reply: stamps (16 + 48 bytes), hop limit (16 + 4, padded to 24); of a usual transmit stamp: stamps,
# extended error (16 + 16 and the empty name of an offender, padded to 8).
_REPLY_CONTROL = 64 + 24
_STAMP_CONTROL = {4: 64 + 48, 6: 64 + 64}
_ENVELOPE = {4: "=4x4s24x", 6: "=8x16s8x"}
"""A name, as far as it is of interest."""
_REST = _NAME + ANCILLARY
_STAMP = _NAME + _CONTROL.size
_KEY = _NAME + 64 + _CONTROL.size + 12
"""Where behind the name the kernel's stamp stands, and in a transmit stamp's extended error the key."""
_HOP = _NAME + 64 + _CONTROL.size
"""Where a reply has its hop limit."""
_SEQUENCE, _LOW = 6, HEADER_BYTES + NUMBER_BYTES - 2
"""Where a message has its sequence number, and in its number the same."""


def _address_of(buffer: bytearray) -> int:
    """Where its bytes lie; they stay there as long as its length does not change."""
    return ctypes.addressof(ctypes.c_char.from_buffer(buffer))


class _Slots:
    """Memory for VLEN messages of `size` bytes, and the headers that tell the kernel of it."""

    def __init__(self, size: int, family: int) -> None:
        self.size = size
        self.family = family
        self.data = bytearray(VLEN * size)
        self.rest = bytearray(VLEN * _REST)
        """Name and control messages of each."""
        self._vectors = bytearray(VLEN * _IOVEC.size)
        self.headers = bytearray(VLEN * _HEADER.size)
        data, rest, vectors = _address_of(self.data), _address_of(self.rest), _address_of(self._vectors)
        self._fields = []
        for i in range(VLEN):
            _IOVEC.pack_into(self._vectors, i * _IOVEC.size, data + i * size, size)
            name = rest + i * _REST
            self._fields.append((name, vectors + i * _IOVEC.size, name + _NAME))
        self._fresh = b"".join(
            _HEADER.pack(name, _NAME, vector, 1, control, ANCILLARY, 0, 0) for name, vector, control in self._fields
        )
        self.address = _address_of(self.headers)
        self.renew(VLEN)

    def column(self, kind: Literal["I", "i", "q"], at: int, count: int) -> memoryview[int]:
        """What stands at byte `at` of name and control messages of the first `count` messages: numbers of that type, which `at` fits."""
        width = calcsize(kind)
        return memoryview(self.rest)[: count * _REST].cast(kind)[at // width :: _REST // width]

    def stamps(self, count: int) -> list[int]:
        """The kernel's stamps of the first `count` messages, which are the first of their control messages, in nanoseconds."""
        seconds = self.column("q", _STAMP, count).tolist()
        return [*map(add, map(mul, seconds, repeat(S)), self.column("q", _STAMP + 8, count).tolist())]

    def renew(self, count: int) -> None:
        """Undo what the kernel wrote into the headers of the first `count` messages."""
        end = count * _HEADER.size
        self.headers[:end] = self._fresh[:end]

    def usual(self, *, name: int, control: int, flags: int, size: int) -> bytes:
        """The headers as they look when every message has these lengths."""
        return b"".join(
            _HEADER.pack(at, name, vector, 1, rest, control, flags, size) for at, vector, rest in self._fields
        )

    def read(self, i: int) -> tuple[int, int, int, int]:
        """Of message i: bytes of its name, of its control messages, flags, bytes of its data."""
        _, name, _, _, _, control, flags, size = _HEADER.unpack_from(self.headers, i * _HEADER.size)
        return name, control, flags, size

    def ancillary(self, i: int, length: int) -> list[tuple[int, int, bytes]]:
        """The control messages of message i as `recvmsg` returns them."""
        found = []
        at = i * _REST + _NAME
        end = at + length
        while at + _CONTROL.size <= end:
            size, level, kind = _CONTROL.unpack_from(self.rest, at)
            if size < _CONTROL.size:
                break
            found.append((level, kind, bytes(self.rest[at + _CONTROL.size : at + size])))
            at += (size + 7) & ~7
        return found

    def names(self, count: int) -> bytes:
        """The binary addresses of the first `count` messages, one after the other."""
        at = _ADDRESS[self.family].start
        if self.family == 4:
            return self.column("I", at, count).tobytes()
        names = bytearray(16 * count)
        halves = memoryview(names).cast("q")
        halves[::2], halves[1::2] = self.column("q", at, count), self.column("q", at + 8, count)
        return bytes(names)

    def name(self, i: int) -> bytes:
        """The binary address of message i."""
        return bytes(self.rest[i * _REST :][:_NAME][_ADDRESS[self.family]])

    def destination(self, i: int, length: int) -> SocketAddress | None:
        """The name of message i as `recvmsg` returns it."""
        if not length:
            return None
        text = socket.inet_ntop(FAMILIES[self.family], self.name(i))
        if self.family == 4:
            return text, 0
        return text, 0, 0, int.from_bytes(self.rest[i * _REST + 24 :][:4], "little")


class _Look:
    """How the messages in some slots usually look: echo replies of `length` bytes with a stamp and a hop limit."""

    def __init__(self, slots: _Slots, length: int) -> None:
        self._slots = slots
        self._length = length
        tail = length - HEADER_BYTES - NUMBER_BYTES
        self._message = Struct(f"!BxxxHHQ{tail}s{slots.size - length}x")
        self._envelope = Struct(f"{_ENVELOPE[slots.family]}16xqq32x16xi{ANCILLARY - 64 - 20}x")
        self._varying = (*range(2, 4), *range(6, HEADER_BYTES + NUMBER_BYTES), *range(length, slots.size))
        """Bytes in which answers to one kind of request differ: checksum, sequence, number, and what lies behind the message."""
        self._alike = Reply(-1, 0, b""), b""
        """What the latest answers had to look like, and as many of them as there are slots, with zeros where they differ; none where
        that is too much."""

    def messages(self, count: int) -> Iterator[Message]:
        return self._message.iter_unpack(memoryview(self._slots.data)[: count * self._slots.size])

    def envelopes(self, count: int) -> Iterator[Envelope]:
        return self._envelope.iter_unpack(memoryview(self._slots.rest)[: count * _REST])

    def numbers(self, count: int, reply: Reply) -> tuple[int, ...] | None:
        """Of the first `count` messages, if all of them are such replies."""
        expected = self._expected(reply)
        if not expected:
            return None
        data, size = self._slots.data, self._slots.size
        end = count * size
        same = data[:end]
        for at in self._varying:
            same[at::size] = bytes(count)
        sequences, low = (data[at:end:size] + data[at + 1 : end : size] for at in (_SEQUENCE, _LOW))
        if same != expected[:end] or sequences != low:
            return None
        numbers = array("Q", memoryview(data)[:end].cast("Q")[HEADER_BYTES // 8 :: size // 8].tobytes())
        numbers.byteswap()
        return tuple(numbers)

    def _expected(self, reply: Reply) -> bytes:
        if self._alike[0] != reply:
            one = REQUEST.pack(reply.kind, 0, 0, reply.ident, 0, 0) + reply.tail
            usual = len(one) == self._length <= LARGEST
            self._alike = reply, one.ljust(self._slots.size, b"\0") * VLEN if usual else b""
        return self._alike[1]


class _Usual(Portion):
    """Messages that all have the usual lengths, as they lie in the slots."""

    def __init__(self, slots: _Slots, look: _Look, count: int) -> None:
        super().__init__()
        self._slots = slots
        self._look = look
        self._count = count

    def __len__(self) -> int:
        return self._count

    def rows(self) -> Iterator[Row]:
        return zip(self._look.messages(self._count), self._look.envelopes(self._count), strict=True)

    def answers(self, reply: Reply) -> Answers | None:
        slots, count = self._slots, self._count
        numbers = self._look.numbers(count, reply)
        if numbers is None:
            return None
        return Answers(numbers, slots.names(count), slots.stamps(count), slots.column("i", _HOP, count).tolist())


class BatchWire:
    """A whole batch by one call."""

    def __init__(self, probe: ProbeSocket) -> None:
        self._probe = probe
        self._family = probe.family
        self._descriptor = probe.socket.fileno()
        self.complete = True
        self._start = 20 if probe.headers else 0
        self._length = 0
        self._slots = _Slots(64, self._family)
        self._usual = b""
        self._look = _Look(self._slots, self._slots.size)
        self._tidings = _Slots(QUOTE, self._family)
        flags = MSG_ERRQUEUE
        self._usual_stamp = self._tidings.usual(name=0, control=_STAMP_CONTROL[self._family], flags=flags, size=0)

    # -- sending

    def send(self, salvo: Salvo, at: int, count: int) -> int:
        load = salvo.load
        if load is None:
            load = salvo.load = _Load(salvo, self._family)
            self._fit(salvo.echo.length)
        assert isinstance(load, _Load)
        taken: int = _LIBC.sendmmsg(self._descriptor, load.address + at * _HEADER.size, count, 0)
        return max(taken, 0)

    def _fit(self, length: int) -> None:
        """Make room for replies of `length` bytes; the usual ones have the length of the first salvo."""
        # One byte more than expected shows a reply that is too long.
        size = (self._start + length + 8) & ~7
        if self._usual and size <= self._slots.size:
            return
        self._length = length = self._length or length
        slots = self._slots = _Slots(size, self._family)
        self._usual = slots.usual(
            name=_NAME_BYTES[self._family], control=_REPLY_CONTROL, flags=0, size=self._start + length
        )
        self._look = _Look(slots, length)

    # -- reading

    def replies(self) -> Iterator[Portion]:
        slots = self._slots
        for count in self._batches(slots, _DONTWAIT):
            usual = count * _HEADER.size
            if not self._start and slots.headers[:usual] == self._usual[:usual]:
                yield _Usual(slots, self._look, count)
                continue
            rows = [row for i in range(count) if (row := self._row(slots, i)) is not None]
            if rows:
                yield Portion([heard for heard, _ in rows], [envelope for _, envelope in rows])

    def _row(self, slots: _Slots, i: int) -> Row | None:
        """Message i, whatever it looks like."""
        _, control, _, size = slots.read(i)
        begin = i * slots.size
        end = begin + size
        start: int | None = begin
        if self._start:
            start = within_ip(slots.data, begin, end)
        heard: Message | None = None if start is None else message(slots.data, start, end)
        if heard is None:
            return None
        seconds = nanoseconds = 0
        hop = -1
        for _, kind, data in slots.ancillary(i, control):
            if kind == SCM_TIMESTAMPING_NEW:
                seconds, nanoseconds = TIMESPEC.unpack_from(data)
            elif len(data) == HOP_LIMIT.size:
                (hop,) = HOP_LIMIT.unpack(data)
        return heard, (slots.name(i), seconds, nanoseconds, hop)

    def news(self) -> News:
        stamps: list[tuple[int, Sequence[int]]] = []
        errors: list[IcmpError] = []
        slots = self._tidings
        for count in self._batches(slots, _DONTWAIT | MSG_ERRQUEUE):
            usual = count * _HEADER.size
            if slots.headers[:usual] == self._usual_stamp[:usual]:
                times = slots.stamps(count)
                keys = slots.column("I", _KEY, count).tolist()
                if keys == [*range(keys[0], keys[0] + count)]:
                    stamps.append((keys[0], times))
                else:
                    stamps += [(key, (time,)) for key, time in zip(keys, times, strict=True)]
                continue
            for i in range(count):
                name, control, _, size = slots.read(i)
                packet = bytes(slots.data[i * slots.size :][:size])
                sort_out(packet, slots.ancillary(i, control), slots.destination(i, name), stamps, errors)
        return News(stamps, errors, complete=self.complete)

    def _batches(self, slots: _Slots, flags: int) -> Iterator[int]:
        """How many messages lie in the slots, again and again until the queue is empty."""
        self.complete = False
        for _ in range(READ_LIMIT // VLEN):
            count = _LIBC.recvmmsg(self._descriptor, slots.address, VLEN, flags, None)
            if count > 0:
                yield count
                slots.renew(count)
            elif ctypes.get_errno() == errno.EAGAIN:
                self.complete = True
                return
            # else: the report about an earlier packet, which the error queue holds in full


class _Load:
    """The structures of one salvo: addresses, vectors and headers, one after the other for sendmmsg."""

    __slots__ = ("_headers", "_names", "_vectors", "address")

    def __init__(self, salvo: Salvo, family: int) -> None:
        length, names = salvo.echo.length, [peer.name for peer in salvo.peers]
        self._names = bytearray(b"".join(name.ljust(_NAME, b"\0") for name in names))
        packets, addresses = _address_of(salvo.packets), _address_of(self._names)
        self._vectors = bytearray(b"".join(_IOVEC.pack(packets + i * length, length) for i in range(len(names))))
        vectors = _address_of(self._vectors)
        self._headers = bytearray(
            b"".join(
                _HEADER.pack(addresses + i * _NAME, _NAME_BYTES[family], vectors + i * _IOVEC.size, 1, 0, 0, 0, 0)
                for i in range(len(names))
            )
        )
        self.address = _address_of(self._headers)
