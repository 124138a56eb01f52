"""What this host knows of its own side when a probe ends without an answer: its addresses, its links, and the neighbours on them."""

from __future__ import annotations

from collections.abc import Callable
from errno import ENODEV
from typing import Generic, NamedTuple, TypeVar, TypeVarTuple

from slamon.model import MS, S, Via
from slamon.neighbours import ask
from slamon.routes import Neighbour, carries, first_step, interface_name, is_local, last_heard, neighbour

OWN_ADDRESS = 10 * S
"""How long it is remembered whether an address is this host's: hundreds of dead neighbours make hundreds of complaints a round."""

ROUTE = 5 * S
"""How long a route is remembered. Asking costs 20 µs, and a gateway that was replaced must not be blamed for long."""

STATE = 1 * S
"""How long the state of a link or neighbour is remembered: one question a second, however many targets lie behind a gateway."""


FRESH = 1 * S
"""A gateway heard of within it is alive: less than an interval of most targets."""

ANSWER = 800 * MS
"""How long a gateway may take to answer a question of ours. It takes a millisecond; the next silence is usually noticed a second later."""

TICK = 20 * MS
"""What an instant at which the kernel heard of a neighbour may be off by."""


class FirstHop(NamedTuple):
    """What is known of the first step to a destination, when no answer came."""

    fault: str = ""
    """Why it is our own side that is silent; empty when nothing is known against it."""
    silence: str = ""
    """Why it is the destination, a neighbour of ours, that is silent; empty when nothing is known against it."""


_MUTE = "the kernel cannot be asked for routes and addresses (AF_NETLINK must be among RestrictAddressFamilies=)"


class Surroundings:
    """Which addresses are this host's, and who on its links is silent: asked of the kernel and remembered for a moment.

    Where the kernel cannot be asked, nobody is blamed by guess, and the operator is told.
    """

    def __init__(self, monotonic: Callable[[], int], tell: Callable[[str], None]) -> None:
        """`monotonic` gives nanoseconds; `tell` is called again and again with the same text."""
        self._monotonic = monotonic
        self._tell = tell
        self._own = _Recent(is_local, OWN_ADDRESS)
        self._steps = _Recent(first_step, ROUTE)
        self._links = _Recent(carries, STATE)
        self._neighbours = _Recent(neighbour, STATE)
        self._heard = _Recent(self._last_heard, STATE)
        self._asked: dict[tuple[int, str], tuple[int, int]] = {}
        """Gateways we asked and have not heard of since → when first, when last."""
        self._silent: set[tuple[int, str]] = set()
        """Neighbours that were silent when last heard of: (interface, address)."""

    def own(self, address: str) -> bool:
        """Whether this host has `address`; taken for granted where the kernel cannot be asked."""
        try:
            return self._own.recall(self._monotonic(), address)
        except OSError as error:
            self._tell(
                f"{_MUTE} ({error.strerror}): a probe that ends with an ICMP error is unmeasured, whoever sent it"
            )
            return True

    def first_hop(self, destination: str, via: Via) -> FirstHop:
        """Who is known to be silent on the way to a literal address: our link, our gateway, or a destination on our own link."""
        try:
            return self._first_hop(destination, via, self._monotonic())
        except OSError as error:
            if error.errno == ENODEV:
                return FirstHop(fault=f"{error.strerror}")
            self._tell(f"{_MUTE} ({error.strerror}): a gateway of ours that does not answer looks like an outage")
            return FirstHop()

    def _first_hop(self, destination: str, via: Via, now: int) -> FirstHop:
        step = self._steps.recall(now, destination, via)
        if step is not None and not self._links.recall(now, step.interface):
            # The way may have moved to another interface since it was asked for.
            self._steps.forget(destination, via)
            step = self._steps.recall(now, destination, via)
        if step is None:
            return FirstHop(fault="there is no route to it")
        if not self._links.recall(now, step.interface):
            return FirstHop(fault=f"{interface_name(step.interface)} is down or has no carrier")
        if step.local:
            return FirstHop()
        hop = step.gateway or destination.partition("%")[0]
        if not self._is_silent(step.interface, hop, now) and not (
            step.gateway and self._leaves_unanswered(step.interface, hop, now)
        ):
            return FirstHop()
        silence = f"{hop} does not answer (no {'neighbour advertisement' if ':' in hop else 'ARP reply'})"
        if step.routed and not step.gateway:
            return FirstHop(silence=f"the neighbour {silence}")
        no_route = f"there is no route to it by {interface_name(step.interface)}"
        return FirstHop(fault=f"our gateway {silence}" if step.gateway else no_route)

    def _is_silent(self, interface: int, address: str, now: int) -> bool:
        state = self._neighbours.recall(now, interface, address)
        if state is Neighbour.SILENT:
            self._silent.add((interface, address))
        elif state is Neighbour.ALIVE:
            self._silent.discard((interface, address))
        return (interface, address) in self._silent

    def _leaves_unanswered(self, interface: int, gateway: str, now: int) -> bool:
        """Whether a gateway that the kernel takes to be alive has not answered when we asked; asks it where that is called for.

        The first silence behind it asks, the second one may know: a gateway that has died is not taken for an outage until the
        kernel notices.
        """
        key = (interface, gateway)
        heard = self._heard.recall(now, *key)
        first, last = self._asked.get(key, (now, now))
        if key in self._asked and now - first >= ANSWER and heard is not None and heard < first - TICK:
            self._heard.forget(*key)  # it may have answered after that was remembered
            heard = self._heard.recall(now, *key)
        if heard is None or (key in self._asked and heard >= first - TICK):
            self._asked.pop(key, None)
            return False
        if key not in self._asked:
            if now - heard >= FRESH:
                self._ask(key, now, now)
            return False
        if now - last >= ANSWER:
            self._ask(key, first, now)
        return now - first >= ANSWER

    def _ask(self, key: tuple[int, str], first: int, now: int) -> None:
        try:
            ask(*key)
        except OSError as error:
            self._asked.pop(key, None)
            self._tell(
                f"gateways cannot be asked whether they are there ({error.strerror}; it takes CAP_NET_RAW, and AF_PACKET among "
                "RestrictAddressFamilies=): one that dies looks like an outage until the kernel notices, up to a minute"
            )
        else:
            self._asked[key] = (first, now)

    def _last_heard(self, interface: int, address: str) -> int | None:
        age = last_heard(interface, address)
        return None if age is None else self._monotonic() - age


Question = TypeVarTuple("Question")
Answer = TypeVar("Answer")


class _Recent(Generic[Answer, *Question]):
    """The answers of a function, each remembered for `lifetime` nanoseconds."""

    __slots__ = ("_ask", "_known", "_lifetime", "_sweep")

    def __init__(self, ask: Callable[[*Question], Answer], lifetime: int) -> None:
        self._ask = ask
        self._lifetime = lifetime
        self._known: dict[tuple[*Question], tuple[Answer, int]] = {}
        self._sweep = 0

    def recall(self, now: int, *question: *Question) -> Answer:
        known = self._known.get(question)
        if known is not None and known[1] > now:
            return known[0]
        if now >= self._sweep:
            self._sweep = now + self._lifetime
            self._known = {question: known for question, known in self._known.items() if known[1] > now}
        answer = self._ask(*question)
        self._known[question] = (answer, now + self._lifetime)
        return answer

    def forget(self, *question: *Question) -> None:
        self._known.pop(question, None)
