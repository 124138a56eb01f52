"""TLS as a client of other people's servers: whom we trust, and what a certificate says about its end."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=64)
def client(verify: bool, authorities: Path | None, _changed: int) -> ssl.SSLContext:
    """How a client speaks TLS. `authorities`: a PEM file to trust instead of the system's, `_changed`: its modification time.

    Made once per combination, since reading the system's authorities takes tens of milliseconds. Raises OSError; of its
    kind ssl.SSLError when the file holds no certificates.
    """
    context = ssl.create_default_context(cafile=authorities)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context


def not_after(certificate: bytes) -> int:
    """Seconds since the epoch at which a DER certificate expires (RFC 5280 §4.1). Python tells it of verified certificates only."""
    ((_, signed),) = _elements(certificate)
    fields = list(_elements(next(_elements(signed))[1]))
    if fields[0][0] == 0xA0:  # the optional version
        del fields[0]
    _serial, _algorithm, _issuer, (_, validity), *_ = fields
    _, (kind, encoded) = _elements(validity)
    stamp = encoded.decode("ascii")
    if kind == 0x17:  # UTCTime has two digits of the year: 50 and above are of the last century
        stamp = ("19" if stamp >= "50" else "20") + stamp
    return int(datetime.strptime(stamp, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp())


def _elements(der: bytes) -> Iterator[tuple[int, bytes]]:
    """(tag, content) of the elements that stand side by side in `der`."""
    at = 0
    while at < len(der):
        tag, length = der[at], der[at + 1]
        at += 2
        if length & 0x80:
            size = length & 0x7F
            length = int.from_bytes(der[at : at + size], "big")
            at += size
        yield tag, der[at : at + length]
        at += length
