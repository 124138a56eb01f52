"""Every key of a contract: what is written, and what it becomes. A key that is not in this table is not built."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from slamon.config import clauses
from slamon.config.edge import Section, keys_of
from slamon.model import DAY, HOUR, MINUTE, MS, S
from slamon.sla.terms import Contract, Document, Kind, PeriodKind, PeriodRule, Price, Prorate, Term, UnknownTime
from slamon.sla.terms.clause import Clause
from slamon.sla.terms.composition import Group
from slamon.sla.terms.conditions import Party, Scope, Where, Within
from slamon.sla.terms.credits import Cap, Combine, Count, CreditBase, Give, Per, Tier
from slamon.sla.terms.measures import Dimension, Measure, Rounding, RoundingMode, Side, Subject
from slamon.sla.terms.objectives import Form, Level, Statistic, Total, Variation
from slamon.sla.terms.outages import BadSlot, BelongsTo, Clock, SlotRule
from slamon.sla.terms.times import Anchor, Deadline, Lead, Span, Weekly
from tests.config.contracts import HEAD, PRICED, terms_of

Row = tuple[str, str, str, Callable[[Any], Any], Any]

MODELS: dict[str, type[Section]] = {
    "contract": clauses.Contract,
    "document": clauses.Document,
    "term": clauses.Term,
    "outage": clauses.Outage,
    "exclusion": clauses.Exclusion,
    "objective": clauses.Objective,
    "credit": clauses.Credit,
    "bonus": clauses.Bonus,
    "condition": clauses.Condition,
    "termination": clauses.Termination,
    "terminate": clauses.Terminate,
    "claim": clauses.Claim,
    "reports": clauses.Reports,
}

P = Fraction(1, 100)
JITTER = "objectives: {jitter: {definition: pdv, statistic: mean, %s}}"


def objective(terms: Contract) -> Any:
    return terms.objectives[-1]


def credit(terms: Contract) -> Any:
    return terms.credits[-1]


def right(terms: Contract) -> Any:
    return terms.terminations[-1]


def days_after(text: str, days: int, anchor: Anchor, *, business: bool = False) -> Deadline:
    return Deadline(text=text, anchor=anchor, days=days, business=business)


ROWS: list[Row] = [
    ("contract", "kind", "kind: ola", lambda c: c.kind, Kind.OLA),
    ("contract", "service", "", lambda c: c.service, "hq-dia"),
    ("contract", "provider", "", lambda c: c.provider, "Acme Telecom"),
    ("contract", "customer", "customer: Us", lambda c: c.customer, "Us"),
    ("contract", "document", "document: {file: a.pdf}", lambda c: c.document, Document(file="a.pdf")),
    ("contract", "notes", "notes: [one, two]", lambda c: c.notes, ("one", "two")),
    ("contract", "effective", "effective: 2026-02-01", lambda c: c.effective, date(2026, 2, 1)),
    (
        "contract",
        "amendments",
        "amendments: [{effective: 2026-07-01, customer: They}]",
        lambda c: [(each.effective, each.customer, each.provider) for each in c.amendments],
        [(date(2026, 7, 1), "They", "Acme Telecom")],
    ),
    ("contract", "timezone", "", lambda c: c.timezone, "America/New_York"),
    ("contract", "term", "term: {from: 2026-04-16}", lambda c: c.term, Term(start=date(2026, 4, 16))),
    ("contract", "period", "period: month", lambda c: c.period, PeriodRule()),
    ("contract", "period", "period: quarter", lambda c: c.period, PeriodRule(kind=PeriodKind.QUARTER)),
    ("contract", "period", "period: year", lambda c: c.period, PeriodRule(kind=PeriodKind.YEAR)),
    (
        "contract",
        "period",
        "period: contract year\nterm: {from: 2026-04-16}",
        lambda c: c.period,
        PeriodRule(kind=PeriodKind.CONTRACT_YEAR),
    ),
    (
        "contract",
        "period",
        "period: month from 15",
        lambda c: c.period,
        PeriodRule(kind=PeriodKind.BILLING_MONTH, day=15),
    ),
    (
        "contract",
        "period",
        "period: rolling 30d",
        lambda c: c.period,
        PeriodRule(kind=PeriodKind.ROLLING, length=30 * DAY),
    ),
    (
        "contract",
        "service_hours",
        "service_hours: mon-fri 08:00-18:00",
        lambda c: c.service_hours,
        (Weekly(weekdays=frozenset(range(5)), start=8 * 3600, end=18 * 3600, text="mon-fri 08:00-18:00"),),
    ),
    (
        "contract",
        "service_hours",
        "service_hours: ['mon,wed 00:00-24:00', sat-mon 22:00-06:30 except holidays]\nholidays: []",
        lambda c: [(set(w.weekdays), w.start, w.end, w.except_holidays) for w in c.service_hours],
        [({0, 2}, 0, 86_400, False), ({5, 6, 0}, 79_200, 23_400, True)],
    ),
    (
        "contract",
        "holidays",
        "holidays: [2026-12-25, 2026-01-01]",
        lambda c: c.holidays,
        {date(2026, 12, 25), date(2026, 1, 1)},
    ),
    ("contract", "business_days", "business_days: sun-thu", lambda c: c.business_days, {6, 0, 1, 2, 3}),
    ("contract", "price", "price: 1000 USD/month", lambda c: c.prices, (Price(amount=Fraction(1000)),)),
    (
        "contract",
        "price",
        "price: 9.98 GBP/quarter",
        lambda c: (c.prices, c.currency),
        ((Price(amount=Fraction(499, 50), per=Span.QUARTER),), "GBP"),
    ),
    ("contract", "price", "price: 1 JPY/year", lambda c: c.prices, (Price(amount=Fraction(1), per=Span.YEAR),)),
    ("contract", "prorate", "prorate: second", lambda c: c.prorate, Prorate.SECOND),
    ("contract", "prorate", "prorate: none", lambda c: c.prorate, Prorate.NONE),
    *(
        ("contract", "credit_base", f"credit_base: {base}", lambda c: c.credit_base, CreditBase(base))
        for base in ("charge", "paid", "usage", "next_charge", "higher_of_charge_and_usage")
    ),
    ("contract", "outage", "outage: {vantages: 2}", lambda c: c.outage.vantages, 2),
    ("contract", "unknown", "unknown: down", lambda c: c.unknown, UnknownTime.DOWN),
    ("contract", "min_coverage", "min_coverage: 80%", lambda c: c.min_coverage, Fraction(4, 5)),
    (
        "contract",
        "exclusions",
        "exclusions: [{class: a}, {class: b}]",
        lambda c: [e.name for e in c.exclusions],
        ["a", "b"],
    ),
    (
        "contract",
        "objectives",
        "objectives: {availability: {}}",
        lambda c: [o.name for o in c.objectives],
        ["availability"],
    ),
    (
        "contract",
        "credits",
        "credits: {downtime: {over: {1h: 5%}}}",
        lambda c: [e.name for e in c.credits],
        ["downtime"],
    ),
    ("contract", "combine", "combine: sum", lambda c: c.combine, Combine.SUM),
    ("contract", "combine", "combine: highest", lambda c: c.combine, Combine.HIGHEST),
    ("contract", "combine", "combine: highest for the same time", lambda c: c.combine, Combine.SAME_TIME),
    (
        "contract",
        "caps",
        "caps: {contract_year: 12 months, year: 50 USD, month: 1/2, quarter: 150%}\nterm: {from: 2026-01-01}",
        lambda c: c.caps,
        (
            Cap(
                span=Span.MONTH,
                share=Fraction(1, 2),
                clause=Clause(path="contracts.hq.caps.month", place="slamon.yml:5"),
            ),
            Cap(
                span=Span.QUARTER,
                share=Fraction(3, 2),
                clause=Clause(path="contracts.hq.caps.quarter", place="slamon.yml:5"),
            ),
            Cap(
                span=Span.YEAR, amount=Fraction(50), clause=Clause(path="contracts.hq.caps.year", place="slamon.yml:5")
            ),
            Cap(
                span=Span.CONTRACT_YEAR,
                months=12,
                clause=Clause(path="contracts.hq.caps.contract_year", place="slamon.yml:5"),
            ),
        ),
    ),
    (
        "contract",
        "caps",
        "caps: {period: 100%}",
        lambda c: [(cap.span, cap.share) for cap in c.caps],
        [(Span.PERIOD, 1)],
    ),
    (
        "contract",
        "minimum_credit",
        "minimum_credit: over 1 USD",
        lambda c: (c.minimum_credit, c.minimum_credit_exclusive),
        (1, True),
    ),
    (
        "contract",
        "minimum_credit",
        "minimum_credit: at_least 2.50 USD",
        lambda c: (c.minimum_credit, c.minimum_credit_exclusive),
        (Fraction(5, 2), False),
    ),
    (
        "contract",
        "bonuses",
        "bonuses: {availability: {over: {99.9%: 2%}}}",
        lambda c: [b.credit.name for b in c.bonuses],
        ["availability"],
    ),
    (
        "contract",
        "earn_back",
        "earn_back: {availability: {over: 99.9%}}",
        lambda c: [e.name for e in c.earn_back],
        ["availability"],
    ),
    (
        "contract",
        "withhold",
        "withhold: {overdue: {over: 0 days}}",
        lambda c: [e.name for e in c.withhold],
        ["overdue"],
    ),
    ("contract", "claim", "claim: {by: 28th of next month}", lambda c: c.claim.by.day_of_next_month, 28),
    ("contract", "terminate", "terminate: {customer: {outages: {over: 3}}}", lambda c: len(c.terminations), 1),
    ("contract", "reports", "reports: {to: a@example.net}", lambda c: c.reports.to, ("a@example.net",)),
    ("contract", "supported_by", "supported_by: {all: [x, y]}", lambda c: c.supported_by, Group(of=("x", "y"), need=2)),
    ("document", "file", "document: {file: dir/a.pdf}", lambda c: c.document.file, "dir/a.pdf"),
    ("document", "sha256", f"document: {{file: a, sha256: {'0a' * 32}}}", lambda c: c.document.sha256, "0a" * 32),
    ("term", "from", "term: {from: 2026-04-16}", lambda c: c.term.start, date(2026, 4, 16)),
    ("term", "to", "term: {to: 2027-04-15}", lambda c: c.term, Term(end=date(2027, 4, 15))),
    ("outage", "after", "outage: {after: 5 failures}", lambda c: c.outage.after, 5),
    ("outage", "after", "outage: {after: 3 slots, slot: 1m, bad_slot: down whole}", lambda c: c.outage.after, 3),
    ("outage", "until", "outage: {until: 1 success}", lambda c: c.outage.until, 1),
    ("outage", "until", "outage: {until: 1 slot, slot: 1m, bad_slot: down whole}", lambda c: c.outage.until, 1),
    ("outage", "slot", "outage: {slot: 10s, bad_slot: down whole}", lambda c: c.outage.slot, 10 * S),
    (
        "outage",
        "bad_slot",
        "outage: {slot: 10s, bad_slot: loss over 50%}",
        lambda c: c.outage.bad_slot,
        BadSlot(rule=SlotRule.LOSS, threshold=Fraction(1, 2)),
    ),
    (
        "outage",
        "bad_slot",
        "outage: {slot: 15m, bad_slot: down at_least 60s}",
        lambda c: c.outage.bad_slot,
        BadSlot(rule=SlotRule.DOWN, side=Side.AT_LEAST, threshold=Fraction(MINUTE)),
    ),
    (
        "outage",
        "bad_slot",
        "outage: {slot: 15m, bad_slot: down whole}",
        lambda c: c.outage.bad_slot,
        BadSlot(rule=SlotRule.DOWN_WHOLE),
    ),
    ("outage", "vantages", "outage: {vantages: 3}", lambda c: c.outage.vantages, 3),
    (
        "outage",
        "at_least",
        "outage: {at_least: 30m}",
        lambda c: (c.outage.side, c.outage.length),
        (Side.AT_LEAST, 30 * MINUTE),
    ),
    ("outage", "over", "outage: {over: 5m}", lambda c: (c.outage.side, c.outage.length), (Side.OVER, 5 * MINUTE)),
    ("outage", "merge_within", "outage: {merge_within: 3h}", lambda c: c.outage.merge_within, 3 * HOUR),
    ("outage", "starts", "outage: {starts: later}", lambda c: c.outage.starts, Clock.LATER),
    ("outage", "ends", "outage: {ends: sooner}", lambda c: c.outage.ends, Clock.SOONER),
    ("outage", "degraded_counts", "outage: {degraded_counts: 50%}", lambda c: c.outage.degraded_counts, Fraction(1, 2)),
    (
        "outage",
        "weigh_by",
        "outage: {weigh_by: 4000 active users}",
        lambda c: (c.outage.weigh_by, c.outage.weigh_noun),
        (4000, "active users"),
    ),
    ("outage", "belongs_to", "outage: {belongs_to: end}", lambda c: c.outage.belongs_to, BelongsTo.END),
    ("exclusion", "class", "exclusions: [{class: customer}]", lambda c: c.exclusions[0].name, "customer"),
    (
        "exclusion",
        "notice",
        "exclusions: [{class: a, notice: 240h}, {class: b, notice: 10 days}, {class: c, notice: 1 business day}]\nholidays: []",
        lambda c: [e.notice for e in c.exclusions],
        [Lead(elapsed=240 * HOUR), Lead(days=10), Lead(days=1, business=True)],
    ),
    (
        "exclusion",
        "hours",
        "exclusions: [{class: a, hours: daily 00:00-06:00}]",
        lambda c: (len(c.exclusions[0].hours.weekdays), c.exclusions[0].hours.end),
        (7, 6 * 3600),
    ),
    (
        "exclusion",
        "allowance",
        "exclusions: [{class: a, allowance: 4h per quarter}]",
        lambda c: (c.exclusions[0].allowance, c.exclusions[0].allowance_per),
        (4 * HOUR, Span.QUARTER),
    ),
    (
        "exclusion",
        "lodge",
        "exclusions: [{class: a, lodge: 10 days after period end}]",
        lambda c: c.exclusions[0].lodge,
        days_after("10 days after period end", 10, Anchor.PERIOD_END),
    ),
    (
        "objective",
        "measure",
        "objectives: {up: {measure: availability}}",
        lambda c: objective(c).measure,
        Measure.AVAILABILITY,
    ),
    (
        "objective",
        "measure",
        "objectives: {long: {measure: outages over 30m, target: 3}}",
        lambda c: (objective(c).subject, objective(c).target, objective(c).dimension),
        (
            Subject(measure=Measure.OUTAGES, side=Side.OVER, length=30 * MINUTE),
            Level(value=Fraction(3), side=Side.AT_MOST),
            Dimension.COUNT,
        ),
    ),
    (
        "objective",
        "measure",
        "objectives: {runs: {measure: runs of 2 bad slots}}",
        lambda c: objective(c).subject,
        Subject(measure=Measure.RUNS, run=2),
    ),
    (
        "objective",
        "service",
        "objectives: {availability: {service: {at_least: 2, of: [a, b, {any: [c, d]}]}}}",
        lambda c: objective(c).service,
        Group(of=("a", "b", Group(of=("c", "d"), need=1)), need=2),
    ),
    (
        "objective",
        "target",
        "objectives: {availability: {target: 99.9%}}",
        lambda c: objective(c).target,
        Level(value=Fraction(999, 1000), side=Side.AT_LEAST),
    ),
    (
        "objective",
        "target",
        "objectives: {availability: {target: over 99.9%}}",
        lambda c: objective(c).target,
        Level(value=Fraction(999, 1000), side=Side.OVER),
    ),
    (
        "objective",
        "minimum",
        "objectives: {latency: {statistic: mean, target: 30ms, minimum: below 60ms}}",
        lambda c: (objective(c).target, objective(c).minimum),
        (Level(value=Fraction(30 * MS), side=Side.AT_MOST), Level(value=Fraction(60 * MS), side=Side.BELOW)),
    ),
    *(
        (
            "objective",
            "statistic",
            f"objectives: {{latency: {{statistic: {form}}}}}",
            lambda c: objective(c).statistic,
            Statistic(form=Form(form), text=form),
        )
        for form in ("mean", "median", "max", "min", "range", "mean_abs", "last")
    ),
    (
        "objective",
        "statistic",
        "objectives: {latency: {statistic: p99.9}}",
        lambda c: objective(c).statistic,
        Statistic(form=Form.PERCENTILE, text="p99.9", p=Fraction(999, 1000)),
    ),
    (
        "objective",
        "statistic",
        "objectives: {loss: {statistic: worst 15m}}",
        lambda c: objective(c).statistic,
        Statistic(form=Form.WORST, text="worst 15m", window=15 * MINUTE),
    ),
    (
        "objective",
        "statistic",
        JITTER.replace("mean", "share over 10ms") % "target: 0.1%",
        lambda c: (objective(c).statistic, objective(c).target),
        (
            Statistic(form=Form.SHARE, text="share over 10ms", side=Side.OVER, threshold=Fraction(10 * MS)),
            Level(value=Fraction(1, 1000), side=Side.AT_MOST),
        ),
    ),
    (
        "objective",
        "statistic",
        "objectives: {loss: {statistic: pooled}}",
        lambda c: objective(c).statistic.form,
        Form.POOLED,
    ),
    (
        "objective",
        "statistic",
        "objectives: {loss: {statistic: mean}}",
        lambda c: objective(c).statistic.form,
        Form.MEAN,
    ),
    (
        "objective",
        "statistic",
        "objectives: {each outage: {target: 4h}}",
        lambda c: objective(c).statistic.form,
        Form.MAX,
    ),
    ("objective", "statistic", "objectives: {notify: {target: 15m}}", lambda c: objective(c).statistic.form, Form.MAX),
    (
        "objective",
        "definition",
        JITTER % "target: 5ms",
        lambda c: (objective(c).definition, objective(c).measure),
        (Variation.PDV, Measure.JITTER),
    ),
    (
        "objective",
        "packets",
        "objectives: {latency: {statistic: p95, packets: all}}",
        lambda c: objective(c).packets_all,
        True,
    ),
    (
        "objective",
        "packets",
        "objectives: {latency: {statistic: p95, packets: received}}",
        lambda c: objective(c).packets_all,
        False,
    ),
    (
        "objective",
        "during",
        "objectives: {loss: {statistic: pooled, during: always}}",
        lambda c: objective(c).always,
        True,
    ),
    ("objective", "total", "objectives: {availability: {total: net}}", lambda c: objective(c).total, Total.NET),
    (
        "objective",
        "total",
        "objectives: {availability: {total: whole_period}}",
        lambda c: objective(c).total,
        Total.WHOLE_PERIOD,
    ),
    ("objective", "total", "objectives: {availability: {total: 720h}}", lambda c: objective(c).total, 720 * HOUR),
    ("objective", "mean_of", "objectives: {availability: {mean_of: 3 periods}}", lambda c: objective(c).mean_of, 3),
    (
        "objective",
        "round",
        "objectives: {availability: {round: 0.01% down}}",
        lambda c: objective(c).round,
        Rounding(step=P * P, mode=RoundingMode.DOWN),
    ),
    (
        "objective",
        "round",
        "objectives: {overdue: {round: 5 days up}}",
        lambda c: objective(c).round,
        Rounding(step=Fraction(5), mode=RoundingMode.UP),
    ),
    (
        "objective",
        "round",
        "objectives: {overdue: {round: 1 day}}",
        lambda c: objective(c).round,
        Rounding(step=Fraction(1), mode=RoundingMode.HALF_UP),
    ),
    (
        "objective",
        "display",
        "objectives: {latency: {statistic: mean, display: 100us half_even}}",
        lambda c: objective(c).display,
        Rounding(step=Fraction(MS, 10), mode=RoundingMode.HALF_EVEN),
    ),
    (
        "objective",
        "over",
        "objectives: {latency: {statistic: mean, over: pooled}}",
        lambda c: objective(c).over,
        "pooled",
    ),
    (
        "credit",
        "measure",
        "credits: {slow: {measure: downtime, over: {1h: 5%}}}",
        lambda c: credit(c).subject,
        Subject(measure=Measure.DOWNTIME),
    ),
    (
        "credit",
        "below",
        "credits: {availability: {below: {99.9%: 10%, 99%: 1/4}}}",
        lambda c: (credit(c).side, credit(c).tiers),
        (
            Side.BELOW,
            (
                Tier(threshold=Fraction(999, 1000), give=Give(share=Fraction(1, 10))),
                Tier(threshold=99 * P, give=Give(share=Fraction(1, 4))),
            ),
        ),
    ),
    ("credit", "at_most", "credits: {availability: {at_most: {99%: 5 USD}}}", lambda c: credit(c).side, Side.AT_MOST),
    (
        "credit",
        "over",
        "credits: {each outage: {over: {5m: 5 USD}}}",
        lambda c: (credit(c).side, credit(c).tiers, credit(c).subject),
        (
            Side.OVER,
            (Tier(threshold=Fraction(5 * MINUTE), give=Give(amount=Fraction(5))),),
            Subject(measure=Measure.EACH_OUTAGE),
        ),
    ),
    (
        "credit",
        "at_least",
        "credits: {each day out: {at_least: {2 business days: higher of 5 USD and 10%}}}\nholidays: []",
        lambda c: credit(c).tiers,
        (
            Tier(
                threshold=Fraction(2),
                business=True,
                give=Give(higher=(Give(amount=Fraction(5)), Give(share=Fraction(1, 10)))),
            ),
        ),
    ),
    *(
        ("credit", "per", f"credits: {{{name}: {{per: {text}, give: 1/30}}}}", lambda c: credit(c).per, per)
        for name, text, per in (
            ("downtime", "started 1h", Per(count=Count.STARTED, unit=Fraction(HOUR), text="started 1h")),
            ("downtime", "completed 24h", Per(count=Count.COMPLETED, unit=Fraction(24 * HOUR), text="completed 24h")),
            ("downtime", "exact 720h", Per(count=Count.EXACT, unit=Fraction(720 * HOUR), text="exact 720h")),
            (
                "downtime",
                "nearest 0.0001 of 720h",
                Per(
                    count=Count.NEAREST,
                    unit=Fraction(720 * HOUR),
                    step=Fraction(1, 10_000),
                    text="nearest 0.0001 of 720h",
                ),
            ),
            ("outages over 30m", "each", Per(count=Count.EACH, text="each")),
            ("outages", "started 3", Per(count=Count.STARTED, unit=Fraction(3), text="started 3")),
        )
    ),
    (
        "credit",
        "give",
        "credits: {availability: {below: 99.9%, per: started 0.1%, give: 2 points}}",
        lambda c: (credit(c).threshold, credit(c).give, credit(c).tiers, credit(c).money),
        (Fraction(999, 1000), Give(points=2), (), False),
    ),
    (
        "credit",
        "cap",
        "credits: {downtime: {over: {1h: 5%}, cap: 50 USD}}",
        lambda c: credit(c).cap,
        Give(amount=Fraction(50)),
    ),
    (
        "bonus",
        "within",
        "bonuses: {availability: {at_least: {99.99%: 2%}, within: every period of quarter}}",
        lambda c: (c.bonuses[0].within, c.bonuses[0].credit.side),
        (Within(where=Where.EVERY, span=Span.QUARTER, text="every period of quarter"), Side.AT_LEAST),
    ),
    *(
        ("bonus", key, f"bonuses: {{b: {{measure: {measure}, {text}}}}}", getter, expected)
        for key, measure, text, getter, expected in (
            ("measure", "outages", "at_most: {0: 1%}", lambda c: c.bonuses[0].credit.subject.measure, Measure.OUTAGES),
            ("below", "downtime", "below: {5m: 1%, 1m: 2%}", lambda c: len(c.bonuses[0].credit.tiers), 2),
            ("at_most", "outages", "at_most: {0: 1%}", lambda c: c.bonuses[0].credit.side, Side.AT_MOST),
            ("over", "availability", "over: {99.9%: 1%, 99.99%: 2%}", lambda c: len(c.bonuses[0].credit.tiers), 2),
            ("at_least", "availability", "at_least: {100%: 1%}", lambda c: c.bonuses[0].credit.side, Side.AT_LEAST),
            (
                "per",
                "availability",
                "over: 99%, per: completed 0.1%, give: 1%",
                lambda c: c.bonuses[0].credit.per.count,
                Count.COMPLETED,
            ),
            (
                "give",
                "availability",
                "over: 99%, per: exact 1%, give: 1 USD",
                lambda c: c.bonuses[0].credit.give,
                Give(amount=Fraction(1)),
            ),
            ("cap", "availability", "over: {99%: 1%}, cap: 1%", lambda c: c.bonuses[0].credit.cap, Give(share=P)),
        )
    ),
    (
        "condition",
        "measure",
        "withhold: {late: {measure: breach of access, over: 0 days}}",
        lambda c: c.withhold[0].subject,
        Subject(measure=Measure.BREACH, duty="access"),
    ),
    *(
        (
            "condition",
            side.value,
            f"earn_back: {{availability: {{{side}: 99.9%}}}}",
            lambda c: (c.earn_back[0].side, c.earn_back[0].threshold),
            (side, Fraction(999, 1000)),
        )
        for side in Side
    ),
    (
        "condition",
        "over",
        "withhold: {overdue: {over: 10 business days}}\nholidays: []",
        lambda c: (c.withhold[0].threshold, c.withhold[0].business),
        (10, True),
    ),
    *(
        (
            "condition",
            "within",
            f"earn_back: {{availability: {{over: 99%, within: {within.text}}}}}",
            lambda c: c.earn_back[0].within,
            within,
        )
        for within in (
            Within(where=Where.ANY, length=30 * DAY, text="any 30d"),
            Within(where=Where.CONSECUTIVE, n=3, text="3 consecutive periods"),
            Within(where=Where.OF, n=2, m=6, text="2 of 6 periods"),
            Within(where=Where.NEXT, n=2, text="next 2 periods"),
            Within(where=Where.EVERY, span=Span.YEAR, text="every period of year"),
        )
    ),
    ("terminate", "customer", "terminate: {customer: {outages: {over: 3}}}", lambda c: right(c).party, Party.CUSTOMER),
    (
        "terminate",
        "provider",
        "terminate: {provider: {overdue: {over: 60 days}}}",
        lambda c: right(c).party,
        Party.PROVIDER,
    ),
    *(
        ("termination", key, f"terminate: {{customer: {{x: {{{text}}}}}}}", getter, expected)
        for key, text, getter, expected in (
            (
                "measure",
                "measure: outages over 30m, over: 3",
                lambda c: right(c).condition.subject.length,
                30 * MINUTE,
            ),
            *(
                (side.value, f"measure: downtime, {side}: 12h", lambda c: right(c).condition.side, side)
                for side in Side
            ),
            (
                "within",
                "measure: downtime, over: 12h, within: any 30d",
                lambda c: right(c).condition.within.length,
                30 * DAY,
            ),
            (
                "notice",
                "measure: downtime, over: 12h, notice: 30 days after right arises",
                lambda c: right(c).notice,
                days_after("30 days after right arises", 30, Anchor.RIGHT_ARISES),
            ),
            (
                "cure",
                "measure: downtime, over: 12h, cure: 30 days after notice",
                lambda c: right(c).cure,
                days_after("30 days after notice", 30, Anchor.NOTICE),
            ),
            (
                "exercise",
                "measure: downtime, over: 12h, exercise: end of 2nd next period",
                lambda c: right(c).exercise,
                Deadline(text="end of 2nd next period", end_of_period=2),
            ),
            ("scope", "measure: downtime, over: 12h, scope: service", lambda c: right(c).scope, Scope.SERVICE),
            ("scope", "measure: downtime, over: 12h", lambda c: right(c).scope, Scope.CONTRACT),
        )
    ),
    (
        "claim",
        "report",
        "claim: {report: 1h30m after outage start}",
        lambda c: c.claim.report,
        Deadline(text="1h30m after outage start", anchor=Anchor.OUTAGE_START, elapsed=90 * MINUTE),
    ),
    (
        "claim",
        "by",
        "claim: {by: 7 business days after period end}\nholidays: []",
        lambda c: c.claim.by,
        days_after("7 business days after period end", 7, Anchor.PERIOD_END, business=True),
    ),
    (
        "reports",
        "to",
        "reports: {to: [a@example.net, b@example.net]}",
        lambda c: c.reports.to,
        ("a@example.net", "b@example.net"),
    ),
    (
        "reports",
        "due",
        "reports: {due: 5 days after period end}",
        lambda c: c.reports.due,
        days_after("5 days after period end", 5, Anchor.PERIOD_END),
    ),
    ("reports", "review", "reports: {review: quarter}", lambda c: c.reports.review, Span.QUARTER),
    (
        "reports",
        "dispute",
        "reports: {due: 1st of next month, dispute: 10 days after report}",
        lambda c: c.reports.dispute,
        days_after("10 days after report", 10, Anchor.REPORT),
    ),
]


@pytest.mark.parametrize(("_section", "key", "text", "read", "expected"), ROWS)
def test_a_key(_section: str, key: str, text: str, read: Callable[[Contract], Any], expected: object) -> None:
    head = HEAD if "price:" in text else PRICED
    assert read(terms_of(head + text + "\n")) == expected


@pytest.mark.parametrize("section", MODELS)
def test_every_key_is_in_the_table(section: str) -> None:
    assert {row[1] for row in ROWS if row[0] == section} == keys_of(MODELS[section])


def test_the_defaults() -> None:
    terms = terms_of(HEAD)
    assert terms == Contract(
        name="hq",
        service="hq-dia",
        provider="Acme Telecom",
        timezone="America/New_York",
        clause=Clause(path="contracts.hq", place="slamon.yml:1"),
        text_sha256=terms.text_sha256,
        origins=terms.origins,
    )
