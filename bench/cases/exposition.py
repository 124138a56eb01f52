"""Processor time of one series on the metrics page: the page in steps against prometheus_client's `generate_latest`.

The peer has an instrument for each of our families, with the same labels and buckets: what a program that counts with
prometheus_client publishes.
"""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from bench.frame import Bench, Comparison, Figures
from bench.meter import cpu
from slamon import __version__
from slamon.live import Inbox, Live, TargetView
from slamon.metrics import Exposition, View
from slamon.model import MS, Reading, Result, S, Target
from slamon.probes import kinds
from slamon.record.recorder import Recorder
from slamon.sla.facts import ServiceFacts
from slamon.stats import RTT_EDGES, Stats

SERVICES = 200
TARGETS_EACH = 5
"""1000 targets in all: about 50 series each."""
PROBES = 30
"""Sent to each target before the scrapes; every tenth is lost."""
SCRAPES = 3
"""Pages rendered one after the other; one before them is not measured: it renders what never changes."""
START = 1_790_000_000 * S


class _Daemon:
    """The parts a scrape reads, as the daemon holds them."""

    def __init__(self) -> None:
        self.targets = [_target(f"site-{i:03}", f"link-{j}") for i in range(SERVICES) for j in range(TARGETS_EACH)]
        self.recorder = Recorder("bench")
        self.live = Live()
        self.stats = Stats()
        self.kinds = kinds()
        services: dict[str, list[str]] = {}
        for target in self.targets:
            services.setdefault(target.service, []).append(target.name)
        facts = [ServiceFacts(service=name, targets=tuple(of), quorum=1) for name, of in services.items()]
        self.live.set(facts, self.targets)
        self._probe()

    def _probe(self) -> None:
        series = [self.recorder.open(target, limits=(), edges=RTT_EDGES) for target in self.targets]
        for probe in range(PROBES):
            for i, each in enumerate(series):
                lost = (probe + i) % 10 == 0
                reading = Reading(Result.TIMEOUT) if lost else Reading(Result.SUCCESS, (5 + i * 7 % 90) * MS, 57)
                each.decide(each.send(START + probe * S + i * MS), reading)
        now = START + PROBES * S + 2 * S
        self.live.update(Inbox().read(self.recorder.batch(now)), (), now)

    def view(self) -> View:
        return View(
            targets=(
                TargetView(
                    target=target,
                    series=self.recorder.series[target.name],
                    address=target.address,
                    state=self.live.target(target.name),
                )
                for target in self.targets
            ),
            services=self.live.services(),
            contracts=(),
            stats=self.stats,
            version=__version__,
            vantage="bench",
            kinds=self.kinds,
            providers={target.service: "Example" for target in self.targets},
        )


def _target(service: str, key: str) -> Target:
    return Target(
        name=f"{service}/{key}",
        service=service,
        probe="icmp",
        address="192.0.2.1",
        family=4,
        interval=1 * S,
        timeout=3 * S,
        down_after=3,
        up_after=1,
        settings=None,
    )


def _scrape(render: Callable[[], bytes]) -> Figures:
    page = render()
    series = sum(not line.startswith(b"#") for line in page.splitlines())
    before = cpu()
    for _ in range(SCRAPES):
        render()
    return {"cpu": (cpu() - before) / SCRAPES / series * 1e6, "series": series, "bytes": len(page)}


def slamon() -> Figures:
    daemon, exposition = _Daemon(), Exposition()
    return _scrape(lambda: b"".join(exposition.page(daemon.view())))


def prometheus_client() -> Figures:
    # Otherwise every counter and histogram has one more series, which our page has not.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    page = b"".join(Exposition().page(_Daemon().view())).decode()
    registry = CollectorRegistry()
    expected = 0
    for family in text_string_to_metric_families(page):
        if family.name.startswith("slamon_"):
            _fill(registry, family)
            expected += len(family.samples)
    figures = _scrape(lambda: generate_latest(registry))
    if figures["series"] != expected:
        raise RuntimeError(f"{figures['series']} series, {expected} on our page")
    return figures


def _fill(registry: CollectorRegistry, family: Metric) -> None:
    """The instrument that publishes this family, with all its children."""
    histogram = family.type == "histogram"
    samples = [sample for sample in family.samples if not histogram or sample.name.endswith("_sum")]
    if not samples:
        return
    labels = tuple(samples[0].labels)
    if histogram:
        edges = sorted({float(sample.labels["le"]) for sample in family.samples if "le" in sample.labels})
        timings = Histogram(family.name, family.documentation, labels, buckets=edges, registry=registry)
        for sample in samples:
            (timings.labels(**sample.labels) if labels else timings).observe(sample.value)
    elif family.type == "counter":
        counter = Counter(family.name, family.documentation, labels, registry=registry)
        for sample in samples:
            (counter.labels(**sample.labels) if labels else counter).inc(sample.value)
    else:
        gauge = Gauge(family.name, family.documentation, labels, registry=registry)
        for sample in samples:
            (gauge.labels(**sample.labels) if labels else gauge).set(sample.value)


BENCH = Bench(
    about=f"processor time per series of one scrape, {SERVICES * TARGETS_EACH} ICMP targets",
    subjects={"slamon": slamon, "prometheus_client": prometheus_client},
    comparisons=(Comparison(peer="prometheus_client", figure="cpu", unit="us/series", goal="<= 0.15"),),
)
