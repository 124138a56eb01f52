"""The truth: one CSV line per packet, written by the far side, read by tests."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.netlab import instants

COLUMNS = "t_rx_ns,proto,target,id,seq,hop_limit,event,planned_delay_ns,t_tx_ns"


class Row(NamedTuple):
    """What became of one packet. Instants are monotonic nanoseconds; `sent` is 0 when nothing was sent back.

    Events: reply (echo), lost, outage, filtered, error:KIND, hop:N, silent-hop:N, duplicate, syn-ack, reset, ack, rst, fin,
    http:STATUS, udp, dns:RCODE; a `+spoofed`, `+corrupt`, `+bad-payload`, `+reordered` behind it tells what was done to the reply.
    """

    received: int
    protocol: str
    target: str
    ident: int
    """ICMP identifier, or the destination port."""
    sequence: int
    """ICMP sequence, the TCP source port, or the DNS message id."""
    hop_limit: int
    """The packet's own, as it left the prober: a path trace counts it up from 1."""
    event: str
    planned: int
    """Programmed delay, nanoseconds."""
    sent: int


class TruthLog:
    """The writer: buffered, because a flush per packet would be the slowest thing on the path."""

    def __init__(self, path: Path, seed: int) -> None:
        self._file = path.open("w", buffering=1 << 16)
        self._file.write(f"# monotonic_ns={instants.monotonic()} wall_ns={instants.wall()} seed={seed}\n{COLUMNS}\n")
        self._file.flush()

    def write(self, row: Row) -> None:
        self._file.write(",".join(map(str, row)) + "\n")

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()


class Truth:
    """What was written so far, with the wall clock's offset at the lab's start."""

    def __init__(self, path: Path) -> None:
        with path.open(newline="") as file:
            header = dict(item.split("=") for item in file.readline().removeprefix("# ").split())
            self.wall_offset = int(header["wall_ns"]) - int(header["monotonic_ns"])
            rows = csv.reader(file)
            if ",".join(next(rows)) != COLUMNS:
                raise ValueError(f"{path} is not a truth log")
            self.rows = [
                Row(
                    int(row[0]), row[1], row[2], int(row[3]), int(row[4]), int(row[5]), row[6], int(row[7]), int(row[8])
                )
                for row in rows
            ]

    def wall(self, monotonic: int) -> int:
        return monotonic + self.wall_offset

    def of(self, target: str, *events: str) -> Iterator[Row]:
        """The rows of one target, of these events only if any are named (an event with marks counts as its first word)."""
        for row in self.rows:
            if row.target == target and (not events or row.event.partition("+")[0] in events):
                yield row

    def count(self, target: str, *events: str) -> int:
        return sum(1 for _ in self.of(target, *events))
