"""Everything a contract is judged by, as one text: its terms, what makes its services up, the holidays it counts. The hash names it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace

from pydantic import BaseModel

from slamon.config.nodes import Node, plain
from slamon.config.services import Service
from slamon.model import Slots, Target
from slamon.sla.reach import services as judged
from slamon.sla.terms import Contract
from slamon.sla.terms.composition import names


def basis(contract: Contract, node: Node, services: Mapping[str, Service], targets: Mapping[str, Target]) -> str:
    """JSON with sorted keys. Probe settings stand in it as their hash: they may hold what is nobody's business."""
    leaves = dict.fromkeys(name for service in judged(contract) for name in names(service))
    return json.dumps(
        {
            "contract": plain(node),
            "services": {name: _service(services[name], targets) for name in leaves if name in services},
            "holidays": [str(day) for day in sorted(contract.holidays)],
        },
        ensure_ascii=False,
        sort_keys=True,
        separators=(",", ":"),
    )


def named(contract: Contract, text: str) -> Contract:
    """The contract, in all its versions, with the hash of `text` as the name of what it is judged by."""
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    amendments = tuple(replace(version, text_sha256=sha256) for version in contract.amendments)
    return replace(contract, text_sha256=sha256, amendments=amendments)


def _service(service: Service, targets: Mapping[str, Target]) -> dict[str, object]:
    witnesses = [witness for name in service.targets if (witness := targets[name].witness) is not None]
    members = dict.fromkeys((*service.targets, *witnesses))
    return {"up_when": f"at_least {service.quorum}", "targets": {name: _target(targets[name]) for name in members}}


def _slots(rule: Slots) -> dict[str, str]:
    return {
        "slot": str(rule.length),
        "loss_over": str(rule.loss_over),
        "after": str(rule.after),
        "until": str(rule.until),
    }


def _target(target: Target) -> dict[str, object]:
    settings = target.settings
    text = settings.model_dump_json() if isinstance(settings, BaseModel) else repr(settings)
    return {
        "probe": target.probe,
        "address": target.address,
        "family": str(target.family),
        "interval": str(target.interval),
        "count": str(target.count),
        "gap": str(target.gap),
        "sampling": str(target.sampling),
        "timeout": str(target.timeout),
        "down_after": str(target.down_after),
        "up_after": str(target.up_after),
        **({} if target.slots is None else {"outage": _slots(target.slots)}),
        "witness": target.witness or "",
        "via": repr(target.via),
        "settings_sha256": hashlib.sha256(text.encode()).hexdigest(),
    }
