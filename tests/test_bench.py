"""The frame of the benches: what is listed can be run, and samples become the right rows. The benches themselves run by `make bench`."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench import __main__ as command
from bench import cases, table
from bench.frame import Bench, CannotRun, Comparison, Figures, Goal, Package, order, rows
from bench.run import provide


def make_bench(goal: str = "<= 0.5") -> Bench:
    return Bench(
        about="a bench that is never run",
        subjects={"slamon": dict, "rival": dict},
        comparisons=(Comparison(peer="rival", figure="cpu", unit="us", goal=goal),),
    )


def make_samples(ours: Sequence[float], peer: Sequence[float]) -> dict[str, list[Figures]]:
    return {"slamon": [{"cpu": value, "rate": 1.0} for value in ours], "rival": [{"cpu": value} for value in peer]}


# the registry


def test_every_file_of_the_folder_is_a_bench() -> None:
    files = {path.stem for path in Path(cases.__file__).parent.glob("*.py")} - {"__init__"}
    assert set(cases.names()) == files
    assert {"evaluate", "exposition", "icmp_cost", "scheduler", "store_write"} <= files


@pytest.mark.parametrize("name", cases.names())
def test_a_bench_compares_what_it_measures(name: str) -> None:
    bench = cases.load(name)
    assert bench.about
    assert bench.comparisons
    for comparison in bench.comparisons:
        assert comparison.ours != comparison.peer
        assert {comparison.ours, comparison.peer} <= set(bench.subjects)
        Goal.parse(comparison.goal)
    figures = [(comparison.figure, comparison.peer) for comparison in bench.comparisons]
    assert len(set(figures)) == len(figures)  # the names of the rows


def test_the_readme_lists_every_bench() -> None:
    text = (Path(cases.__file__).parents[1] / "README.md").read_text()
    assert [name for name in cases.names() if f"| `{name}` |" not in text] == []


# arithmetic


def test_a_ratio_is_that_of_the_medians() -> None:
    (row,) = rows("toy", make_bench(), make_samples([9.0, 1.0, 2.0], [8.0, 5.0, 2.0]))
    assert row.name == "toy/cpu/rival"
    assert (row.ours, row.peer, row.ratio, row.repeats) == (2.0, 5.0, 0.4, 3)  # not 4/5 of the means
    assert row.spread == (0.2, 1.125)
    assert row.met


def test_an_even_number_of_repeats_has_the_middle_of_the_middle_two() -> None:
    (row,) = rows("toy", make_bench(), make_samples([1.0, 2.0, 4.0, 100.0], [6.0, 6.0, 6.0, 6.0]))
    assert (row.ours, row.ratio) == (3.0, 0.5)


@pytest.mark.parametrize(
    ("ours", "peer", "reason"),
    [
        ([1.0, 1.0], [1.0, 1.0], "at least 3"),
        ([1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0], "3 and 4 samples"),
        ([1.0, 0.0, 1.0], [1.0, 1.0, 1.0], "nothing was measured"),
        ([1.0, 1.0, 1.0], [1.0, -1.0, 1.0], "nothing was measured"),
    ],
)
def test_samples_that_say_nothing_are_refused(ours: list[float], peer: list[float], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        rows("toy", make_bench(), make_samples(ours, peer))


@pytest.mark.parametrize(
    ("goal", "ratio", "met"),
    [("<= 0.5", 0.5, True), ("<= 0.5", 0.51, False), (">= 10", 10.0, True), (">= 10", 9.99, False)],
)
def test_equality_meets_a_goal(goal: str, ratio: float, met: bool) -> None:
    assert Goal.parse(goal).met(ratio) is met


@pytest.mark.parametrize("text", ["0.5", "< 0.5", "<=0.5", "<= half", ""])
def test_a_goal_has_one_spelling(text: str) -> None:
    with pytest.raises(ValueError, match="not a goal"):
        Goal.parse(text)


def test_each_repeat_begins_with_another_subject() -> None:
    subjects = ["a", "b", "c"]
    orders = [order(subjects, repeat) for repeat in range(4)]
    assert orders == [["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"], ["a", "b", "c"]]


# what comes out


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12345.6, "12346"),
        (123.4, "123"),
        (12.34, "12.3"),
        (1.0, "1.00"),
        (0.0123, "0.0123"),
        (99.96, "100"),
        (0.0, "0.000000"),
    ],
)
def test_numbers_have_three_digits(value: float, text: str) -> None:
    assert table.number(value) == text


def test_the_file_of_a_bench_has_the_rows_and_everything_measured(tmp_path: Path) -> None:
    bench, samples = make_bench(">= 10"), make_samples([2.0, 2.0, 2.0], [5.0, 5.0, 5.0])
    path = table.write(tmp_path / "results", "toy", bench, rows("toy", bench, samples), samples)
    document = json.loads(path.read_text())
    assert path == tmp_path / "results" / "toy.json"
    assert document["rows"] == [
        {
            "name": "toy/cpu/rival",
            "ratio": 0.4,
            "goal": ">= 10",
            "met": False,
            "ours": 2.0,
            "peer": 5.0,
            "unit": "us",
            "repeats": 3,
            "ours_samples": [2.0, 2.0, 2.0],
            "peer_samples": [5.0, 5.0, 5.0],
        }
    ]
    assert document["samples"]["slamon"][0]["rate"] == 1.0
    assert document["machine"]["cpus"] == os.cpu_count()


def measured(*missing: str) -> object:
    """In place of the runs: canned samples, or the word that the bench cannot run."""

    def samples(name: str, bench: Bench, repeats: int, say: object) -> dict[str, list[Figures]]:
        if name in missing:
            raise CannotRun("needs rival; as root: apt-get install -y rival")
        figures = {comparison.figure: 3.0 for comparison in bench.comparisons}
        return {subject: [figures] * repeats for subject in bench.subjects}

    return samples


def test_a_missed_goal_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(table, "RESULTS", tmp_path)
    monkeypatch.setattr(command, "samples", measured())
    assert command.main([]) == 0
    out = capsys.readouterr().out
    assert "MISSED" in out
    assert "met" in out  # evaluate: 1 <= 2.5
    assert sorted(path.stem for path in tmp_path.glob("*.json")) == cases.names()
    for path in tmp_path.glob("*.json"):
        for row in json.loads(path.read_text())["rows"]:
            assert row["name"] in out
            assert row["ratio"] == 1.0


def test_a_bench_that_cannot_run_leaves_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(table, "RESULTS", tmp_path)
    monkeypatch.setattr(command, "samples", measured("icmp_cost"))
    assert command.main(["icmp_cost", "evaluate"]) == command.UNAVAILABLE
    said = capsys.readouterr()
    assert "icmp_cost could not run: needs rival; as root: apt-get install -y rival" in said.err
    assert "evaluate/cpu/once" in said.out
    assert [path.name for path in tmp_path.iterdir()] == ["evaluate.json"]


@pytest.mark.parametrize("arguments", [["no_such_bench"], ["--repeats", "2"]])
def test_mistakes_are_usage_errors(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(arguments)
    assert ended.value.code == 2
    assert "bench" in capsys.readouterr().err


def test_a_missing_peer_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)  # nobody installs anything here
    with pytest.raises(CannotRun, match="as root: apt-get install -y --no-install-recommends rival-tools"):
        provide(Package(program="no-such-rival", package="rival-tools"))
