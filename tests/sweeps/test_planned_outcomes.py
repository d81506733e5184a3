"""A run's outcome says what its files say, whatever came of it."""

import json

import pytest

from grokscope.analysis.many_runs.table import from_json, to_json
from grokscope.errors import ConfigError, DivergenceError
from grokscope.models import MLPConfig
from grokscope.recipe import recipe
from grokscope.run import Experiment, Run, record_run
from grokscope.sweeps import Sweep, measures_of
from grokscope.sweeps.outcomes import check_measures, planned_outcome
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
    """A run of a few hundred steps that gets the test set right, with its outcome."""
    run, planned = trained(Sweep(base=TINY, seeds=(3,), vary={"lr": (0.01,)}), tmp_path_factory.mktemp("runs"))
    return run, planned_outcome(run, planned, measures=["gini_W_E", "sum_of_squares"])


class TestPlannedOutcome:
    def test_says_which_run_it_is(self, generalised):
        _, outcome = generalised
        assert (outcome.run, outcome.settings["optimizer.lr"], outcome.seed, outcome.status) == (
            "lr0.01-seed3",
            0.01,
            3,
            "finished",
        )

    def test_says_what_its_metrics_say(self, generalised):
        run, outcome = generalised
        metrics = run.metrics
        last = metrics.iloc[-1]
        assert outcome.last_step == 400
        assert (outcome.train_loss, outcome.test_loss) == (last["train_loss"], last["test_loss"])
        assert outcome.test_accuracy == last["test_accuracy"]
        assert outcome.fitted == metrics.loc[metrics["train_accuracy"] >= 0.99, "step"].iloc[0]
        reached = metrics.loc[metrics["test_accuracy"] >= 0.95, "step"]
        assert outcome.first_crossing == (None if reached.empty else reached.iloc[0])
        assert outcome.seconds == run.record["training_seconds"] > 0

    def test_counts_its_key_frequencies(self, generalised):
        _, outcome = generalised
        assert outcome.n_key_frequencies == len(outcome.key_frequencies)

    def test_measures_are_of_the_last_checkpoint(self, generalised):
        run, outcome = generalised
        assert outcome.measures["sum_of_squares"] == pytest.approx(
            sum(float((w**2).sum()) for w in run.weights().values())
        )
        assert 0 < outcome.measures["gini_W_E"] < 1

    def test_has_a_verdict(self, generalised):
        _, outcome = generalised
        assert outcome.verdict in ("explained", "partly explained", "not explained")

    def test_can_be_kept_as_json(self, generalised):
        _, outcome = generalised
        assert from_json(json.loads(json.dumps(to_json(outcome)))) == outcome

    def test_a_run_that_memorises(self, tmp_path):
        """The control: the same network on labels that have no rule."""
        base = TINY.override({"task.operation": "random"})
        run, planned = trained(Sweep(base=base), tmp_path)
        outcome = planned_outcome(run, planned)
        assert (outcome.outcome, outcome.grokked, outcome.first_crossing) == ("memorised", None, None)
        assert outcome.fitted is not None

    def test_a_run_that_diverges(self, tmp_path):
        [planned] = Sweep(base=TINY.override({"optimizer.lr": 1e30})).runs()
        with pytest.raises(DivergenceError):
            record_run(planned.experiment, tmp_path / "run")
        outcome = planned_outcome(Run(tmp_path / "run"), planned, measures=["gini_W_E"])
        assert (outcome.outcome, outcome.status, outcome.verdict) == ("diverged", "diverged", None)
        assert from_json(json.loads(json.dumps(to_json(outcome)))) == outcome

    def test_without_an_explanation(self, generalised):
        run, _ = generalised
        [planned] = Sweep(base=TINY, seeds=(3,)).runs()
        outcome = planned_outcome(run, planned, explained=False)
        assert outcome.verdict is None
        assert outcome.measures == {}


class TestMeasures:
    def test_of_sequences(self):
        assert "previous_token" in measures_of(recipe("repeated-subsequences").experiment)
        check_measures(recipe("repeated-subsequences").experiment, ["previous_token_0.0"])

    def test_an_unknown_name(self):
        check_measures(TINY, ["gini_W_E"])
        with pytest.raises(ConfigError, match="no measure of add mod 11 is called 'gini_WE'; did you mean gini_W_E"):
            check_measures(TINY, ["gini_WE"])
