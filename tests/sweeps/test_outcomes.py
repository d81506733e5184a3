"""A run's row says what its files say, whatever came of it."""

import json

import pytest

from grokscope.errors import ConfigError, DivergenceError
from grokscope.models import MLPConfig
from grokscope.recipe import recipe
from grokscope.run import Experiment, Run, record_run
from grokscope.sweeps import Sweep, measures_of, outcome_row
from grokscope.sweeps.outcomes import check_measures
from grokscope.tasks import FiniteData, ModularConfig
from grokscope.training import AdamWConfig, Stop

TINY = Experiment(
    name="tiny",
    task=ModularConfig(p=11, data=FiniteData(train_fraction=0.8)),
    model=MLPConfig(d_model=24, d_mlp=64),
    optimizer=AdamWConfig(lr=1e-2, weight_decay=1.0),
    stop=Stop(steps=400),
    checkpoint_every=200,
)


def trained(sweep, folder):
    [planned] = sweep.runs()
    return record_run(planned.experiment, folder / planned.folder), planned


@pytest.fixture(scope="module")
def generalised(tmp_path_factory):
    """A run of a few hundred steps that gets the test set right, with its row."""
    run, planned = trained(Sweep(base=TINY, seeds=(3,), vary={"lr": (0.01,)}), tmp_path_factory.mktemp("runs"))
    return run, outcome_row(run, planned, measures=["gini_W_E", "sum_of_squares"])


class TestOutcomeRow:
    def test_says_which_run_it_is(self, generalised):
        _, row = generalised
        assert (row["run"], row["optimizer.lr"], row["seed"], row["status"]) == ("lr0.01-seed3", 0.01, 3, "finished")

    def test_says_what_its_metrics_say(self, generalised):
        run, row = generalised
        metrics = run.metrics
        last = metrics.iloc[-1]
        assert row["last_step"] == 400
        assert (row["train_loss"], row["test_loss"]) == (last["train_loss"], last["test_loss"])
        assert row["test_accuracy"] == last["test_accuracy"]
        assert row["fitted"] == metrics.loc[metrics["train_accuracy"] >= 0.99, "step"].iloc[0]
        reached = metrics.loc[metrics["test_accuracy"] >= 0.95, "step"]
        assert row["first_crossing"] == (None if reached.empty else reached.iloc[0])
        assert row["seconds"] == run.record["training_seconds"] > 0

    def test_counts_its_key_frequencies(self, generalised):
        _, row = generalised
        assert row["n_key_frequencies"] == len(row["key_frequencies"].split())

    def test_measures_are_of_the_last_checkpoint(self, generalised):
        run, row = generalised
        assert row["sum_of_squares"] == pytest.approx(sum(float((w**2).sum()) for w in run.weights().values()))
        assert 0 < row["gini_W_E"] < 1

    def test_has_a_verdict(self, generalised):
        _, row = generalised
        assert row["verdict"] in ("explained", "partly explained", "not explained")

    def test_can_be_kept_as_json(self, generalised):
        _, row = generalised
        assert json.loads(json.dumps(row)) == row

    def test_a_run_that_memorises(self, tmp_path):
        """The control: the same network on labels that have no rule."""
        base = TINY.override({"task.operation": "random"})
        run, planned = trained(Sweep(base=base), tmp_path)
        row = outcome_row(run, planned)
        assert (row["outcome"], row["grokked"], row["first_crossing"]) == ("memorised", None, None)
        assert row["fitted"] is not None

    def test_a_run_that_diverges(self, tmp_path):
        [planned] = Sweep(base=TINY.override({"optimizer.lr": 1e30})).runs()
        with pytest.raises(DivergenceError):
            record_run(planned.experiment, tmp_path / "run")
        row = outcome_row(Run(tmp_path / "run"), planned, measures=["gini_W_E"])
        assert (row["outcome"], row["status"], row["verdict"]) == ("diverged", "diverged", None)
        assert json.loads(json.dumps(row)) == row

    def test_without_an_explanation(self, generalised):
        run, _ = generalised
        [planned] = Sweep(base=TINY, seeds=(3,)).runs()
        row = outcome_row(run, planned, explained=False)
        assert row["verdict"] is None
        assert "gini_W_E" not in row


class TestMeasures:
    def test_of_sequences(self):
        assert "previous_token" in measures_of(recipe("repeated-subsequences").experiment)
        check_measures(recipe("repeated-subsequences").experiment, ["previous_token_0.0"])

    def test_an_unknown_name(self):
        check_measures(TINY, ["gini_W_E"])
        with pytest.raises(ConfigError, match="no measure of add mod 11 is called 'gini_WE'; did you mean gini_W_E"):
            check_measures(TINY, ["gini_WE"])
