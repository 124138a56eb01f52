"""Services and their targets: layers of defaults → complete targets, references checked, what makes each service up."""

from __future__ import annotations

from collections.abc import Mapping as Lookup
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from slamon import units
from slamon.config.addresses import address_problem, canonical, family_of, source_problem
from slamon.config.drafts import Draft, draft
from slamon.config.edge import Report, written
from slamon.config.environment import SecretValues
from slamon.config.reader import suggestion
from slamon.config.sections import DOWN_AFTER, INTERVAL, TIMEOUT, UP_AFTER, Included, Inherited
from slamon.config.sections import Service as ServiceKeys
from slamon.config.sections import Target as TargetKeys
from slamon.config.slots import consistent, slots
from slamon.errors import Place, Problem
from slamon.model import MS, Sampling, Slots, Target, Via
from slamon.probe import Kind

NO_WITNESS = "none"
"""`witness: none` switches off the witness of a layer below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    name: str
    targets: tuple[str, ...]
    """The targets that make it up; those that only serve others of this service as witness are not among them."""
    quorum: int
    """It is up while at least so many of `targets` are."""
    provider: str | None
    demarcation: tuple[str, ...] = ()
    """Prefixes of the provider's side of the path; empty = nobody said where it begins."""
    labels: tuple[tuple[str, str], ...]
    place: Place


class Source(NamedTuple):
    """One file of the configuration: its sections and where they stand."""

    keys: Included
    report: Report


LEAST_GAP = 10 * MS
"""The finest tick there is: probes closer together would leave at once."""

Drafts = dict[str, Draft | None]
"""Key → the target as written; None where it could not be read."""


class _Grid(NamedTuple):
    interval: int
    probes: int
    gap: int


class Layer(NamedTuple):
    """What one place says about a target; a target asks its layers from the nearest to the farthest."""

    keys: TargetKeys | Inherited
    report: Report


class Assembly:
    """Makes the targets and services of all files; every problem goes to `problems`."""

    def __init__(
        self, kinds: Lookup[str, Kind], labels: tuple[str, ...], problems: list[Problem], secret_values: SecretValues
    ) -> None:
        self.kinds = kinds
        self.labels = labels
        self.problems = problems
        self.secret_values = secret_values
        self.targets: dict[str, Target] = {}
        self.services: dict[str, Service] = {}
        self._members: dict[str, list[str]] = {}
        self._layers: dict[str, tuple[Layer, ...]] = {}
        self._service_layers: dict[str, tuple[Layer, ...]] = {}
        self._unsound: set[str] = set()
        """Targets with a mistake of their own: what follows from it is not a second one."""
        self._shared: dict[int, Drafts] = {}
        self._slow: set[tuple[Place, str]] = set()
        self._short: set[Place] = set()

    def add(self, source: Source, main: Source) -> None:
        """Makes the targets of one file's services. Its defaults lie over those of the main file."""
        sources = [source] if source is main else [source, main]
        defaults = tuple(Layer(each.keys.defaults, each.report.below("defaults")) for each in sources)
        consistent(*defaults[0])
        shared: Drafts | None = None
        for each, layer in zip(reversed(sources), reversed(defaults), strict=True):
            own = self._default_set(each, layer)
            shared = shared if own is None else own
        for name, keys in source.keys.services.items():
            if name in self._members:
                continue  # written in two files: the caller reports it
            layer = Layer(keys, source.report.below("services", name))
            consistent(*layer)
            self._service_layers[name] = (layer, *defaults)
            self._members[name] = []
            drafts = shared if keys.targets is None else self._drafts(keys, layer.report)
            if not drafts and (drafts is None or not keys.targets):
                layer.report.say(
                    (), "this service has no targets", fix="add `targets`, here or in `defaults`", show=False
                )
            self._labels(keys.labels, layer.report)
            for key, own_draft in (drafts or {}).items():
                made = own_draft is not None and self._target(name, keys, own_draft, (layer, *defaults))
                if own_draft is None or not made or not own_draft.sound:
                    self._unsound.add(f"{name}/{key}")

    def finish(self) -> None:
        """Once every file is added: witnesses are found, and what makes each service up."""
        for name in self.targets:
            self._witness(name)
        self._circles()
        for name, layers in self._service_layers.items():
            self._service(name, layers)

    def _default_set(self, source: Source, layer: Layer) -> Drafts | None:
        keys = source.keys.defaults
        if keys.targets is None:
            return None
        if id(source.keys) not in self._shared:
            self._shared[id(source.keys)] = self._drafts(keys, layer.report)
        return self._shared[id(source.keys)]

    def _drafts(self, keys: Inherited, report: Report) -> Drafts:
        drafts = {
            key: draft(key, report.below("targets", key), self.kinds, self.secret_values) for key in keys.targets or {}
        }
        for each in drafts.values():
            if each is not None:
                self._labels(each.keys.labels, each.report)
                consistent(each.keys, each.report)
        return drafts

    def _labels(self, labels: Lookup[str, str] | None, report: Report) -> None:
        for key in labels or ():
            if key not in self.labels:
                fix = suggestion(key, self.labels) or f"add it to the list: `labels: [{key}]` at the top"
                report.say(("labels", key), "this label is not in the list `labels`", fix=fix, show=False, at_key=True)

    def _target(self, service: str, keys: ServiceKeys, own: Draft, layers: tuple[Layer, ...]) -> bool:
        """Adds one target; False after reporting why it cannot be."""
        name = f"{service}/{own.key}"
        address, report = own.keys.address, own.report
        if address is None:
            address = own.kind.default_address(own.settings)
        if address is None and keys.address is not None:
            address, report = keys.address, layers[0].report
        if address is None:
            if own.sound:
                reason = f"the target {own.key} has no address"
                layers[0].report.say((), reason, fix="add `address: …` to the target or to the service", show=False)
            return False
        all_layers = (Layer(own.keys, own.report), *layers)
        via_keys, via_layer = nearest(all_layers, "via")
        via = Via() if via_keys is None else Via(**via_keys.model_dump())
        family = family_of(own.keys.family, address, via.source)
        wrong = address_problem(address, family)
        if wrong is not None:
            report.say(("address",), wrong[0], fix=wrong[1])
            return False
        wrong = None if via.source is None else source_problem(via.source, family)
        if wrong is not None and via_layer is not None:
            via_layer.report.say(("via", "source"), wrong[0], fix=wrong[1])
            return False
        grid = self._grid(all_layers)
        if grid is None:
            return False
        labels = {**(keys.labels or {}), **(own.keys.labels or {})}
        self._members[service].append(name)
        self._layers[name] = all_layers
        self.targets[name] = Target(
            name=name,
            service=service,
            probe=own.keys.probe or "",
            address=canonical(address),
            family=family,
            interval=grid.interval,
            count=grid.probes,
            gap=grid.gap,
            sampling=nearest(all_layers, "sampling")[0] or Sampling.PERIODIC,
            timeout=nearest(all_layers, "timeout")[0] or TIMEOUT,
            down_after=nearest(all_layers, "down_after")[0] or DOWN_AFTER,
            up_after=nearest(all_layers, "up_after")[0] or UP_AFTER,
            slots=self._slots(name, all_layers, grid.interval),
            settings=own.settings,
            via=via,
            labels=tuple((label, labels[label]) for label in self.labels if label in labels),
        )
        return True

    def _slots(self, name: str, layers: tuple[Layer, ...], interval: int) -> Slots | None:
        """The slots a target is judged by: the nearest layer that says when it is down decides whether it is judged by any."""
        keys, report = next((layer for layer in layers if says_when_down(layer.keys)), layers[0])
        rule = None if keys.outage is None else slots(keys.outage)
        if rule is not None and rule.length < interval and report.place("outage", "slot") not in self._short:
            self._short.add(report.place("outage", "slot"))  # one line for a layer of many targets
            long = units.format_duration(interval)
            reason = f"a slot is shorter than the interval of {name}, {long}: it may have no packet"
            report.say(("outage", "slot"), reason, fix=f"write at least {long}")
        return rule

    @staticmethod
    def _grid(layers: tuple[Layer, ...]) -> _Grid | None:
        """When the probes of a target are due; None after reporting why they cannot be."""
        interval = nearest(layers, "interval")[0] or INTERVAL
        count, count_layer = nearest(layers, "count")
        if count is None or count == 1 or count_layer is None:
            return _Grid(interval, 1, 0)
        gap, gap_layer = nearest(layers, "gap")
        long = units.format_duration(interval)
        if count * LEAST_GAP > interval:
            most = max(interval // LEAST_GAP, 1)
            reason = f"{count} probes do not fit into an interval of {long}"
            count_layer.report.say(("count",), reason, fix=f"write at most {most}")
            return None
        if gap is not None and gap_layer is not None and (count - 1) * gap >= interval:
            reason = f"{count} probes {units.format_duration(gap)} apart do not fit into an interval of {long}"
            fix = f"write a gap of at most {units.format_duration(interval // count // MS * MS)}, or leave it out"
            gap_layer.report.say(("gap",), reason, fix=fix)
            return None
        return _Grid(interval, count, gap or interval // count)

    def _witness(self, name: str) -> None:
        word, layer = nearest(self._layers[name], "witness")
        if word is None or layer is None or word == NO_WITNESS:
            return
        target = self.targets[name]
        own = layer is self._layers[name][0]
        if word == name and not own:
            return  # a layer for many targets names one of them: that one has no witness
        witness = self.targets.get(word)
        if word == name:
            fix = "name a target on your side of the line"
            layer.report.say(("witness",), "a target cannot be its own witness", fix=fix)
            return
        if witness is None:
            if word not in self._unsound:
                full = f"{target.service}/{word}"
                fix_word = f"did you mean {full}?" if full in self.targets else suggestion(word, self.targets)
                layer.report.say(("witness",), "there is no such target (service/key)", fix=fix_word)
            return
        self.targets[name] = replace(target, witness=word)
        if witness.interval > target.interval and not self._unsound & {name, word}:
            place = layer.report.place("witness")
            if (place, word) in self._slow:
                return  # one line for a layer of many targets
            self._slow.add((place, word))
            often = units.format_duration(target.interval)
            layer.report.say(
                ("witness",),
                f"a witness must be probed at least as often as its targets: {word} every "
                f"{units.format_duration(witness.interval)}, {name} every {often}",
                fix=f"give {word} an interval of {often} or less",
                show=False,
            )

    def _circles(self) -> None:
        """Witnesses may have witnesses, but nobody may in the end vouch for himself."""
        cleared: set[str] = set()
        for start in self.targets:
            trail: list[str] = []
            name: str | None = start
            while name is not None and name not in cleared and name not in trail:
                trail.append(name)
                name = self.targets[name].witness
            if name is not None and name in trail:
                circle = " → ".join([*trail[trail.index(name) :], name])
                self._layers[name][0].report.say(
                    (),
                    f"targets are witnesses of each other: {circle}",
                    fix="write `witness: none` at one of them",
                    show=False,
                )
            cleared.update(trail)

    def _service(self, name: str, layers: tuple[Layer, ...]) -> None:
        keys, report = layers[0]
        assert isinstance(keys, ServiceKeys)
        named = self._members[name]
        witnesses = {self.targets[target].witness for target in named}
        members = tuple(target for target in named if target not in witnesses)
        if named and not members:
            report.say(
                (), "every target of this service is a witness of another", fix="add what is measured", show=False
            )
        rule, layer = nearest(layers, "up_when")
        quorum = len(members)
        if rule is None and len(members) > 1 and not any("up_when" in written(each.report) for each in layers):
            report.missing(
                (), "up_when", f"with {len(members)} targets, say when the service is up: any, all or at_least n"
            )
        elif rule == "any":
            quorum = min(1, quorum)
        elif rule is not None and layer is not None and rule != "all":
            quorum = int(rule.removeprefix("at_least "))
            broken = any(target.startswith(f"{name}/") for target in self._unsound)
            if members and quorum > len(members) and not broken:
                counted = f"{len(members)} target{'s' * (len(members) != 1)}"
                reason = f"the service {name} has {counted} that count"
                layer.report.say(("up_when",), reason, fix=f"write at most at_least {len(members)}")
        self.services[name] = Service(
            name=name,
            targets=members,
            quorum=quorum,
            provider=keys.provider,
            demarcation=nearest(layers, "demarcation")[0] or (),
            labels=tuple((label, keys.labels[label]) for label in self.labels if label in keys.labels)
            if keys.labels
            else (),
            place=report.place(),
        )


def says_when_down(keys: TargetKeys | Inherited) -> bool:
    return keys.outage is not None or keys.down_after is not None or keys.up_after is not None


def nearest(layers: tuple[Layer, ...], key: str) -> tuple[Any, Layer | None]:
    """The value of `key` in the nearest layer that writes it, and that layer."""
    for layer in layers:
        value = getattr(layer.keys, key, None)
        if value is not None:
            return value, layer
    return None, None
