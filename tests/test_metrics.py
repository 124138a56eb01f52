"""The metrics page: every family documented, parsed by other people's parsers, consistent with itself at every step."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample as Point

from slamon.cases.running import judge, read_file
from slamon.live import NOTHING, ContractView, Failing, StateView, TargetView
from slamon.metrics import Exposition, Family, View, exposition, families
from slamon.metrics.exposition import STEP
from slamon.metrics.family import BLOCK
from slamon.metrics.settlement import SETTLEMENT
from slamon.metrics.text import ratio, seconds
from slamon.model import DAY, HOUR, MS, RESULTS, Reading, Result, S, Target
from slamon.probes import kinds
from slamon.record.recorder import Recorder
from slamon.record.series import Series
from slamon.sla import periods
from slamon.sla.facts import (
    Closed,
    DeclaredSpan,
    Exclusion,
    Facts,
    Lodged,
    Notice,
    Payment,
    Sample,
    SampleSeries,
    State,
)
from slamon.sla.statement import OutageLine, evaluate
from slamon.sla.terms import Claim, Contract, Price, UnknownTime
from slamon.sla.terms.clause import Clause
from slamon.sla.terms.composition import Group
from slamon.sla.terms.conditions import Bonus, Condition, Party, Termination
from slamon.sla.terms.credits import Cap, Count, Credit, Give, Per, Tier
from slamon.sla.terms.measures import Measure, Side, Subject
from slamon.sla.terms.objectives import Form, Level, Objective, Statistic
from slamon.sla.terms.outages import ExclusionClass
from slamon.sla.terms.times import Anchor, Deadline, Span
from slamon.stats import RTT_EDGES, SocketInfo, Stats

NOW = 1_790_000_000 * S
KINDS = kinds()
DOCS = Path(__file__).parents[1] / "docs" / "metrics.md"


def make_target(
    name: str = "hq-dia/ping", *, probe: str = "icmp", address: str = "192.0.2.1", **changes: object
) -> Target:
    target = Target(
        name=name,
        service=name.partition("/")[0],
        probe=probe,
        address=address,
        family=4,
        interval=10 * S,
        timeout=3 * S,
        down_after=3,
        up_after=1,
        settings=None,
    )
    return dataclasses.replace(target, **changes)  # type: ignore[arg-type]  # any field


def make_state(name: str, **changes: object) -> StateView:
    state = StateView(
        name=name,
        state=State.DOWN,
        since=NOW - 20 * S,
        nanoseconds={State.UP: 86_400 * S + 123_456_789, State.DOWN: 20 * S, State.LOCAL_FAULT: 0, State.UNKNOWN: 7},
        first_known=NOW - 86_420 * S - 123_456_796,
        settled=NOW,
        outages=3,
        outage_start=NOW - 20 * S,
    )
    return state._replace(**changes)  # type: ignore[arg-type]  # any field


CLAUSE = Clause(path="contracts.hq")
CONTRACT = Contract(
    name="hq",
    service="hq-dia",
    provider="Acme",
    timezone="America/New_York",
    clause=CLAUSE,
    currency="USD",
    prices=(Price(amount=Fraction(1000)),),
    exclusions=(ExclusionClass(name="maintenance", clause=CLAUSE), ExclusionClass(name="force_majeure", clause=CLAUSE)),
    objectives=(
        Objective(
            name="availability",
            measure=Measure.AVAILABILITY,
            clause=CLAUSE,
            target=Level(value=Fraction(999, 1000), side=Side.AT_LEAST),
            minimum=Level(value=Fraction(995, 1000), side=Side.AT_LEAST),
        ),
        Objective(
            name="delay",
            measure=Measure.LATENCY,
            clause=CLAUSE,
            statistic=Statistic(form=Form.PERCENTILE, text="p95", p=Fraction(95, 100)),
            target=Level(value=Fraction(40 * MS), side=Side.AT_MOST),
        ),
        Objective(
            name="loss", measure=Measure.LOSS, clause=CLAUSE, statistic=Statistic(form=Form.POOLED, text="pooled")
        ),
    ),
    credits=(
        Credit(
            name="availability",
            subject=Subject(measure=Measure.AVAILABILITY, objective="availability"),
            clause=CLAUSE,
            side=Side.BELOW,
            tiers=(Tier(threshold=Fraction(999, 1000), give=Give(share=Fraction(1, 3))),),
        ),
        Credit(
            name="delay",
            subject=Subject(measure=Measure.LATENCY, objective="delay"),
            clause=CLAUSE,
            side=Side.OVER,
            tiers=(Tier(threshold=Fraction(40 * MS), give=Give(share=Fraction(1, 20))),),
        ),
    ),
    caps=(Cap(span=Span.MONTH, clause=CLAUSE, share=Fraction(1, 4)),),
)
JUNE = periods.period(CONTRACT, "2026-06")
NOON = JUNE.start + 10 * DAY + 12 * HOUR


def samples(delay: int, until: int) -> SampleSeries:
    times = range(JUNE.start, min(until, JUNE.end), 6 * HOUR)
    found = tuple(Sample(at=at, sent=1, lost=Fraction(0), delay=delay) for at in times)
    return SampleSeries(start=JUNE.start, every=6 * HOUR, samples=found)


def make_contract(
    *,
    down: Sequence[tuple[int, int]] = (),
    unknown: Sequence[tuple[int, int]] = (),
    maintenance: Sequence[tuple[int, int]] = (),
    delay: Fraction | None = Fraction(23_412_345),
    sampled: int | None = None,
    facts: Mapping[str, object] | None = None,
    as_of: int = JUNE.end + DAY,
    **terms: object,
) -> ContractView:
    """June as the current period, judged from facts stated by hand as (start, seconds).

    `delay` is given; `sampled` is measured instead, so that an open period may still improve it.
    """
    spans = [DeclaredSpan(start=at, end=at + n * S, state=State.DOWN) for at, n in down]
    spans += [DeclaredSpan(start=at, end=at + n * S, state=State.UNKNOWN) for at, n in unknown]
    exclusions = tuple(
        Exclusion(id=str(at), contract="hq", cause="maintenance", start=at, end=at + n * S, declared_at=JUNE.start)
        for at, n in maintenance
    )
    known = Facts(
        declared={"hq-dia": tuple(spans)},
        exclusions=exclusions,
        readings={} if delay is None or sampled is not None else {JUNE.name: {"delay": delay}},
        samples={} if sampled is None else {"": (samples(sampled, as_of),)},
        **(facts or {}),  # type: ignore[arg-type]  # any field
    )
    contract = dataclasses.replace(CONTRACT, **terms)  # type: ignore[arg-type]  # any field
    return ContractView(
        contract=contract,
        current=evaluate(contract, known, JUNE, as_of),
        previous=None,
        active_exclusions={"maintenance": bool(maintenance), "force_majeure": False},
    )


class World:
    """Real series behind a view."""

    def __init__(self, *targets: Target) -> None:
        self.recorder = Recorder("hq")
        self.series: list[Series] = []
        self.views: list[TargetView] = []
        for target in targets:
            self.add(target)
        self.stats = Stats()
        self.services: list[StateView] = []
        self.contracts: list[ContractView] = []
        self.sent = NOW

    def add(self, target: Target, *, state: StateView | None = None) -> Series:
        series = self.recorder.open(target, limits=(), edges=RTT_EDGES)
        self.series.append(series)
        self.views.append(TargetView(target=target, series=series, address=target.address, state=state))
        return series

    def probe(self, series: Series, reading: Reading) -> None:
        self.sent += 10 * S
        series.decide(series.send(self.sent), reading)

    def view(self, **changes: object) -> View:
        view = View(
            targets=self.views,
            services=self.services,
            contracts=self.contracts,
            stats=self.stats,
            version="1.2.3",
            vantage="hq",
            kinds=KINDS,
            providers={"hq-dia": "Acme"},
        )
        return dataclasses.replace(view, **changes)  # type: ignore[arg-type]  # any field


def busy_world() -> World:
    """Something of everything: every kind, every result, every optional value."""
    world = World()
    for kind in KINDS:
        name = f"hq-dia/{kind}"
        address = "www.example.net" if kind == "http" else "192.0.2.1"
        series = world.add(make_target(name, probe=kind, address=address), state=make_state(name))
        for result in sorted(KINDS[kind].results):
            world.probe(series, Reading(result, rtt=12 * MS + 345 if result is Result.SUCCESS else None, hop_limit=57))
        world.probe(series, Reading(Result.ICMP_ERROR, icmp_error=(3, 1, "remote")))
        gauges = tuple((gauge, 200.0) for gauge in KINDS[kind].gauges)
        phases = tuple((phase, 5 * MS) for phase in KINDS[kind].phases)
        world.probe(series, Reading(Result.SUCCESS, rtt=7 * MS, gauges=gauges, phases=phases))
        series.send(world.sent + 10 * S)
    world.services = [make_state("hq-dia")]
    met = make_contract()
    breached = make_contract(
        down=[(NOON, 2593)], unknown=[(JUNE.start, 3600)], delay=Fraction(61 * MS), as_of=NOON + DAY
    )
    world.contracts = [dataclasses.replace(breached, previous=met.current)]
    stats = world.stats
    stats.sockets = [
        SocketInfo(family=4, via="", type="dgram", timestamps="kernel", receive_buffer=8 << 20, send_buffer=8 << 20),
        SocketInfo(
            family=4, via="wan2", type="raw", timestamps="userspace", receive_buffer=1 << 20, send_buffer=1 << 20
        ),
    ]
    stats.scheduler_lag.observe(2 * MS)
    stats.send_errors["ENOMEM"] += 1
    stats.address_changes["hq-dia/http"] += 2
    stats.clock_synchronized = True
    stats.clock_max_error = 1_234_567
    stats.last_reload_at = stats.store_last_write = NOW
    return world


def render(view: View, exposition: Exposition | None = None) -> str:
    return b"".join((exposition or Exposition()).page(view)).decode()


def points(page: str) -> dict[str, list[Point]]:
    """Sample name → its samples, by the parser of the Prometheus client library."""
    found: dict[str, list[Point]] = defaultdict(list)
    for family in text_string_to_metric_families(page):
        for point in family.samples:
            found[point.name].append(point)
    return found


def value(page: str, name: str, **labels: str) -> float:
    """The one sample of that name that has these labels."""
    (point,) = (point for point in points(page)[name] if labels.items() <= point.labels.items())
    return float(point.value)


def documented() -> dict[str, tuple[str, tuple[str, ...]]]:
    rows = re.findall(r"^\| `(slamon_\w+)` \| (\w+) \|([a-z_ ]*)\| .+ \|$", DOCS.read_text(), re.MULTILINE)
    assert len(rows) == len({name for name, _, _ in rows}), "a family is documented twice"
    return {name: (kind, tuple(labels.split())) for name, kind, labels in rows}


def test_the_documentation_lists_exactly_the_families_of_the_code() -> None:
    table = {family.name: (family.type, family.labels) for family in families(KINDS)}
    assert documented() == table


def test_every_metric_the_documentation_speaks_of_exists() -> None:
    names = {family.name for family in families(KINDS)}
    spoken = set(re.findall(r"\bslamon_\w+", DOCS.read_text()))
    assert {re.sub(r"_(bucket|count|sum)$", "", name) for name in spoken} <= names


def declared_labels(family: Family, point: Point) -> set[str]:
    extra = {"le"} if point.name == f"{family.name}_bucket" else set()
    return {*family.labels, *extra}


def test_the_page_has_every_family_once_with_its_type_help_and_labels() -> None:
    view = busy_world().view(label_keys=("site", "tier"))
    page = render(view)
    table = {family.name: family for family in families(KINDS, view.label_keys)}
    heads = re.findall(r"^# TYPE (slamon_\w+) (\w+)$", page, re.MULTILINE)
    assert heads == [(family.name, family.type) for family in table.values()]
    assert re.findall(r"^# HELP (slamon_\w+) ", page, re.MULTILINE) == list(table)
    for parsed in text_string_to_metric_families(page):
        if not parsed.name.startswith("slamon_"):
            continue
        family = table.get(parsed.name) or table[f"{parsed.name}_total"]
        for point in parsed.samples:
            assert set(point.labels) == declared_labels(family, point), point


def test_a_series_is_never_there_twice() -> None:
    seen = [re.sub(r" \S+$", "", line) for line in render(busy_world().view()).splitlines() if not line.startswith("#")]
    assert len(seen) == len(set(seen))


def test_every_series_is_there_at_zero_before_its_first_event() -> None:
    world = World(*(make_target(f"hq-dia/{kind}", probe=kind) for kind in KINDS))
    found = points(render(world.view()))
    for kind in KINDS:
        results = {
            p.labels["result"]: p.value for p in found["slamon_probe_results_total"] if p.labels["probe"] == kind
        }
        assert results == dict.fromkeys(map(str, KINDS[kind].results), 0.0)
        phases = {
            p.labels["phase"]: p.value
            for p in found["slamon_probe_phase_duration_seconds_count"]
            if p.labels["probe"] == kind
        }
        assert phases == dict.fromkeys(KINDS[kind].phases, 0.0)
    assert {p.labels["reason"] for p in found["slamon_probe_skipped_total"]} == {"overrun", "clock_step"}
    for name in ("late", "duplicate", "reordered", "corrupt"):
        assert [p.value for p in found[f"slamon_probe_{name}_replies_total"]] == [0.0] * len(KINDS)
    assert len(found["slamon_probe_rtt_seconds_bucket"]) == len(KINDS) * (len(RTT_EDGES) + 1)
    for noun, count in (("target", len(KINDS)), ("service", 1)):
        state = {(p.labels[noun], p.labels["state"]): p.value for p in found[f"slamon_{noun}_state"]}
        assert len(state) == count * 4
        assert {key[1] for key, on in state.items() if on} == {"unknown"}
        assert [p.value for p in found[f"slamon_{noun}_state_seconds_total"]] == [0.0] * 4 * count
    assert [p.value for p in found["slamon_outages_total"]] == [0.0]
    for absent in (
        "slamon_outage_start_timestamp_seconds",
        "slamon_probe_last_success_timestamp_seconds",
        "slamon_probe_reply_hop_limit",
    ):
        assert found[absent] == []
    for name in (
        "slamon_dns_resolutions_total",
        "slamon_socket_receive_drops_total",
        "slamon_socket_send_errors_total",
    ):
        assert found[name]
        assert {p.value for p in found[name]} == {0.0}


def assert_attempts_add_up(page: str, targets: int) -> None:
    found = points(page)
    results: dict[str, float] = defaultdict(float)
    for point in found["slamon_probe_results_total"]:
        results[point.labels["target"]] += point.value
    in_flight = {point.labels["target"]: point.value for point in found["slamon_probe_in_flight"]}
    attempts = {point.labels["target"]: point.value for point in found["slamon_probe_attempts_total"]}
    round_trips = {point.labels["target"]: point.value for point in found["slamon_probe_rtt_seconds_count"]}
    successes = {
        p.labels["target"]: p.value for p in found["slamon_probe_results_total"] if p.labels["result"] == "success"
    }
    assert len(attempts) == targets
    assert attempts == {name: results[name] + in_flight[name] for name in attempts}
    assert successes == round_trips


def test_attempts_are_results_plus_in_flight() -> None:
    assert_attempts_add_up(render(busy_world().view()), len(KINDS))


def test_attempts_add_up_though_probing_goes_on_between_the_steps() -> None:
    world = World(*(make_target(f"s{n}/ping") for n in range(300)))
    steps = []
    for step in Exposition().page(world.view()):
        steps.append(step)
        for n, series in enumerate(world.series):
            pending = series.send(NOW + len(steps) * S)
            if n % 3:
                series.decide(
                    pending,
                    Reading(
                        RESULTS[n % 5] if n % 2 else Result.SUCCESS, rtt=n * MS if not n % 2 or not n % 5 else None
                    ),
                )
    assert world.series[1].attempts > 5
    assert_attempts_add_up(b"".join(steps).decode(), 300)


def test_a_result_a_kind_does_not_declare_is_shown_all_the_same() -> None:
    world = World(make_target())
    world.probe(world.series[0], Reading(Result.TLS_ERROR))
    assert Result.TLS_ERROR not in KINDS["icmp"].results
    assert_attempts_add_up(render(world.view()), 1)


def test_the_histogram_is_cumulative_and_its_limits_are_inclusive() -> None:
    world = World(make_target())
    for rtt in (MS // 10, MS // 10 + 1, 20 * MS, 20 * MS + 1, 60 * S):
        world.probe(world.series[0], Reading(Result.SUCCESS, rtt=rtt))
    page = render(world.view())
    buckets = {p.labels["le"]: p.value for p in points(page)["slamon_probe_rtt_seconds_bucket"]}
    assert list(buckets)[:3] == ["0.0001", "0.0002", "0.0005"]
    assert (buckets["0.0001"], buckets["0.0002"], buckets["0.01"], buckets["0.02"], buckets["0.03"]) == (1, 2, 2, 3, 4)
    assert (buckets["1.0"], buckets["5.0"], buckets["+Inf"]) == (4, 4, 5)
    assert re.search(r"^slamon_probe_rtt_seconds_sum\{.*\} 60\.040200002$", page, re.MULTILINE)


def test_steps_are_short_and_none_holds_more_lines_than_allowed() -> None:
    world = World(*(make_target(f"s{n}/ping") for n in range(1000)))
    steps = list(Exposition().page(world.view()))
    lines = [step.count(b"\n") for step in steps]
    assert sum(lines) > 40_000
    longest = max(len(line) for step in steps for line in step.splitlines())
    most_lines = max(len(RTT_EDGES) + 3, len(RESULTS))  # of a target in a family
    assert max(map(len, steps)) < STEP + BLOCK * most_lines * longest
    assert all(step == b"" or step.endswith(b"\n") for step in steps)
    assert steps[:4] == [b""] * 4  # copying the counters gives way, too


def test_two_scrapes_at_the_same_time_do_not_disturb_each_other() -> None:
    world = busy_world()
    exposition = Exposition()
    first, second = exposition.page(world.view()), exposition.page(world.view())
    pages: tuple[list[bytes], list[bytes]] = ([], [])
    for one, other in zip(first, second, strict=True):
        pages[0].append(one)
        pages[1].append(other)
    assert OWN.sub("", b"".join(pages[0]).decode()) == OWN.sub("", b"".join(pages[1]).decode())


OWN = re.compile(r"^(process|python)_.*$", re.MULTILINE)
"""What the process and the interpreter say of themselves: another thing at every look."""


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_page_says_what_a_first_page_would(data: st.DataObject) -> None:
    """Whatever happened between two pages: lines that are kept from one to the next never outlive what they say."""
    world = World(*(make_target(f"s{n:03}/ping") for n in range(BLOCK + 3)))
    exposition = Exposition()
    happenings: dict[str, Callable[[int], object]] = {
        "answer": lambda n: world.probe(world.series[n], Reading(Result.SUCCESS, 3 * MS, 57)),
        "silence": lambda n: world.probe(world.series[n], Reading(Result.TIMEOUT)),
        "undeclared": lambda n: world.probe(world.series[n], Reading(Result.TLS_ERROR)),
        "late": lambda n: world.series[n].late(),
        "duplicate": lambda n: world.series[n].duplicate(),
        "reordered": lambda n: world.series[n].reordered(),
        "corrupt": lambda n: world.series[n].corrupt(),
        "overrun": lambda n: world.series[n].overrun(),
        "own clock": lambda n: world.probe(world.series[n], Reading(Result.SUCCESS, 3 * MS, userspace=True)),
        "rotation": lambda n: setattr(world.series[n], "rotations", world.series[n].rotations + 1),
        "another way back": lambda n: setattr(
            world.series[n], "_hop_limit", 255 - (world.series[n].counts().hop_limit or 0)
        ),
        "another address": lambda n: change(n, address=f"192.0.2.{world.sent // S % 256}"),
        "up": lambda n: change(n, state=make_state(world.views[n].target.name, state=State.UP)),
        "down": lambda n: change(n, state=make_state(world.views[n].target.name)),
        "unknown": lambda n: change(n, state=None),
        "failing": lambda n: change(n, failing=Failing(n % 7, 30)),
        "gone": world.views.pop,
        "moved": lambda n: world.views.append(world.views.pop(n)),
        "another label": lambda n: change(
            n, target=dataclasses.replace(world.views[n].target, labels=(("site", str(world.sent)),))
        ),
    }

    def change(n: int, **changes: object) -> None:
        world.sent += S
        world.views[n] = world.views[n]._replace(**changes)  # type: ignore[arg-type]  # any field

    for _ in range(data.draw(st.integers(1, 4))):
        for name in data.draw(st.lists(st.sampled_from(sorted(happenings)), max_size=6)):
            happenings[name](data.draw(st.integers(0, len(world.views) - 1)))
        view = world.view(label_keys=("site",))
        assert OWN.sub("", render(view, exposition)) == OWN.sub("", render(view))


def test_views_may_be_made_on_the_way() -> None:
    world = World(*(make_target(f"s{n}/ping") for n in range(300)))
    made = 0

    def views() -> Iterator[TargetView]:
        nonlocal made
        for view in world.views:
            made += 1
            yield view

    steps = Exposition().page(world.view(targets=views()))
    assert (next(steps), made) == (b"", 50)
    assert_attempts_add_up(b"".join(steps).decode(), 300)


def test_services_may_be_looked_at_on_the_way_after_their_targets() -> None:
    world = World(*(make_target(f"s{n}/ping") for n in range(300)))
    made = []

    def targets() -> Iterator[TargetView]:
        for view in world.views:
            made.append(view.target.name)
            yield view

    def services() -> Iterator[StateView]:
        for n in range(600):
            made.append(f"s{n}")
            yield make_state(f"s{n}")

    steps = Exposition().page(world.view(targets=targets(), services=services()))
    assert [len(made) for step, _ in zip(steps, range(18), strict=False) if step == b""] == [*range(50, 901, 50)]
    page = b"".join(steps).decode()
    assert len(points(page)["slamon_service_settled_timestamp_seconds"]) == 600


def test_what_has_nothing_to_say_takes_its_time_all_the_same() -> None:
    """Thousands of targets or statements are asked in vain between two lines of a page: that is no single step."""
    silent = Family(
        name="silent", type="gauge", help="Nothing.", labels=(), lines=lambda _, page: ("" for _ in page.blocks)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exposition, "families", lambda *_: [silent] * 20)
        for targets, contracts in ((1000, 0), (1, 500)):
            world = World(*(make_target(f"s{n}/ping") for n in range(targets)))
            world.contracts = [make_contract()] * contracts
            assert sum(bool(step) for step in Exposition().page(world.view())) > 3, (targets, contracts)


def test_labels_follow_a_reload() -> None:
    exposition = Exposition()
    world = World(make_target(labels=(("site", "north"),)))
    assert (
        value(render(world.view(label_keys=("site",)), exposition), "slamon_target_info", site="north", provider="Acme")
        == 1
    )
    changed = World(make_target(service="hq", labels=(("site", "south"),)))
    page = render(changed.view(label_keys=("site",), providers={"hq": "Bell"}), exposition)
    assert value(page, "slamon_target_info", site="south", service="hq", provider="Bell") == 1
    assert (
        value(
            render(changed.view(label_keys=("site", "tier")), exposition), "slamon_target_info", site="south", tier=""
        )
        == 1
    )
    assert points(render(World().view(), exposition))["slamon_target_info"] == []


def test_an_address_is_of_the_instant() -> None:
    world = World(make_target(address="www.example.net"))
    exposition = Exposition()
    for address, shown in ((None, ""), ("192.0.2.9", "192.0.2.9")):
        world.views[0] = world.views[0]._replace(address=address)
        assert value(render(world.view(), exposition), "slamon_target_info", address=shown) == 1


def test_state_time_adds_up_to_the_nanosecond() -> None:
    world = World()
    world.add(make_target(), state=make_state("hq-dia/ping"))
    world.services = [make_state("hq-dia")]
    page = render(world.view())
    for noun in ("target", "service"):
        texts = re.findall(rf"^slamon_{noun}_state_seconds_total\{{.*\}} (\S+)$", page, re.MULTILINE)
        settled = Decimal(
            re.findall(rf"^slamon_{noun}_settled_timestamp_seconds\{{.*\}} (\S+)$", page, re.MULTILINE)[0]
        )
        first_known = Decimal(make_state("x").first_known).scaleb(-9)
        assert "86400.123456789" in texts
        assert sum(map(Decimal, texts)) == settled - first_known
        assert value(page, f"slamon_{noun}_state", state="down") == 1
        assert value(page, f"slamon_{noun}_state", state="up") == 0
    assert value(page, "slamon_outages_total") == 3
    assert value(page, "slamon_outage_start_timestamp_seconds") == (NOW - 20 * S) / S


def sla(page: str, name: str, **labels: str) -> dict[str, float]:
    """The `current` samples of a judged family, by the label that is not contract, period, unit or currency."""
    found = {}
    for point in points(page)[f"slamon_sla_{name}"]:
        own = {key: text for key, text in point.labels.items() if key not in {"contract", "period", "unit", "currency"}}
        if point.labels["period"] == "current":
            found["".join(own.values())] = float(point.value)
    return found


def test_the_figures_of_a_contract_are_those_of_its_statement() -> None:
    world = World()
    view = make_contract(down=[(NOON, 2593)], unknown=[(JUNE.start, 7200)], delay=Fraction(61 * MS))
    world.contracts = [view]
    page = render(world.view())
    statement = view.current
    assert statement.availability == 1 - Fraction(2593, 30 * 86_400 - 7200)
    for name, exact in (
        ("availability_ratio", statement.availability),
        ("availability_so_far_ratio", statement.availability_so_far),
        ("availability_if_unknown_up_ratio", statement.high),
        ("availability_if_unknown_down_ratio", statement.low),
        ("coverage_ratio", statement.coverage),
        ("coverage_counted_ratio", statement.counted_coverage),
        ("coverage_minimum_ratio", Fraction(1, 2)),
        ("credit_owed_ratio", Fraction(1, 4)),
        ("credit_owed", Fraction(250)),
        ("credit_lost_to_cap", Fraction("133.33")),
        ("credit_at_stake", Fraction(0)),
        ("period_start_timestamp_seconds", Fraction(JUNE.start, S)),
        ("period_end_timestamp_seconds", Fraction(JUNE.end, S)),
    ):
        assert exact is not None
        assert sla(page, name) == {"": float(exact)}, name
    assert sla(page, "objective_value") == {"availability": float(statement.availability), "delay": 0.061}
    assert sla(page, "objective_target") == {"availability": 0.999, "delay": 0.04}
    assert sla(page, "objective_minimum") == {"availability": 0.995}
    assert sla(page, "compliant") == {"availability": 0, "delay": 0}
    assert sla(page, "status") == {"met": 0, "below_target": 1, "below_minimum": 0, "unknown": 0}
    assert sla(page, "downtime_budget_seconds") == {"target": 2584.8, "minimum": 12_924}
    assert sla(page, "downtime_budget_remaining_seconds") == {"target": -8.2, "minimum": 10_331}
    assert sla(page, "downtime_to_next_credit_seconds") == {}
    time = sla(page, "time_seconds")
    assert (time["provider_down"], time["unknown"]) == (2593, 7200)
    assert set(time) == {"up", "provider_down", "maintenance", "force_majeure", "local_fault", "unknown", "not_elapsed"}
    assert sum(time.values()) == 30 * 86_400
    assert sla(page, "outages") == {"provider_down": 1, "maintenance": 0, "force_majeure": 0, "local_fault": 0}
    assert {p.labels["unit"] for p in points(page)["slamon_sla_objective_value"]} == {"ratio", "seconds"}
    assert {p.labels["currency"] for p in points(page)["slamon_sla_credit_owed"]} == {"USD"}
    assert (
        value(
            page, "slamon_contract_info", contract="hq", service="hq-dia", kind="sla", provider="Acme", currency="USD"
        )
        == 1
    )


def test_unmeasured_time_uses_the_budget_where_the_contract_says_so() -> None:
    contract = dataclasses.replace(CONTRACT, unknown=UnknownTime.DOWN)
    unmeasured = DeclaredSpan(start=NOON, end=NOON + 2400 * S, state=State.UNKNOWN)
    statement = evaluate(contract, Facts(declared={"hq-dia": (unmeasured,)}), JUNE, JUNE.end + DAY)
    world = World()
    world.contracts = [dataclasses.replace(make_contract(), contract=contract, current=statement)]
    page = render(world.view())
    assert sla(page, "downtime_budget_remaining_seconds")["target"] == 192
    assert sla(page, "downtime_budget_seconds")["target"] == 2592
    assert sla(page, "time_seconds")["provider_down"] == 0


def test_what_cannot_be_said_is_not_there() -> None:
    world = World()
    world.contracts = [make_contract(unknown=[(JUNE.start, 30 * 86_400)], delay=None)]
    page = render(world.view())
    for absent in ("compliant", "objective_value", "availability_ratio", "availability_so_far_ratio"):
        assert sla(page, absent) == {}, absent
    assert sla(page, "status") == {"met": 0, "below_target": 0, "below_minimum": 0, "unknown": 1}
    assert sla(page, "availability_if_unknown_up_ratio") == {"": 1}
    assert sla(page, "availability_if_unknown_down_ratio") == {"": 0}
    assert not [p for p in points(page)["slamon_sla_status"] if p.labels["period"] == "previous"]


def test_a_contract_without_money_publishes_none() -> None:
    world = World()
    world.contracts = [make_contract(currency=None, prices=(), credits=(), caps=())]
    page = render(world.view())
    for name in (
        "credit_owed",
        "credit_owed_ratio",
        "credit_at_stake",
        "credit_lost_to_cap",
        "credit_earned_back",
        "credit_withheld",
        "credit_payable",
        "credit_adjustment",
        "bonus",
        "points",
        "claims",
        "claims_amount",
    ):
        assert sla(page, name) == {}
    assert value(page, "slamon_contract_info", contract="hq", currency="") == 1


def test_what_an_open_period_may_still_improve_is_at_stake() -> None:
    world = World()
    world.contracts = [make_contract(sampled=61 * MS, as_of=NOON)]
    page = render(world.view())
    assert (sla(page, "credit_owed"), sla(page, "credit_at_stake")) == ({"": 0}, {"": 50})
    assert re.search(
        r'^slamon_sla_credit_at_stake\{contract="hq",period="current",currency="USD"\} 50\.00$', page, re.MULTILINE
    )
    assert sla(page, "downtime_to_next_credit_seconds") == {"": pytest.approx(2592.000000001, abs=1e-10)}


def page_of(**terms: object) -> str:
    world = World()
    world.contracts = [make_contract(**terms)]  # type: ignore[arg-type]  # any field
    return render(world.view())


def test_counts_and_days_have_their_units() -> None:
    outages = Objective(
        name="outages", measure=Measure.OUTAGES, clause=CLAUSE, subject=Subject(measure=Measure.OUTAGES)
    )
    restore = Objective(
        name="restore", measure=Measure.RESTORE, clause=CLAUSE, statistic=Statistic(form=Form.MEAN, text="mean")
    )
    page = page_of(down=[(NOON, 61), (NOON + DAY, 62)], objectives=(outages, restore), credits=(), delay=None)
    found = {p.labels["objective"]: (p.labels["unit"], p.value) for p in points(page)["slamon_sla_objective_value"]}
    assert found == {"outages": ("count", 2.0), "restore": ("seconds", 61.5)}
    assert re.search(r'objective="outages",unit="count"\} 2$', page, re.MULTILINE)


def test_a_composed_service_is_written_out() -> None:
    page = page_of(service=Group(of=("hq-dia", "backup"), need=1))
    assert value(page, "slamon_contract_info", contract="hq", service="any of (hq-dia, backup)") == 1


def test_the_services_of_a_contract_are_told_one_by_one() -> None:
    def services(**terms: object) -> list[str]:
        return [point.labels["service"] for point in points(page_of(**terms))["slamon_contract_service"]]

    assert services() == ["hq-dia"]
    pair = Group(of=("backup", "hq-dia"), need=2)
    assert services(service=Group(of=("hq-dia", pair), need=1)) == ["hq-dia", "backup"]
    named = dataclasses.replace(CONTRACT.objectives[0], service="dns")
    assert services(objectives=(named,), credits=()) == ["hq-dia", "dns"]
    moved = dataclasses.replace(CONTRACT, service="backup", effective=date(2026, 6, 1))
    assert services(amendments=(moved,)) == ["backup"]
    assert services(amendments=(dataclasses.replace(moved, effective=date(2026, 7, 1)),)) == ["hq-dia"]


def test_money_that_is_not_paid() -> None:
    overdue = Condition(
        name="overdue", subject=Subject(measure=Measure.OVERDUE), side=Side.OVER, threshold=Fraction(0), clause=CLAUSE
    )
    good = dataclasses.replace(
        overdue, subject=Subject(measure=Measure.DOWNTIME), side=Side.AT_MOST, threshold=Fraction(DAY)
    )
    down = [(NOON, 2593)]
    for terms, earned, withheld, payable in (
        ({}, 0, 0, 250),
        ({"earn_back": (good,)}, 250, 0, 0),
        ({"withhold": (overdue,), "facts": {"payments": (Payment(due=JUNE.start + DAY),)}}, 0, 250, 0),
    ):
        page = page_of(down=down, **terms)
        assert sla(page, "credit_owed") == {"": 250}
        assert sla(page, "credit_earned_back") == {"": earned}
        assert sla(page, "credit_withheld") == {"": withheld}
        assert sla(page, "credit_payable") == {"": payable}
        assert sla(page, "credit_adjustment") == {"": 0}
        assert sla(page, "statement_revision") == {"": 1}


def test_bonus_and_points() -> None:
    prize = Credit(
        name="prize",
        subject=Subject(measure=Measure.DOWNTIME),
        clause=CLAUSE,
        side=Side.AT_MOST,
        tiers=(Tier(threshold=Fraction(HOUR), give=Give(share=Fraction(1, 50))),),
    )
    marks = Credit(
        name="marks",
        subject=Subject(measure=Measure.OUTAGES),
        clause=CLAUSE,
        per=Per(count=Count.EACH, text="each"),
        give=Give(points=3),
    )
    page = page_of(down=[(NOON, 60)], bonuses=(Bonus(credit=prize),), credits=(marks,))
    assert sla(page, "bonus") == {"": 20}
    assert sla(page, "points") == {"": 3}
    assert sla(page_of(), "points") == {}
    assert sla(page_of(), "bonus") == {"": 0}


def test_a_later_fact_makes_a_revision_and_an_adjustment() -> None:
    closed = {"closed": (Closed(JUNE.name, JUNE.end + HOUR),)}
    late = Exclusion(
        id="1", contract="hq", cause="maintenance", start=NOON, end=NOON + DAY, declared_at=JUNE.end + 2 * HOUR
    )
    view = make_contract(down=[(NOON, 2593)], facts=closed)
    known = Facts(
        declared={"hq-dia": (DeclaredSpan(start=NOON, end=NOON + 2593 * S, state=State.DOWN),)},
        exclusions=(late,),
        closed=closed["closed"],
    )
    world = World()
    world.contracts = [dataclasses.replace(view, current=evaluate(CONTRACT, known, JUNE, JUNE.end + DAY))]
    page = render(world.view())
    assert sla(page, "statement_revision") == {"": 2}
    assert sla(page, "credit_adjustment") == {"": -250}
    assert sla(page, "credit_owed") == {"": 0}


CLAIM = Claim(
    report=Deadline(text="48h after outage end", anchor=Anchor.OUTAGE_END, elapsed=48 * HOUR),
    by=Deadline(text="30 days after period end", anchor=Anchor.PERIOD_END, days=30),
    clause=CLAUSE,
)


def test_a_claim_counts_under_its_state() -> None:
    down = [(NOON, 2593)]
    page = page_of(down=down, claim=CLAIM)
    assert sla(page, "claims") == {"open": 1, "in_time": 0, "late": 0}
    assert sla(page, "claims_amount") == {"open": 250, "in_time": 0, "late": 0}
    assert re.search(r'^slamon_sla_claims_amount\{.*,state="open",currency="USD"\} 250\.00$', page, re.MULTILINE)
    assert sla(page, "claim_deadline_timestamp_seconds") == {"": (JUNE.end + 30 * DAY) / S}
    assert sla(page, "claim_report_deadline_timestamp_seconds") == {"": (NOON + 2593 * S + 48 * HOUR) / S}
    lodged = {"claims": (Lodged(period=JUNE.name, at=JUNE.end + HOUR),)}
    page = page_of(down=down, claim=CLAIM, facts=lodged)
    assert sla(page, "claims") == {"open": 0, "in_time": 1, "late": 0}
    assert sla(page, "claims_amount") == {"open": 0, "in_time": 250, "late": 0}
    assert sla(page_of(down=down, claim=CLAIM, as_of=JUNE.end + 40 * DAY), "claims")["late"] == 1
    nothing = page_of(claim=CLAIM)
    assert sla(nothing, "claims") == {"open": 0, "in_time": 0, "late": 0}
    assert sla(nothing, "claim_report_deadline_timestamp_seconds") == {}
    assert sla(page_of(down=down), "claims") == {}
    assert sla(page_of(down=down), "claim_deadline_timestamp_seconds") == {}


def test_a_right_to_terminate_is_there_before_it_arises() -> None:
    right = Termination(
        party=Party.CUSTOMER,
        condition=Condition(
            name="chronic",
            subject=Subject(measure=Measure.OUTAGES),
            side=Side.AT_LEAST,
            threshold=Fraction(2),
            clause=CLAUSE,
        ),
        notice=Deadline(text="30 days after right arises", anchor=Anchor.RIGHT_ARISES, days=30),
        exercise=Deadline(text="60 days after notice", anchor=Anchor.NOTICE, days=60),
    )
    down = [(NOON, 60), (NOON + DAY, 60)]

    def rights(**terms: object) -> tuple[dict[str, float], list[int]]:
        page = page_of(terminations=(right,), **terms)
        assert {p.labels["clause"] for p in points(page)["slamon_sla_termination_right"]} == {"chronic"}
        deadlines = sla(page, "termination_deadline_timestamp_seconds")
        return sla(page, "termination_right"), [round((at * S - JUNE.end) / DAY) for at in deadlines.values()]

    assert rights(down=down[:1]) == ({"customerchronic": 0}, [])
    stands, (notice,) = rights(down=down)
    assert stands == {"customerchronic": 1}
    assert notice in range(10, 32)
    given = {"notices": (Notice(right="chronic", at=JUNE.end),)}
    assert rights(down=down, facts=given) == ({"customerchronic": 1}, [61])
    assert rights(down=down, as_of=JUNE.end + 40 * DAY) == ({"customerchronic": 0}, [])


def test_what_other_contracts_can_support() -> None:
    view = make_contract()
    assert sla(page_of(), "supportable_availability_ratio") == {}
    world = World()
    weak = dataclasses.replace(view.current, supportable=Fraction(99, 100), promise=False)
    world.contracts = [dataclasses.replace(view, current=weak)]
    page = render(world.view())
    assert sla(page, "supportable_availability_ratio") == {"": 0.99}
    assert sla(page, "promise_supported") == {"": 0}


def test_an_exclusion_is_shown_and_inhibits() -> None:
    world = World()
    world.contracts = [make_contract(down=[(NOON, 300)], maintenance=[(NOON, 600)])]
    page = render(world.view())
    active = {p.labels["class"]: p.value for p in points(page)["slamon_exclusion_active"]}
    assert active == {"maintenance": 1, "force_majeure": 0}
    assert sla(page, "outages") == {"provider_down": 0, "maintenance": 1, "force_majeure": 0, "local_fault": 0}
    assert sla(page, "time_seconds")["maintenance"] == 600


def test_an_outage_counts_once_and_against_the_provider_if_any_of_it_does() -> None:
    def outage(**by_cause: int) -> OutageLine:
        return OutageLine(start=NOON, end=NOON + S, duration=S, by_cause=by_cause)

    view = make_contract()
    outages = (outage(maintenance=50, provider_down=1), outage(maintenance=1, force_majeure=2), outage(local_fault=1))
    world = World()
    world.contracts = [dataclasses.replace(view, current=dataclasses.replace(view.current, outages=outages))]
    counts = sla(render(world.view()), "outages")
    assert counts == {"provider_down": 1, "maintenance": 0, "force_majeure": 1, "local_fault": 1}


def test_both_periods_stand_side_by_side() -> None:
    page = render(busy_world().view())
    assert value(page, "slamon_sla_status", period="previous", status="met") == 1
    assert value(page, "slamon_sla_status", period="current", status="below_target") == 1


def test_a_kind_brings_its_own_gauges() -> None:
    icmp = dataclasses.replace(KINDS["icmp"], gauges={"moon_phase_ratio": "Share of the moon that is lit."})
    own = {**KINDS, "icmp": icmp}
    world = World(make_target())
    page = render(world.view(kinds=own))
    assert (
        "# HELP slamon_probe_moon_phase_ratio Share of the moon that is lit.\n# TYPE slamon_probe_moon_phase_ratio gauge\n"
        in page
    )
    assert points(page)["slamon_probe_moon_phase_ratio"] == []
    world.probe(world.series[0], Reading(Result.SUCCESS, rtt=MS, gauges=(("moon_phase_ratio", 0.25),)))
    assert value(render(world.view(kinds=own)), "slamon_probe_moon_phase_ratio") == 0.25


def test_the_process_and_the_interpreter_are_on_the_page() -> None:
    found = points(render(World().view()))
    assert found["process_cpu_seconds_total"][0].value > 0
    assert found["process_resident_memory_bytes"]
    assert found["python_info"][0].labels["implementation"] == "CPython"
    assert found["slamon_build_info"][0].labels["version"] == "1.2.3"


@given(st.integers(min_value=-(10**22), max_value=10**22))
@example(0)
@example(5 * S)
@example(S - 1)
def test_seconds_are_exact(ns: int) -> None:
    text = seconds(ns)
    assert Fraction(text) == Fraction(ns, S)
    assert ("." in text) == bool(ns % S)


@given(st.fractions(min_value=0, max_value=1))
def test_a_ratio_is_the_nearest_float(exact: Fraction) -> None:
    shown = float(ratio(exact))
    assert shown == float(exact)
    assert abs(Fraction(shown) - exact) <= Fraction(1, 2**53)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=30))
def test_label_values_survive(text: str) -> None:
    world = World(make_target(labels=(("site", text),)))
    page = render(world.view(label_keys=("site",), vantage=text))
    (point,) = points(page)["slamon_target_info"]
    assert point.labels["site"] == text
    assert point.labels["vantage"] == text


def worked_world() -> World:
    """A contract for every judgement of the worked cases: claims, rights, bonuses, points, revisions, days, compositions."""
    world = busy_world()
    for file in sorted((Path(__file__).parent / "sla" / "cases").glob("*.yaml")):
        for number, case in enumerate(read_file(file, [])):
            for period in dict.fromkeys(expectation.period for expectation in case.expectations):
                contract = dataclasses.replace(case.contract, name=f"{file.stem} {number} {period.name}")
                statement = dataclasses.replace(judge(case, period).statement, contract=contract.name)
                world.contracts.append(
                    ContractView(contract=contract, current=statement, previous=None, active_exclusions={})
                )
    return world


def test_every_family_of_the_settlement_says_what_the_statements_say() -> None:
    world = worked_world()
    found = points(render(world.view()))
    statements = {view.contract.name: view.current for view in world.contracts}
    assert len(statements) == len(world.contracts) > 200
    for family in SETTLEMENT:
        assert found[family.name], family.name
    for name, field in (
        ("credit_owed", "credit"),
        ("credit_payable", "payable"),
        ("bonus", "bonus"),
        ("credit_lost_to_cap", "lost_to_cap"),
    ):
        shown = {p.labels["contract"]: p.value for p in found[f"slamon_sla_{name}"] if p.labels["period"] == "current"}
        said = {name: getattr(s, field) for name, s in statements.items() if s.currency is not None}
        assert shown == {name: float(amount) for name, amount in said.items() if amount is not None}
    standing = [p for p in found["slamon_sla_termination_right"] if p.value]
    arisen = {(n, r.name) for n, s in statements.items() for r in s.rights if r.state in ("open", "curing")}
    assert {(p.labels["contract"], p.labels["clause"]) for p in standing} == arisen
    assert arisen


@pytest.mark.system
def test_promtool_has_nothing_to_say() -> None:
    page = render(worked_world().view(label_keys=("site",)))
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=page, capture_output=True, text=True, timeout=30, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


@pytest.mark.system
def test_the_queries_of_the_documentation_are_valid(tmp_path: Path) -> None:
    blocks = re.findall(r"^```promql\n(.+?)^```", DOCS.read_text(), re.MULTILINE | re.DOTALL)
    queries = [query for block in blocks for query in re.sub(r"\n +", " ", block).splitlines()]
    assert len(queries) >= 10
    rules = [{"record": f"query:{n}", "expr": query} for n, query in enumerate(queries)]
    file = tmp_path / "queries.json"  # JSON is YAML
    file.write_text(json.dumps({"groups": [{"name": "docs", "rules": rules}]}))
    checked = subprocess.run(
        ["promtool", "check", "rules", file], capture_output=True, text=True, timeout=30, check=False
    )
    assert checked.returncode == 0, checked.stderr
    assert f"{len(queries)} rules found" in checked.stdout


def test_the_share_of_failures_outside_outages() -> None:
    world = World(make_target("icmp"))
    name = "slamon_target_failure_ratio"
    assert name + "{" not in render(world.view()), "nothing is known yet"
    for failing, expected in ((NOTHING, None), (Failing(24, 30), "0.8"), (Failing(0, 30), "0.0")):
        world.views = [world.views[0]._replace(failing=failing)]
        found = [line.rpartition(" ")[2] for line in render(world.view()).splitlines() if line.startswith(name + "{")]
        assert found == ([] if expected is None else [expected])


def test_how_far_behind_is_normal() -> None:
    world = World(make_target())
    assert points(render(world.view()))["slamon_target_normal_lag_seconds"] == []
    world.views = [world.views[0]._replace(lag=33 * S)]
    assert value(render(world.view()), "slamon_target_normal_lag_seconds", target="hq-dia/ping") == 33


def test_when_the_contracts_are_due() -> None:
    world = World()
    world.stats.evaluation_due = NOW
    assert value(render(world.view()), "slamon_evaluation_due_timestamp_seconds") == NOW / S
