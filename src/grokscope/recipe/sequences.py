"""The other tasks of Nanda & Lieberum (2022): a phase change on infinite data, grokking on limited data."""

from typing import Any

from grokscope.models import TransformerConfig
from grokscope.recipe.definition import Recipe
from grokscope.run import Experiment
from grokscope.tasks import DigitAdditionConfig, RepeatedSubsequencesConfig, SkipTrigramsConfig
from grokscope.tasks.sequences.digit_addition import FiniteSums, InfiniteSums
from grokscope.tasks.sequences.repeated_subsequences import FiniteSequences
from grokscope.tasks.sequences.skip_trigrams import FiniteTrigrams
from grokscope.training import AdamWConfig, Schedule, Stop


def five_digit_addition() -> Recipe:
    """Five-digit addition on fresh sums, d_model 512."""
    experiment = Experiment(
        name="five-digit-addition",
        description="Five-digit addition on fresh sums: one phase change for each digit of the answer",
        task=DigitAdditionConfig(data=InfiniteSums(test_size=512)),
        model=TransformerConfig(d_model=512, n_heads=4, d_head=128, d_mlp=2048),
        optimizer=AdamWConfig(lr=1e-4, weight_decay=0.1),
        stop=Stop(steps=3_000),
        evaluate_every=25,
        checkpoint_every=200,
    )
    # where the authors' logged loss of each digit, smoothed over 20 steps, falls below 0.5
    published: dict[str, object] = {"digits_below_half": (173, 949, 1940, 1752, 1648, 1661)}
    return Recipe(experiment, "5 minutes", published)


def five_digit_addition_small() -> Recipe:
    """Five-digit addition on fresh sums, d_model 128."""
    experiment = five_digit_addition().experiment.model_copy(
        update={
            "name": "five-digit-addition-small",
            "description": "Five-digit addition on fresh sums with d_model 128, as the authors' saved network",
            "model": TransformerConfig(),
            # of this run no learning rate is published; with 1e-3 the loss falls as its published curve does
            "optimizer": AdamWConfig(lr=1e-3, weight_decay=0.1),
            "stop": Stop(steps=6_000),
            "checkpoint_every": 100,
        }
    )
    return Recipe(experiment, "3 minutes")


def five_digit_addition_finite() -> Recipe:
    """Five-digit addition on 700 sums, all at once."""
    experiment = five_digit_addition_small().experiment.model_copy(
        update={
            "name": "five-digit-addition-finite",
            "description": "Five-digit addition on 700 sums: memorises them, and groks thousands of steps later",
            "task": DigitAdditionConfig(data=FiniteSums()),
            "optimizer": AdamWConfig(lr=1e-3, weight_decay=1.0),
            "stop": Stop(steps=18_000),
            "evaluate_every": 50,
            "checkpoint_every": 200,
        }
    )
    published: dict[str, object] = {"test_loss_peak": (1_675, 8.5), "final_test_loss": 0.2}
    return Recipe(experiment, "20 minutes", published)


def repeated_subsequences() -> Recipe:
    """Repeated subsequences on fresh sequences: induction heads form."""
    experiment = Experiment(
        name="repeated-subsequences",
        description="Repeated subsequences on fresh data: induction heads form in one phase change",
        task=RepeatedSubsequencesConfig(),
        model=TransformerConfig(
            n_layers=2,
            d_model=48,
            n_heads=4,
            d_head=12,
            d_mlp=192,
            attention_only=True,
            biases="none",
            residual_scale=2.0,  # the authors' network doubles the residual stream in every layer
            attention_init="d_head",
        ),
        optimizer=AdamWConfig(lr=1e-3, weight_decay=1.0, betas=(0.9, 0.999)),
        schedule=Schedule(warmup_steps=100),
        stop=Stop(steps=6_000),
        evaluate_every=20,
        checkpoint_every=50,
    )
    return Recipe(experiment, "12 minutes", {"steepest_between": (600, 1_000), "final_loss": 0.30})


def repeated_subsequences_finite() -> Recipe:
    """Repeated subsequences on 512 sequences, for 200,000 steps."""
    return _finite_sequences(
        "repeated-subsequences-finite",
        "Repeated subsequences on 512 sequences: memorises in 1,500 steps, groks after 190,000 (published)",
        {
            "stop.steps": 200_000,
            "evaluate_every": 100,
            "checkpoint_every": 5_000,
            "checkpoints_per_decade": 20,
        },
        RepeatedSubsequencesConfig(data=FiniteSequences()),
        "8 hours",
        {"groks_between": (190_000, 200_000), "test_loss_peak": 15.9},
    )


def repeated_subsequences_finite_short() -> Recipe:
    """Short repeated subsequences on 320 sequences: the same course as with 512 long ones, in minutes."""
    data = FiniteSequences(train_size=320)
    return _finite_sequences(
        "repeated-subsequences-finite-short",
        "8 of 12 tokens, repeated once, on 320 sequences: memorises at once, groks within 2,000 steps",
        {"optimizer.lr": 3e-3, "stop.steps": 6_000, "evaluate_every": 50, "checkpoint_every": 100},
        RepeatedSubsequencesConfig(d_vocab=32, interval=12, subsequence_length=8, n_repeats=2, data=data),
        "4 minutes",
    )


def _finite_sequences(
    name: str,
    description: str,
    changes: dict[str, Any],
    task: RepeatedSubsequencesConfig,
    duration: str,
    published: dict[str, object] | None = None,
) -> Recipe:
    base = repeated_subsequences().experiment.override(changes)
    experiment = base.model_copy(update={"name": name, "description": description, "task": task})
    return Recipe(experiment, duration, published or {})


def skip_trigrams() -> Recipe:
    """Skip trigrams on fresh sequences."""
    experiment = Experiment(
        name="skip-trigrams",
        description="Skip trigrams on fresh data: a plateau, then all ten triggers at once",
        task=SkipTrigramsConfig(),
        # decay 1 and a doubled residual stream, as the authors' other attention-only network has them: with a decay of
        # 0.1 and no doubling the change comes earlier, and its end is quicker, than in the published curve
        model=TransformerConfig(
            d_model=32, n_heads=1, d_head=8, d_mlp=128, attention_only=True, biases="none", residual_scale=2.0
        ),
        optimizer=AdamWConfig(lr=1e-3, weight_decay=1.0),
        stop=Stop(steps=3_000),
        evaluate_every=10,
        checkpoint_every=25,
    )
    return Recipe(experiment, "30 seconds", {"losses": {200: 2.16, 250: 0.69, 400: 0.03}})


def skip_trigrams_finite() -> Recipe:
    """Skip trigrams on 51 sequences.

    Published are 512 points, on which this network generalises at once; a tenth of them gives the published curves.
    """
    experiment = skip_trigrams().experiment.model_copy(
        update={
            "name": "skip-trigrams-finite",
            "description": "Skip trigrams on 51 sequences: the training loss falls first, the test loss follows",
            "task": SkipTrigramsConfig(data=FiniteTrigrams(train_size=51)),
            "stop": Stop(steps=6_000),
            "checkpoint_every": 50,
        }
    )
    return Recipe(experiment, "30 seconds", {"losses": {300: (0.032, 1.05), 2_500: (None, 0.0072)}})
