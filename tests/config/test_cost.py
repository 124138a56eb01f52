"""What `slamon check` says a configuration costs."""

from __future__ import annotations

import random  # noqa: TID251 - noise with a fixed seed
from fractions import Fraction
from pathlib import Path

import pytest
from sqlalchemy import insert

from slamon.config import load
from slamon.config.cost import MINUTE_BYTES, PACKED_MINUTE_BYTES, RECORD_BYTES, SAMPLE_BYTES, Cost, cost
from slamon.model import MINUTE, MS, RESULT_CODE, US, Result, S
from slamon.probes import kinds
from slamon.record.folding import Summed, fold
from slamon.record.minute import SAMPLE, Minute
from slamon.record.packing import join
from slamon.record.records import QUARTER, encoded, total
from slamon.record.rows import Record
from slamon.store import schema
from slamon.store.rows import quarter_id, record_row


def of(text: str, tmp_path: Path) -> Cost:
    (tmp_path / "slamon.yml").write_text(text)
    return cost(load(tmp_path / "slamon.yml", variables={}), kinds())


def test_one_ping_a_second(tmp_path: Path) -> None:
    found = of("services: {s: {targets: {a: {probe: icmp, address: 192.0.2.1, interval: 1s}}}}\n", tmp_path)
    assert found.targets == 1
    assert found.probes_per_second == 1
    assert found.packets_per_second == 2
    # IPv4 20 + ICMP 8 + payload 56 bytes, there and back
    assert found.bits_per_second == 2 * 84 * 8
    assert found.wire_bytes_per_day == 2 * 84 * 86_400
    packets = 86_400 * SAMPLE_BYTES + 1440 * PACKED_MINUTE_BYTES
    records = 1440 * MINUTE_BYTES + (96 + 1) * RECORD_BYTES
    assert found.store_bytes_per_day == packets + records
    assert found.store_bytes_of_packets == 7 * packets
    assert found.store_bytes_per_year == 365 * records


def test_targets_add_up_and_slow_ones_have_no_record_of_an_empty_minute(tmp_path: Path) -> None:
    found = of(
        "store: {keep_raw: 1h}\nservices: {s: {up_when: any, targets: {\n"
        "  a: {probe: icmp, address: 192.0.2.1, interval: 100ms}, b: {probe: icmp, address: '2001:db8::1', interval: 5m}}}}\n",
        tmp_path,
    )
    assert found.probes_per_second == 10 + Fraction(1, 300)
    assert found.packets_per_second == 20 + Fraction(2, 300)
    assert found.bits_per_second == 10 * 2 * 84 * 8 + Fraction(2 * 104 * 8, 300)
    packets = (864_000 + 288) * SAMPLE_BYTES + (1440 + 288) * PACKED_MINUTE_BYTES
    assert found.store_bytes_of_packets == packets // 24
    assert found.store_bytes_per_year == 365 * (MINUTE_BYTES * (1440 + 288) + RECORD_BYTES * 2 * 97)


def test_nothing_costs_nothing(tmp_path: Path) -> None:
    found = of("services: {}\n", tmp_path)
    assert not any((found.targets, found.bits_per_second, found.store_bytes_per_day, found.store_bytes_per_year))


@pytest.mark.parametrize("a_minute", [6, 60])
def test_the_rough_figures_are_those_of_a_store(a_minute: int, tmp_path: Path) -> None:
    """A store filled with six hours of ten targets is as large as said, within a quarter."""
    quarters, targets = 24, 10
    chance = random.Random(1)
    path = tmp_path / "facts.db"
    connection = schema.connect(path, create=True)
    sums, folded, packets = [], [], []
    for quarter in range(1_900_000, 1_900_000 + quarters):
        start = quarter * QUARTER
        for series in range(targets):
            minutes = [minute(chance, at, a_minute, (5 + series) * MS) for at in range(start, start + QUARTER, MINUTE)]
            key = quarter_id(start // MINUTE, series)
            data = fold(start, [Summed(one, encoded(one)[0]) for one in minutes])
            folded.append({"id": key, "data": data})
            packets.append({"id": key, "data": join(start, [(one.start, one.raw or b"") for one in minutes])})
            whole = total(start, QUARTER, minutes)
            sums.append(record_row(series, whole, encoded(whole)))
    definition = {
        "vantage": "v",
        "probe": "icmp",
        "interval": S,
        "limits": "",
        "live": 0,
        "through": 0,
        "upto": 0,
        "span": 0,
    }
    with schema.writing(connection):
        connection.execute(insert(schema.series), [{"id": n, "target": f"s/{n}"} | definition for n in range(targets)])
        connection.execute(insert(schema.record), sums)
        connection.execute(insert(schema.minutes), folded)
        connection.execute(insert(schema.packets), packets)
    schema.close(connection)
    a_quarter = 15 * (MINUTE_BYTES + PACKED_MINUTE_BYTES + a_minute * SAMPLE_BYTES) + RECORD_BYTES
    said = quarters * targets * a_quarter
    assert 0.8 < path.stat().st_size / said < 1.25


def minute(chance: random.Random, start: int, a_minute: int, delay: int) -> Record:
    """Of round trips that vary by half a millisecond."""
    made = Minute(start, 1, None)
    for n in range(a_minute):
        sent = start + n * MINUTE // a_minute + chance.randrange(2000) * US
        rtt = delay + abs(int(chance.gauss(0, MS // 2)))
        made.samples += SAMPLE.pack(sent, rtt, 57, RESULT_CODE[Result.SUCCESS])
    return made.record(interval=MINUTE // a_minute, limits=(20 * MS,))
