"""Names become addresses: the system's resolver, asked in threads of their own, and which of its answers lead to a host."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress
from ipaddress import IPv4Address, ip_address
from queue import SimpleQueue

from slamon.egress import FAMILIES

_BROADCAST = IPv4Address("255.255.255.255")


def of_no_host(address: str) -> bool:
    """Whether a literal address is not that of one host; a name is none.

    Packets to `0.0.0.0` and `::` stay on the host that sends them; a multicast or broadcast address is that of many.
    """
    try:
        known = ip_address(address)
    except ValueError:
        return False
    return known.is_unspecified or known.is_multicast or known == _BROADCAST


class _Question:
    """A name that is looked up, and everybody who waits for its addresses."""

    __slots__ = ("askers", "family", "name")

    def __init__(self, name: str, family: int) -> None:
        self.name = name
        self.family = family
        self.askers: list[asyncio.Future[list[str]]] = []


class Resolver:
    """A few daemon threads: unlike those of ThreadPoolExecutor they do not hold up the end of the process while a resolver is silent.

    What is asked again while it is asked takes no second thread: a name that no resolver answers for leaves the others theirs.
    """

    def __init__(self, most: int) -> None:
        self.closed = False
        self._most = most
        self._started = 0
        self._questions: SimpleQueue[_Question | None] = SimpleQueue()
        self._lock = threading.Lock()
        """Held for whatever happens to the following and to the askers in it, never while a resolver is asked."""
        self._asked: dict[tuple[str, int], _Question] = {}
        """(name, family) → the question that waits for a thread, or has one."""

    def look_up(self, name: str, family: int) -> asyncio.Future[list[str]]:
        """Every address of a name that is one of a host, in the resolver's order, as soon as a thread is free and has heard of it.

        The future raises OSError, UnicodeError (no name that could be asked for). One that is cancelled asks nothing any more; who else
        asked the same is told none the less.
        """
        future: asyncio.Future[list[str]] = asyncio.get_running_loop().create_future()
        with self._lock:
            question = self._asked.get((name, family))
            if question is not None:
                question.askers = [asker for asker in question.askers if not asker.done()]
                question.askers.append(future)
                return future
            question = self._asked[name, family] = _Question(name, family)
            question.askers.append(future)
        if self._started < self._most:
            self._started += 1
            threading.Thread(target=self._serve, name=f"resolve-{self._started}", daemon=True).start()
        self._questions.put(question)
        return future

    def close(self) -> None:
        """Let every thread end after the question it is in."""
        self.closed = True
        for _ in range(self._started):
            self._questions.put(None)
        self._started = 0

    def _serve(self) -> None:
        while (question := self._questions.get()) is not None:
            if self._given_up(question):
                continue
            outcome: list[str] | Exception
            try:
                outcome = _resolve(question.name, question.family)
            except Exception as error:  # noqa: BLE001 - it is raised where the outcome is awaited
                outcome = error
            with self._lock:
                del self._asked[question.name, question.family]
            for future in question.askers:
                with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                    future.get_loop().call_soon_threadsafe(_settle, future, outcome)

    def _given_up(self, question: _Question) -> bool:
        """Whether nobody waits for it any more: then whoever asks next asks anew."""
        with self._lock:
            if not all(asker.done() for asker in question.askers):
                return False
            del self._asked[question.name, question.family]
            return True


def _resolve(name: str, family: int) -> list[str]:
    """Blocks."""
    found = socket.getaddrinfo(name, None, family=FAMILIES[family], type=socket.SOCK_DGRAM)
    addresses = [str(address[0]) for *_, address in found]
    hosts = [address for address in addresses if not of_no_host(address)]
    if not hosts:
        raise socket.gaierror(
            socket.EAI_NONAME, f"the resolver says {', '.join(addresses)}, which is no host's address"
        )
    return hosts


def _settle(future: asyncio.Future[list[str]], outcome: list[str] | Exception) -> None:
    if future.done():
        return
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
