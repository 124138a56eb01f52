"""One lab for everything that can go wrong on our own side of a line that is well, of one that is cut, and of both at once."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slamon.sla.statement import Statement
from tests.e2e.rig import SECOND, Daemon, Metrics, calm_zone
from tests.e2e.stepped import AHEAD, step
from tests.e2e.story import CONTRACT, settled_after
from tests.netlab import instants
from tests.netlab.namespace import Namespace
from tests.netlab.rig import Lab, Programmed
from tests.netlab.truth import Truth

INTERVAL = SECOND
STEP = 30 * SECOND
"""The clock is set ahead by so much."""

TARGETS = {
    "mirror": "10.66.4.1",
    "filter": "10.66.4.2",
    "split": "10.66.4.3",
    "both": "10.66.4.4",
    "stopped": "10.66.4.5",
    "gateway": "10.22.0.1",
    "resolver": "www.example.org",
}
CROWD = 400
"""Targets that share a socket, probed twice a second: forty replies between two readings."""
CUSTOMER, PROVIDER = "10.66.200.1", "10.66.200.2"
"""Routers before `mirror`, on either side of the demarcation."""
GATEWAY = "10.9.0.7"
HEAD = f"""
vantage: lab
judge: {{refresh: 1s}}
defaults: {{interval: 1s, timeout: 900ms, down_after: 3, up_after: 1, demarcation: {PROVIDER}}}
services:
"""
STEPPED = {"steady": "10.66.5.1", "cut": "10.66.5.2"}
TCP = {"tcp": {"443": "open"}}


def configuration(services: Mapping[str, str]) -> str:
    """Service → the keys of its only target."""
    zone = calm_zone()
    lines = [f"  {name}: {{targets: {{line: {{{target}}}}}}}\n" for name, target in services.items()]
    return HEAD + "".join(lines) + "contracts:\n" + "".join(CONTRACT.format(name=name, zone=zone) for name in services)


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Instants are monotonic nanoseconds; `truth.wall` makes them comparable with those of the daemons."""

    truth: Truth
    local: Programmed
    """The packet filter before `filter`, and the death of the gateway."""
    mirror: Programmed
    split: Programmed
    filtered: Programmed
    """The packet filter before `split`."""
    both: Programmed
    stopped: Programmed
    cut: Programmed
    stepped: int
    statements: Mapping[str, Statement]
    """Contract → statement of the current period, of all three daemons."""
    after: Metrics
    overflowed: Metrics
    clock: Metrics
    log: str
    report: dict[str, Any]
    """`slamon report --format json`."""
    asked: dict[str, Any]
    """`/api/v1/report`."""
    text: str
    """`slamon report --contract mirror`."""


def _await(instant: int) -> None:
    while (ahead := instant - instants.monotonic()) > 0:
        instants.pause(ahead / SECOND)


def _warm(daemon: Daemon, *never: str) -> None:
    """Every target but those has answered a few times."""

    def warm(metrics: Metrics) -> bool:
        found = metrics.by("target", "slamon_probe_results_total", result="success")
        return len(found) > 0 and all(count >= 3 for target, count in found.items() if target not in never)

    daemon.until(warm, 40, "warm")


def _gateway(home: Namespace, stack: contextlib.ExitStack) -> Namespace:
    """A router on a cable, with a target behind it."""
    router = Namespace()
    stack.callback(router.close)
    home.link("wan0", "10.9.0.1/24", peer="far0", far=router)
    router.address("far0", f"{GATEWAY}/24")
    router.address("lo", "10.22.0.1/32")
    home.run("ip", "route", "add", "10.22.0.0/16", "via", GATEWAY)
    return router


def _die(router: Namespace) -> None:
    """Its cable keeps its carrier; nobody answers any more, no ARP either."""
    router.run(
        "nft",
        "add table netdev dead; add chain netdev dead in { type filter hook ingress device far0 priority 0; policy drop; }",
    )


def _revive(router: Namespace) -> None:
    router.run("nft", "delete table netdev dead")


def _forbid(home: Namespace, *addresses: str) -> None:
    """A packet filter of this host: the sender gets EPERM."""
    rules = "; ".join(f"add rule inet ours out ip daddr {address} drop" for address in addresses)
    home.run("nft", f"add table inet ours; add chain inet ours out {{ type filter hook output priority 0; }}; {rules}")


def _allow(home: Namespace) -> None:
    home.run("nft", "delete table inet ours")


def _crowded() -> str:
    """One target under a contract, on a socket it shares with so many that their replies do not fit between two readings."""
    head, services, contracts = configuration(
        {"crowded": "probe: icmp, interval: 500ms, timeout: 450ms, address: 10.66.6.1"}
    ).partition("contracts:\n")
    lines = [f"      t{n}: {{probe: icmp, address: 10.66.{7 + n // 200}.{1 + n % 200}}}\n" for n in range(CROWD)]
    crowd = "  crowd:\n    up_when: all\n    interval: 500ms\n    timeout: 450ms\n    targets:\n"
    return head + crowd + "".join(lines) + services + contracts


@contextlib.contextmanager
def told(directory: Path) -> Iterator[Faults]:
    """About forty seconds."""
    with contextlib.ExitStack() as stack:
        policies: dict[str, Mapping[str, object]] = {
            **dict.fromkeys(STEPPED.values(), TCP),
            TARGETS["mirror"]: {"hops": [CUSTOMER, PROVIDER]},
        }
        lab = stack.enter_context(Lab(directory, policies))
        home = lab.namespace
        router = _gateway(home, stack)
        ahead = directory / "ahead"
        ahead.write_bytes(AHEAD.pack(0))
        places = [directory / name for name in ("main", "crowded", "stepped")]
        for place in places:
            place.mkdir()
        daemon = stack.enter_context(
            Daemon(
                places[0],
                configuration({name: f"probe: icmp, address: {address}" for name, address in TARGETS.items()}),
                namespace=home,
            )
        )
        _warm(daemon, "resolver/line")
        crowded = stack.enter_context(
            Daemon(places[1], _crowded(), namespace=home, program=(sys.executable, "-m", "tests.e2e.cramped"))
        )
        clock = stack.enter_context(
            Daemon(
                places[2],
                configuration({name: f"probe: tcp, port: 443, address: {each}" for name, each in STEPPED.items()}),
                namespace=home,
                program=(sys.executable, "-m", "tests.e2e.stepped", str(ahead)),
            )
        )
        _warm(clock)

        begin = instants.monotonic()
        # Long enough for its trace to give up: nobody answers behind the customer's router.
        mirror = lab.outage(TARGETS["mirror"], after=1, lasting=14, silent=True, hops=[CUSTOMER, None, None])
        split = lab.outage(TARGETS["split"], after=3, lasting=12, silent=True)
        both = lab.outage(TARGETS["both"], after=14, lasting=12, silent=True)
        cut = lab.outage(STEPPED["cut"], after=14, lasting=10, tcp={"443": "filtered"})

        _await(begin + SECOND)
        local = instants.monotonic()
        _forbid(home, TARGETS["filter"])
        _die(router)
        _await(begin + 7 * SECOND)
        filtered = instants.monotonic()
        home.run("nft", f"add rule inet ours out ip daddr {TARGETS['split']} drop")
        _await(begin + 11 * SECOND)
        allowed = instants.monotonic()
        _allow(home)
        _revive(router)

        _await(begin + 18 * SECOND)
        stopped = instants.monotonic()
        daemon.signal(signal.SIGSTOP)
        try:
            stepped = instants.monotonic()
            step(ahead, STEP)
            _await(begin + 23 * SECOND)
        finally:
            daemon.signal(signal.SIGCONT)
        goes_on = instants.monotonic()

        end = both.end + 2 * SECOND
        _await(end + SECOND)
        wall = lab.truth().wall(end)
        after = daemon.until(settled_after(wall), 20, "settled")
        overflowed = crowded.until(settled_after(wall), 20, "settled")
        clocked = clock.until(settled_after(wall + STEP), 20, "settled")
        yield Faults(
            truth=lab.truth(),
            local=Programmed(local, allowed),
            mirror=mirror,
            split=split,
            filtered=Programmed(filtered, allowed),
            both=both,
            stopped=Programmed(stopped, goes_on),
            cut=cut,
            stepped=stepped,
            statements={**daemon.reports(), **crowded.reports(), **clock.judged()},
            after=after,
            overflowed=overflowed,
            clock=clocked,
            log=daemon.log.read_text(),
            report=json.loads(daemon.command("report", "--format", "json")),
            asked=json.loads(daemon.get("/api/v1/report")[1]),
            text=daemon.command("report", "--contract", "mirror"),
        )
        for each in (daemon, crowded, clock):
            assert each.stop() == 0, each.tail()
