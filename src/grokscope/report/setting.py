"""What was trained, in one paragraph."""

from grokscope.models import TransformerConfig
from grokscope.models.config import ModelConfig
from grokscope.report import wording
from grokscope.runs import Experiment
from grokscope.tasks import EndlessData, ModularTask
from grokscope.tasks.operations import NAMED, RANDOM
from grokscope.training import AdamWConfig, OptimizerConfig, SGDConfig

_ACTIVATIONS = {"relu": "ReLU", "gelu": "GELU", "quadratic": "quadratic"}


def what_was_trained(experiment: Experiment, task: ModularTask) -> str:
    """Return the network, the task, the data and the optimiser."""
    return (
        f"{_network(experiment.model)} was trained on {_task(experiment)}. {_data(experiment, task)} "
        f"Optimiser: {_optimizer(experiment.optimizer)}, at most {experiment.stop.steps:,} steps."
    )


def operation_in_words(operation: str, p: int) -> str:
    """Return an operation as a reader writes it: ``a + b mod 113``."""
    if operation == RANDOM:
        return f"random labels: every pair of residues mod {p} has an answer drawn once, so there is no rule to find"
    if operation in NAMED:
        return f"{NAMED[operation].replace('a*a', 'a²').replace('b*b', 'b²')} mod {p}"
    return f"the operation {operation} mod {p}"


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
    return f"A {layers} transformer ({', '.join(parts)}{each}{norm})"


def _task(experiment: Experiment) -> str:
    return operation_in_words(experiment.task.operation, experiment.task.p)


def _data(experiment: Experiment, task: ModularTask) -> str:
    data, n_pairs = experiment.task.data, task.p**2
    if isinstance(data, EndlessData):
        return f"Every step drew {data.batch_size:,} of the {n_pairs:,} pairs afresh; all of them are the test set."
    assert task.train is not None
    n_train = len(task.train)
    batches = "all at once" if task.batches.fixed is not None else f"in batches of {data.batch_size:,}"
    rest = f"the other {n_pairs - n_train:,} are the test set" if task.test is not None else "there is no test set"
    return f"It saw {n_train:,} of the {n_pairs:,} pairs ({wording.percent(n_train / n_pairs)}), {batches}; {rest}."


def _optimizer(optimizer: OptimizerConfig) -> str:
    rate = f"learning rate {optimizer.lr:g}"
    if isinstance(optimizer, AdamWConfig):
        return f"AdamW, {rate}, weight decay {optimizer.weight_decay:g}"
    if isinstance(optimizer, SGDConfig):
        return f"SGD, {rate}, momentum {optimizer.momentum:g}, L2 penalty {optimizer.l2:g}"
    return f"Adam, {rate}, L2 penalty {optimizer.l2:g}"
