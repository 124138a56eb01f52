"""The HTTP application: /metrics in steps, health, reload, the JSON that the command line prints, and an index."""

from __future__ import annotations

import html
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler

from slamon.errors import ConfigError, SlamonError, UnavailableError, UsageError
from slamon.metrics import CONTENT_TYPE
from slamon.turns import give_way
from slamon.web.origin import refusal

log = logging.getLogger(__name__)

HEADERS = {"Server": "slamon", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}

RETRY_AFTER = "5"
"""Seconds: about what the longest report takes."""

PERIOD = "current"
"""Of a report when the query names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What the daemon lends to its web server."""

    page: Callable[[], Iterable[bytes]]
    """The metrics in steps, each short enough for the event loop; steps may be empty."""
    not_ready: Callable[[], str | None]
    """Why it is not ready to be scraped; None = ready."""
    reload: Callable[[], Awaitable[None]]
    """Loads the configuration again or raises ConfigError and changes nothing."""
    status: Callable[[], Awaitable[Mapping[str, object]]]
    """The document of `slamon status --format json`."""
    report: Callable[[str | None, str], Awaitable[Mapping[str, object]]]
    """(contract or None = all, period) → the document of `slamon report --format json`; raises UsageError for unknown names."""
    version: str
    vantage: str
    names: frozenset[str] = frozenset()
    """Host names this server is reached by, besides addresses and `localhost`."""


SITE = web.AppKey("site", Site)


def make_app(site: Site) -> web.Application:
    """The application, not yet listening: see `serving`."""
    app = web.Application(middlewares=[_answer_errors])
    app[SITE] = site
    app.add_routes(
        [
            web.get("/", _index),
            web.get("/metrics", _metrics),
            web.get("/-/healthy", _healthy),
            web.get("/-/ready", _ready),
            web.post("/-/reload", _reload),
            web.get("/api/v1/status", _status),
            web.get("/api/v1/report", _report),
        ]
    )
    return app


def _text(body: str, status: int = 200) -> web.Response:
    return web.Response(text=f"{body}\n", status=status, headers=HEADERS)


def _json_error(message: str, status: int) -> web.Response:
    return web.json_response({"error": message}, status=status, headers=HEADERS)


@web.middleware
async def _answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The operator's mistakes as text with a fitting status; a bug goes to the log, never to the client."""
    answer = _json_error if request.path.startswith("/api/") else _text
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        answered = answer(f"{error.status} {error.reason}", error.status)
        if isinstance(error, web.HTTPMethodNotAllowed):
            answered.headers["Allow"] = ", ".join(sorted(error.allowed_methods))
        return answered
    except UsageError as error:
        return answer(str(error), 404)
    except UnavailableError as error:
        answered = answer(str(error), 503)
        answered.headers["Retry-After"] = RETRY_AFTER
        return answered
    except SlamonError as error:
        return answer(str(error), 500)
    except Exception:
        log.exception("%s %s failed", request.method, request.path)
        return answer("internal error; the log of slamon has the details", 500)


async def _metrics(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={**HEADERS, "Content-Type": CONTENT_TYPE})
    if request.method == "HEAD":
        return web.Response(headers={**HEADERS, "Content-Type": CONTENT_TYPE})
    await response.prepare(request)
    try:
        # Not compressed: gzip would cost as much CPU again as the rendering.
        for step in request.app[SITE].page():
            if step:
                await response.write(step)
            await give_way()  # write() returns at once while the socket takes it
    except ConnectionError:
        return response  # the scraper left in the middle of the page: its own business
    except Exception:
        log.exception("rendering /metrics failed")
        if request.transport is not None:
            request.transport.abort()  # the page has begun: only a broken connection says that it is not whole
        return response
    await response.write_eof()
    return response


async def _healthy(_request: web.Request) -> web.Response:
    return _text("healthy")


async def _ready(request: web.Request) -> web.Response:
    reason = request.app[SITE].not_ready()
    return _text("ready") if reason is None else _text(f"not ready: {reason}", 503)


async def _reload(request: web.Request) -> web.Response:
    site = request.app[SITE]
    refused = refusal(request.headers, site.names)
    if refused is not None:
        return _text(f"reload refused: {refused}", 403)
    try:
        await site.reload()
    except ConfigError as error:
        return _text(f"the configuration does not load, nothing was changed:\n{error}", 500)
    return _text("reloaded")


async def _status(request: web.Request) -> web.Response:
    return web.json_response(await request.app[SITE].status(), headers=HEADERS)


async def _report(request: web.Request) -> web.Response:
    unknown = sorted(set(request.query) - {"contract", "period"})
    if unknown:
        return _json_error(f"unknown parameter {unknown[0]}; there are contract and period", 400)
    document = await request.app[SITE].report(
        request.query.get("contract") or None, request.query.get("period") or PERIOD
    )
    return web.json_response(document, headers=HEADERS)


_LINKS = (
    ("/metrics", "metrics for Prometheus"),
    ("/api/v1/status", "what is up now, as JSON"),
    (
        "/api/v1/report?period=current",
        "statements of this period, as JSON; also <code>?contract=NAME&amp;period=2026-10</code>",
    ),
    ("/-/ready", "ready to be scraped?"),
    ("/-/healthy", "alive?"),
)


async def _index(request: web.Request) -> web.Response:
    site = request.app[SITE]
    links = "\n".join(f'<li><a href="{html.escape(path)}">{html.escape(path)}</a> {text}</li>' for path, text in _LINKS)
    body = f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>slamon</title></head>
<body>
<h1>slamon {html.escape(site.version)}</h1>
<p>Vantage {html.escape(site.vantage)}.</p>
<ul>
{links}
<li><code>POST /-/reload</code> load the configuration again</li>
</ul>
</body></html>
"""
    return web.Response(text=body, content_type="text/html", headers=HEADERS)
