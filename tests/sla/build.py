"""Facts and contracts for the tests of the core, written down by hand: samples on whole seconds become runs and minute records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import groupby
from typing import Any, NamedTuple

from slamon.model import MEANING, MINUTE, Packet, Result, S
from slamon.record import distribution
from slamon.record.packing import Packed, pack
from slamon.record.rows import Record, Run
from slamon.sla import calendar
from slamon.sla.facts import Charge, DeclaredSpan, Exclusion, Facts, SeriesFacts, ServiceFacts, State
from slamon.sla.lines import Period
from slamon.sla.terms import Contract, Price
from slamon.sla.terms.clause import Clause
from slamon.sla.terms.credits import Cap, Credit, Give, Tier
from slamon.sla.terms.measures import Measure, Side, Subject
from slamon.sla.terms.objectives import Form, Level, Objective, Statistic, Variation
from slamon.sla.terms.outages import ExclusionClass
from slamon.sla.terms.times import Span as TermSpan

OK, LOST, ERROR, OURS = Result.SUCCESS, Result.TIMEOUT, Result.ICMP_ERROR, Result.SEND_ERROR
HERE = Clause(path="contracts.test")


class Billed(dict[str, Charge]):
    """Every period, also one that is no whole month, is charged the same."""

    def __init__(self, amount: Fraction | int) -> None:
        super().__init__()
        self._charge = Charge(billed=Fraction(amount))

    def get(self, name: str, default: object = None) -> Charge:
        return self._charge


class Shot(NamedTuple):
    """A decided probe: second of its sending, result, round trip in nanoseconds."""

    second: int
    result: Result
    rtt: int | None = None


def shots(text: str, *, start: int = 0, every: int = 10, rtt: int = 20_000_000) -> list[Shot]:
    """`..xx?` → answered, lost, our own send error; `e` ICMP error; a space is a slot nobody sent in."""
    results = {".": OK, "x": LOST, "e": ERROR, "?": OURS}
    return [
        Shot(start + every * i, results[mark], rtt if mark == "." else None)
        for i, mark in enumerate(text)
        if mark != " "
    ]


def runs(sent: Sequence[Shot], interval: int, *, closed: int | None = None) -> tuple[Run, ...]:
    """As the recorder writes them: a run ends when the result changes or a slot was missed; the last one is still open."""
    result: list[Run] = []
    for shot in sent:
        at = shot.second * S
        if result:
            last = result[-1]
            missed = at > last.last_sent + interval * S
            if not missed and shot.result is last.result:
                result[-1] = last._replace(last_sent=at, until=at, samples=last.samples + 1)
                continue
            result[-1] = last._replace(until=min(at, last.last_sent + interval * S))
        result.append(Run(at, at, at, 1, shot.result))
    if closed is not None and result:
        result[-1] = result[-1]._replace(until=closed * S)
    return tuple(result)


def records(sent: Sequence[Shot], *, limits: Iterable[int] = (), raw: bool = True) -> tuple[Record, ...]:
    """Minute records of the shots; delay variation is left to the tests that are about it."""
    found = []
    for start, group in groupby(sent, key=lambda shot: shot.second * S // MINUTE * MINUTE):
        members = list(group)
        kinds = [MEANING[shot.result].packet for shot in members]
        delays = [shot.rtt for shot in members if shot.rtt is not None and shot.result is OK]
        found.append(
            Record(
                start=start,
                length=MINUTE,
                received=kinds.count(Packet.RECEIVED),
                lost=kinds.count(Packet.LOST),
                refused=kinds.count(Packet.REFUSED),
                ours=kinds.count(Packet.OURS),
                rtt_count=len(delays),
                rtt_sum=sum(delays),
                rtt_min=min(delays, default=None),
                rtt_max=max(delays, default=None),
                buckets=distribution.count(delays),
                within={limit: sum(delay <= limit for delay in delays) for limit in limits},
                raw=pack(start, [Packed(shot.second * S, shot.result, shot.rtt, None) for shot in members])
                if raw
                else None,
            )
        )
    return tuple(found)


def series(
    sent: Sequence[Shot],
    *,
    name: str = "link/a",
    interval: int = 10,
    timeout: int = 3,
    down_after: int = 3,
    up_after: int = 1,
    witness: str | None = None,
    through: int | None = None,
    known_from: int | None = None,
    closed: int | None = None,
    **record_options: Any,
) -> SeriesFacts:
    """Facts of one target; `through` defaults to just after the last shot, `closed` is where the last run's until lies."""
    first = (sent[0].second if sent else 0) if known_from is None else known_from
    last = sent[-1].second + 1 if sent else first
    return SeriesFacts(
        target=name,
        interval=interval * S,
        timeout=timeout * S,
        down_after=down_after,
        up_after=up_after,
        witness=witness,
        known_from=first * S,
        through=(max(last, closed or 0) if through is None else through) * S,
        runs=runs(sent, interval, closed=closed),
        records=records(sent, **record_options),
    )


def observed(*targets: SeriesFacts, service: str = "link", quorum: int | None = None, **rest: Any) -> Facts:
    """Facts of one service made of those targets whose name begins with its own; the others are witnesses. 1000 are charged."""
    members = tuple(target.target for target in targets if target.target.startswith(service + "/"))
    return Facts(
        services={service: ServiceFacts(service=service, targets=members, quorum=quorum or len(members))},
        series={target.target: target for target in targets},
        **{"charges": Billed(1000), **rest},
    )


def declared(*spans: tuple[int, int, State], exclusions: Iterable[Exclusion] = (), **rest: Any) -> Facts:
    """Facts stated by hand, in seconds; 1000 are charged."""
    return Facts(
        declared={"link": tuple(DeclaredSpan(start=a * S, end=b * S, state=state) for a, b, state in spans)},
        exclusions=tuple(exclusions),
        **{"charges": Billed(1000), **rest},
    )


def exclusion(start: int, end: int, cause: str = "maintenance", **rest: Any) -> Exclusion:
    values: dict[str, Any] = {"id": f"{cause}-{start}-{end}", "contract": "test", "declared_at": 0, **rest}
    return Exclusion(cause=cause, start=start * S, end=end * S, **values)


def availability(target: str | None = "99.9", minimum: str | None = None, **rest: Any) -> Objective:
    name = rest.pop("name", "availability")
    return Objective(
        name=name,
        measure=Measure.AVAILABILITY,
        clause=HERE,
        target=level(target),
        minimum=level(minimum),
        **rest,
    )


def latency(statistic_: str, target: int | None = None, **rest: Any) -> Objective:
    """Target in milliseconds."""
    bound = None if target is None else Level(value=Fraction(target * 1_000_000), side=Side.AT_MOST)
    name = rest.pop("name", "latency")
    return Objective(
        name=name, measure=Measure.LATENCY, clause=HERE, target=bound, statistic=statistic(statistic_), **rest
    )


def loss(target: str | None = None, **rest: Any) -> Objective:
    name = rest.pop("name", "loss")
    how = rest.pop("statistic", statistic("pooled"))
    return Objective(
        name=name, measure=Measure.LOSS, clause=HERE, target=level(target, Side.AT_MOST), statistic=how, **rest
    )


def jitter(statistic_: str, definition: Variation, **rest: Any) -> Objective:
    name = rest.pop("name", "jitter")
    return Objective(
        name=name, measure=Measure.JITTER, clause=HERE, statistic=statistic(statistic_), definition=definition, **rest
    )


def statistic(text: str) -> Statistic:
    """`mean`, `p95`, `worst 900` (seconds)."""
    if text.startswith("worst "):
        return Statistic(form=Form.WORST, text=text, window=int(text.removeprefix("worst ")) * S)
    if text[0] == "p" and text[1].isdigit():
        return Statistic(form=Form.PERCENTILE, text=text, p=Fraction(text[1:]) / 100)
    return Statistic(form=Form(text), text=text)


def level(text: str | None, side: Side = Side.AT_LEAST) -> Level | None:
    value = percent(text)
    return None if value is None else Level(value=value, side=side)


def credit(
    tiers: Mapping[str, str], *, objective: str = "availability", side: Side = Side.BELOW, **rest: Any
) -> Credit:
    """`{"99.9%": "10%", "99.5%": "1/4"}`; thresholds without % are milliseconds, gives without % or / are money."""
    name = rest.pop("name", objective)
    measure = {"latency": Measure.LATENCY, "loss": Measure.LOSS}.get(objective, Measure.AVAILABILITY)
    return Credit(
        name=name,
        subject=Subject(measure=measure, objective=objective),
        clause=HERE,
        tiers=tuple(_tier(threshold, give) for threshold, give in tiers.items()),
        side=side,
        **rest,
    )


def contract(
    *, objectives: Sequence[Objective] | None = None, classes: Sequence[str] = ("customer", "maintenance"), **rest: Any
) -> Contract:
    """`price` a month and `cap`, a share of the period's charge, are Fractions or None."""
    price, cap = rest.pop("price", Fraction(1000)), rest.pop("cap", Fraction(1))
    values: dict[str, Any] = {
        "currency": "USD",
        "timezone": "UTC",
        "service": "link",
        "prices": () if price is None else (Price(amount=price),),
        "caps": () if cap is None else (Cap(span=TermSpan.PERIOD, clause=HERE, share=cap),),
        **rest,
    }
    return Contract(
        name="test",
        provider="Example",
        clause=HERE,
        exclusions=tuple(
            ExclusionClass(name=name, clause=Clause(path=f"contracts.test.exclusions.{name}")) for name in classes
        ),
        objectives=(availability(),) if objectives is None else tuple(objectives),
        **values,
    )


def period(start: int, end: int) -> Period:
    """A SPAN, named as one."""
    name = f"{calendar.written(start * S, 'UTC')} to {calendar.written(end * S, 'UTC')}"
    return Period(name=name, start=start * S, end=end * S)


def percent(text: str | None) -> Fraction | None:
    return None if text is None else Fraction(text) / 100


def _tier(threshold: str, give: str) -> Tier:
    bound = Fraction(threshold.rstrip("%")) / 100 if threshold.endswith("%") else Fraction(threshold) * 1_000_000
    if give.endswith("%"):
        return Tier(threshold=bound, give=Give(share=Fraction(give.rstrip("%")) / 100))
    return Tier(threshold=bound, give=Give(share=Fraction(give)) if "/" in give else Give(amount=Fraction(give)))
