"""The far side: reads packets from the wire, lets their target's policy decide, answers at the planned instant, logs the truth."""

from __future__ import annotations

import errno
import heapq
import os
import select
import struct
from collections.abc import Callable
from typing import NamedTuple

from tests.netlab import dns, instants, tcp
from tests.netlab.packets import (
    ECHO_REQUEST,
    ICMP,
    ICMP6,
    TCP,
    UDP,
    Packet,
    address,
    echo_reply,
    icmp_error,
    parse,
    udp_reply,
)
from tests.netlab.policy import MS, Policy, Target, Targets
from tests.netlab.truth import Row, TruthLog

SPIN = 150_000
"""Nanoseconds before a planned instant in which we spin instead of sleeping: a wake-up of this kernel is that late."""
BURST = 16
"""Packets taken off a link before the due replies get their turn again."""
IDLE = 0.2
"""Seconds of the longest sleep; after it the truth is flushed."""
TWIN = 50_000
"""Nanoseconds a duplicate follows its twin."""
PROTOCOLS = {ICMP: "icmp", ICMP6: "icmp6", TCP: "tcp", UDP: "udp"}


class Answer(NamedTuple):
    """What the far side makes of a packet before delay, reorder and the like: the row's facts and the reply, if any."""

    ident: int
    sequence: int
    event: str
    reply: bytes | None


class Due(NamedTuple):
    """A reply that waits for its instant; `order` keeps equal instants in order and the heap away from the rest."""

    instant: int
    order: int
    link: int
    reply: bytes
    row: Row


class Responder:
    """`links` are descriptors of TUN devices. `run` returns after `stop`."""

    def __init__(self, targets: Targets, truth: TruthLog, links: list[int]) -> None:
        self.targets = targets
        self.truth = truth
        self.stopped = False
        self.received = self.answered = self.ignored = 0
        self._links = links
        self._due: list[Due] = []
        self._order = 0
        self._tcp = tcp.TcpHosts()
        self._watched: dict[int, Callable[[], None]] = {}

    def watch(self, descriptor: int, ready: Callable[[], None]) -> None:
        """`ready` is called when the descriptor can be read: the control socket lives in the same loop."""
        self._watched[descriptor] = ready

    def unwatch(self, descriptor: int) -> None:
        self._watched.pop(descriptor, None)

    def stop(self) -> None:
        self.stopped = True

    def run(self) -> None:
        while not self.stopped:
            self._send_due()
            if self._read_links():
                continue
            wait = IDLE
            if self._due:
                ahead = self._due[0].instant - instants.monotonic()
                if ahead <= SPIN:
                    continue
                wait = min(IDLE, (ahead - SPIN) / 1e9)
            ready, _, _ = select.select([*self._links, *self._watched], [], [], wait)
            if not ready:
                self.truth.flush()
            for descriptor in ready:
                if descriptor in self._watched:
                    self._watched[descriptor]()

    def _read_links(self) -> bool:
        got = False
        for link in self._links:
            for _ in range(BURST):
                try:
                    raw = os.read(link, 2048)
                except BlockingIOError:
                    break
                except OSError as error:
                    if error.errno != errno.EIO:  # the device is down; it may come back
                        raise
                    break
                got = True
                self._take(link, raw, instants.monotonic())
        return got

    def _take(self, link: int, raw: bytes, now: int) -> None:
        packet = parse(raw)
        if packet is None or packet.protocol not in PROTOCOLS:
            self.ignored += 1
            return
        self.received += 1
        target = self.targets.find(packet.destination)
        policy = target.at(now)
        answer = self._answer(packet, target, policy)
        if answer is None:
            self.ignored += 1
            return
        protocol = PROTOCOLS[packet.protocol]
        row = Row(now, protocol, target.name, answer.ident, answer.sequence, packet.hop_limit, answer.event, 0, 0)
        if answer.reply is None:
            self.truth.write(row)
            return
        self._plan(link, answer.reply, row, target, policy)

    def _answer(self, packet: Packet, target: Target, policy: Policy) -> Answer | None:
        """Fate first, then the protocol's own answer. None: not a packet that asks for anything."""
        facts = identify(packet)
        if facts is None:
            return None
        ident, sequence = facts
        if packet.hop_limit <= len(policy.hops):
            return hop(packet, policy.hops[packet.hop_limit - 1], ident, sequence)
        if policy.silent or target.happens(policy.loss):
            return Answer(ident, sequence, "outage" if policy.silent else "lost", None)
        if policy.error:
            router = address(policy.error_from) if policy.error_from else packet.destination
            return Answer(ident, sequence, f"error:{policy.error}", icmp_error(policy.error, router, packet))
        if packet.protocol == TCP:
            segment = tcp.read(packet.payload)
            return None if segment is None else Answer(ident, sequence, *self._tcp.answer(packet, segment, policy))
        return (datagram if packet.protocol == UDP else echo)(packet, policy, ident, sequence)

    def _plan(self, link: int, reply: bytes, row: Row, target: Target, policy: Policy) -> None:
        event = row.event
        delay = target.draw_delay(policy)
        if target.happens(policy.reorder):
            delay += int(policy.reorder_delay * MS)
            event += "+reordered"
        if target.happens(policy.corrupt):
            reply = reply[:-1] + bytes([reply[-1] ^ 0x55])
            event += "+corrupt"
        self._queue(link, reply, row._replace(event=event, planned=delay))
        if target.happens(policy.duplicate):
            self._queue(link, reply, row._replace(event="duplicate", planned=delay + TWIN))

    def _queue(self, link: int, reply: bytes, row: Row) -> None:
        self._order += 1
        due = Due(row.received + row.planned, self._order, link, reply, row)
        if row.planned:
            heapq.heappush(self._due, due)
        else:
            self._send(due)

    def _send_due(self) -> None:
        while self._due and self._due[0].instant <= instants.monotonic():
            self._send(heapq.heappop(self._due))

    def _send(self, due: Due) -> None:
        try:
            os.write(due.link, due.reply)
        except OSError as error:
            # the device went down while the reply was on its way: as on a real wire, nobody gets it, and the truth says so
            self.truth.write(due.row._replace(event=f"unsent:{errno.errorcode.get(error.errno or 0, error.errno)}"))
            return
        self.answered += 1
        self.truth.write(due.row._replace(sent=instants.monotonic()))


def identify(packet: Packet) -> tuple[int, int] | None:
    """(ident, sequence) of the truth's row; None for what asks for no answer (ICMP other than an echo request)."""
    if packet.protocol in ECHO_REQUEST:
        if len(packet.payload) < 8 or packet.payload[0] != ECHO_REQUEST[packet.protocol]:
            return None
        ident, sequence = struct.unpack_from("!HH", packet.payload, 4)
        return ident, sequence
    if len(packet.payload) < 8:
        return None
    source_port, port = struct.unpack_from("!HH", packet.payload)
    return port, source_port


def hop(packet: Packet, router: str | None, ident: int, sequence: int) -> Answer:
    """The packet's hop limit ran out on the way."""
    if router is None:
        return Answer(ident, sequence, f"silent-hop:{packet.hop_limit}", None)
    return Answer(ident, sequence, f"hop:{packet.hop_limit}", icmp_error("ttl", address(router), packet))


def echo(packet: Packet, policy: Policy, ident: int, sequence: int) -> Answer:
    event = "reply"
    source, payload = packet.destination, None
    if policy.spoof:
        source, event = address(policy.spoof), event + "+spoofed"
    if policy.bad_payload:
        payload, event = bytes(len(packet.payload) - 8), event + "+bad-payload"
    return Answer(
        ident, sequence, event, echo_reply(packet, source=source, hop_limit=policy.hop_limit, payload=payload)
    )


def datagram(packet: Packet, policy: Policy, ident: int, sequence: int) -> Answer:
    kind = policy.udp.get(str(ident), "closed")
    body = packet.payload[8:]
    source = address(policy.spoof) if policy.spoof else packet.destination
    if kind == "filtered":
        return Answer(ident, sequence, "filtered", None)
    if kind == "echo":
        return Answer(ident, sequence, "udp", udp_reply(packet, body, source=source, hop_limit=policy.hop_limit))
    if kind == "dns":
        answered = dns.answer(body, policy)
        if answered is None:
            return Answer(ident, sequence, "not-dns", None)
        event, message, response = answered
        return Answer(ident, message, event, udp_reply(packet, response, source=source, hop_limit=policy.hop_limit))
    return Answer(ident, sequence, "error:port", icmp_error("port", packet.destination, packet))
