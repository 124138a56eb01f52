"""Listening: binds the application to its address and says what to do when it cannot."""

from __future__ import annotations

import errno
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from slamon.errors import UnavailableError

SHUTDOWN_TIMEOUT = 1.0
"""Seconds that answers still being sent get at shutdown: the last batch of facts must not wait for a slow scraper."""

_FIXES = {
    errno.EADDRINUSE: "another process listens there; stop it or set another web.port",
    errno.EACCES: "ports below 1024 need CAP_NET_BIND_SERVICE; set a web.port from 1024 up",
    errno.EADDRNOTAVAIL: "this host has no such address; set web.host to one of its own",
}


def netloc(host: str, port: int) -> str:
    """`127.0.0.1:9909`, `[::1]:9909`."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@asynccontextmanager
async def serving(app: web.Application, host: str, port: int) -> AsyncIterator[str]:
    """Listens while the context is open; yields the bound `host:port` (port 0 = any free one).

    Raises UnavailableError, with the address and the fix, when it cannot listen.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_TIMEOUT)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
            fix = _FIXES.get(error.errno or 0, "set web.host to an address of this host")
            raise UnavailableError(f"cannot listen on {netloc(host, port)}: {reason}; {fix}") from error
        bound = runner.addresses[0]
        yield netloc(bound[0], bound[1])
    finally:
        await runner.cleanup()
