"""A sweep from a file or in words means what it says, and what it cannot mean is named."""

import pytest

from grokscope.config import dump_yaml
from grokscope.errors import ConfigError, RunError
from grokscope.recipe import recipe
from grokscope.sweeps import LogUniform, Sweep
from grokscope.sweeps.files import load_sweep, seeds_in, sweep_of


def written(tmp_path, text):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return path


class TestFile:
    def test_everything(self, tmp_path):
        sweep = load_sweep(
            written(
                tmp_path,
                """
                base: small
                set: {stop.steps: 3000}
                seeds: 0:3
                vary: {weight_decay: [0.3, 1e0]}
                cases: [{p: 53}, {p: 59, d_mlp: 512}]
                sample: {lr: {kind: log-uniform, low: 1e-4, high: 1e-2}}
                n_samples: 2
                """,
            )
        )
        assert sweep.base == recipe("small").experiment.override({"stop.steps": 3000})
        assert sweep.seeds == (0, 1, 2)
        assert sweep.vary == {"weight_decay": (0.3, 1.0)}
        assert sweep.sample == {"lr": LogUniform(low=1e-4, high=1e-2)}
        assert len(sweep.runs()) == 3 * 2 * 2 * 2
        assert sweep.chosen_settings() == ["optimizer.weight_decay", "task.p", "model.d_mlp"]
        assert sweep.sampled_settings() == ["optimizer.lr"]

    def test_the_plan_that_a_sweep_leaves_is_a_file(self, tmp_path):
        sweep = sweep_of("small", seeds=(3, 4), vary={"weight_decay": (0.3, 1)})
        assert load_sweep(written(tmp_path, dump_yaml(sweep.model_dump(mode="json")))) == sweep

    def test_an_experiments_file_is_a_sweep_of_one(self, tmp_path):
        experiment = recipe("small").experiment.override({"task.p": 31})
        path = written(tmp_path, experiment.to_yaml())
        assert load_sweep(path) == Sweep(base=experiment)
        assert sweep_of(path, seeds=(1, 2)).seeds == (1, 2)

    def test_a_base_in_a_file_beside_it(self, tmp_path):
        (tmp_path / "base.yaml").write_text(recipe("small").experiment.override({"task.p": 31}).to_yaml())
        assert load_sweep(written(tmp_path, "base: base.yaml\n")).base.task.p == 31

    def test_the_command_line_replaces_what_the_file_says(self, tmp_path):
        path = written(tmp_path, "base: small\nseeds: 0:64\nvary: {weight_decay: [0.3, 1]}\n")
        sweep = sweep_of(path, changes={"p": 31}, seeds=(0,))
        assert (sweep.seeds, sweep.base.task.p, len(sweep.runs())) == ((0,), 31, 2)

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("vary: {p: [3, 5]}", r"mine\.yaml is not a sweep: it has no 'base'"),
            ("[1, 2]", "is not a sweep"),
            ("base: small\nseed: 0:3", "a sweep has no 'seed'; did you mean seeds"),
            ("base: smal", "no recipe is called 'smal'"),
            ("base: small\nseeds: 30:10", "seeds '30:10': expected a range like 0:64"),
            ("base: small\nset: {wieght_decay: 1}", "no setting is called 'wieght_decay'; did you mean"),
            ("base: small\nset: {seed: 1}", "seed is set for all runs of a sweep; give seeds as seeds: 0:64"),
            ("base: small\nsample: {lr: {kind: uniform, low: 2, high: 1}}", "low must be below high"),
            ("base: small\ndraw: {lr: {kind: uniform, low: 1, high: 2}}", "'draw' is called 'sample' now"),
            ("base: small\nvary: {weight_decay: []}", "vary.weight_decay has no values"),
        ],
    )
    def test_what_is_wrong_is_named(self, tmp_path, text, said):
        with pytest.raises(ConfigError, match=said):
            load_sweep(written(tmp_path, text))

    @pytest.mark.parametrize(("text", "seeds"), [("3:6", (3, 4, 5)), ("7", (7,)), ("[1, 2]", (1, 2))])
    def test_seeds(self, tmp_path, text, seeds):
        assert load_sweep(written(tmp_path, f"base: small\nseeds: {text}\n")).seeds == seeds

    def test_no_file_and_no_yaml(self, tmp_path):
        with pytest.raises(RunError, match="cannot read"):
            load_sweep(tmp_path / "none.yaml")
        with pytest.raises(RunError, match="is not YAML"):
            load_sweep(written(tmp_path, "base: ["))


def test_seeds():
    assert seeds_in("0:4") == (0, 1, 2, 3)
    assert seeds_in("7") == (7,)
    assert seeds_in("0,3, 10:12") == (0, 3, 10, 11)
    for text in ("", "0:0", "a", "-1", "1:2:3"):
        with pytest.raises(ConfigError, match="expected a range"):
            seeds_in(text)
