import json
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from grokscope.config import load_yaml
from grokscope.errors import ConfigError
from grokscope.models import MLPConfig, TransformerConfig
from grokscope.run import Experiment, Seeds, load_experiment
from grokscope.run.build import initial_model
from grokscope.run.experiment import experiment_from
from grokscope.tasks import InfiniteData, ModularConfig
from grokscope.training import AdamConfig, AdamWConfig, Schedule, SGDConfig, Stop

VARIANTS = {
    "mainline": Experiment(schedule=Schedule(decay_to=500)),
    "mlp": Experiment(model=MLPConfig(d_mlp=128), schedule=Schedule(decay_to=500)),
    "adam": Experiment(optimizer=AdamConfig(), schedule=Schedule(decay_to=500)),
    "sgd": Experiment(optimizer=SGDConfig(), schedule=Schedule(decay_to=500)),
    "infinite": Experiment(task=ModularConfig(data=InfiniteData()), schedule=Schedule(decay_to=500)),
}
OTHER_VALUES = {
    "name": "other",
    "description": "30 % of the pairs – “quoted”",
    "task.p": 59,
    "task.operation": "a**2 + b",
    "task.equals_token": False,
    "task.data.train_fraction": 0.55,
    "task.data.batch_size": 77,
    "model.n_layers": 2,
    "model.d_model": 96,
    "model.n_heads": 3,
    "model.d_head": 17,
    "model.d_mlp": 200,
    "model.activation": "gelu",
    "model.attention_only": True,
    "model.layer_norm": True,
    "model.tied_embeddings": True,
    "model.causal": False,
    "model.attention_coefficient": 0.5,
    "model.attention_init": "d_head",
    "model.residual_scale": 2.0,
    "model.dropout": 0.25,
    "model.init_scale": 2.0,
    "model.combine": "sum",
    "model.shared_embedding": False,
    "optimizer.lr": 0.003,
    "optimizer.weight_decay": 0.0,
    "optimizer.betas": [0.8, 0.999],
    "optimizer.eps": 1e-6,
    "optimizer.l2": 1e-4,
    "optimizer.momentum": 0.5,
    "optimizer.nesterov": True,
    "schedule.warmup_steps": 0,
    "schedule.decay": "cosine",
    "schedule.decay_from": 20,
    "schedule.decay_to": 600,
    "schedule.final_share": 0.1,
    "loss": "float64",
    "l1": 1e-5,
    "checkpoints_per_decade": 7,
    "dtype": "float64",
    "seeds.init": 1,
    "seeds.split": 2,
    "seeds.data": 3,
    "seeds.noise": 4,
    "stop.steps": 123,
    "stop.test_loss": 1e-7,
    "stop.test_accuracy": 0.99,
    "stop.patience": 5,
    "evaluate_every": 3,
    "checkpoint_every": 7,
}
OTHER_BIASES = {"mainline": "all", "mlp": "hidden"}


def leaves(tree: dict, prefix: str = "") -> dict:
    found = {}
    for key, value in tree.items():
        found |= leaves(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return found


SETTINGS = [
    (variant, name) for variant, experiment in VARIANTS.items() for name in leaves(experiment.model_dump(mode="json"))
]


class TestOverride:
    @pytest.mark.parametrize(("variant", "name"), SETTINGS, ids=lambda x: x)
    def test_every_setting_can_be_changed_alone(self, variant, name):
        """A new setting fails here until it is given another value above."""
        experiment = VARIANTS[variant]
        now = leaves(experiment.model_dump(mode="json"))[name]
        assert experiment.override({name: now}) == experiment
        if name.endswith("kind"):
            return
        value = OTHER_BIASES.get(variant, "none") if name == "model.biases" else OTHER_VALUES[name]
        changed = experiment.override({name: value})
        assert experiment.differences(changed) == {name: (now, value)}
        assert changed.differences(experiment) == {name: (value, now)}
        assert experiment == VARIANTS[variant], "the original is untouched"

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({"model.kind": "mlp"}, {"model": MLPConfig()}),
            ({"model.kind": "transformer"}, {}),
            ({"optimizer.kind": "sgd"}, {"optimizer": SGDConfig(lr=1e-3)}),
            ({"optimizer.kind": "adam"}, {"optimizer": AdamConfig()}),
            ({"task.data.kind": "infinite"}, {"task": ModularConfig(data=InfiniteData())}),
            (
                {"model.d_mlp": 64, "model.kind": "mlp", "model.combine": "sum"},
                {"model": MLPConfig(d_mlp=64, combine="sum")},
            ),
            ({"optimizer.momentum": 0.5, "optimizer.kind": "sgd"}, {"optimizer": SGDConfig(lr=1e-3, momentum=0.5)}),
            (
                {"task.data.batch_size": 9, "task.p": 7, "task.data.kind": "infinite"},
                {"task": ModularConfig(p=7, data=InfiniteData(batch_size=9))},
            ),
            (
                {"model.kind": "mlp", "optimizer.kind": "sgd", "optimizer.lr": 0.3, "model.d_model": 9},
                {"model": MLPConfig(d_model=9), "optimizer": SGDConfig(lr=0.3)},
            ),
        ],
    )
    def test_changing_a_kind_gives_what_only_it_has_its_defaults(self, changes, expected):
        assert Experiment().override(changes) == Experiment(**expected)

    def test_same_kind_keeps_what_was_set(self):
        experiment = Experiment(model=TransformerConfig(d_mlp=64))
        assert experiment.override({"model.kind": "transformer"}).model.d_mlp == 64

    def test_switching_there_and_back_keeps_what_both_have(self):
        experiment = Experiment(model=TransformerConfig(d_mlp=64, n_heads=2))
        back = experiment.override({"model.kind": "mlp"}).override({"model.kind": "transformer"})
        assert back.model == TransformerConfig(d_mlp=64, biases="all")

    @pytest.mark.parametrize(
        ("changes", "expected", "notes"),
        [
            (
                {"optimizer.kind": "adam"},
                AdamConfig(lr=0.02, betas=(0.8, 0.9), eps=1e-7),
                ["dropped optimizer.weight_decay = 3 (adam has none)"],
            ),
            (
                {"optimizer.l2": 1, "optimizer.kind": "adam", "optimizer.lr": 0.5},
                AdamConfig(lr=0.5, l2=1, betas=(0.8, 0.9), eps=1e-7),
                ["dropped optimizer.weight_decay = 3 (adam has none)"],
            ),
            (
                {"optimizer.kind": "sgd"},
                SGDConfig(lr=0.02),
                [
                    "dropped optimizer.weight_decay = 3, optimizer.betas = [0.8, 0.9], optimizer.eps = 1e-07 "
                    "(sgd has none)"
                ],
            ),
            ({"optimizer.kind": "adamw"}, AdamWConfig(lr=0.02, weight_decay=3, betas=(0.8, 0.9), eps=1e-7), []),
        ],
    )
    def test_a_change_of_kind_keeps_what_both_have_and_says_what_it_drops(self, changes, expected, notes):
        optimizer = AdamWConfig(lr=0.02, weight_decay=3, betas=(0.8, 0.9), eps=1e-7)
        said = []
        assert Experiment(optimizer=optimizer).override(changes, note=said.append).optimizer == expected
        assert said == notes

    def test_what_the_new_kind_cannot_have_is_said(self):
        said = []
        changed = Experiment().override({"model.kind": "mlp", "task.data.kind": "infinite"}, note=said.append)
        assert changed.model == MLPConfig()
        assert changed.task.data == InfiniteData()
        assert "dropped model.biases = mlp (mlp has all)" in said
        assert "dropped task.data.batch_size = null (infinite has 1024)" in said

    def test_a_value_under_its_earlier_name(self):
        with pytest.raises(ConfigError, match=r"^task\.data\.kind: 'endless' is now called 'infinite'$"):
            Experiment().override({"task.data.kind": "endless"})

    def test_a_file_of_an_earlier_version(self):
        tree = Experiment(task=ModularConfig(data=InfiniteData(batch_size=9))).model_dump(mode="json")
        tree["task"]["data"]["kind"] = "endless"
        assert experiment_from(tree).task.data == InfiniteData(batch_size=9)
        assert Experiment.model_validate_json(json.dumps(tree)).task.data == InfiniteData(batch_size=9)

    def test_seed_sets_all_seeds(self):
        experiment = Experiment().override({"seed": 7})
        assert experiment.seeds == Seeds(init=7, split=7, data=7, noise=7) == Seeds.all(7)

    def test_one_seed_can_be_set_apart_in_any_order(self):
        for changes in ({"seed": 7, "seeds.split": 1}, {"seeds.split": 1, "seed": 7}):
            assert Experiment().override(changes).seeds == Seeds(init=7, split=1, data=7, noise=7)

    def test_nothing_changed(self):
        assert Experiment().override({}) == Experiment()

    def test_whole_part_at_once(self):
        assert Experiment().override({"stop": {"steps": 5}}).stop == Stop(steps=5)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"model.d_mpl": 3}, r"no setting is called 'model\.d_mpl'; did you mean model\.d_mlp\?"),
            ({"optimiser.lr": 3}, r"no setting is called 'optimiser\.lr'; did you mean optimizer\?"),
            ({"d_mlp": 3}, r"no setting is called 'd_mlp'; "),
            ({"model.d_mlp.x": 3}, r"no setting is called 'model\.d_mlp\.x'"),
            ({"model": 3}, r"model: .*got 3"),
            ({"": 3}, r"no setting is called ''"),
            ({"model.": 3}, r"no setting is called 'model\.'"),
            ({"optimizer.momentum": 0.5}, r"no setting is called 'optimizer\.momentum'"),
            ({"model.kind": "lstm"}, r"model: .*'lstm'.*'transformer', 'mlp'"),
            ({"model.d_mlp": 2.5}, r"model\.d_mlp: .*valid integer.*got 2\.5"),
            ({"model.d_mlp": "wide"}, r"model\.d_mlp: .*valid integer.*got 'wide'"),
            ({"model.d_mlp": True}, r"model\.d_mlp: .*valid integer.*got True"),
            ({"optimizer.lr": -1}, r"optimizer\.lr: .*greater than 0, got -1"),
            ({"optimizer.lr": math.nan}, r"optimizer\.lr: .*finite number, got nan"),
            ({"optimizer.lr": math.inf}, r"optimizer\.lr: .*finite number, got inf"),
            ({"optimizer.betas": [0.9]}, r"optimizer\.betas"),
            ({"task.p": 1}, r"task\.p: .*greater than or equal to 2, got 1"),
            ({"task.operation": "plus"}, r"task\.operation: operation 'plus': unknown name 'plus'"),
            (
                {"task.data.train_fraction": 1e-9},
                r"task: train_fraction 1e-09 of the 12769 pairs leaves nothing",
            ),
            ({"schedule.decay": "linear"}, r"schedule: decay 'linear' from step 0 needs decay_to after it"),
            ({"name": "../elsewhere"}, r"name: .*got '\.\./elsewhere'"),
            ({"name": ""}, r"name: "),
            ({"seed": -1}, r"seed.*got -1"),
            ({"seed": 2**64}, r"seed.*less than"),
            ({"seeds.init": 2**64}, r"seeds\.init: .*less than"),
            ({"dtype": "float16"}, r"dtype: .*got 'float16'"),
        ],
        ids=repr,
    )
    def test_refused_in_one_line(self, changes, message):
        with pytest.raises(ConfigError, match=message) as caught:
            Experiment().override(changes)
        assert "\n" not in str(caught.value)

    def test_everything_wrong_is_named_at_once(self):
        with pytest.raises(ConfigError, match=r"optimizer\.lr: .*; stop\.steps: "):
            Experiment().override({"optimizer.lr": 0, "stop.steps": 0})


class TestDescription:
    MADE = Experiment(name="adds", description="Addition mod 113")

    def test_says_what_was_changed_once_it_may_no_longer_be_true(self):
        changed = self.MADE.override({"task.operation": "multiply", "model.d_mlp": 256})
        assert changed.description == "As adds, with operation multiply, d_mlp 256"

    @pytest.mark.parametrize("change", [{"seed": 3}, {"stop.steps": 7}, {"evaluate_every": 2}, {"name": "other"}])
    def test_stays_where_what_it_describes_is_the_same(self, change):
        assert self.MADE.override(change).description == "Addition mod 113"

    def test_of_the_users_own_is_kept(self):
        assert self.MADE.override({"task.p": 59, "description": "mine"}).description == "mine"

    def test_is_not_made_where_there_was_none(self):
        assert Experiment().override({"task.p": 59}).description == ""


class TestYaml:
    @pytest.mark.parametrize("experiment", VARIANTS.values(), ids=VARIANTS)
    def test_round_trip(self, experiment, tmp_path):
        file = tmp_path / "experiment.yaml"
        file.write_bytes(experiment.to_yaml().encode())
        assert load_experiment(file) == experiment
        assert load_experiment(file).to_yaml() == experiment.to_yaml()

    @given(
        st.floats(1e-300, 1e300),
        st.floats(0, 1, exclude_max=True),
        st.text(max_size=40),
        st.sampled_from(["off", "null", "1e3", "0x1F", "12_3", "2026-11-05", "y", "1.5"]),
        st.one_of(st.none(), st.floats(1e-30, 1)),
    )
    def test_round_trip_of_any_value(self, lr, beta, description, name, test_loss):
        experiment = Experiment(
            name=name,
            description=description,
            optimizer=AdamWConfig(lr=lr, betas=(beta, 0.98)),
            stop=Stop(test_loss=test_loss),
        )
        tree = load_yaml(experiment.to_yaml().encode().decode())
        assert experiment_from(tree) == experiment

    def test_every_setting_is_written(self):
        written = load_yaml(Experiment().to_yaml())
        assert written["task"]["p"] == 113
        assert leaves(written).keys() == leaves(Experiment().model_dump(mode="json")).keys()

    def test_what_is_left_out_has_its_default(self, tmp_path):
        file = tmp_path / "short.yaml"
        file.write_text("name: short\nmodel: {kind: mlp, d_mlp: 64}\n")
        assert load_experiment(file) == Experiment(name="short", model=MLPConfig(d_mlp=64))

    def test_file_is_read_as_utf8_whatever_the_locale(self, tmp_path, monkeypatch):
        file = tmp_path / "experiment.yaml"
        file.write_bytes("description: 30 % – ∑\n".encode())
        monkeypatch.setattr("locale.getencoding", lambda: "ascii")
        assert load_experiment(file).description == "30 % – ∑"

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"model: {kind: transformer, d_mpl: 3}", r"no setting is called 'model\.d_mpl' here"),
            (b"modle: 3", r"no setting is called 'modle' here"),
            (b"", "expected settings as 'name: value', got NoneType"),
            (b"- 1\n- 2\n", "expected settings as 'name: value', got list"),
            (b"just text", "expected settings as 'name: value', got str"),
        ],
    )
    def test_wrong_settings_name_the_file(self, tmp_path, content, message):
        file = tmp_path / "wrong.yaml"
        file.write_bytes(content)
        with pytest.raises(ConfigError, match=rf"wrong\.yaml: {message}"):
            load_experiment(file)


class TestSeedsReachWhatTheyName:
    """The seed is not applied to the split alone."""

    def made_from(self, seeds: Seeds):
        experiment = Experiment(
            task=ModularConfig(p=13, operation="random"), model=TransformerConfig(d_model=8, d_mlp=8), seeds=seeds
        )
        task = experiment.task.build(split_seed=seeds.split, data_seed=seeds.data)
        return {
            "init": initial_model(experiment, task).embed.W_E.detach(),
            "split": task.train.tokens,
            "data": task.table,
        }

    @pytest.mark.parametrize("name", ["init", "split", "data", "noise"])
    def test_each_changes_its_own_thing_and_no_other(self, name):
        before, after = self.made_from(Seeds()), self.made_from(Seeds(**{name: 1}))
        for part in before:
            assert torch.equal(before[part], after[part]) is (part != name), part

    def test_one_seed_changes_everything(self):
        before, after = self.made_from(Seeds.all(0)), self.made_from(Seeds.all(1))
        assert not any(torch.equal(before[part], after[part]) for part in before)


def test_dtype_reaches_the_network():
    for dtype in ("float32", "float64"):
        experiment = Experiment(dtype=dtype, model=TransformerConfig(d_model=8, d_mlp=8))
        model = initial_model(experiment, ModularConfig(p=5).build())
        assert {str(weights.dtype) for weights in model.parameters()} == {f"torch.{dtype}"}


def test_experiments_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        Experiment().l1 = 3.0


def test_an_unknown_key_in_a_file_suggests_the_nearest(tmp_path):
    (tmp_path / "mine.yaml").write_text("optimizer: {kind: adamw, weight_deacy: 1.0}")
    with pytest.raises(ConfigError, match=r"'optimizer\.weight_deacy' here; did you mean optimizer\.weight_decay\?"):
        load_experiment(tmp_path / "mine.yaml")


@pytest.mark.parametrize("rule", ["stop.test_loss", "stop.test_accuracy"])
def test_a_stop_rule_on_the_test_set_needs_one(rule):
    with pytest.raises(ConfigError, match=r"train_fraction 1\.0 leaves none"):
        Experiment().override({"task.data.train_fraction": 1.0, rule: 0.5})


class TestCheckpoints:
    def test_every_so_many_steps(self):
        experiment = Experiment(checkpoint_every=30)
        assert [step for step in range(100) if experiment.keeps(step)] == [0, 30, 60, 90]
        assert experiment.n_checkpoints(100) == 5  # and the last
        assert experiment.n_checkpoints(90) == 4

    def test_more_of_them_in_every_factor_of_ten(self):
        experiment = Experiment(checkpoint_every=1_000, checkpoints_per_decade=4)
        kept = [step for step in range(2_001) if experiment.keeps(step)]
        assert kept == [0, 1, 2, 3, 6, 10, 18, 32, 56, 100, 178, 316, 562, 1_000, 1_778, 2_000]
        assert experiment.n_checkpoints(2_000) == len(kept)

    def test_a_description_stays_true_with_them(self):
        told = Experiment(description="the paper's network")
        assert told.override({"checkpoints_per_decade": 10}).description == told.description

    @pytest.mark.parametrize("steps", [0, 1, 2, 7, 1_000, 12_345])
    @pytest.mark.parametrize("per_decade", [None, 1, 20])
    @pytest.mark.parametrize("every", [1, 30, 5_000])
    def test_they_are_counted_without_going_through_the_steps(self, every, per_decade, steps):
        experiment = Experiment(checkpoint_every=every, checkpoints_per_decade=per_decade)
        assert experiment.n_checkpoints(steps) == len({*filter(experiment.keeps, range(steps)), steps})
        assert experiment.n_checkpoints(10**15) > 10**11
