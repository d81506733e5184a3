"""Races: fair tuning, controls that refuse, standings that count the runs which never get there."""

import math
import shutil
from pathlib import Path

import pandas as pd
import pytest
from pydantic import ValidationError

import grokscope as gs
from grokscope.analysis.many_runs.outcomes import RunOutcome
from grokscope.errors import ConfigError, RunError
from grokscope.races import DIVISIONS, ENTRIES, Entry, Race, run_race
from grokscope.races.blindness import is_foreign, require_blind
from grokscope.races.cost import StepCost, step_costs
from grokscope.races.naming import division_called, entries_called
from grokscope.races.standings import Scored, ScoredRun, Standings
from grokscope.races.tuning import Tuned, choose
from grokscope.reports.race.page import render_race
from grokscope.run import Execution
from grokscope.sweeps import Serial, SweepBackend
from grokscope.workflows.race import plan_race

RACERS = Path(__file__).with_name("racers.py")
BACKEND = SweepBackend(Serial(), Execution(device="cpu", threads=1))
TINY = DIVISIONS["small"]().experiment.override(
    {
        "task.p": 7,
        "model.d_model": 8,
        "model.d_head": 4,
        "model.n_heads": 2,
        "model.d_mlp": 16,
        "stop.steps": 20,
        "schedule.decay_from": 10,
        "schedule.decay_to": 20,
        "evaluate_every": 2,
        "checkpoint_every": 20,
    }
)


def tiny(*entries: Entry, **fields) -> Race:
    protocol = {"base": TINY, "n_trials": 2, "tuning_seeds": (1000,), "seeds": (100, 101)}
    return Race(entries=entries, **{**protocol, **fields})


@pytest.fixture(scope="module")
def raced(tmp_path_factory):
    """A race of two entries, and its folder."""
    folder = tmp_path_factory.mktemp("race") / "tiny"
    told = []
    return run_race(tiny(ENTRIES["adamw"], ENTRIES["muon"]), folder, BACKEND, announce=told.append), folder, told


class TestPlan:
    def test_every_entry_is_tuned_alike(self):
        race = tiny(*(entry for entry in ENTRIES.values() if not entry.package))
        for entry in race.entries:
            trials = race.tuning(entry)
            assert len(trials.runs()) == 2, entry.name
            assert set(trials.sampled_settings()) == set(entry.search), entry.name

    def test_nothing_but_what_an_entry_changes_differs(self):
        race = tiny(*(entry for entry in ENTRIES.values() if not entry.package))
        for entry in race.entries:
            differing = TINY.differences(race.experiment(entry))
            allowed = ("optimizer.", "name", *(name for name in entry.settings if not name.startswith("optimizer")))
            assert all(name.startswith(allowed) for name in differing), (entry.name, differing)

    def test_every_division_has_its_entries(self):
        for name in DIVISIONS:
            race, _ = plan_race(division=name)
            assert race.base.task.data.train_fraction == (0.3 if name == "transformer" else 0.4)
            assert "adamw" in [entry.name for entry in race.entries]

    @pytest.mark.parametrize(
        "name", ["stop.test_accuracy", "seeds.split", "task.data.train_fraction", "evaluate_every"]
    )
    def test_the_protocol_cannot_be_changed_by_an_entry(self, name):
        with pytest.raises(ValidationError, match=f"{name} belongs to the protocol"):
            Entry(name="cheat", settings={name: 1})

    def test_no_seed_is_tuned_on_and_scored(self):
        with pytest.raises(ValidationError, match="seed 100 is tuned on and scored"):
            tiny(ENTRIES["adamw"], tuning_seeds=(100,))

    def test_two_of_a_name(self):
        with pytest.raises(ValidationError, match="two entries are called adamw"):
            tiny(ENTRIES["adamw"], ENTRIES["adamw"])

    def test_an_entry_for_another_network(self):
        mlp = DIVISIONS["mlp"]().experiment
        with pytest.raises(ValidationError, match="uniform-attention is for a transformer; leave it out"):
            Race(base=mlp, entries=(ENTRIES["uniform-attention"],))

    def test_the_random_labels_have_the_same_settings(self):
        race = tiny(ENTRIES["adamw"])
        control = race.control(ENTRIES["adamw"], {"optimizer.lr": 0.02})
        scored = race.scoring(ENTRIES["adamw"], {"optimizer.lr": 0.02})
        assert set(scored.base.differences(control.base)) == {"task.operation"}


class TestNames:
    def test_of_the_package_and_of_files(self, tmp_path):
        (tmp_path / "mine.yaml").write_text(
            "entries:\n  - name: gelu\n    settings: {model.activation: gelu}\n"
            "    search: {optimizer.lr: {kind: log-uniform, low: 1e-3, high: 1e-1}}\n"
        )
        found = entries_called(["adamw", str(tmp_path / "mine.yaml"), f"{RACERS}:Honest"])
        assert [entry.name for entry in found] == ["adamw", "gelu", "Honest"]
        assert found[1].changes_network
        assert set(found[2].search) == {"optimizer.lr", "optimizer.arguments.weight_decay"}

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("adamv", "no entry is called 'adamv'; did you mean adamw"),
            ("torch.optim:Lion", r"torch\.optim has no class 'Lion'"),
            ("none.yaml", "cannot read none.yaml"),
            ("builtins:dict", "builtins:dict is no optimiser's class"),
            (":Mine", "'' cannot be imported"),
        ],
    )
    def test_unknown(self, name, message):
        with pytest.raises((ConfigError, RunError), match=message):
            entries_called([name])

    def test_a_file_without_entries(self, tmp_path):
        (tmp_path / "mine.yaml").write_text("adamw: {}\n")
        with pytest.raises(ConfigError, match=r"mine\.yaml holds no entries; write a list of them under 'entries:'"):
            entries_called([str(tmp_path / "mine.yaml")])

    def test_an_unknown_division(self):
        with pytest.raises(ConfigError, match="no division is called 'large'"):
            division_called("large")


def outcome(settings, grokked, accuracy=1.0, **fields) -> RunOutcome:
    return RunOutcome(run="r", settings=settings, last_step=100, grokked=grokked, test_accuracy=accuracy, **fields)


class TestChoice:
    def test_fewest_steps_in_the_median_of_the_seeds(self):
        slow, fast, unsteady = {"lr": 1}, {"lr": 2}, {"lr": 3}
        found = choose(
            [
                *(outcome(slow, step) for step in (60, 70, 80)),
                *(outcome(fast, step) for step in (90, 40, 30)),
                *(outcome(unsteady, step) for step in (10, None, None)),
            ]
        )
        assert found == Tuned({"lr": 2}, 40.0, 2)

    def test_where_none_gets_there_who_knows_most(self):
        found = choose([outcome({"lr": 1}, None, 0.3), outcome({"lr": 2}, None, 0.6), outcome({"lr": 3}, None, 0.5)])
        assert found == Tuned({"lr": 2}, math.inf, 0)

    def test_one_that_diverged_knows_nothing(self):
        found = choose([outcome({"lr": 1}, None, 0.9, status="diverged"), outcome({"lr": 2}, None, 0.1)])
        assert found.settings == {"lr": 2}

    def test_one_that_grokked_and_diverged_kept_nothing(self):
        found = choose([outcome({"lr": 1}, 10, status="diverged"), outcome({"lr": 2}, 90)])
        assert found.settings == {"lr": 2}

    def test_nothing_to_choose_from(self):
        failed = RunOutcome(run="r", status="failed", error="no memory")
        with pytest.raises(ConfigError, match="every trial failed: no memory"):
            choose([failed])


class TestBlindness:
    def settings(self, name) -> gs.Experiment:
        short = {"stop.steps": 4, "schedule.decay_from": 2, "schedule.decay_to": 4, "checkpoint_every": 4}
        return TINY.override(
            {"optimizer.kind": "external", "optimizer.path": f"{RACERS}:{name}", "optimizer.lr": 0.05, **short}
        )

    def test_an_honest_one_passes(self):
        require_blind(self.settings("Honest"))

    def test_one_that_peeks_is_refused(self):
        with pytest.raises(ConfigError, match="with other labels on the test set it learns other weights"):
            require_blind(self.settings("Peeking"))

    def test_whose_code_is_checked(self):
        assert not is_foreign(TINY.optimizer)
        assert is_foreign(self.settings("Honest").optimizer)
        assert is_foreign(gs.ConstrainedConfig(inner=gs.ExternalConfig()))
        assert not is_foreign(gs.SwitchedConfig())

    @pytest.mark.slow
    def test_a_race_refuses_it(self, tmp_path):
        [entry] = entries_called([f"{RACERS}:Peeking"])
        with pytest.raises(ConfigError, match="Peeking is refused"):
            run_race(tiny(entry), tmp_path / "race", BACKEND)


class TestRace:
    def test_a_row_an_entry_and_one_a_run(self, raced):
        standings, folder, told = raced
        table, runs = pd.read_csv(folder / "standings.csv"), pd.read_csv(folder / "runs.csv")
        assert sorted(table["entry"]) == ["adamw", "muon"]
        assert len(runs) == 4
        assert set(runs["seed"]) == {100, 101}
        assert (table["step_gflop"] > 0).all()
        assert table["random_labels"].max() < 0.6
        assert [text.partition(":")[0] for text in told] == ["adamw", "muon"]
        assert standings.is_complete

    def test_muon_takes_more_arithmetic(self, raced):
        flop = {each.entry.name: each.cost.flop for each in raced[0].scored}
        assert flop["muon"] > flop["adamw"]

    def test_of_the_trials_the_table_is_kept(self, raced):
        folder = raced[1] / "tuning" / "adamw"
        assert len(pd.read_parquet(folder / "results.parquet")) == 2
        assert not (folder / "runs").exists()

    @pytest.mark.slow
    def test_resumed_with_another_entry(self, raced, tmp_path):
        before, folder, _ = raced
        found = run_race(tiny(ENTRIES["sgd"]), folder, BACKEND, resume=True)
        assert {each.entry.name for each in found.scored} == {"adamw", "muon", "sgd"}
        for each in before.scored:
            [again] = [other for other in found.scored if other.entry == each.entry]
            assert again.tuned == each.tuned
            assert [run.first for run in again.runs] == [run.first for run in each.runs]

    @pytest.mark.parametrize(
        ("fields", "message"),
        [({"n_trials": 3}, "n_trials 2, not 3"), ({"seeds": (100,)}, r"seeds \(100, 101\), not \(100,\)")],
    )
    def test_another_protocol_is_refused(self, raced, fields, message):
        with pytest.raises(RunError, match=message):
            run_race(tiny(ENTRIES["adamw"], **fields), raced[1], BACKEND, resume=True)

    def test_another_division_is_refused(self, raced):
        other = tiny(ENTRIES["adamw"], base=TINY.override({"task.p": 11}))
        with pytest.raises(RunError, match=r"another division: task\.p is 11, the race has 7"):
            run_race(other, raced[1], BACKEND, resume=True)

    def test_a_folder_that_is_taken(self, raced, tmp_path):
        with pytest.raises(RunError, match="already holds a race; use --resume"):
            run_race(tiny(ENTRIES["adamw"]), raced[1], BACKEND)
        (tmp_path / "file").write_text("mine")
        with pytest.raises(RunError, match="is not an empty folder"):
            run_race(tiny(ENTRIES["adamw"]), tmp_path, BACKEND)
        with pytest.raises(RunError, match="file exists and is not an empty folder"):
            run_race(tiny(ENTRIES["adamw"]), tmp_path / "file", BACKEND)
        with pytest.raises(RunError, match=r"cannot make .*another --out"):
            run_race(tiny(ENTRIES["adamw"]), tmp_path / "file" / "below", BACKEND)

    def test_a_damaged_table_of_costs_is_named(self, raced, tmp_path):
        folder = shutil.copytree(raced[1], tmp_path / "race")
        (folder / "costs.json").write_text("{")
        with pytest.raises(RunError, match=r"costs\.json is damaged: .*delete it"):
            run_race(tiny(ENTRIES["adamw"]), folder, BACKEND, resume=True)

    def test_the_page_says_all_of_it(self, raced):
        page = render_race(raced[0])
        for text in ("adamw", "muon", "Standings", "What was learned", "random labels", "Jordan et al. 2024"):
            assert text in page


def scored(name, kept, first=None) -> Scored:
    runs = tuple(
        ScoredRun(outcome({}, step), {0.95: early, 0.99: None}, {0.95: step, 0.99: None}, None)
        for step, early in zip(kept, first or kept, strict=True)
    )
    return Scored(Entry(name=name), Tuned({}, 0.0, 0), runs, StepCost(0.01, 2e9), 0.01)


class TestStandings:
    FOUND = Standings(
        tiny(ENTRIES["adamw"]),
        (
            scored("never", [None, None, None, 30], [10, 10, 10, 30]),
            scored("slow", [80, 90, 80, 90]),
            scored("fast", [40, 50, 40, None]),
            scored("hopeless", [None, None, None, None]),
        ),
    )

    def test_ranked_by_what_is_kept_not_by_what_is_first_crossed(self):
        assert [each.entry.name for each in self.FOUND.ranked] == ["fast", "slow", "never", "hopeless"]

    def test_runs_that_never_get_there_are_counted(self):
        table = self.FOUND.table.set_index("entry")
        assert table.loc["fast", "kept_95_runs"] == 3
        assert table.loc["fast", "kept_95"] == 40 or table.loc["fast", "kept_95"] == 45
        assert math.isinf(table.loc["never", "kept_95"])
        assert table.loc["never", "first_95"] == 10
        assert math.isinf(table.loc["fast", "kept_95_high"]), "in many resamples half of the runs never do"

    def test_seconds_and_arithmetic_to_95(self):
        row = self.FOUND.table.set_index("entry").loc["slow"]
        assert row["seconds"] == pytest.approx(row["kept_95"] * 0.01)
        assert row["gflop"] == pytest.approx(row["kept_95"] * 2)


def test_the_arithmetic_of_a_step_is_counted():
    small = TINY.override({"model.d_mlp": 16})
    wide = TINY.override({"model.d_mlp": 64})
    costs = step_costs({"small": small, "wide": wide}, turns=1)
    assert costs["wide"].flop > costs["small"].flop > 1e4
