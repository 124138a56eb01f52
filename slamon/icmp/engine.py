"""The front of the ICMP engine: due shots go to the shared socket of their family and way out, every tick drains all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from slamon.icmp.channel import Channel
from slamon.icmp.peer import Peer
from slamon.model import MINUTE, Target, Via
from slamon.probe import Context, Shot
from slamon.verdict import failure

SWEEP = 10 * MINUTE
"""How often what is no longer used is let go of; a target that was not fired for as long is taken for gone."""


class Engine:
    """ICMP echo for any number of targets over one socket per (family, via). All calls come from one thread and never block.

    Every shot ends in exactly one `series.decide`: success, timeout, icmp_error (a router's), send_error or local_error (ours, never loss).
    """

    def __init__(self, context: Context, payload: Callable[[Target], int]) -> None:
        """`payload` gives the bytes of payload of a target."""
        self._context = context
        self._clock = context.clock
        self._payload = payload
        self._channels: dict[tuple[int, Via], Channel] = {}
        self._peers: dict[str, Peer] = {}
        self._next_sweep = context.clock.monotonic() + SWEEP

    def send(self, shots: Sequence[Shot]) -> None:
        """Send one echo request for each shot now."""
        batches: dict[Channel, list[Peer]] = {}
        peers = self._peers
        for shot in shots:
            target, address, series, _ = shot
            peer = peers.get(target.name)
            if peer is None or peer.target is not target or peer.address != address or peer.series is not series:
                peer = self._meet(shot)
                if peer is None:
                    continue
            batch = batches.get(peer.channel)
            if batch is None:
                batch = batches[peer.channel] = []
            batch.append(peer)
        for channel, batch in batches.items():
            channel.send(batch)

    def drain(self) -> None:
        """Read all that arrived on all sockets, then decide what is overdue."""
        for channel in self._channels.values():
            channel.drain()
        now = self._clock.monotonic()
        if now >= self._next_sweep:
            self._sweep(now)

    def close(self) -> None:
        """Close the sockets; what is in flight becomes a local error."""
        for channel in self._channels.values():
            channel.close()

    def _meet(self, shot: Shot) -> Peer | None:
        """The peer of a new target or a new address; None when the address does not work here, and the shot is decided."""
        try:
            target = shot.target
            channel = self._channel((target.family, target.via))
            peer = Peer(target, shot.address, shot.series, channel=channel, payload=self._payload(target))
        except OSError as error:
            shot.series.decide(shot.series.send(self._clock.now()), failure(error))
            return None
        self._peers[shot.target.name] = peer
        return peer

    def _channel(self, way: tuple[int, Via]) -> Channel:
        channel = self._channels.get(way)
        if channel is None:
            family, via = way
            channel = Channel(family, via, self._context)
            self._channels[way] = channel
        return channel

    def _sweep(self, now: int) -> None:
        self._next_sweep = now + SWEEP
        self._peers = {name: peer for name, peer in self._peers.items() if peer.used + SWEEP >= now}
        used = {peer.channel for peer in self._peers.values()}
        for way, channel in list(self._channels.items()):
            if channel not in used:
                channel.close()
                del self._channels[way]
