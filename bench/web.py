"""One HTTP request to a server of this namespace."""

from __future__ import annotations

import http.client


def get(port: int, path: str) -> bytes:
    """The body. Raises OSError, also for an answer that is no success."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    if response.status != 200:
        raise OSError(f"{path}: {response.status}")
    return body
