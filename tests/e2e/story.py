"""One lab and one daemon for all tests that need minutes of measured time: what was programmed, and what was seen at the end."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from slamon.sla.statement import Statement
from tests.e2e.rig import SECOND, Daemon, Metrics, calm_zone
from tests.netlab import instants
from tests.netlab.rig import Lab, Programmed
from tests.netlab.truth import Row, Truth
from tests.netlab.tun import Link

SEED = 20
"""Loses more than ten of the first 1200 packets at 2 %."""
LOSS = 0.02
OUTAGE = 20.0
"""Seconds of the outage every kind of probe sees."""
LOSING = 62.0
"""Seconds the lossy target loses packets, 20 a second."""
FAULT = 6.0
"""Seconds of the outages whose fault is in question."""
INTERVAL = SECOND
TIMEOUT = 900 * SECOND // 1000
"""Of the ICMP targets with an outage, nanoseconds."""
SLOW = 2 * SECOND
"""Interval of the tcp, http and dns targets. These may not be in flight at the next slot, and a daemon held up for a tenth of
their timeout books it as its own fault: a busy machine does not hold it up for 190 ms."""

SECOND_LINK = Link(name="lab1", addresses=("10.67.0.1/32",), routes=("10.67.0.0/16",))

POLICIES: dict[str, dict[str, object]] = {
    "10.66.1.2": {"tcp": {"443": "open"}},
    "10.66.2.1": {"loss": LOSS},
    "10.66.2.2": {"delay": 30},
    "10.66.3.2": {"silent": True},
}

OUTAGES: dict[str, tuple[str, str, int, dict[str, object]]] = {
    "icmp4": ("10.66.1.1", "reply", INTERVAL, {"silent": True}),
    "icmp6": ("fd66::1:1", "reply", INTERVAL, {"silent": True}),
    "tcp": ("10.66.1.2", "syn-ack", SLOW, {"tcp": {"443": "filtered"}}),
    "http": ("10.66.1.3", "http:200", SLOW, {"http_status": 500}),
    "dns": ("10.66.1.4", "dns:NOERROR", SLOW, {"dns_rcode": "SERVFAIL"}),
}
"""Service → (its target's address, the event of the truth that means it works, its interval, what changes)."""

SERVICES = """
vantage: lab
judge: {refresh: 1s}
defaults: {interval: 1s, timeout: 900ms, down_after: 3, up_after: 1}
services:
  icmp4: {targets: {line: {probe: icmp, address: 10.66.1.1}}}
  icmp6: {targets: {line: {probe: icmp, address: "fd66::1:1"}}}
  tcp: {interval: 2s, timeout: 1900ms, targets: {line: {probe: tcp, address: 10.66.1.2, port: 443}}}
  http: {interval: 2s, timeout: 1900ms, targets: {line: {probe: http, address: 10.66.1.3}}}
  dns: {interval: 2s, timeout: 1900ms, targets: {line: {probe: dns, address: 10.66.1.4, name: www.example.org}}}

  loss: {targets: {line: {probe: icmp, address: 10.66.2.1, interval: 50ms, timeout: 1s}}}
  delay: {targets: {line: {probe: icmp, address: 10.66.2.2, interval: 50ms, timeout: 1s}}}
  clean: {targets: {line: {probe: icmp, address: 10.66.2.3, interval: 50ms, timeout: 1s}}}

  # whose fault: the witness falls silent with the line / has never answered / was silent a minute before and is back
  together: &line
    up_when: all
    targets:
      line: {probe: icmp, address: 10.66.4.1, witness: together/router}
      router: {probe: icmp, address: 10.66.3.1}
  never:
    up_when: all
    targets:
      line: {probe: icmp, address: 10.66.4.2, witness: never/router}
      router: {probe: icmp, address: 10.66.3.2}
  before:
    up_when: all
    targets:
      line: {probe: icmp, address: 10.66.4.3, witness: before/router}
      router: {probe: icmp, address: 10.66.3.3}
  link: {targets: {line: {probe: icmp, address: 10.67.0.9}}}
  route: {targets: {line: {probe: icmp, address: 192.0.2.1}}}
contracts:
""".replace(" &line", "")

CONTRACT = """
  {name}:
    service: {name}
    provider: Acme Telecom
    timezone: {zone}
    price: 1000 USD/month
    min_coverage: 0%
    exclusions: [{{class: customer}}, {{class: maintenance}}]
    objectives:
      availability: {{target: 99.9999%, minimum: 99.9995%}}
    credits:
      availability: {{below: {{99.9999%: 10%, 99.9995%: 25%}}}}
    caps: {{period: 100%}}
"""
FAULTS = ("together", "never", "before", "link", "route")


def configuration() -> str:
    zone = calm_zone()
    return SERVICES + "".join(CONTRACT.format(name=name, zone=zone) for name in (*OUTAGES, *FAULTS))


PROBE_HOP_LIMIT = 64
"""A path trace starts lower; its packets are no probes."""


class Probe(NamedTuple):
    """Everything the lab saw of one probe: a TCP connection is several packets, with its SYN repeated after a second."""

    sent: int
    """When the first packet came, monotonic nanoseconds."""
    rows: tuple[Row, ...]

    def saw(self, event: str) -> bool:
        return any(row.event == event for row in self.rows)


def probes(truth: Truth, address: str) -> list[Probe]:
    """The probes of one target in the order of their first packets: an echo, a connection, a question."""
    found: list[list[Row]] = []
    last: dict[tuple[int, int], list[Row]] = {}
    for row in truth.of(address):
        if row.hop_limit != PROBE_HOP_LIMIT:
            continue
        packets = last.get((row.ident, row.sequence))
        if packets is None or row.received - packets[0].received >= SLOW:
            packets = last[row.ident, row.sequence] = []  # also when the kernel takes the same source port again
            found.append(packets)
        packets.append(row)
    return [Probe(packets[0].received, tuple(packets)) for packets in found]


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Instants are monotonic nanoseconds, as in the truth; `truth.wall` makes them comparable with the daemon's."""

    lab: Lab
    daemon: Daemon
    outage: Programmed
    """Of `OUTAGES`, all at once."""
    fault: Programmed
    """Of together and never."""
    late_fault: Programmed
    """Of before."""
    witness: Programmed
    """The silence of before/router."""
    link_down: Programmed
    lossy_until: int
    during: Metrics
    """Scraped in the middle of the outage."""
    after: Metrics
    """Scraped when everything is decided."""
    statements: Mapping[str, Statement]
    """Contract → statement of the current period, by the command line at the end."""
    truth: Truth

    def stop(self) -> None:
        """Ends the daemon unless a test has done so before; it must end well."""
        if self.daemon.process is not None:
            code = self.daemon.stop()
            assert code == 0, f"exit {code}:\n{self.daemon.tail()}"


def _wait_until(instant: int) -> None:
    while (ahead := instant - instants.monotonic()) > 0:
        instants.pause(ahead / SECOND)


def _warm(metrics: Metrics) -> bool:
    """Every target that can answer has answered a few times."""
    successes = metrics.by("target", "slamon_probe_results_total", result="success")
    return len(successes) > 10 and all(
        count >= 3 for target, count in successes.items() if target not in {"never/router", "route/line"}
    )


@contextlib.contextmanager
def told(directory: Path) -> Iterator[Story]:
    """About eighty seconds, then the daemon still runs."""
    with contextlib.ExitStack() as stack:
        lab = stack.enter_context(Lab(directory, POLICIES, seed=SEED, links=(Link(), SECOND_LINK)))
        daemon = stack.enter_context(Daemon(directory, configuration(), namespace=lab.namespace))
        daemon.until(_warm, 40, "warm")
        begin = instants.monotonic()
        outage = lab.outages({address: change for address, _, _, change in OUTAGES.values()}, after=2, lasting=OUTAGE)
        silence = ("10.66.3.1", "10.66.4.1", "10.66.4.2")
        fault = lab.outage(*silence, after=2, lasting=FAULT, silent=True)
        witness = lab.outage("10.66.3.3", after=2, lasting=FAULT, silent=True)
        late_fault = lab.outage("10.66.4.3", after=63, lasting=FAULT, silent=True)

        _wait_until(begin + 4 * SECOND)
        down = instants.monotonic()
        lab.namespace.run("ip", "link", "set", SECOND_LINK.name, "down")
        _wait_until(begin + 10 * SECOND)
        link_down = Programmed(down, instants.monotonic())
        for route in SECOND_LINK.routes:
            lab.namespace.run("ip", "link", "set", SECOND_LINK.name, "up")
            lab.namespace.run("ip", "route", "replace", route, "dev", SECOND_LINK.name)

        _wait_until(begin + 14 * SECOND)
        during = daemon.metrics()
        _wait_until(begin + int(LOSING) * SECOND)
        lab.set("10.66.2.1")
        lossy_until = instants.monotonic()
        _wait_until(late_fault.end + 3 * SECOND)
        settled = settled_after(lab.truth().wall(late_fault.end + SECOND))
        after = daemon.until(settled, 20, "settled")
        yield Story(
            lab=lab,
            daemon=daemon,
            outage=outage,
            fault=fault,
            late_fault=late_fault,
            witness=witness,
            link_down=link_down,
            lossy_until=lossy_until,
            during=during,
            after=after,
            statements=daemon.reports(),
            truth=lab.truth(),
        )


def settled_after(wall: int) -> Callable[[Metrics], bool]:
    """Whether everything is decided up to this instant of the daemon's clock."""

    def settled(metrics: Metrics) -> bool:
        through = [value for _, value in metrics.all("slamon_service_settled_timestamp_seconds")]
        return bool(through) and min(through) * SECOND > wall

    return settled
