"""What was trained, in one paragraph."""

from grokscope.models import TransformerConfig
from grokscope.models.config import ModelConfig
from grokscope.reports.run.family import describe_data, describe_task
from grokscope.run import Experiment
from grokscope.tasks import Task

_ACTIVATIONS = {"relu": "ReLU", "gelu": "GELU", "quadratic": "quadratic"}


def what_was_trained(experiment: Experiment, task: Task) -> str:
    """Return the network, the task, the data and the optimiser."""
    return (
        f"{_network(experiment.model)} was trained on {describe_task(task, experiment.task)}. "
        f"{describe_data(task, experiment.task.data.batch_size)} "
        f"Optimiser: {experiment.optimizer.summary}, at most {experiment.stop.steps:,} steps."
    )


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
