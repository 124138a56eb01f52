"""Who may ask this server to do something: a tool on the host or its owner's browser, never a foreign page in it."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit


def refusal(headers: Mapping[str, str], own_names: frozenset[str]) -> str | None:
    """Why a request that changes something is refused, or None. `headers` must be case-insensitive.

    A browser names the page a POST comes from (Fetch standard, `Origin` and `Sec-Fetch-Site`); curl and the like send neither.
    A page whose own name was rebound to our address passes the comparison of Origin and Host, so with an Origin present
    the Host must also be an address, `localhost` or a name we listen by.
    """
    site = headers.get("Sec-Fetch-Site")
    if site is not None and site not in {"same-origin", "none"}:
        return f"the request comes from another site (Sec-Fetch-Site: {site})"
    origin = headers.get("Origin")
    if origin is None:
        return None
    host = headers.get("Host", "")
    if urlsplit(origin).netloc.lower() != host.lower():
        return f"the request comes from {origin}, not from this server"
    name = _host_name(host)
    if name == "localhost" or name in own_names or _is_address(name):
        return None
    return f"this server does not know itself as {name}; use its address"


def _host_name(netloc: str) -> str:
    try:
        return urlsplit(f"//{netloc}").hostname or ""
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
