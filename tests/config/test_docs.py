"""The reference pages list every key of every model and no other, with the right defaults; every example loads, every refusal is said."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from slamon import units
from slamon.cases import run
from slamon.config import clauses, deadlines, gives, grammar, load, measures, sections
from slamon.config.composition import composition
from slamon.config.contract import read_contract
from slamon.config.edge import Report, Section, keys_of
from slamon.config.nodes import Mapping, parse, plain
from slamon.config.shown import DEFAULTS as FILLED_IN
from slamon.config.slots import SlotOutage
from slamon.errors import ConfigError, Problem
from slamon.sla import periods
from slamon.sla.terms import Contract, Kind, PeriodKind, Prorate, UnknownTime
from slamon.sla.terms.conditions import Scope, Where
from slamon.sla.terms.credits import Combine, Count, CreditBase
from slamon.sla.terms.measures import DIMENSION, Dimension, Measure, RoundingMode, Side, Subject
from slamon.sla.terms.objectives import Total, Variation
from slamon.sla.terms.outages import BelongsTo, Clock
from slamon.sla.terms.times import Anchor, Span
from slamon.units import format_duration

DOCS = Path(__file__).parents[2] / "docs"
SHIPPED = DOCS.parent / "config" / "contracts"
PAGES: dict[str, dict[str, type[Section]]] = {
    "config.md": {
        "The file": sections.Main,
        "Services": sections.Service,
        "Targets": sections.Target,
        "Via": sections.Via,
        "Slots": SlotOutage,
        "Defaults": sections.Defaults,
        "Store": sections.Store,
        "Web": sections.Web,
        "Judge": sections.Judge,
    },
    "contracts.md": {
        "Contract": clauses.Contract,
        "Document": clauses.Document,
        "Term": clauses.Term,
        "Outage": clauses.Outage,
        "Exclusions": clauses.Exclusion,
        "Objectives": clauses.Objective,
        "Credits": clauses.Credit,
        "Bonuses": clauses.Bonus,
        "Conditions": clauses.Condition,
        "Terminate": clauses.Terminate,
        "Termination": clauses.Termination,
        "Claim": clauses.Claim,
        "Reports": clauses.Reports,
    },
}
CHAPTERS = [(page, heading) for page, headings in PAGES.items() for heading in headings]
DEFAULTS = {
    "interval": format_duration(sections.INTERVAL),
    "timeout": format_duration(sections.TIMEOUT),
    "down_after": str(sections.DOWN_AFTER),
    "up_after": str(sections.UP_AFTER),
    "keep_raw": format_duration(sections.KEEP_RAW),
    "refresh": format_duration(sections.REFRESH),
    "host": sections.WEB_HOST,
    "port": str(sections.WEB_PORT),
}
"""Of the configuration. Those of contracts are what `contract show` fills in, and what the models have."""

HEAD = {
    "service": "hq-line",
    "provider": "Acme Telecom",
    "timezone": "UTC",
    "price": "1000 USD/month",
    "term": {"from": "2026-01-01"},
    "holidays": [],
    "objectives": {
        "availability": {"target": "99.9%"},
        "latency": {"statistic": "mean", "target": "45ms"},
        "jitter": {"definition": "pdv", "statistic": "mean", "target": "5ms"},
    },
}
PLACES: dict[str, Callable[[Any], dict[str, Any]]] = {
    "Contract": lambda example: example,
    "Document": lambda example: {"document": example},
    "Term": lambda example: {"term": example},
    "Outage": lambda example: {"outage": example},
    "Exclusions": lambda example: {"exclusions": [example]},
    "Objectives": lambda example: {"objectives": {**HEAD["objectives"], **example}},  # type: ignore[dict-item]
    "Credits": lambda example: {"credits": example, "combine": "sum"},
    "Bonuses": lambda example: {"bonuses": example},
    "Conditions": lambda example: {"withhold": example},
    "Terminate": lambda example: {"terminate": example},
    "Termination": lambda example: {"terminate": {"customer": example}},
    "Claim": lambda example: {"claim": example},
    "Reports": lambda example: {"reports": example},
}
"""Chapter → where its examples stand in a contract."""
NAMED = frozenset({"Objectives", "Credits", "Bonuses", "Conditions", "Termination"})
"""Chapters whose entries have names: the keys of an example stand a level below."""


# --- reading the pages ----------------------------------------------------------------------------------------------------------


def page_text(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def chapter(page: str, heading: str) -> str:
    match = re.search(rf"^###? {re.escape(heading)}\n(.*?)(?=^##|\Z)", page_text(page), re.DOTALL | re.MULTILINE)
    assert match, f"{page} has no chapter {heading}"
    return match[1]


def table(heading: str, *columns: str) -> list[list[str]]:
    """The rows of the chapter's table of the reference with these columns."""
    lines = iter(chapter("contracts.md", heading).splitlines())
    header = f"| {' | '.join(columns)} |"
    assert header in lines, f"{heading} has no table {header}"
    next(lines)
    found = []
    for line in lines:
        if not line.startswith("| "):
            break
        cells = line.removeprefix("| ").removesuffix(" |").split(" | ")
        assert len(cells) == len(columns), line
        found.append(cells)
    return found


def codes(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def rows(page: str, heading: str) -> dict[str, list[str]]:
    """Key → the other cells of its row, its default first."""
    found = re.findall(r"^\| `(\w+)` \| (.+) \|$", chapter(page, heading), re.MULTILINE)
    width = 4 if page == "contracts.md" else 2
    split = [(key, re.split(r" ?(?<!\\)\| ", rest)) for key, rest in found]
    keyed = [(key, cells) for key, cells in split if len(cells) == width]
    assert len({key for key, _ in keyed}) == len(keyed)
    return dict(keyed)


def examples(page: str) -> list[str]:
    return re.findall(r"^```yaml\n(.*?)^```$", page_text(page), re.DOTALL | re.MULTILINE)


def loaded(text: str) -> Any:
    return yaml.load(text, yaml.BaseLoader)


def read(contract: dict[str, Any], folder: Path | None = None) -> tuple[Contract | None, list[Problem]]:
    """A contract as written in the file's own notation."""
    problems: list[Problem] = []
    node = parse(yaml.safe_dump(contract, sort_keys=False, width=1000), "contracts.md", problems)
    assert node is not None
    return read_contract("hq", node, problems, services=None, folder=folder), problems


# --- every key ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("page", "heading"), CHAPTERS)
def test_every_key_and_no_other(page: str, heading: str) -> None:
    assert set(rows(page, heading)) == keys_of(PAGES[page][heading])


@pytest.mark.parametrize(("page", "heading"), CHAPTERS)
def test_defaults_are_the_programs(page: str, heading: str) -> None:
    model = PAGES[page][heading]
    for key, (default, *_) in rows(page, heading).items():
        filled_in = FILLED_IN.get((model.__name__, key))
        if page == "config.md" and key in DEFAULTS:
            assert default == f"`{DEFAULTS[key]}`", key
        if filled_in is not None:
            assert default == f"`{filled_in}`", key
    required = {key for key, (default, *_) in rows(page, heading).items() if default == "required"}
    missing = {name for name, field in model.model_fields.items() if field.is_required()}
    assert required == {*model.REQUIRED, *(model.model_fields[name].alias or name for name in missing)}


def test_what_is_filled_in_is_what_a_contract_without_it_has() -> None:
    bare, _ = read({key: HEAD[key] for key in ("service", "provider", "timezone")})
    said = {
        key: text
        for (model, key), text in FILLED_IN.items()
        if model == "Contract" and key not in {"service_hours", "exclusions"}
    }
    written, problems = read({**{key: HEAD[key] for key in ("service", "provider", "timezone")}, **said})
    assert problems == []
    assert bare is not None
    assert written is not None
    for name in ("kind", "period", "business_days", "prorate", "credit_base", "unknown", "min_coverage"):
        assert getattr(bare, name) == getattr(written, name), name
    rule = {key: text for (model, key), text in FILLED_IN.items() if model == "Outage"}
    assert read({**HEAD, "outage": rule})[0].outage == bare.outage  # type: ignore[union-attr]


def key_examples() -> list[tuple[str, str, str]]:
    return [
        (heading, key, codes(cells[-1])[0])
        for heading in PAGES["contracts.md"]
        for key, cells in rows("contracts.md", heading).items()
    ]


@pytest.mark.parametrize(("heading", "key", "example"), key_examples())
def test_the_example_of_every_key_has_it_and_loads(heading: str, key: str, example: str) -> None:
    entry = loaded(example)
    keys: set[str] = set()
    for one in entry.values() if heading in NAMED else [entry]:
        keys |= set(one)
    assert key in keys
    contract = {**HEAD, **PLACES[heading](entry)}
    if key == "document":
        contract.pop("price")
    made, problems = read(contract)
    assert [str(problem) for problem in problems] == []
    assert made is not None
    assert codes(rows("contracts.md", heading)[key][-1]) == [example], "one example"


@pytest.mark.parametrize("row", table("Credits", "the paper's words", "credit"), ids=lambda row: row[0])
def test_a_papers_words_load(row: list[str]) -> None:
    made, problems = read({**HEAD, **PLACES["Credits"](loaded(codes(row[1])[0]))})
    assert [str(problem) for problem in problems] == []
    assert made is not None


# --- every value ----------------------------------------------------------------------------------------------------------------


def composed(text: str) -> object:
    problems: list[Problem] = []
    node = parse(f"service: {text}", "contracts.md", problems)
    assert node is not None
    found = composition(Report(node, "hq", problems).below("service"), known=None, what="service")
    if problems or found is None:
        raise ValueError("; ".join(map(str, problems)))
    return found


AVAILABILITY = measures.scale_of(Subject(measure=Measure.AVAILABILITY))


def unit(text: str) -> object:
    made, problems = read({**HEAD, "credits": {"downtime": {"per": text, "give": "1%"}}})
    if made is None:
        raise ValueError("; ".join(map(str, problems)))
    return made


VALUES: dict[str, Callable[[str], object]] = {
    "DURATION": units.duration,
    "DAYS": grammar.civil_days,
    "PERCENT": units.percent,
    "MONEY": units.money,
    "COUNT": units.count,
    "SHARE": units.share,
    "GIVE": gives.give,
    "ROUND": AVAILABILITY.rounding,
    "LEVEL": AVAILABILITY.level,
    "DATE": grammar.civil_date,
    "WEEKLY": grammar.weekly,
    "WEEKDAYS": grammar.weekdays,
    "PRICE": grammar.price,
    "PERIOD": grammar.period,
    "DEADLINE": grammar.deadline,
    "LEAD": grammar.lead,
    "ALLOWANCE": grammar.allowance,
    "WINDOW": grammar.within,
    "UNIT": unit,
    "SLOT RULE": grammar.bad_slot,
    "COMPOSITION": composed,
}
GRAMMARS = {row[0]: row[1:] for row in table("Values", "value", "written", "examples", "refused")}


def test_every_kind_of_value_is_listed() -> None:
    assert set(GRAMMARS) == set(VALUES)
    used = set(re.findall(r"\b(?:SLOT RULE|[A-Z]{4,})\b", " ".join(cells[1] for _, cells in keyed())))
    assert used - {"IANA"} <= set(VALUES)


def keyed() -> Iterable[tuple[str, list[str]]]:
    for heading in PAGES["contracts.md"]:
        yield from rows("contracts.md", heading).items()


@pytest.mark.parametrize(
    ("value", "text"), [(value, text) for value, row in GRAMMARS.items() for text in codes(row[1])]
)
def test_an_example_of_a_value_is_read(value: str, text: str) -> None:
    assert VALUES[value](text) is not None


@pytest.mark.parametrize(
    ("value", "text"), [(value, text) for value, row in GRAMMARS.items() for text in codes(row[2])]
)
def test_what_is_said_to_be_refused_is_refused(value: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        VALUES[value](text)


# --- every word -----------------------------------------------------------------------------------------------------------------


def test_every_measure_is_listed_with_its_unit() -> None:
    found: dict[Measure, set[str]] = {}
    for words, unit_, _ in table("Measures", "measure", "thresholds", "what it is"):
        for word in codes(words):
            subject = measures.measured(word)
            assert subject is not None, word
            found.setdefault(subject.measure, set()).add(unit_)
    names = {
        Dimension.RATIO: "PERCENT",
        Dimension.DURATION: "DURATION",
        Dimension.COUNT: "COUNT",
        Dimension.DAYS: "DAYS",
    }
    assert found == {measure: {names[DIMENSION[measure]]} for measure in Measure}


def test_every_statistic_is_listed_with_what_it_is_of() -> None:
    listed = {codes(word)[0]: set(of.split(", ")) for word, of, _ in table("Statistics", "statistic", "of", "meaning")}
    having = [measure for measure in Measure if measures.statistics(measure) is not None]
    for text, of in listed.items():
        for measure in having:
            if measure.value in of:
                # a share is of the measure's own unit, and this one is a time
                assert measures.statistic(text, measure).text == text
            else:
                with pytest.raises(ValueError, match=r"no such statistic|does not fit"):
                    measures.statistic(text, measure)
    said = {text.partition(" ")[0] for text in listed}
    offered = {word for measure in having for word in (measures.statistics(measure) or "").split(", ")}
    assert {"p95" if "percentile" in word else word.partition(" ")[0] for word in offered} == said


ALLOWED = {
    "lodge": deadlines.LODGE,
    "report": deadlines.CLAIM_REPORT,
    "by": deadlines.CLAIM,
    "notice": deadlines.NOTICE,
    "cure": deadlines.AFTER_NOTICE,
    "exercise": deadlines.AFTER_NOTICE,
    "due": deadlines.REPORT,
    "dispute": deadlines.DISPUTE,
}


def test_every_anchor_is_listed_with_what_may_begin_there() -> None:
    listed = {
        codes(word)[0]: set(places.split(", ")) for word, _, places in table("Deadlines", "anchor", "begins", "in")
    }
    assert listed == {anchor.value: {key for key, anchors in ALLOWED.items() if anchor in anchors} for anchor in Anchor}


def test_every_period_kind_is_listed_and_its_name_is_one() -> None:
    found = set()
    for word, _, name in table("Periods", "period", "what is judged at once", "its names"):
        rule = codes(word)[0]
        made, problems = read({**HEAD, "period": rule, "term": {"from": "2026-04-16"}})
        assert made is not None, problems
        found.add(made.period.kind)
        period = periods.period(made, codes(name)[0])
        assert periods.own(made, period)
        assert period.name.startswith(codes(name)[0])
    assert found == set(PeriodKind)


def test_every_window_is_listed() -> None:
    words = [codes(word) for word, _ in table("Conditions", "window", "it must hold")]
    found = {grammar.within(each[0]).where for each in words if each}
    assert found == set(Where) - {Where.PERIOD}
    assert [] in words  # the period: not written


@pytest.mark.parametrize(
    "words", [Kind, UnknownTime, Clock, BelongsTo, Total, Variation, RoundingMode, Count, Combine, CreditBase, Prorate]
)
def test_every_word_of_a_choice_is_named(words: Any) -> None:
    text = page_text("contracts.md")
    assert [word for word in words if f"`{word}`" not in text and f"`{word} " not in text] == []


@pytest.mark.parametrize("words", [Side, Span, Scope])
def test_every_word_of_the_others_is_named(words: Any) -> None:
    assert [word for word in words if not re.search(rf"\b{word}\b", page_text("contracts.md"))] == []


# --- what is refused ------------------------------------------------------------------------------------------------------------


REFUSALS = [(codes(written)[0], said) for written, said in table("What the loader says", "written", "said")]


@pytest.mark.parametrize(("written", "said"), REFUSALS)
def test_a_refusal_is_said(written: str, said: str) -> None:
    contract = {key: value for key, value in HEAD.items() if key not in {"term", "holidays", "objectives"}}
    made, problems = read({**contract, **loaded(written)})
    assert made is None
    plain_said = said.replace("\\", "")
    assert any(plain_said in str(problem) for problem in problems), [str(problem) for problem in problems]


# --- whole files ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", examples("config.md"))
def test_examples_of_configurations_load(text: str, tmp_path: Path) -> None:
    (tmp_path / "slamon.yml").write_text(text)
    assert load(tmp_path / "slamon.yml", variables={}).targets


@pytest.mark.parametrize("text", examples("contracts.md"))
def test_examples_of_contracts_are_terms(text: str) -> None:
    problems: list[Problem] = []
    root = parse(text, "contracts.md", problems)
    assert isinstance(root, Mapping)
    contracts = root.get("contracts")
    assert isinstance(contracts, Mapping)
    services = {"hq-line": ("hq-line/anchor-a",)}
    for name, node in contracts.items:
        assert read_contract(name.text, node, problems, services=services), [str(problem) for problem in problems]


GUIDE = [loaded(text) for text in examples("guide-contracts.md")]


def test_the_guide_has_contracts_and_tests() -> None:
    assert sum("tests" not in block for block in GUIDE) >= 2
    assert sum("tests" in block for block in GUIDE) >= 8
    assert all({"contracts", "contract_files"} & set(block) for block in GUIDE)


@pytest.mark.parametrize("text", examples("guide-contracts.md"))
def test_contracts_and_tests_of_the_guide_hold(text: str, tmp_path: Path) -> None:
    """Each test file beside the contracts the guide shows, saved under their own names."""
    for block in GUIDE:
        if "tests" not in block:
            for name, terms in block["contracts"].items():
                made, problems = read(terms)
                assert made is not None, problems
                (tmp_path / f"{name}.yml").write_text(yaml.safe_dump({"contracts": {name: terms}}, sort_keys=False))
    if "tests" in loaded(text):
        path = tmp_path / "contract_test.yml"
        path.write_text(text)
        report = run([path])
        assert report.exit_code == 0, report.text()
        assert report.outcomes


def test_what_is_decided_about_open_questions_holds(tmp_path: Path) -> None:
    (text,) = examples("decisions/0011-contract-language.md")
    path = tmp_path / "decided.yml"
    path.write_text(text)
    report = run([path])
    assert report.exit_code == 0, report.text()
    assert len(report.outcomes) >= 20


@pytest.mark.parametrize("name", [name for block in GUIDE if "tests" not in block for name in block["contracts"]])
def test_the_guides_contracts_are_the_shipped_ones(name: str) -> None:
    problems: list[Problem] = []
    shown = [plain(node) for node in map(partial(terms_of, name, problems), examples("guide-contracts.md")) if node]
    shipped = terms_of(name, problems, (SHIPPED / f"{name}.yml").read_text(encoding="utf-8"))
    assert shipped is not None
    assert shown == [plain(shipped)]


def terms_of(name: str, problems: list[Problem], text: str) -> Any:
    root = parse(text, name, problems)
    contracts = root.get("contracts") if isinstance(root, Mapping) and root.get("tests") is None else None
    return contracts.get(name) if isinstance(contracts, Mapping) else None


@pytest.mark.parametrize("page", ["contracts.md", "guide-contracts.md", "config.md", "tests.md"])
def test_every_link_leads_somewhere(page: str) -> None:
    for file, anchor in re.findall(r"\]\((?!http)([^)#]*)(?:#([^)]+))?\)", page_text(page)):
        target = (DOCS / (file or page)).resolve()
        assert target.exists(), file
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", each).lower().replace(" ", "-") for each in headings}, anchor


def test_the_message_shown_is_the_message_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("slamon.yml").write_text(
        "services:\n  hq:\n    targets:\n      ping:\n        probe: icmp\n        address: 192.0.2.1\n        interval: 10\n"
    )
    with pytest.raises(ConfigError) as caught:
        load(Path("slamon.yml"), variables={})
    assert f"\n{caught.value}\n" in page_text("config.md")
