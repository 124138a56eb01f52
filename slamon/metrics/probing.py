"""The families of probing: what was sent, how it ended, how long it took. The source of truth of everything else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from slamon.metrics.family import (
    Family,
    Lines,
    Page,
    Row,
    Still,
    first_grows,
    histograms,
    instant,
    per_row,
    per_still_target,
    per_target,
    where,
)
from slamon.metrics.text import escape, seconds
from slamon.model import RESULTS
from slamon.probe import Kind
from slamon.record.series import Series

PROBE_LABELS = ("target", "service", "probe", "family", "vantage")
"""Of every probe series; addresses, providers and sites stand on `slamon_target_info` only."""

SKIP_REASONS = ("overrun", "clock_step")
"""Why a slot passed without a probe: the previous one was still in flight, or the clock was stepped."""

_RESULT_SUFFIX = tuple(f',result="{result}"' for result in RESULTS)


def _result(name: str, row: Row, code: int, count: int) -> str:
    if count or RESULTS[code] in row.kind.results:  # a kind that ends otherwise than it declares must not break the sum
        return f"{name}{{{row.labels}{_RESULT_SUFFIX[code]}}} {count}\n"
    return ""


def _skipped(name: str, row: Row, counts: tuple[int, ...]) -> str:
    pairs = zip(SKIP_REASONS, counts, strict=True)
    return "".join([f'{name}{{{row.labels},reason="{reason}"}} {count}\n' for reason, count in pairs])


def _phases(name: str, row: Row) -> str:
    lines = []
    for phase in row.kind.phases:
        total, count = row.view.series.phases.get(phase, (0, 0))
        lines += [
            f'{name}_sum{{{row.labels},phase="{phase}"}} {seconds(total)}\n',
            f'{name}_count{{{row.labels},phase="{phase}"}} {count}\n',
        ]
    return "".join(lines)


def _icmp_errors(name: str, row: Row) -> str:
    errors = row.view.series.icmp_errors
    if not errors:
        return ""
    lines = [
        f'{name}{{{row.labels},type="{kind}",code="{code}",origin="{origin}"}} {count}\n'
        for (kind, code, origin), count in sorted(errors.items())
    ]
    return "".join(lines)


def _info(name: str, row: Row, address: str | None) -> str:
    return f'{name}{{{row.labels},address="{escape(address or "")}",{row.identity.info}}} 1\n'


def _address_changes(name: str, page: Page) -> Iterator[str]:
    changes = page.view.stats.address_changes
    for rows in page.blocks:
        named = [row for row in rows if row.identity.named]  # a literal address cannot change
        yield "".join([f"{name}{{{row.labels}}} {changes[row.view.target.name]}\n" for row in named])


def _replies(what: str, meaning: str, read: Callable[[Series], int]) -> Family:
    return Family(
        name=f"slamon_probe_{what}_replies_total",
        type="counter",
        help=meaning,
        labels=PROBE_LABELS,
        lines=per_still_target(lambda row: read(row.view.series)),
    )


def _gauge(gauge: str) -> Lines:
    def read(row: Row) -> object:
        value = row.view.series.gauges.get(gauge) if gauge in row.kind.gauges else None
        return None if value is None else repr(float(value))

    return where(lambda kind: gauge in kind.gauges, per_target(read))


def kind_gauges(kinds: Mapping[str, Kind]) -> tuple[Family, ...]:
    """A family for every gauge the probe kinds declare, so that a new kind brings its own."""
    declared: dict[str, str] = {}
    for kind in kinds.values():
        declared.update(kind.gauges)
    return tuple(
        Family(
            name=f"slamon_probe_{gauge}",
            type="gauge",
            help=text,
            labels=PROBE_LABELS,
            lines=_gauge(gauge),
        )
        for gauge, text in sorted(declared.items())
    )


def probing(label_keys: tuple[str, ...] = ()) -> tuple[Family, ...]:
    """The families that every configuration has, in the order of the page."""
    return (
        Family(
            name="slamon_probe_attempts_total",
            type="counter",
            help="Probes started, also those that could not be sent. Always: sum of results + in flight.",
            labels=PROBE_LABELS,
            lines=per_target(lambda row: row.counts.attempts),
        ),
        Family(
            name="slamon_probe_results_total",
            type="counter",
            help="Probes decided, by how they ended. Loss is (timeout + icmp_error) of (success + bad_response + timeout + icmp_error).",
            labels=(*PROBE_LABELS, "result"),
            lines=first_grows(lambda row: row.counts.results, _result),
        ),
        Family(
            name="slamon_probe_in_flight",
            type="gauge",
            help="Probes sent and not yet decided.",
            labels=PROBE_LABELS,
            lines=per_target(lambda row: row.counts.in_flight),
        ),
        Family(
            name="slamon_probe_skipped_total",
            type="counter",
            help="Slots that passed without a probe, by reason.",
            labels=(*PROBE_LABELS, "reason"),
            lines=Still(lambda row: tuple([row.view.series.skipped[reason] for reason in SKIP_REASONS]), _skipped),
        ),
        Family(
            name="slamon_probe_rtt_seconds",
            type="histogram",
            help="Round trips of successful probes. Every latency limit of every contract is an edge.",
            labels=PROBE_LABELS,
            lines=histograms(lambda row: (row.counts.edges, row.counts.buckets, row.counts.rtt_sum)),
        ),
        Family(
            name="slamon_probe_own_clock_total",
            type="counter",
            help="Probes whose round trip has an end by our own clock instead of the kernel's; of http and dns every answered one.",
            labels=PROBE_LABELS,
            lines=per_still_target(lambda row: row.view.series.userspace),
        ),
        Family(
            name="slamon_probe_phase_duration_seconds",
            type="summary",
            help="Time spent in each phase of a probe, of the kinds that have phases.",
            labels=(*PROBE_LABELS, "phase"),
            lines=where(lambda kind: bool(kind.phases), per_row(_phases)),
        ),
        _replies("late", "Replies after the timeout; their probes stay lost.", lambda series: series.late_replies),
        _replies("duplicate", "Further replies to a probe already answered.", lambda series: series.duplicate_replies),
        _replies(
            "reordered", "Replies that overtook the reply to an earlier probe.", lambda series: series.reordered_replies
        ),
        _replies("corrupt", "Replies whose payload was not what was sent.", lambda series: series.corrupt_replies),
        Family(
            name="slamon_probe_icmp_errors_total",
            type="counter",
            help="ICMP errors received, by type, code and whether this host or another one sent them.",
            labels=(*PROBE_LABELS, "type", "code", "origin"),
            lines=per_row(_icmp_errors),
        ),
        Family(
            name="slamon_probe_reply_hop_limit",
            type="gauge",
            help="TTL or hop limit of the last reply; a change means another path back.",
            labels=PROBE_LABELS,
            lines=per_still_target(lambda row: row.counts.hop_limit),
        ),
        Family(
            name="slamon_probe_last_success_timestamp_seconds",
            type="gauge",
            help="When the last successful probe was sent.",
            labels=PROBE_LABELS,
            lines=per_target(lambda row: instant(row.counts.last_success)),
        ),
        Family(
            name="slamon_probe_last_result_timestamp_seconds",
            type="gauge",
            help="When the last decided probe was sent; it stands still when probing does.",
            labels=PROBE_LABELS,
            lines=per_target(lambda row: instant(row.counts.last_result)),
        ),
        Family(
            name="slamon_probe_flow_rotations_total",
            type="counter",
            help="New flow identities taken, so that one stuck translation cannot blind the probe.",
            labels=PROBE_LABELS,
            lines=per_still_target(lambda row: row.view.series.rotations),
        ),
        Family(
            name="slamon_target_info",
            type="gauge",
            help="What a target is; always 1. Join on target to get these labels.",
            labels=(*PROBE_LABELS, "address", "provider", *label_keys),
            lines=Still(lambda row: row.view.address, _info),
        ),
        Family(
            name="slamon_target_address_changes_total",
            type="counter",
            help="How often the address behind a target's name changed.",
            labels=PROBE_LABELS,
            lines=_address_changes,
        ),
    )
