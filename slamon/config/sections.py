"""The sections of the configuration file as models: their keys, types and defaults. Contracts have their own (`clauses`)."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from slamon.config.edge import Section
from slamon.config.slots import SlotOutage
from slamon.config.values import (
    Consecutive,
    Count,
    Dscp,
    Family,
    Flag,
    Gap,
    Interface,
    Interval,
    KeepRaw,
    Label,
    Mark,
    Name,
    Port,
    Prefixes,
    Quorum,
    Refresh,
    SamplingWord,
    Text,
    Texts,
    Timeout,
    Ttl,
)
from slamon.model import DAY, S

INTERVAL = 10 * S
TIMEOUT = 3 * S
"""Tmax of the registered round-trip metrics (RFC 8912)."""
DOWN_AFTER = 3
UP_AFTER = 1
KEEP_RAW = 7 * DAY
REFRESH = 10 * S
WEB_HOST = "127.0.0.1"
WEB_PORT = 9909

Raw = Any
"""Read later, with models that depend on other keys: a target's by its `probe`, a contract's by its clauses."""


class Via(Section):
    """The way probes leave this host."""

    interface: Interface | None = Field(default=None, description="network interface, such as wan2")
    source: Text | None = Field(default=None, description="source address")
    mark: Mark | None = Field(default=None, description="firewall mark (SO_MARK), for policy routing")
    dscp: Dscp | None = Field(default=None, description="code point (DSCP) in the IP header: EF, AF41, or 0 to 63")
    ttl: Ttl | None = Field(default=None, description="time to live, of IPv6 the hop limit")
    df: Flag | None = Field(default=None, description="whether no router may cut a packet into fragments")


class Target(Section):
    """The keys of a target that every kind of probe has; all others are settings of its kind."""

    probe: Text | None = Field(default=None, description="kind of probe")
    address: Text | None = Field(default=None, description="address, host name, or `gateway`")
    family: Family | None = Field(default=None, description="4 or 6")
    interval: Interval | None = Field(default=None, description="time between two probes")
    count: Count | None = Field(default=None, description="probes in each interval")
    gap: Gap | None = Field(default=None, description="time between two probes of the same interval")
    sampling: SamplingWord | None = Field(
        default=None, description="periodic, or poisson with the interval as the mean"
    )
    timeout: Timeout | None = Field(default=None, description="a reply later than this is a loss")
    down_after: Consecutive | None = Field(default=None, description="so many failures in a row are an outage")
    up_after: Consecutive | None = Field(default=None, description="so many successes in a row end an outage")
    outage: SlotOutage | None = Field(default=None, description="slots that decide in place of failures in a row")
    via: Via | None = Field(default=None, description="the way probes leave this host")
    witness: Text | None = Field(default=None, description="target on our side whose silence means the fault is ours")
    labels: dict[Label, Text] | None = Field(default=None, description="custom labels of slamon_target_info")

    REQUIRED: ClassVar[tuple[str, ...]] = ("probe",)


class Inherited(Section):
    """What `defaults` and a service may both say about targets."""

    interval: Interval | None = Field(default=None, description="time between two probes")
    count: Count | None = Field(default=None, description="probes in each interval")
    gap: Gap | None = Field(default=None, description="time between two probes of the same interval")
    sampling: SamplingWord | None = Field(
        default=None, description="periodic, or poisson with the interval as the mean"
    )
    timeout: Timeout | None = Field(default=None, description="a reply later than this is a loss")
    down_after: Consecutive | None = Field(default=None, description="so many failures in a row are an outage")
    up_after: Consecutive | None = Field(default=None, description="so many successes in a row end an outage")
    outage: SlotOutage | None = Field(default=None, description="slots that decide in place of failures in a row")
    up_when: Quorum | None = Field(default=None, description="which targets must be up: any, all, at_least n")
    via: Via | None = Field(default=None, description="the way probes leave this host")
    witness: Text | None = Field(default=None, description="target on our side whose silence means the fault is ours")
    demarcation: Prefixes | None = Field(
        default=None, description="the provider's side of the path: addresses or prefixes"
    )
    targets: dict[Name, Raw] | None = Field(default=None, description="what is probed")


class Defaults(Inherited):
    """Values for every service that does not say otherwise; `targets` is the set of a service without its own."""


class Service(Inherited):
    """One thing that is bought or provided: its targets, and when it is up."""

    address: Text | None = Field(default=None, description="address of every target that has none of its own")
    provider: Text | None = Field(default=None, description="who provides it")
    labels: dict[Label, Text] | None = Field(default=None, description="custom labels of all its targets")


class Store(Section):
    """Where facts are kept."""

    path: Text | None = Field(default=None, description="SQLite file; relative to this configuration file")
    keep_raw: KeepRaw = Field(default=KEEP_RAW, description="how long single packets are kept")


class Web(Section):
    """The HTTP server of /metrics and the pages."""

    host: Text = Field(default=WEB_HOST, description="address to listen on")
    port: Port = Field(default=WEB_PORT, description="TCP port; 0 = any free one")


class Judge(Section):
    """The judging of contracts."""

    refresh: Refresh = Field(default=REFRESH, description="time between two judgements of the open periods")


class Included(Section):
    """What an included file may hold."""

    defaults: Defaults = Field(default=Defaults(), description="values for the services of this file")
    services: dict[Name, Service] = Field(default={}, description="what is probed")
    contracts: dict[Name, Raw] = Field(default={}, description="what is promised")


class Main(Included):
    """The whole of the main file."""

    vantage: Name | None = Field(default=None, description="name of the place this slamon measures from")
    labels: tuple[Label, ...] = Field(default=(), description="names of the custom labels that may be used")
    include: Texts = Field(default=(), description="further files, relative to this one; * and ** match names")
    store: Store = Field(default=Store(), description="where facts are kept")
    web: Web = Field(default=Web(), description="the HTTP server")
    judge: Judge = Field(default=Judge(), description="the judging of contracts")
