"""The HTTP application on a real socket, asked by a real client."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field

import aiohttp
import pytest

from slamon.errors import ConfigError, Place, Problem, UnavailableError, UsageError
from slamon.web import Site, make_app, serving


@dataclass
class Daemon:
    """The daemon's side of the web server, for a test to set."""

    steps: list[bytes] = field(default_factory=lambda: [b"a 1\n", b"", b"b 2\n"])
    not_ready: str | None = None
    reloads: int = 0
    problems: tuple[Problem, ...] = ()
    broken: bool = False
    turns: int = 0
    """How often something else ran on the loop."""
    turns_at_step: list[int] = field(default_factory=list)

    def page(self) -> Iterator[bytes]:
        for step in self.steps:
            self.turns_at_step.append(self.turns)
            yield step
            if self.broken:
                raise RuntimeError("a bug with a secret in it")

    async def reload(self) -> None:
        if self.problems:
            raise ConfigError(self.problems)
        self.reloads += 1

    async def status(self) -> Mapping[str, object]:
        if self.broken:
            raise RuntimeError("a bug with a secret in it")
        return {"services": [{"name": "hq-dia", "state": "up"}]}

    async def report(self, contract: str | None, period: str) -> Mapping[str, object]:
        if contract == "nope":
            raise UsageError("there is no contract nope; there is hq")
        if period == "2025-01":
            raise UnavailableError("another report is being computed")
        return {"contract": contract, "period": period}

    def site(self) -> Site:
        return Site(
            page=self.page,
            not_ready=lambda: self.not_ready,
            reload=self.reload,
            status=self.status,
            report=self.report,
            version="1.2.3",
            vantage="hq <1>",
        )


@pytest.fixture
def daemon() -> Daemon:
    return Daemon()


@pytest.fixture
async def address(daemon: Daemon) -> AsyncIterator[str]:
    async with serving(make_app(daemon.site()), "127.0.0.1", 0) as bound:
        yield bound


@pytest.fixture
async def client(address: str) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(f"http://{address}") as session:
        yield session


async def text(client: aiohttp.ClientSession, path: str, *, method: str = "GET", **options: object) -> tuple[int, str]:
    async with client.request(method, path, **options) as response:  # type: ignore[arg-type]  # aiohttp types each option
        return response.status, await response.text()


async def test_metrics_are_the_steps_joined(client: aiohttp.ClientSession) -> None:
    async with client.get("/metrics") as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert "Content-Encoding" not in response.headers
        assert await response.text() == "a 1\nb 2\n"


async def test_the_loop_runs_between_any_two_steps(daemon: Daemon, client: aiohttp.ClientSession) -> None:
    daemon.steps = [b"x 1\n"] * 20
    stop = asyncio.Event()

    async def sender() -> None:
        while not stop.is_set():
            daemon.turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(sender())
    await text(client, "/metrics")
    stop.set()
    await other
    assert all(before < after for before, after in zip(daemon.turns_at_step, daemon.turns_at_step[1:], strict=False))


async def test_head_renders_nothing(daemon: Daemon, client: aiohttp.ClientSession) -> None:
    async with client.head("/metrics") as response:
        assert response.status == 200
        assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert daemon.turns_at_step == []


async def test_a_page_that_breaks_is_never_taken_for_whole(
    daemon: Daemon, client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    daemon.broken = True
    with caplog.at_level(logging.ERROR), pytest.raises(aiohttp.ClientError):
        await text(client, "/metrics")
    assert "rendering /metrics failed" in caplog.text
    daemon.broken = False
    assert await text(client, "/metrics") == (200, "a 1\nb 2\n")


async def test_a_scraper_that_leaves_early_disturbs_nobody(
    daemon: Daemon, address: str, client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    daemon.steps = [b"x" * 100_000 + b" 1\n"] * 200  # more than any socket buffer
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    await reader.readexactly(1000)
    writer.transport.abort()
    daemon.steps = [b"a 1\n"]
    assert await text(client, "/metrics") == (200, "a 1\n")
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_health_and_readiness(daemon: Daemon, client: aiohttp.ClientSession) -> None:
    daemon.not_ready = "the store is being read"
    assert await text(client, "/-/healthy") == (200, "healthy\n")
    assert await text(client, "/-/ready") == (503, "not ready: the store is being read\n")
    daemon.not_ready = None
    assert await text(client, "/-/ready") == (200, "ready\n")


async def test_reload(daemon: Daemon, client: aiohttp.ClientSession) -> None:
    assert await text(client, "/-/reload", method="POST") == (200, "reloaded\n")
    assert daemon.reloads == 1
    assert (await text(client, "/-/reload"))[0] == 405
    assert daemon.reloads == 1


async def test_reload_of_a_bad_config_names_every_problem(daemon: Daemon, client: aiohttp.ClientSession) -> None:
    place = Place(file="slamon.yml", line=7, column=3)
    daemon.problems = (
        Problem(
            place=place, path="services.hq.interval", reason="a duration needs a unit", value="10", fix="write 10s"
        ),
        Problem(place=None, path="contracts", reason="there is none"),
    )
    status, body = await text(client, "/-/reload", method="POST")
    assert status == 500
    assert "nothing was changed" in body
    for problem in daemon.problems:
        assert str(problem) in body


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        # a name of the attacker that now resolves to us: Origin and Host agree
        {"Origin": "http://evil.example:9909", "Host": "evil.example:9909"},
    ],
)
async def test_a_page_in_a_browser_cannot_reload(
    daemon: Daemon, client: aiohttp.ClientSession, headers: dict[str, str]
) -> None:
    status, body = await text(client, "/-/reload", method="POST", headers=headers)
    assert (status, daemon.reloads) == (403, 0)
    assert body.startswith("reload refused: ")


@pytest.mark.parametrize("host", ["127.0.0.1:9909", "localhost:9909", "[::1]:9909"])
async def test_the_servers_own_page_may_reload(daemon: Daemon, client: aiohttp.ClientSession, host: str) -> None:
    headers = {"Origin": f"http://{host}", "Host": host, "Sec-Fetch-Site": "same-origin"}
    assert (await text(client, "/-/reload", method="POST", headers=headers))[0] == 200
    assert daemon.reloads == 1


async def test_json_documents(client: aiohttp.ClientSession) -> None:
    async with client.get("/api/v1/status") as response:
        assert await response.json() == {"services": [{"name": "hq-dia", "state": "up"}]}
    async with client.get("/api/v1/report") as response:
        assert await response.json() == {"contract": None, "period": "current"}
    async with client.get("/api/v1/report?contract=hq&period=2026-10") as response:
        assert await response.json() == {"contract": "hq", "period": "2026-10"}


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/api/v1/report?contract=nope", 404, "there is no contract nope; there is hq"),
        ("/api/v1/report?contarct=hq", 400, "unknown parameter contarct; there are contract and period"),
        ("/api/v1/nothing", 404, "404 Not Found"),
    ],
)
async def test_json_errors(client: aiohttp.ClientSession, path: str, status: int, message: str) -> None:
    async with client.get(path) as response:
        assert (response.status, await response.json()) == (status, {"error": message})


async def test_who_has_to_wait_is_told_how_long(client: aiohttp.ClientSession) -> None:
    async with client.get("/api/v1/report?period=2025-01") as response:
        assert response.status == 503
        assert int(response.headers["Retry-After"]) > 0
        assert await response.json() == {"error": "another report is being computed"}


async def test_a_bug_is_logged_and_not_shown(
    daemon: Daemon, client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    daemon.broken = True
    asyncio.get_running_loop().set_debug(True)  # where aiohttp would show a traceback by itself
    with caplog.at_level(logging.ERROR):
        status, body = await text(client, "/api/v1/status")
    assert status == 500
    assert "secret" not in body
    assert "Traceback" not in body
    assert "a bug with a secret in it" in caplog.text


@pytest.mark.parametrize("path", ["/", "/metrics", "/-/healthy", "/-/ready", "/api/v1/status", "/api/v1/report"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_nothing_else_changes_anything(client: aiohttp.ClientSession, path: str, method: str) -> None:
    async with client.request(method, path) as response:
        assert response.status == 405
        assert response.headers["Allow"] == "GET, HEAD"


async def test_the_index_links_only_to_what_is_there(client: aiohttp.ClientSession) -> None:
    status, body = await text(client, "/")
    assert status == 200
    assert "slamon 1.2.3" in body
    assert "hq &lt;1&gt;" in body
    links = [part.partition('"')[0] for part in body.split('href="')[1:]]
    assert "/metrics" in links
    for link in links:
        assert (await text(client, link))[0] == 200


async def test_a_taken_port_is_named_with_the_fix(daemon: Daemon) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UnavailableError, match=rf"cannot listen on 127\.0\.0\.1:{port}: .*web\.(host|port)"):
            async with serving(make_app(daemon.site()), "127.0.0.1", port):
                pass


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
async def test_an_address_that_is_not_ours_is_named_with_the_fix(daemon: Daemon, host: str) -> None:
    with pytest.raises(UnavailableError, match=rf"cannot listen on {host}:9909: .*web\.(host|port)"):
        async with serving(make_app(daemon.site()), host, 9909):
            pass


async def test_ipv6(daemon: Daemon) -> None:
    async with serving(make_app(daemon.site()), "::1", 0) as bound, aiohttp.ClientSession(f"http://{bound}") as session:
        assert bound.startswith("[::1]:")
        assert await text(session, "/-/healthy") == (200, "healthy\n")
