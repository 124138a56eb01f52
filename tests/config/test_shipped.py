"""The configurations in config/: they load, and promise what their comments say."""

from __future__ import annotations

import re
from pathlib import Path

from slamon.config import load
from slamon.config.addresses import literal
from slamon.model import S

CONFIG = Path(__file__).parents[2] / "config"


def test_the_example_loads_and_has_everything() -> None:
    config = load(CONFIG / "slamon.yml", variables={})
    assert {target.probe for target in config.targets.values()} == {"icmp", "tcp", "http", "dns"}
    assert {target.family for target in config.targets.values()} == {4, 6}
    assert config.targets["hq-line/anchor-a"].witness == "hq-line/gateway"
    assert config.targets["hq-line/gateway"].address == "gateway"
    assert config.services["hq-line"].quorum == 2
    assert "hq-line/gateway" not in config.services["hq-line"].targets
    assert config.targets["branch-002/ssh"].down_after == 2
    assert set(config.contracts) == {"hq-internet", "branch-001"}
    assert config.latency_limits()
    assert all("claim" in str(warning) for warning in config.warnings)


def test_the_example_disturbs_nobody() -> None:
    text = (CONFIG / "slamon.yml").read_text() + (CONFIG / "conf.d" / "branches.yml").read_text()
    reserved = re.compile(
        r"192\.0\.2\.|198\.51\.100\.|203\.0\.113\.|2001:db8:|.*\.example\.com$|gateway$|login\.example\.com"
    )
    for target in load(CONFIG / "slamon.yml", variables={}).targets.values():
        assert reserved.match(target.address), target.address
    assert "example.com" in text


def test_the_quickstart_probes_this_host_and_its_gateway_only() -> None:
    config = load(CONFIG / "quickstart.yml", variables={})
    addresses = {target.address for target in config.targets.values()}
    assert addresses == {"127.0.0.1", "gateway"}
    assert {target.probe for target in config.targets.values()} == {"icmp", "tcp", "http"}
    assert all(target.interval <= 5 * S for target in config.targets.values())
    contract = config.contracts["this-host"]
    assert contract.prices
    assert contract.min_coverage == 0
    assert (config.web.host, config.web.port) == ("127.0.0.1", 9909)
    own = [target for target in config.targets.values() if target.probe in {"tcp", "http"}]
    assert {getattr(target.settings, "port", None) for target in own} == {config.web.port}


def test_the_quickstarts_commented_services_load_when_the_marks_are_taken_away(tmp_path: Path) -> None:
    text = (CONFIG / "quickstart.yml").read_text()
    opened = re.sub(r"^  # (  |internet:|my-line:)", r"  \1", text, flags=re.MULTILINE)
    (tmp_path / "quickstart.yml").write_text(opened)
    config = load(tmp_path / "quickstart.yml", variables={})
    assert set(config.services) == {"this-host", "gateway", "internet", "my-line"}
    anchors = [target for target in config.targets.values() if target.service == "internet"]
    assert {target.witness for target in anchors} == {"gateway/ping"}
    assert all(literal(target.address) for target in anchors)
