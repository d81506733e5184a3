import pytest

import grokscope as gs
from grokscope.recipe import published_of, recipe, recipe_names
from grokscope.run.build import initial_model
from grokscope.training import Trainer
from grokscope.workflows.train import default_folder

RECIPES = [
    pytest.param(name, marks=pytest.mark.slow if name.startswith("mainline-") else ()) for name in recipe_names()
]


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_has_its_own_name_and_takes_a_step(name: str) -> None:
    experiment = recipe(name).experiment
    assert experiment.name == name
    assert experiment.description
    task = experiment.task.build()
    trainer = Trainer(
        initial_model(experiment, task), task, optimizer=experiment.optimizer, schedule=experiment.schedule
    )
    trainer.gradient()
    trainer.update()


def test_the_mainline_is_the_published_experiment() -> None:
    experiment = recipe("mainline").experiment
    assert experiment.task == gs.ModularConfig(
        p=113, operation="add", equals_token=True, data=gs.FiniteData(train_fraction=0.3)
    )
    assert experiment.optimizer == gs.AdamWConfig(lr=1e-3, weight_decay=1.0, betas=(0.9, 0.98), eps=1e-8)
    assert experiment.schedule == gs.Schedule(warmup_steps=10, decay="none")
    assert experiment.model == gs.TransformerConfig(
        n_layers=1, d_model=128, n_heads=4, d_head=32, d_mlp=512, activation="relu", layer_norm=False, biases="mlp"
    )
    assert experiment.stop.steps == 14_000
    assert experiment.checkpoint_every == 100
    published = recipe("mainline").published
    assert published["key_frequencies"] == (14, 35, 41, 42, 52)
    # Nanda et al. (2023), section 4 and appendix: the network at epoch 40,000
    assert {name: published[name] for name in list(published)[4:]} == {
        "loss": 2.412e-7,
        "neurons_in_clusters": 0.846,
        "logit_fve": 0.95,
        "formula_loss": 4.7e-8,
        "restricted_loss": 5.55e-8,
        "read_out_fve": (0.932, 0.982),
        "attention_fve": (0.979, 0.991),
        "mlp_skip_zero": 9.12e-7,
        "mlp_skip_mean": 7.25e-7,
        "heads_zero": 24.3,
        "attention_skip_zero": 19.1,
        "linear_softmax": 2.12e-7,
    }


def test_published_numbers_hold_for_the_recipe_itself_only() -> None:
    mainline = recipe("mainline").experiment
    assert published_of(mainline) == recipe("mainline").published
    assert published_of(mainline.override({"stop.steps": 40_000})) == recipe("mainline").published
    assert published_of(mainline.override({"seed": 1})) == {}
    assert published_of(mainline.override({"optimizer.weight_decay": 0.3})) == {}
    assert published_of(recipe("fast").experiment) == {}


def test_the_folder_tells_runs_apart() -> None:
    fast = recipe("fast").experiment
    assert str(default_folder(fast, fast)) == "runs/fast"
    assert str(default_folder(fast, fast.override({"seed": 2, "task.p": 59}))) == "runs/fast-p59-seed2"
    assert str(default_folder(fast, fast.override({"stop.steps": 9}))) == "runs/fast"
    assert str(default_folder(fast, fast.override({"seeds.split": 4}))) == "runs/fast-split4"
    assert "/" not in str(default_folder(fast, fast.override({"task.operation": "a // (b + 1)"}))).removeprefix("runs/")


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(gs.ConfigError, match="did you mean random-labels"):
        recipe("random-label")
