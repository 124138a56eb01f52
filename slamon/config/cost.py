"""What a configuration costs: packets and bytes on the wire, bytes in the store. Rates are exact, sizes are estimates."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from slamon.config.configuration import Config
from slamon.model import DAY, MINUTE, S, Target
from slamon.probe import Kind, Settings

SAMPLE_BYTES = 5
"""Of one packed sample (send offset, round trip, hop limit), measured with round trips that vary by half a millisecond."""
PACKED_MINUTE_BYTES = 2
"""Of one target's minute of packed samples whatever their number: its share of a quarter hour's row and header."""
MINUTE_BYTES = 25
"""Of the sums of one minute, folded: 16 measured at a probe in ten seconds, 23 to 30 at one a second."""
RECORD_BYTES = 150
"""Of the row of sums of a quarter hour or a day, with its distribution."""
SUMS_A_DAY = 96 + 1
"""Quarter hours and the day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of all targets together; both directions of the wire, with IP headers."""

    targets: int
    probes_per_second: Fraction
    packets_per_second: Fraction
    bits_per_second: Fraction
    wire_bytes_per_day: int
    store_bytes_per_day: int
    """Records and single packets written in a day."""
    store_bytes_of_packets: int
    """What single packets take once the oldest are as old as `store.keep_raw`; it grows no further."""
    store_bytes_per_year: int
    """What records add in a year; they are kept."""


def cost(config: Config, kinds: dict[str, Kind]) -> Cost:
    """The cost of `config`, with what each kind says of one probe (`Kind.wire_cost`). Rough where a probe's size depends on the answer."""
    probes = packets = octets = Fraction(0)
    for target in config.targets.values():
        rate = Fraction(S, target.interval) * target.count
        per_probe = _wire(target, kinds)
        probes += rate
        packets += rate * per_probe[0]
        octets += rate * per_probe[1]
    day = DAY // S
    minutes = sum(_minutes(target) for target in config.targets.values())
    samples = int(probes * day) * SAMPLE_BYTES + minutes * PACKED_MINUTE_BYTES
    records = minutes * MINUTE_BYTES + len(config.targets) * SUMS_A_DAY * RECORD_BYTES
    return Cost(
        targets=len(config.targets),
        probes_per_second=probes,
        packets_per_second=packets,
        bits_per_second=octets * 8,
        wire_bytes_per_day=int(octets * day),
        store_bytes_per_day=samples + records,
        store_bytes_of_packets=samples * config.store.keep_raw // DAY,
        store_bytes_per_year=records * 365,
    )


def _wire(target: Target, kinds: dict[str, Kind]) -> tuple[int, int]:
    settings = target.settings
    assert isinstance(settings, Settings)
    return kinds[target.probe].wire_cost(settings, target.family)


def _minutes(target: Target) -> int:
    """Minutes a day that have a probe."""
    return DAY // max(target.interval, MINUTE)
