"""Whole configurations: layers of defaults, witnesses, quorums, addresses, files, secrets."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path

import pytest

from slamon.config import Config, load
from slamon.config.cost import cost
from slamon.errors import ConfigError
from slamon.model import DAY, MS, S, Sampling, Slots, Target, Via
from slamon.probes import kinds
from slamon.probes.tcp import Tcp

Write = Callable[..., Path]
PING = "{probe: icmp, address: 192.0.2.1}"


def problems(path: Path, variables: Mapping[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(path, variables=variables or {})
    return str(caught.value).splitlines()


def test_nothing_but_a_target(write: Write) -> None:
    config = load(write(f"services: {{line: {{targets: {{ping: {PING}}}}}}}\n"), variables={})
    assert list(config.targets) == ["line/ping"]
    target = config.targets["line/ping"]
    assert (target.service, target.probe, target.address, target.family) == ("line", "icmp", "192.0.2.1", 4)
    assert (target.interval, target.timeout, target.down_after, target.up_after) == (10 * S, 3 * S, 3, 1)
    assert (target.via, target.witness, target.labels) == (Via(), None, ())
    assert config.services["line"].targets == ("line/ping",)
    assert config.services["line"].quorum == 1
    assert (config.store.path, config.store.keep_raw) == (None, 7 * DAY)
    assert (config.web.host, config.web.port, config.judge_refresh) == ("127.0.0.1", 9909, 10 * S)
    assert (config.contracts, config.warnings, config.latency_limits()) == ({}, (), ())
    assert config.vantage
    assert config.files == (Path("slamon.yml"),)


def test_every_section(write: Write) -> None:
    config = load(
        write(
            'vantage: hq\nstore: {path: a/facts.db, keep_raw: 3d}\nweb: {host: "::", port: 0}\njudge: {refresh: 2s}\nlabels: [site]\n'
        ),
        variables={},
    )
    assert (config.vantage, config.labels) == ("hq", ("site",))
    assert (config.store.path, config.store.keep_raw) == (Path("a/facts.db"), 3 * DAY)
    assert (config.web.host, config.web.port, config.judge_refresh) == ("::", 0, 2 * S)


def test_the_nearest_layer_wins(write: Write) -> None:
    config = load(
        write(
            f"""
defaults: {{interval: 1m, timeout: 5s, down_after: 5, up_after: 2, via: {{interface: wan1}}}}
services:
  line:
    interval: 30s
    timeout: 4s
    down_after: 4
    up_when: any
    via: {{source: 192.0.2.9}}
    targets:
      near: {{probe: icmp, address: 192.0.2.1, interval: 20s, timeout: 2s, via: {{mark: 7}}}}
      far: {PING}
  other: {{targets: {{ping: {PING}}}}}
"""
        ),
        variables={},
    )

    def rule(target: Target) -> tuple[int, int, int, int]:
        return target.interval // S, target.timeout // S, target.down_after, target.up_after

    assert rule(config.targets["line/near"]) == (20, 2, 4, 2)
    assert rule(config.targets["line/far"]) == (30, 4, 4, 2)
    assert rule(config.targets["other/ping"]) == (60, 5, 5, 2)
    assert config.targets["line/near"].via == Via(mark=7)
    assert config.targets["line/far"].via == Via(source="192.0.2.9")
    assert config.targets["other/ping"].via == Via(interface="wan1")


def test_the_nearest_rule_says_when_a_target_is_down(write: Write) -> None:
    slots = "{slot: 1m, bad_slot: loss over 50%, after: 10 slots, until: 1 slot}"
    config = load(
        write(
            f"""
defaults: {{up_when: any, outage: {slots}}}
services:
  line:
    down_after: 4
    targets:
      rows: {PING}
      own: {{probe: icmp, address: 192.0.2.1, outage: {{slot: 30s, bad_slot: loss over 0%}}}}
  other: {{targets: {{slots: {PING}, quick: {{probe: icmp, address: 192.0.2.1, up_after: 2}}}}}}
"""
        ),
        variables={},
    )
    assert config.targets["line/rows"].slots is None
    assert config.targets["line/own"].slots == Slots(length=30 * S, loss_over=Fraction(0), after=1, until=1)
    assert config.targets["line/own"].down_after == 4, "for contracts that count failures"
    assert config.targets["other/slots"].slots == Slots(length=60 * S, loss_over=Fraction(1, 2), after=10, until=1)
    assert config.targets["other/quick"].slots is None


def test_what_a_contract_is_judged_by_names_the_slots_of_its_service(write: Write) -> None:
    def sha256(outage: str) -> str:
        text = f"""
services: {{line: {{{outage} targets: {{ping: {PING}}}}}}}
contracts: {{one: {{service: line, provider: Acme, timezone: UTC, objectives: {{availability: {{target: 99%}}}}}}}}
"""
        contract = load(write(text), variables={}).contracts["one"]
        return contract.text_sha256

    rules = (
        "",
        "outage: {slot: 1m, bad_slot: loss over 50%},",
        "outage: {slot: 2m, bad_slot: loss over 50%},",
        "outage: {slot: 1m, bad_slot: loss over 51%},",
        "outage: {slot: 1m, bad_slot: loss over 50%, after: 2 slots},",
        "outage: {slot: 1m, bad_slot: loss over 50%, until: 2 slots},",
    )
    assert len({sha256(rule) for rule in rules}) == len(rules)
    assert sha256(rules[1]) == sha256("outage: {slot: 60s, bad_slot: loss over 50.0%, after: 1 slot},")


def test_when_and_how_probes_are_sent(write: Write) -> None:
    config = load(
        write(
            f"""
defaults: {{interval: 1s, count: 2, sampling: poisson, up_when: any}}
services:
  line:
    gap: 100ms
    targets:
      inherits: {PING}
      even: {{probe: icmp, address: 192.0.2.1, count: 4, gap: 250ms, sampling: periodic}}
      single: {{probe: icmp, address: 192.0.2.1, count: 1, gap: 20s}}
      marked: {{probe: icmp, address: 192.0.2.1, via: {{dscp: ef, ttl: 7, df: true}}}}
      number: {{probe: tcp, port: 443, address: 192.0.2.1, via: {{dscp: 63, df: false}}}}
  other: {{targets: {{ping: {{probe: icmp, address: 192.0.2.1, count: 3}}}}}}
"""
        ),
        variables={},
    )

    def grid(name: str) -> tuple[int, int, Sampling, int]:
        target = config.targets[name]
        return target.count, target.gap // MS, target.sampling, target.spacing // S

    assert grid("line/inherits") == (2, 100, Sampling.POISSON, 14)
    assert grid("line/even") == (4, 250, Sampling.PERIODIC, 1)
    assert grid("line/single") == (1, 0, Sampling.POISSON, 14)
    assert grid("other/ping") == (3, 333, Sampling.POISSON, 14)
    assert config.targets["line/marked"].via == Via(dscp=46, ttl=7, df=True)
    assert str(config.targets["line/marked"].via) == "dscp 46 ttl 7 df"
    assert config.targets["line/number"].via == Via(dscp=63, df=False)
    assert cost(config, kinds()).probes_per_second == 2 + 4 + 1 + 2 + 2 + 3


SITES = """
defaults:
  up_when: any
  targets:
    ping: {probe: icmp}
    web: {probe: tcp, port: 443, interval: 1s}
    ssh: {probe: tcp, port: 22}
services:
"""


def test_two_hundred_sites_need_one_line_each_and_no_time(write: Write) -> None:
    path = write(SITES + "".join(f"  site-{n:03}: {{address: 192.0.2.{n}}}\n" for n in range(1, 201)))
    load(path, variables={})
    began = time.perf_counter()  # noqa: TID251 - the test measures
    config = load(path, variables={})
    assert time.perf_counter() - began < 1  # noqa: TID251
    assert len(config.targets) == 600
    assert config.targets["site-007/web"].address == "192.0.2.7"
    assert config.targets["site-007/web"].interval == S
    assert config.targets["site-007/web"].settings == Tcp.model_validate({"port": "443"})
    assert config.services["site-200"].quorum == 1


def test_a_mistake_in_a_default_target_is_said_once(write: Write) -> None:
    path = write(
        SITES.replace("port: 22", "prot: 22") + "".join(f"  s{n}: {{address: 192.0.2.{n}}}\n" for n in range(1, 9))
    )
    assert problems(path) == [
        "slamon.yml:7:5: defaults.targets.ssh: the key `port` is missing; add `port: …`",
        "slamon.yml:7:23: defaults.targets.ssh.prot: unknown key; did you mean port?",
    ]


def test_a_service_with_targets_of_its_own_has_only_those(write: Write) -> None:
    config = load(write(SITES + f"  line: {{targets: {{only: {PING}}}}}\n"), variables={})
    assert list(config.targets) == ["line/only"]


def test_an_included_files_defaults_hold_for_its_services_over_the_main_ones(write: Write) -> None:
    path = write(
        SITES.replace("defaults:\n", "include: [conf.d/*.yml, extra.yml]\ndefaults:\n  timeout: 1s\n")
        + "  main: {address: 192.0.2.1}\n",
        **{
            "conf.d__b": "defaults: {interval: 5s, targets: {one: {probe: icmp}}}\nservices: {b: {address: 192.0.2.2}}\n"
        },
        **{"conf.d__a": "defaults: {up_when: all}\nservices: {a: {address: 192.0.2.3}}\n"},
        extra="contracts: {c: {service: b, provider: p, timezone: UTC}}\n",
    )
    config = load(path, variables={})
    assert sorted(config.targets) == ["a/ping", "a/ssh", "a/web", "b/one", "main/ping", "main/ssh", "main/web"]
    assert (config.targets["b/one"].interval, config.targets["b/one"].timeout) == (5 * S, S)
    assert config.targets["main/ping"].interval == 10 * S
    assert config.services["a"].quorum == 3
    assert config.services["main"].quorum == 1
    assert config.contracts["c"].service == "b"
    assert config.files == (Path("slamon.yml"), Path("conf.d/a.yml"), Path("conf.d/b.yml"), Path("extra.yml"))


def test_a_name_used_in_two_files_is_refused_with_both_places(write: Write) -> None:
    services = f"services:\n  line: {{targets: {{ping: {PING}}}}}\n"
    contracts = "contracts:\n  c: {service: line, provider: p, timezone: UTC}\n"
    path = write("include: other.yml\n" + services + contracts, other=contracts + services)
    assert problems(path) == [
        "other.yml:2:3: contracts.c: this name is already used at slamon.yml:5:3; rename or remove one of them",
        "other.yml:4:3: services.line: this name is already used at slamon.yml:3:3; rename or remove one of them",
    ]


def test_an_included_file_holds_services_contracts_and_defaults_only(write: Write) -> None:
    path = write("include: other.yml\n", other="web: {port: 1}\ninclude: more.yml\n")
    assert problems(path) == [
        "other.yml:1:1: web: unknown key; write one of contracts, defaults, services",
        "other.yml:2:1: include: unknown key; write one of contracts, defaults, services",
    ]


def test_a_pattern_may_match_nothing_and_skips_its_own_file(write: Write) -> None:
    config = load(write("include: [none.d/*.yml, '*.yml']\n", other="services: {}\n"), variables={})
    assert config.files == (Path("slamon.yml"), Path("other.yml"))
    assert [str(warning) for warning in config.warnings] == [
        "slamon.yml:1:11: include[0]: no file matches (got 'none.d/*.yml')"
    ]


def test_problems_of_all_files_come_together_in_file_order(write: Write) -> None:
    path = write(
        "web: {port: x}\ninclude: ['z.yml', 'a.yml']\nvantage: a b\n",
        z="services: [\n",
        a="defaults: {interval: 1}\nservices: {line: {targets: {ping: {probe: icmp}}}}\n",
    )
    assert [line.split(": ")[0] for line in problems(path)] == [
        "slamon.yml:1:13",
        "slamon.yml:3:10",
        "z.yml:2:1",
        "a.yml:1:22",
        "a.yml:2:12",
    ]


def test_files_that_cannot_be_read(write: Write, tmp_path: Path) -> None:
    assert problems(Path("none.yml")) == ["none.yml:1: the file cannot be read: No such file or directory"]
    assert problems(Path()) == [".:1: the file cannot be read: Is a directory"]
    (tmp_path / "latin.yml").write_bytes("vantage: Köln\n".encode("latin-1"))
    assert problems(Path("latin.yml")) == ["latin.yml:1: the file is not UTF-8 text (byte 10)"]
    path = write("include: folder\n")
    (tmp_path / "folder").mkdir()
    assert problems(path) == ["folder:1: the file cannot be read: Is a directory"]


def test_a_byte_order_mark_is_no_mistake(write: Write, tmp_path: Path) -> None:
    (tmp_path / "bom.yml").write_bytes(b"\xef\xbb\xbfvantage: a\n")
    assert load(Path("bom.yml"), variables={}).vantage == "a"


def test_a_witness_does_not_count_for_its_own_service_and_has_none_itself(write: Write) -> None:
    config = load(
        write(
            f"""
defaults: {{witness: line/gw}}
services:
  line:
    up_when: all
    targets: {{gw: {{probe: icmp, address: gateway}}, a: {PING}, b: {PING}, c: {{probe: icmp, address: 192.0.2.1, witness: none}}}}
  lan: {{targets: {{switch: {{probe: icmp, address: 192.0.2.2}}}}}}
  far: {{witness: lan/switch, targets: {{x: {PING}}}}}
"""
        ),
        variables={},
    )
    witnesses = {name: target.witness for name, target in config.targets.items()}
    assert witnesses == {
        "line/gw": None,
        "line/a": "line/gw",
        "line/b": "line/gw",
        "line/c": None,
        "lan/switch": "line/gw",
        "far/x": "lan/switch",
    }
    assert config.services["line"].targets == ("line/a", "line/b", "line/c")
    assert config.services["line"].quorum == 3
    # alone in its service, a witness is what that service is measured by
    assert config.services["lan"].targets == ("lan/switch",)


@pytest.mark.parametrize(("rule", "quorum"), [("any", 1), ("all", 3), ("at_least 2", 2), ("at_least 3", 3)])
def test_the_quorum(write: Write, rule: str, quorum: int) -> None:
    config = load(
        write(f"services: {{s: {{up_when: {rule}, targets: {{a: {PING}, b: {PING}, c: {PING}}}}}}}\n"), variables={}
    )
    assert config.services["s"].quorum == quorum


@pytest.mark.parametrize(
    ("keys", "address", "family"),
    [
        ("address: 192.0.2.1", "192.0.2.1", 4),
        ("address: 2001:DB8:0::1", "2001:db8::1", 6),
        ("address: fe80::1%eth0", "fe80::1%eth0", 6),
        ("address: gateway", "gateway", 4),
        ("address: gateway, family: 6", "gateway", 6),
        ("address: gateway, via: {source: '2001:db8::9'}", "gateway", 6),
        ("address: www.example.com", "www.example.com", 4),
        ("address: www.example.com., family: 6", "www.example.com.", 6),
        ("address: _x.example-1.com", "_x.example-1.com", 4),
    ],
)
def test_addresses_and_their_family(write: Write, keys: str, address: str, family: int) -> None:
    config = load(write(f"services: {{s: {{targets: {{a: {{probe: icmp, {keys}}}}}}}}}\n"), variables={})
    assert (config.targets["s/a"].address, config.targets["s/a"].family) == (address, family)


def test_a_url_names_its_host_before_the_services_address(write: Write) -> None:
    config = load(
        write(
            "services:\n  s:\n    address: 192.0.2.1\n    up_when: any\n    targets:\n"
            '      a: {probe: http, url: "https://www.example.com/x"}\n'
            '      b: {probe: http, url: "https://www.example.com/x", address: 192.0.2.2}\n'
            "      c: {probe: http}\n"
        ),
        variables={},
    )
    assert [target.address for target in config.targets.values()] == ["www.example.com", "192.0.2.2", "192.0.2.1"]


def test_labels_come_in_the_declared_order_and_the_target_wins(write: Write) -> None:
    config = load(
        write(
            "labels: [site, region]\nservices:\n  s:\n    labels: {region: west, site: paris}\n    up_when: any\n    targets:\n"
            "      a: {probe: icmp, address: 192.0.2.1}\n      b: {probe: icmp, address: 192.0.2.1, labels: {region: east}}\n"
        ),
        variables={},
    )
    assert config.targets["s/a"].labels == (("site", "paris"), ("region", "west"))
    assert config.targets["s/b"].labels == (("site", "paris"), ("region", "east"))
    assert config.services["s"].labels == (("site", "paris"), ("region", "west"))


def test_an_unchanged_target_is_equal_after_a_reload(write: Write) -> None:
    text = f"services: {{a: {{targets: {{x: {PING}}}}}, b: {{targets: {{x: {PING}}}}}}}\n"
    before = load(write(text), variables={})
    after = load(write("# moved\n\n" + text.replace("b: {", "b: {interval: 20ms, ")), variables={})
    assert after.targets["a/x"] == before.targets["a/x"]
    assert after.targets["b/x"] != before.targets["b/x"]
    assert after.targets["b/x"].interval == 20 * MS


def test_what_follows_from_a_mistake_is_not_a_second_one(write: Write) -> None:
    path = write(
        f"services:\n  s:\n    up_when: at_least 2\n    targets:\n      gw: {{probe: icmpp, address: gateway}}\n"
        f"      a: {{probe: icmp, address: 192.0.2.1, witness: s/gw}}\n      b: {{probe: http, url: 'nothing'}}\n"
        f"  t: {{up_when: most, targets: {{a: {PING}, b: {PING}}}}}\n"
    )
    assert [line.split(": ")[1] for line in problems(path)] == [
        "services.s.targets.gw.probe",
        "services.s.targets.b.url",
        "services.t.up_when",
    ]


def test_contracts_bring_their_limits_and_warnings(write: Write) -> None:
    config: Config = load(
        write(
            f"services: {{s: {{targets: {{a: {PING}}}}}}}\ncontracts:\n"
            "  one:\n    service: s\n    provider: p\n    timezone: UTC\n    price: 10 EUR/month\n"
            "    objectives: {latency: {target: 30ms, minimum: 50ms, statistic: p95}}\n"
            "    credits: {latency: {over: {40ms: 10%}}}\n"
            "  two:\n    service: s\n    provider: p\n    timezone: UTC\n"
            "    objectives: {latency: {target: 20ms, statistic: mean, over: a}}\n"
        ),
        variables={},
    )
    assert config.latency_limits() == (20 * MS, 30 * MS, 40 * MS, 50 * MS)
    assert config.contracts["two"].objectives[0].over == "s/a"
    assert config.contracts["one"].text_sha256 != config.contracts["two"].text_sha256
    for contract in config.contracts.values():
        text = config.contract_texts[contract.text_sha256]
        assert hashlib.sha256(text.encode()).hexdigest() == contract.text_sha256
        assert json.loads(text)["contract"]["provider"] == "p"
    assert [str(warning).split(": ")[0] for warning in config.warnings] == ["slamon.yml:3:3", "slamon.yml:3:3"]
