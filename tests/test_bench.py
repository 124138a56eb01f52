"""The frame of the benches: what is listed can be run, and samples become the right rows. The benches themselves run by `make bench`."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bench import __main__ as command
from bench import cases, plot, programs, run, table
from bench.accuracy import Trip, error
from bench.counting import true
from bench.frame import Bench, CannotRun, Comparison, Disturbed, Figures, Goal, Package, Row, order, rows
from bench.gaps import batches
from bench.programs import compiled, provide
from bench.whole import configuration, results
from slamon.config import load
from tests.netlab.truth import Row as TruthRow


def make_bench(goal: str | None = "<= 0.5") -> Bench:
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
    assert {"cost", "evaluate", "exposition", "scheduler", "send_gap", "soak", "store_write"} <= files


@pytest.mark.parametrize("name", cases.names())
def test_a_bench_compares_what_it_measures(name: str) -> None:
    bench = cases.load(name)
    assert bench.about
    assert bench.comparisons
    for comparison in bench.comparisons:
        assert comparison.ours != comparison.peer
        measured = {comparison.ours} if comparison.by else {comparison.ours, comparison.peer}
        assert measured <= set(bench.subjects)
        assert comparison.goal is None or Goal.parse(comparison.goal)
    figures = [(comparison.figure, comparison.peer) for comparison in bench.comparisons]
    assert len(set(figures)) == len(figures)  # the names of the rows


def test_a_goal_of_a_count_is_that_of_its_own_trial() -> None:
    """`= 1` compares what was counted with what was true, which no other trial can know."""
    for name in cases.names():
        for comparison in cases.load(name).comparisons:
            if comparison.goal is not None and comparison.goal.startswith("= "):
                assert comparison.by is not None, name


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


def counted(*pairs: tuple[float, float], repeats: int | None = None) -> Row:
    """The row of a bench that counts; each pair is what one repeat counted and what was true."""
    bench = Bench(
        about="a bench that is never run",
        subjects={"slamon": dict},
        comparisons=(Comparison(peer="truth", figure="lost", by="truly_lost", unit="packets", goal="= 1"),),
        repeats=repeats,
    )
    (row,) = rows("toy", bench, {"slamon": [{"lost": ours, "truly_lost": true} for ours, true in pairs]})
    return row


def test_a_count_is_compared_with_the_truth_of_its_own_trial() -> None:
    row = counted((7, 7), (9, 9), (8, 8))
    assert (row.name, row.ratio, row.met) == ("toy/lost/truth", 1.0, True)


@pytest.mark.parametrize(("wrong", "ratio"), [((8, 9), 8 / 9), ((9, 8), 9 / 8), ((0, 9), 0.0)])
def test_no_median_hides_a_wrong_count(wrong: tuple[float, float], ratio: float) -> None:
    row = counted((7, 7), wrong, (8, 8))
    assert (row.ours, row.peer, row.ratio) == (*wrong, ratio)
    assert not row.met


def test_a_truth_of_nothing_is_no_truth() -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        counted((0, 0), (7, 7), (7, 7))


def test_a_long_run_that_counts_is_made_once() -> None:
    assert counted((7, 7), repeats=1).repeats == 1
    with pytest.raises(ValueError, match="at least 3"):
        counted((7, 7))


def test_a_figure_without_a_goal_is_reported() -> None:
    (row,) = rows("toy", make_bench(None), make_samples([1.0, 1.0, 1.0], [2.0, 2.0, 2.0]))
    assert (row.ratio, row.goal, row.met) == (0.5, None, None)
    line = table.text([row]).splitlines()[1]
    assert line.split()[-1] == "-"


@pytest.mark.parametrize(
    ("goal", "ratio", "met"),
    [
        ("<= 0.5", 0.5, True),
        ("<= 0.5", 0.51, False),
        (">= 10", 10.0, True),
        (">= 10", 9.99, False),
        ("= 1", 1.0, True),
        ("= 1", 1.0001, False),
        ("= 1", 0.9999, False),
    ],
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

    def samples(name: str, bench: Bench, repeats: int, soak: int, say: object) -> dict[str, list[Figures]]:
        if name in missing:
            raise CannotRun("needs rival; as root: apt-get install -y rival")
        names = {name for each in bench.comparisons for name in (each.figure, each.by) if name}
        figures = dict.fromkeys({*names, "cpu", "error_p50", "error_p99"}, 3.0)
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
    assert {path.name for path in tmp_path.glob("*.svg")} == {"cost.svg", "rtt_error.svg"}
    for path in tmp_path.glob("*.json"):
        for row in json.loads(path.read_text())["rows"]:
            assert row["name"] in out
            assert row["ratio"] == 1.0


def test_a_bench_that_cannot_run_leaves_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(table, "RESULTS", tmp_path)
    monkeypatch.setattr(command, "samples", measured("cost"))
    assert command.main(["cost", "evaluate"]) == command.UNAVAILABLE
    said = capsys.readouterr()
    assert "cost could not run: needs rival; as root: apt-get install -y rival" in said.err
    assert "evaluate/cpu/once" in said.out
    assert [path.name for path in tmp_path.iterdir()] == ["evaluate.json"]


def test_a_disturbed_trial_is_made_again_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = iter([Disturbed("900 probes/s instead of 1000"), None, None, None, None, None, None])

    def once(*_: object) -> Figures:
        if (outcome := next(outcomes)) is not None:
            raise outcome
        return {"cpu": 1.0}

    monkeypatch.setattr(run, "trial", once)
    said: list[str] = []
    found = run.samples("toy", make_bench(), 3, 0, said.append)
    assert [figures["disturbed"] for figures in found["slamon"]] == [1, 0, 0]
    assert "toy: disturbed, 900 probes/s instead of 1000" in said


def test_what_is_always_disturbed_cannot_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> Figures:
        raise Disturbed("900 probes/s instead of 1000")

    monkeypatch.setattr(run, "trial", never)
    with pytest.raises(CannotRun, match="900 probes/s"):
        run.samples("toy", make_bench(), 3, 0, lambda _: None)


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


# what trials compute


MS = 1_000_000


def test_a_batch_begins_after_a_silence() -> None:
    sends = [0, 1 * MS, 2 * MS, 50 * MS, 51 * MS, 149 * MS]
    assert batches(sends, 50 * MS) == [0, 50 * MS, 149 * MS]


def test_sending_without_a_pause_is_a_batch_a_tick() -> None:
    assert batches(range(0, 200 * MS, MS), 50 * MS) == [0, 50 * MS, 100 * MS, 150 * MS]


def test_an_error_is_what_was_said_less_what_is_true() -> None:
    true = {"a": [Trip(i * 1000 * MS, 20 * MS) for i in range(1000)]}
    said = {"a": [Trip(i * 1000 * MS, 20 * MS + (900_000 if i < 11 else 3000)) for i in range(1000)]}
    figures = error(said, true)
    assert (figures["error_p50"], figures["error_p99"], figures["error_max"]) == (3.0, 900.0, 900.0)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ([Trip(i * 1000 * MS + 300 * MS, 20 * MS) for i in range(1000)], "300 ms off the truth"),
        ([Trip(i * 1000 * MS, 20 * MS) for i in range(900)], "900 round trips were measured, 1000 are in the truth"),
    ],
)
def test_what_is_not_the_same_packet_is_not_compared(said: list[Trip], reason: str) -> None:
    true = {"a": [Trip(i * 1000 * MS, 20 * MS) for i in range(1000)]}
    with pytest.raises(CannotRun, match=reason):
        error({"a": said}, true)


def lab_row(second: int, event: str, delay: int) -> TruthRow:
    """A packet of the lab's log; `delay` in milliseconds, 0 for one that was not answered."""
    received = second * 100 * MS
    sent = received + delay * MS if delay else 0
    return TruthRow(received, "icmp", "10.66.1.1", 1, second, 64, event, delay * MS, sent)


def test_the_truth_of_a_target_is_counted_from_the_log() -> None:
    counts = true(
        [
            lab_row(0, "reply", 20),
            lab_row(1, "reply+reordered", 170),  # after the next one's reply
            lab_row(2, "reply", 20),
            lab_row(2, "duplicate", 21),
            lab_row(3, "lost", 0),
            lab_row(4, "reply+reordered", 720),  # after the timeout
            lab_row(5, "reply+corrupt", 20),
            lab_row(6, "reply+bad-payload", 20),
        ]
    )
    assert counts == {
        "sent": 7,
        "received": 3,
        "lost": 4,
        "late": 1,
        "duplicate": 1,
        "reordered": 1,
        "corrupt": 1,
    }


def test_the_configuration_of_the_whole_daemon_is_one(tmp_path: Path) -> None:
    path = tmp_path / "slamon.yml"
    path.write_text(configuration([f"10.66.1.{i}" for i in range(1, 151)], interval="1s", refresh="10s"))
    loaded = load(path)
    assert (len(loaded.targets), len(loaded.services), len(loaded.contracts)) == (150, 100, 100)


def test_results_of_all_targets_are_summed() -> None:
    page = b"""# TYPE slamon_probe_results_total counter
slamon_probe_results_total{target="a/x",service="a",probe="icmp",family="ipv4",vantage="v",result="success"} 5
slamon_probe_results_total{target="a/y",service="a",probe="icmp",family="ipv4",vantage="v",result="success"} 7
slamon_probe_results_total{target="a/y",service="a",probe="icmp",family="ipv4",vantage="v",result="timeout"} 1
"""
    assert results(page) == {"success": 12, "timeout": 1}


# pictures


def test_pictures_show_what_was_measured(tmp_path: Path) -> None:
    bench = make_bench()
    samples = {
        "slamon": [{"cpu": 20.0}] * 3,
        "fping": [{"cpu": 40.0}] * 3,
        "memory": [{"cold": 80.0, "just_used": 9.0}] * 3,
    }
    table.write(tmp_path, "cost", bench, [], samples)
    assert [path.name for path in plot.write(tmp_path)] == ["cost.svg"]
    picture = ET.parse(tmp_path / "cost.svg")
    texts = [element.text for element in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert {"slamon, the whole daemon", "fping"} <= set(texts)
    assert not {"icmplib", "memory"} & set(texts)
    dots = [float(element.get("cy") or 0) for element in picture.iter("{http://www.w3.org/2000/svg}circle")]
    assert dots[0] > dots[1]  # what costs less is drawn lower


# programs of our own


@pytest.mark.system
@pytest.mark.parametrize("program", ["responder", "floor"])
def test_the_programs_in_c_compile_without_a_warning(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "BUILT", tmp_path)
    assert os.access(compiled(program), os.X_OK)


@pytest.mark.system
def test_a_trial_measures_the_floor_and_the_far_side_answers_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shortest whole trial: a namespace, the far side, a prober, a window."""
    figures = run.trial("cost_100", cases.load("cost_100"), "floor", 0)
    assert figures["rate"] == pytest.approx(100, rel=0.1)
    assert 0 < figures["cpu"] < 1000


@pytest.mark.system
def test_the_far_side_accepts_connections_and_knows_how_long_that_took() -> None:
    figures = run.trial("rtt_error_tcp", cases.load("rtt_error_tcp"), "slamon_idle", 0)
    assert figures["count"] == pytest.approx(2000, rel=0.05)
    assert 0 < figures["error_p50"] < 1000  # microseconds; a handshake takes 5 to 50 ms
