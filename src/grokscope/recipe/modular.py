"""Modular addition: the paper's run, a fast one, and the published variants of data, decay, width and penalty."""

from collections.abc import Callable
from typing import Any

from grokscope.models import TransformerConfig
from grokscope.recipe.definition import Recipe
from grokscope.run import Experiment
from grokscope.tasks import ModularConfig
from grokscope.training import AdamWConfig, MuonConfig, Schedule, Stop, SwitchedConfig


def mainline() -> Recipe:
    """The paper's network: Nanda & Lieberum (2022); Nanda et al. (2023), section 3; seed 0."""
    experiment = Experiment(
        name="mainline",
        description="The paper's network: addition mod 113, 30 % of the pairs, AdamW with weight decay 1",
        stop=Stop(steps=14_000),
    )
    published = {
        "train_loss_at_0": 4.764052,
        "test_loss_at_0": 4.768347,
        "key_frequencies": (14, 35, 41, 42, 52),
        "phase_boundaries": (1_400, 9_400, 14_000),
        # of the network at epoch 40,000
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
    return Recipe(experiment, "9 minutes", published)


def fast() -> Recipe:
    """The same network and data, with an optimiser that groks in seconds."""
    experiment = mainline().experiment.model_copy(
        update={
            "name": "fast",
            "description": "The paper's network and data with a high learning rate and decay: groks within 300 steps",
            # eps and the cosine are what keeps it there: without them it spikes once the gradients have become small
            "optimizer": AdamWConfig(lr=1e-2, weight_decay=3.0, eps=1e-6),
            "schedule": Schedule(decay="cosine", decay_from=200, decay_to=500),
            "stop": Stop(steps=500),
            "evaluate_every": 5,
            "checkpoint_every": 10,
        }
    )
    return Recipe(experiment, "25 seconds")


def fastest() -> Recipe:
    """The same network and data, with the fewest steps to grokking that we have found."""
    experiment = mainline().experiment.model_copy(
        update={
            "name": "fastest",
            "description": "The paper's network and data with Muon, then AdamW: groks within 60 steps",
            # all matrices move equally fast in all directions, embeddings twice as fast; what Muon finds has many
            # frequencies (from small weights fewer of them), most of which die under AdamW's decay
            "model": TransformerConfig(init_scale=0.13),
            "optimizer": SwitchedConfig(
                first=MuonConfig(
                    lr=0.3, weight_decay=0.2, momentum=0.6, rates={"embed.W_E": 2.0, "pos_embed.W_pos": 0.05}
                ),
                second=AdamWConfig(lr=7e-3, weight_decay=4.0, betas=(0.9, 0.9), eps=1e-6),
                at=60,
                anneal=20,
            ),
            "schedule": Schedule(warmup_steps=0, decay="cosine", decay_from=400, decay_to=600),
            "stop": Stop(steps=600),
            "evaluate_every": 4,
            "checkpoint_every": 12,
        }
    )
    return Recipe(experiment, "40 seconds")


def small() -> Recipe:
    """A small network on a small modulus: seconds a run, for grids."""
    experiment = mainline().experiment.override(
        {
            "task.p": 59,
            "model.d_model": 64,
            "model.d_head": 16,
            "model.d_mlp": 128,
            "optimizer.lr": 3e-3,
            "task.data.train_fraction": 0.4,
            "stop.steps": 5_000,
            "stop.test_accuracy": 0.99,
            "stop.patience": 5,
            "evaluate_every": 25,
            "checkpoint_every": 1_000,
        }
    )
    told = {"name": "small", "description": "Addition mod 59 in a small network: a minute a run, for grids"}
    return Recipe(experiment.model_copy(update=told), "1 minute")


def random_labels() -> Recipe:
    """The memorisation control: the mainline with labels that have no rule, so that nothing can be generalised."""
    experiment = mainline().experiment.model_copy(
        update={
            "name": "random-labels",
            "description": "The memorisation control: as mainline, but every pair has a random label",
            "task": ModularConfig(operation="random"),
            "stop": Stop(steps=5_000),
        }
    )
    return Recipe(experiment, "3 minutes")


def mainline_infinite() -> Recipe:
    """The mainline without a training set: a phase change, and nothing to memorise."""
    return _variant(
        "infinite",
        "As mainline, but every step draws 4,096 of all pairs: a phase change, and nothing to memorise",
        {"task.data.kind": "infinite", "task.data.batch_size": 4096, "stop.steps": 1_000, "checkpoint_every": 20},
        "1 minute",
    )


_PUBLISHED_GROK_STEPS = {
    0.95: 157, 0.9: 222, 0.8: 252, 0.7: 222, 0.6: 440, 0.5: 956, 0.4: 3109, 0.3: 7930, 0.28: 15037, 0.25: 21848,
}  # fmt: skip
"""First epoch with a test loss below 0.1, by train fraction, in the authors' saved runs (one seed each)."""
_DURATIONS = {0.4: "6 minutes", 0.3: "9 minutes", 0.28: "11 minutes", 0.25: "15 minutes"}
_UNTIL_GROKKED = {"stop.steps": 40_000, "stop.test_loss": 3e-6}
"""When the authors stopped: the published curves end where the test loss falls below about 3e-6."""


def _fraction(share: float) -> Recipe:
    return _variant(
        f"fraction-{share:g}",
        f"As mainline, with {share:.0%} of the pairs, until the test loss is below 3e-6",
        {"task.data.train_fraction": share, **_UNTIL_GROKKED},
        _DURATIONS.get(share, "2 minutes"),
        {"generalised_at": _PUBLISHED_GROK_STEPS[share]},
    )


def _decay(decay: float, steps: int, duration: str, outcome: str) -> Recipe:
    changes = {"optimizer.weight_decay": decay, "stop.steps": steps, "checkpoint_every": steps // 200}
    return _variant(f"decay-{decay:g}", f"As mainline, with weight decay {decay:g}: {outcome}", changes, duration)


def _width(d_model: int) -> Recipe:
    changes = {
        "task.data.train_fraction": 0.9,
        "optimizer.weight_decay": 0.0,
        "model.d_model": d_model,
        "model.d_head": d_model // 4,
        "model.d_mlp": 4 * d_model,
        "stop.steps": 3_000,
    }
    description = f"Width scan: 90 % of the pairs, no weight decay, d_model {d_model}"
    minutes = "1 hour" if d_model > 256 else "20 minutes" if d_model > 128 else "5 minutes"
    return _variant(f"width-{d_model}", description, changes, minutes)


def _variant(
    name: str, description: str, changes: dict[str, Any], duration: str, published: dict[str, object] | None = None
) -> Recipe:
    base = mainline().experiment.override(changes)
    told = {"name": f"mainline-{name}", "description": description}
    return Recipe(base.model_copy(update=told), duration, published or {})


def variants() -> dict[str, Callable[[], Recipe]]:
    """Return the published variants of the mainline by name."""
    no_decay = {"optimizer.weight_decay": 0.0}
    found = {
        **{f"fraction-{share:g}": (lambda share=share: _fraction(share)) for share in _PUBLISHED_GROK_STEPS},
        "decay-0.1": lambda: _decay(0.1, 100_000, "70 minutes", "groks at about step 91,000 to 95,000 (published)"),
        "decay-0.3": lambda: _decay(0.3, 60_000, "40 minutes", "groks late"),
        "decay-3": lambda: _decay(3.0, 20_000, "15 minutes", "groks early"),
        "no-regularisation": lambda: _variant(
            "no-regularisation",
            "As mainline, without weight decay: memorises and never groks",
            {**no_decay, "stop.steps": 20_000},
            "15 minutes",
        ),
        "no-regularisation-90": lambda: _variant(
            "no-regularisation-90",
            "Without weight decay, but with 90 % of the pairs: generalises at once",
            {**no_decay, "task.data.train_fraction": 0.9, "stop.steps": 3_000},
            "5 minutes",
        ),
        **{
            f"dropout-{rate:g}": (
                lambda rate=rate: _variant(
                    f"dropout-{rate:g}",
                    f"Dropout {rate:g} instead of weight decay: groks, not sparse in the Fourier basis (published)",
                    {**no_decay, "model.dropout": rate, "stop.steps": 40_000},
                    "40 minutes",
                )
            )
            for rate in (0.2, 0.5)
        },
        "l1": lambda: _variant(
            "l1",
            "An L1 penalty instead of weight decay: never groks (published)",
            {**no_decay, "l1": 1e-4, "stop.steps": 20_000},
            "20 minutes",
        ),
        **{f"width-{width}": (lambda width=width: _width(width)) for width in (8, 16, 32, 64, 128, 256, 512, 1024)},
    }
    return {f"mainline-{name}": make for name, make in found.items()}
