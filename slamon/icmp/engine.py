"""The front of the ICMP engine: due shots go to the shared socket of their family and way out, every tick drains all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from slamon.icmp import mmsg
from slamon.icmp.channel import Channel, salvos
from slamon.icmp.line import Line
from slamon.icmp.peer import Form, Peer
from slamon.icmp.sockets import checksum_errors
from slamon.icmp.wire import Salvo
from slamon.model import MINUTE, S, Target, Via
from slamon.probe import Context, Shot
from slamon.verdict import failure

SWEEP = 10 * MINUTE
"""How often what is no longer used is let go of; a target that was not fired for as long is taken for gone."""

LOOK = 10 * S
"""Between two looks at the kernel's own counters; reading them costs a tenth of a millisecond."""

REGROUP = 10 * S
"""Between two tries to send those side by side that answer, after one did not."""


class _Plan:
    """What was made of shots that are fired together again and again."""

    __slots__ = ("parts", "shots", "used")

    def __init__(self, shots: Sequence[Shot], parts: list[_Part]) -> None:
        self.shots = shots
        self.parts = parts
        self.used = 0


class _Part:
    """Those that leave by one channel; the salvos are of the line they were made for."""

    __slots__ = ("again", "channel", "line", "peers", "salvos")

    def __init__(self, channel: Channel, peers: list[Peer]) -> None:
        self.channel = channel
        self.peers = peers
        self.line: Line | None = None
        self.salvos: list[Salvo] = []
        self.again = 0
        """When they are parted anew at the earliest, if some are not side by side."""

    def send(self, now: int) -> None:
        line = self.channel.ready()
        if line is None:
            self.channel.refuse(self.peers)
            return
        if line is not self.line:
            # Whether they are ever sent to together again, the second time will tell.
            self.line, self.salvos, self.again = line, salvos(line, self.peers), now
        elif now >= self.again and any(salvo.rank is None for salvo in self.salvos):
            self.salvos, self.again = salvos(line, self.peers, now), now + REGROUP
        for salvo in self.salvos:
            line.send(salvo)


class Engine:
    """ICMP echo for any number of targets over one socket per (family, via). All calls come from one thread and never block.

    Every shot ends in exactly one decision: success, timeout, icmp_error (a router's), send_error or local_error (ours, never loss).
    """

    def __init__(self, context: Context, form: Callable[[Target], Form], *, batched: bool = mmsg.AVAILABLE) -> None:
        """`form` says what the requests of a target carry; `batched`: by one system call for many packets."""
        self._context = context
        self._clock = context.clock
        self._form = form
        self._batched = batched
        self._forms: dict[Form, Form] = {}
        """One object for all that are equal: a line looks per answer whether it is another one than before."""
        self._channels: dict[tuple[int, Via], Channel] = {}
        self._peers: dict[str, Peer] = {}
        self._plans: dict[int, _Plan] = {}
        """By the identity of the tuple of shots, which the plan keeps alive."""
        self._next_sweep = context.clock.monotonic() + SWEEP
        self._next_look = context.clock.monotonic()

    def send(self, shots: Sequence[Shot]) -> None:
        """Send one echo request for each shot now. For a tuple that comes again, everything lies ready."""
        plan = self._plans.get(id(shots))
        if plan is None or plan.shots is not shots:
            plan, whole = self._plan(shots)
            if whole and isinstance(shots, tuple):
                self._plans[id(shots)] = plan
        plan.used = now = self._clock.monotonic()
        for part in plan.parts:
            before = part.channel.rotations
            part.send(now)
            if part.channel.rotations != before:
                self._rotated(part.channel)

    def drain(self, *, eager: bool = True) -> None:
        """Read all that arrived on all sockets, then decide what is overdue; unless `eager`, where that cannot wait."""
        for channel in self._channels.values():
            channel.drain(eager=eager)
        if not eager:
            return
        now = self._clock.monotonic()
        if now >= self._next_look:
            self._next_look = now + LOOK
            self._context.stats.checksum_errors = checksum_errors()
        if now >= self._next_sweep:
            self._sweep(now)

    def close(self) -> None:
        """Close the sockets; what is in flight becomes a local error."""
        for channel in self._channels.values():
            channel.close()

    def _plan(self, shots: Sequence[Shot]) -> tuple[_Plan, bool]:
        """What to send for these shots, and whether that is all of them: one whose address does not work here is decided instead."""
        now = self._clock.monotonic()
        batches: dict[Channel, list[Peer]] = {}
        whole = True
        for shot in shots:
            peer = self._peers.get(shot.target.name)
            if peer is None or (peer.target, peer.address, peer.series) != shot:
                peer = self._meet(shot)
            if peer is None:
                whole = False
                continue
            peer.used = now
            batches.setdefault(peer.channel, []).append(peer)
        return _Plan(shots, [_Part(channel, peers) for channel, peers in batches.items()]), whole

    def _meet(self, shot: Shot) -> Peer | None:
        """The peer of a new target or a new address; None when the address does not work here, and the shot is decided."""
        try:
            target = shot.target
            channel = self._channel((target.family, target.via))
            form = self._form(target)
            form = self._forms.setdefault(form, form)
            peer = Peer(target, shot.address, shot.series, channel=channel, form=form)
        except OSError as error:
            shot.series.decide(shot.series.send(self._clock.now()), failure(error))
            return None
        self._peers[shot.target.name] = peer
        return peer

    def _channel(self, way: tuple[int, Via]) -> Channel:
        channel = self._channels.get(way)
        if channel is None:
            family, via = way
            channel = Channel(family, via, self._context, batched=self._batched)
            self._channels[way] = channel
        return channel

    def _rotated(self, channel: Channel) -> None:
        for peer in self._peers.values():
            if peer.channel is channel:
                peer.series.rotations += 1

    def _sweep(self, now: int) -> None:
        self._next_sweep = now + SWEEP
        self._plans = {key: plan for key, plan in self._plans.items() if plan.used + SWEEP >= now}
        for plan in self._plans.values():
            for part in plan.parts:
                for peer in part.peers:
                    peer.used = now
        self._peers = {name: peer for name, peer in self._peers.items() if peer.used + SWEEP >= now}
        used = {peer.channel for peer in self._peers.values()}
        for way, channel in list(self._channels.items()):
            if channel not in used:
                channel.close()
                del self._channels[way]
