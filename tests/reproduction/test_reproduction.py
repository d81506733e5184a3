"""Published numbers reproduced: plans, runs that go on, verdicts, and the page; and the command."""

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from grokscope.cli.main import main
from grokscope.errors import ConfigError, RunError
from grokscope.reports.reproduction.page import PAGE, write_reproduction_page
from grokscope.reports.reproduction.tables import in_words
from grokscope.reproduction import catalogue
from grokscope.reproduction.agreement import Factor, Same, Within
from grokscope.reproduction.catalogue import ARMS, ITEMS, Arm, Drawing, Item
from grokscope.reproduction.network import MEASUREMENTS
from grokscope.reproduction.plan import plan_of
from grokscope.reproduction.results import Reproduction, Result, Value
from grokscope.reproduction.run import RUNS, TABLE, missing_runs, read_results, reproduce_items
from grokscope.run import Run
from grokscope.sweeps import sweep_backend

TINY = {
    "task.p": 7, "model.d_model": 8, "model.d_head": 2, "model.d_mlp": 8, "stop.steps": 20, "stop.test_accuracy": None,
    "evaluate_every": 5, "checkpoint_every": 10,
}  # fmt: skip
WHY = "a reason"


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> Arm:
    """A small experiment in the catalogue, with numbers that agree, differ, and are of a later step."""
    arm = Arm("tiny", "small", TINY, quick=10, drawings=(Drawing("curves", "curves"), Drawing("trigrams", "trigrams")))
    items = [
        Item("tiny", "outcome", "not fitted", "nobody", Same(WHY)),
        Item("tiny", "generalised_at", 100, "nobody", Factor(WHY, 2.0), note="it is too small"),
        Item("tiny", "final_test_loss", 2.0, "nobody", Factor(WHY, 2.0), at=20),
        Item("tiny", "restricted_loss", 1e-8, "nobody", Factor(WHY, 2.0)),
        Item("tiny", "train_loss_at_0", 1.0, "nobody", Within(WHY, 100.0), seed=1),
    ]
    monkeypatch.setitem(ARMS, "tiny", arm)
    for item in items:
        monkeypatch.setitem(ITEMS, item.id, item)
    return arm


def reproduced(folder: Path, **options: object) -> Reproduction:
    resume = bool(options.pop("resume", False))
    return reproduce_items(plan_of(["tiny"], **options), folder, sweep_backend("serial"), resume=resume)  # type: ignore[arg-type]


class TestCatalogue:
    def test_every_number_has_a_run_a_measurement_a_source_and_a_reason(self):
        for item in ITEMS.values():
            assert item.arm in ARMS
            assert item.measure in MEASUREMENTS
            assert item.source
            assert len(item.rule.reason) > 10
            assert item.measurement.told(item.published)

    def test_every_published_number_of_a_recipe_is_in_it(self):
        named = {(item.arm, item.measure) for item in ITEMS.values()}
        for arm in ARMS.values():
            if arm.base == arm.name:
                assert {(arm.name, name) for name in catalogue.recipe(arm.base).published} <= named

    def test_experiments_can_be_built_for_any_seed(self):
        for arm in ARMS.values():
            experiment = arm.experiment(3, quick=True)
            assert experiment.seeds.init == experiment.seeds.data == 3
            assert experiment.stop.steps == (arm.quick or arm.experiment(3).stop.steps)


class TestPlan:
    def test_all_is_everything_that_the_seeds_allow(self):
        assert len(plan_of(seeds=4).items) == len(ITEMS)
        assert "mainline/key_frequencies@1" not in {item.id for item in plan_of(seeds=1).items}

    def test_quick_is_what_is_short(self):
        plan = plan_of(quick=True)
        assert plan.n_seeds == 1
        assert {arm.name for arm in plan.arms} == {arm.name for arm in ARMS.values() if arm.quick is not None}
        with pytest.raises(ConfigError, match="decay-3: too long for --quick"):
            plan_of(["decay-3"], quick=True)

    def test_items_experiments_and_patterns_can_be_named(self):
        [only] = plan_of(["mainline/key_frequencies@2"]).items
        assert only.seed == 2
        assert [run.folder for run in plan_of(["mainline/key_frequencies@2"]).runs()] == ["mainline-seed2"]
        assert {item.arm for item in plan_of(["fraction-0.9*"]).items} == {"fraction-0.9", "fraction-0.95"}
        with pytest.raises(ConfigError, match="nothing published is called 'mainlin'; did you mean mainline"):
            plan_of(["mainlin"])

    def test_an_experiment_may_need_few_seeds(self):
        assert [run.seed for run in plan_of(["p-401"], seeds=5).runs()] == [0]


class TestReproducing:
    def test_each_number_gets_a_verdict(self, tiny, tmp_path):
        found = reproduced(tmp_path, seeds=2)
        verdicts = {result.item.id: result.verdict for result in found.results}
        assert verdicts == {
            "tiny/outcome": "agrees",
            "tiny/generalised_at": "differs",
            "tiny/final_test_loss": "agrees",
            "tiny/restricted_loss": "not measured",
            "tiny/train_loss_at_0@1": "agrees",
        }
        by_id = {result.item.id: result for result in found.results}
        assert by_id["tiny/outcome"].measured == "not fitted"
        assert by_id["tiny/generalised_at"].measured == "not reached"
        assert by_id["tiny/generalised_at"].why == "it is too small"
        assert by_id["tiny/restricted_loss"].measured == "not measured"  # it has no key frequencies
        assert list(by_id["tiny/train_loss_at_0@1"].values) == [1]
        losses = [Run(tmp_path / RUNS / f"tiny-seed{seed}").metrics["test_loss"].iloc[-1] for seed in (0, 1)]
        assert by_id["tiny/final_test_loss"].found == losses
        assert by_id["tiny/final_test_loss"].measured == (
            f"{sum(losses) / 2:.3g} ({min(losses):.3g} … {max(losses):.3g})"
        )
        table = pd.read_csv(tmp_path / TABLE)
        assert table["verdict"].tolist() == list(verdicts.values())
        assert table["high"].iloc[2] == pytest.approx(max(losses))

    @pytest.mark.slow
    def test_a_short_run_is_too_early_and_goes_on_later(self, tiny, tmp_path):
        short = reproduced(tmp_path, seeds=1, quick=True)
        verdicts = {result.item.measure: result.verdict for result in short.results}
        assert verdicts["final_test_loss"] == "too early"
        assert "step 20, ours of step 10" in next(r.why for r in short.results if r.verdict == "too early")
        first = tmp_path / RUNS / "tiny-seed0" / "checkpoints" / "00000000.safetensors"
        written = first.stat().st_mtime_ns
        long = reproduced(tmp_path, seeds=1, resume=True)
        run = Run(tmp_path / RUNS / "tiny-seed0")
        assert run.metrics["step"].tolist() == [0, 5, 10, 15, 20]
        assert first.stat().st_mtime_ns == written
        assert {result.item.measure: result.verdict for result in long.results}["final_test_loss"] == "agrees"

    @pytest.mark.slow
    def test_what_is_there_is_used_again_a_longer_run_too(self, tiny, tmp_path):
        reproduced(tmp_path, seeds=1)
        state = (tmp_path / RUNS / "tiny-seed0" / "metrics.csv").read_bytes()
        assert missing_runs(plan_of(["tiny"], quick=True), tmp_path) == []
        reproduced(tmp_path, seeds=1, quick=True, resume=True)
        assert (tmp_path / RUNS / "tiny-seed0" / "metrics.csv").read_bytes() == state

    def test_a_run_that_is_missing_is_not_judged(self, tiny, tmp_path):
        reproduced(tmp_path, seeds=1)
        shutil.rmtree(tmp_path / RUNS / "tiny-seed1")
        found = read_results(plan_of(["tiny"], seeds=1), tmp_path)
        assert found.results[-1].verdict == "not run"
        assert found.counts["not run"] == 1

    @pytest.mark.slow
    def test_a_damaged_file_of_values_is_made_again(self, tiny, tmp_path):
        before = reproduced(tmp_path, seeds=1).table
        (tmp_path / RUNS / "tiny-seed0" / "reproduced.json").write_text("{")
        pd.testing.assert_frame_equal(reproduced(tmp_path, seeds=1, resume=True).table, before)

    @pytest.mark.slow
    def test_the_folder_must_be_free_or_one_of_these(self, tiny, tmp_path):
        (tmp_path / "thesis.tex").write_text("mine")
        with pytest.raises(RunError, match="not an empty folder"):
            reproduced(tmp_path, resume=True)
        there = tmp_path / "there"
        reproduced(there, seeds=1)
        with pytest.raises(RunError, match="already holds a reproduction; use --resume"):
            reproduced(there, seeds=1)


class TestWords:
    def result(self, measure: str, published: object, *values: object) -> Result:
        item = Item("tiny", measure, published, "nobody", Same(WHY))
        return Result(item, {seed: Value(value, 10) for seed, value in enumerate(values)})

    def test_several_seeds_are_told_by_median_and_ends(self):
        assert self.result("generalised_at", 100, 90, 120, 1_000).measured == "120 (90 … 1,000)"
        assert self.result("read_out_fve", (0.9, 0.98), (0.9, 0.95), (0.8, 0.99)).measured == (
            "0.850 to 0.970 (0.800 to 0.950 … 0.900 to 0.990)"
        )

    def test_words_and_sets_are_counted(self):
        assert self.result("outcome", "grokked", "grokked", "memorised", "grokked").measured == (
            "grokked (2 of 3); memorised (1 of 3)"
        )
        assert self.result("key_frequencies", (1, 2), (1, 2), (1, 2, 3)).measured == "1, 2 (1 of 2); 1, 2, 3 (1 of 2)"

    def test_what_differs_says_why_or_that_it_is_open(self):
        assert self.result("outcome", "grokked", "memorised").why == "open"


class TestPage:
    def test_it_has_every_number_and_the_figures(self, tiny, tmp_path):
        found = reproduced(tmp_path, seeds=1)
        write_reproduction_page(found, tmp_path, tmp_path / PAGE)
        page = (tmp_path / PAGE).read_text()
        assert page.count("<svg") == 1  # what does not apply to this task is left out
        assert "it is too small" in page
        for result in found.results:
            assert result.item.measurement.what in page
            assert result.item.id in page
        assert WHY in page
        assert in_words(found) in page
        assert not re.search(r'(src|href)="http', page)


class TestCommand:
    def run(self, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
        monkeypatch.setattr("sys.argv", ["grokscope", "reproduce", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        return int(end.value.code or 0)

    @pytest.mark.slow
    def test_it_prints_the_plan_the_table_and_where_the_page_is(self, tiny, tmp_path, monkeypatch, capsys):
        out = tmp_path / "out"
        assert self.run(monkeypatch, "tiny", "--seeds", "1", "--engine", "serial", "--dry-run", "-o", str(out)) == 0
        printed = capsys.readouterr().out
        assert "2, of which 2 are missing" in printed
        assert "at most about" in printed
        assert not out.exists()
        assert self.run(monkeypatch, "tiny", "--seeds", "1", "--engine", "serial", "-o", str(out)) == 0
        printed = capsys.readouterr().out
        assert "Of 5 published numbers: 3 agree, 1 differs, 1 was not measured." in printed
        assert (out / PAGE).exists()
        assert self.run(monkeypatch, "tiny", "-o", str(out)) == 2
        assert "use --resume" in capsys.readouterr().err

    def test_it_lists_the_published_numbers(self, monkeypatch, capsys):
        assert self.run(monkeypatch, "--list") == 0
        printed = capsys.readouterr().out
        assert all(id_ in printed for id_ in ITEMS)
