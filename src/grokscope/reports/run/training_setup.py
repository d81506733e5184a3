"""What was trained, in one paragraph."""

from grokscope import formatting
from grokscope.models import TransformerConfig
from grokscope.models.config import ModelConfig
from grokscope.run import Experiment
from grokscope.tasks import (
    DigitAdditionConfig,
    DigitAdditionTask,
    FiniteData,
    InfiniteData,
    ModularConfig,
    ModularTask,
    RepeatedSubsequencesConfig,
    SkipTrigramsConfig,
    Task,
    TaskConfig,
)
from grokscope.tasks.modular.operations import operation_in_words
from grokscope.tasks.sampling import FiniteSamples, InfiniteSamples

_ACTIVATIONS = {"relu": "ReLU", "gelu": "GELU", "quadratic": "quadratic"}


def what_was_trained(experiment: Experiment, task: Task) -> str:
    """Return the network, the task, the data and the optimiser."""
    return (
        f"{_network(experiment.model)} was trained on {task_in_words(experiment.task)}. "
        f"{_data(experiment.task.data, task)} "
        f"Optimiser: {experiment.optimizer.summary}, at most {experiment.stop.steps:,} steps."
    )


def task_in_words(config: TaskConfig) -> str:
    """Return what is learned, as a reader who does not know the task needs it."""
    match config:
        case ModularConfig():
            return operation_in_words(config.operation, config.p)
        case DigitAdditionConfig():
            base = "" if config.base == 10 else f" in base {config.base}"
            n = config.n_digits
            numbers = "two digits" if n == 1 else f"two numbers of {n} digits each, written out"
            return f"the addition of {numbers}{base}: it predicts the {n + 1} digits of the sum one after the other"
        case RepeatedSubsequencesConfig():
            return (
                f"repeated subsequences: of {config.n_repeats} intervals of {config.interval} random tokens (from "
                f"{config.d_vocab - 1:,} different ones), each has the same {config.subsequence_length} tokens at a "
                f"place of its own, and from the second time on it predicts each of these from the one before"
            )
        case SkipTrigramsConfig():
            return (
                f"skip trigrams: one of {config.n_triggers:,} triggers stands at a random place among "
                f"{config.length:,} tokens, the others noise of {config.n_background:,} kinds, and which trigger it is "
                f"decides the answer at the end"
            )
        case _:
            return config.summary


def _network(model: ModelConfig) -> str:
    neurons = f"{model.d_mlp} {_ACTIVATIONS[model.activation]} neurons"
    if not isinstance(model, TransformerConfig):
        layers = "one hidden layer" if model.n_layers == 1 else f"{model.n_layers} hidden layers"
        inputs = "sum" if model.combine == "sum" else "concatenation"
        return (
            f"A multilayer perceptron with {layers} of {neurons} on the {inputs} of its {model.d_model}-wide embeddings"
        )
    heads = f"{model.n_heads} head{'s' if model.n_heads > 1 else ''} of width {model.d_head}"
    layers = f"{model.n_layers}-layer{' attention-only' if model.attention_only else ''}"
    parts = [f"d_model {model.d_model}", heads, *([] if model.attention_only else [neurons])]
    each = " in each layer" if model.n_layers > 1 else ""
    norm = ", with LayerNorm" if model.layer_norm else ""
    scale = f", the residual stream times {model.residual_scale:g} in every layer" if model.residual_scale != 1 else ""
    return f"A {layers} transformer ({', '.join(parts)}{each}{norm}{scale})"


def _data(data: FiniteData | InfiniteData | FiniteSamples | InfiniteSamples, task: Task) -> str:
    if isinstance(task, ModularTask):
        return _pairs(data.batch_size, task)
    things, n_test = _things(task), 0 if task.test is None else len(task.test)
    if task.train is None:
        return f"Every step drew {data.batch_size:,} {things} afresh; {n_test:,} others are the test set."
    return (
        f"It saw {len(task.train):,} {things}, {_batches(data.batch_size, task)}; {n_test:,} others are the test set."
    )


def _pairs(batch_size: int | None, task: ModularTask) -> str:
    n_pairs = task.p**2
    if task.train is None:
        return f"Every step drew {batch_size:,} of the {n_pairs:,} pairs afresh; all of them are the test set."
    n_train = len(task.train)
    rest = f"the other {n_pairs - n_train:,} are the test set" if task.test is not None else "there is no test set"
    share = formatting.percent(n_train / n_pairs)
    return f"It saw {n_train:,} of the {n_pairs:,} pairs ({share}), {_batches(batch_size, task)}; {rest}."


def _batches(batch_size: int | None, task: Task) -> str:
    return "all at once" if task.batches.fixed is not None else f"in batches of {batch_size:,}"


def _things(task: Task) -> str:
    return "sums" if isinstance(task, DigitAdditionTask) else "sequences"
