"""Every kind in the folder keeps the contract, and a new file in the folder is a new kind."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import slamon.probes
from slamon.model import Result
from slamon.probes import kinds
from tests.netlab.namespace import Namespace, inside
from tests.probes import contract
from tests.probes.servers import SERVERS, Bench, closed_port

SILENT = {4: "127.9.9.9", 6: "fd99::9"}
NAMES = sorted(kinds())


@pytest.fixture(scope="module")
def namespace() -> Iterator[Namespace]:
    """Loopback of its own; what is sent to the SILENT addresses is swallowed on arrival."""
    made = Namespace()
    try:
        made.run("ip", "link", "set", "lo", "mtu", "1500")
        made.run("ip", "addr", "add", "fd99::9/128", "dev", "lo", "nodad")
        made.run("nft", "add table inet t; add chain inet t i { type filter hook input priority 0; }")
        made.run("nft", f"add rule inet t i ip daddr {SILENT[4]} drop; add rule inet t i ip6 daddr {SILENT[6]} drop")
        yield made
    finally:
        made.close()


@pytest.mark.parametrize("name", NAMES)
def test_declares_itself(name: str) -> None:
    contract.declares_itself(name, kinds()[name])


@pytest.mark.parametrize("name", NAMES)
async def test_succeeds(name: str) -> None:
    await contract.succeeds(name, kinds()[name], SERVERS[name])


@pytest.mark.parametrize("name", NAMES)
async def test_leaves_by_source(name: str) -> None:
    await contract.leaves_by_source(name, kinds()[name], SERVERS[name])


@pytest.mark.parametrize("name", NAMES)
async def test_is_refused(name: str) -> None:
    await contract.is_refused(name, kinds()[name], SERVERS[name])


@pytest.mark.parametrize("fault", contract.LOCAL_FAULTS)
@pytest.mark.parametrize("name", NAMES)
async def test_blames_itself(name: str, fault: str) -> None:
    await contract.blames_itself(name, kinds()[name], contract.LOCAL_FAULTS[fault])


@pytest.mark.system
@pytest.mark.parametrize("name", NAMES)
async def test_succeeds_over_ipv6(name: str, namespace: Namespace) -> None:
    with inside(namespace):
        await contract.succeeds(name, kinds()[name], SERVERS[name], family=6)


@pytest.mark.system
async def test_keeps_timeout(namespace: Namespace) -> None:
    with inside(namespace):
        kept = (contract.keeps_timeout(name, kinds()[name], SILENT[to], to) for name in NAMES for to in SILENT)
        await asyncio.gather(*kept)


@pytest.mark.system
@pytest.mark.parametrize("name", NAMES)
async def test_ends_with_prober(name: str, namespace: Namespace) -> None:
    with inside(namespace):
        await contract.ends_with_prober(name, kinds()[name], SILENT[4])


@pytest.mark.system
@pytest.mark.parametrize("family", SILENT)
@pytest.mark.parametrize("name", NAMES)
async def test_costs(name: str, family: int, namespace: Namespace) -> None:
    def carried() -> tuple[int, int]:
        """Loopback shows each packet once as received; its bytes are those of IP."""
        shown = json.loads(namespace.run("ip", "-j", "-s", "link", "show", "lo").stdout)[0]["stats64"]["rx"]
        return shown["packets"], shown["bytes"]

    with inside(namespace):
        await contract.costs(name, kinds()[name], SERVERS[name], family, carried)


BANNER = '''
"""Kind `banner`: the first line a TCP server says."""

import asyncio
from functools import partial

from pydantic import Field

from slamon.egress import open_socket, socket_address
from slamon.model import Reading, Result
from slamon.probe import COMMON, Kind, Port, Settings, connect, each
import socket


class Banner(Settings):
    port: Port = Field(examples=["22"])
    starts_with: str = "SSH-"


async def probe(target, address, context):
    began = context.clock.monotonic()
    with open_socket(target.family, socket.SOCK_STREAM, target.via) as sock:
        await connect(sock, socket_address(address, target.settings.port))
        line = await asyncio.get_running_loop().sock_recv(sock, 255)
    fits = line.decode("latin-1").startswith(target.settings.starts_with)
    rtt = context.clock.monotonic() - began
    return Reading(Result.SUCCESS if fits else Result.BAD_RESPONSE, rtt=rtt, detail="" if fits else repr(line))


PROBE = Kind(
    settings=Banner, open=partial(each, probe), results=COMMON | {Result.CONNECT_ERROR, Result.BAD_RESPONSE}
)
'''


@asynccontextmanager
async def banner_server(host: str) -> AsyncIterator[Bench]:
    import asyncio

    peers: list[str] = []

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peers.append(writer.get_extra_info("peername")[0])
        writer.write(b"SSH-2.0-test\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(greet, host, 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield Bench({"port": str(port)}, peers, {"port": str(closed_port(host))})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A second folder of kinds beside the real one, as if the files lay in it."""
    monkeypatch.setattr(slamon.probes, "__path__", [*slamon.probes.__path__, str(tmp_path)])
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("slamon.probes."):
            del sys.modules[name]
            delattr(slamon.probes, name.rpartition(".")[2])


async def test_one_new_file_is_a_new_kind(folder: Path) -> None:
    (folder / "banner.py").write_text(BANNER)
    found = kinds()
    assert sorted(found) == sorted([*NAMES, "banner"])
    kind = found["banner"]
    contract.declares_itself("banner", kind)
    await contract.succeeds("banner", kind, banner_server)
    await contract.leaves_by_source("banner", kind, banner_server)
    await contract.is_refused("banner", kind, banner_server)
    for fault in contract.LOCAL_FAULTS.values():
        await contract.blames_itself("banner", kind, fault)
    assert Result.BAD_RESPONSE in kind.results


def test_a_file_without_a_kind_is_named(folder: Path) -> None:
    (folder / "nothing.py").write_text("ANSWER = 42\n")
    with pytest.raises(TypeError, match=r"slamon/probes/nothing\.py has no PROBE"):
        kinds()
