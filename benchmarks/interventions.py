"""An intervention on the last layer: recorded activations against a forward pass with hooks.

    python benchmarks/interventions.py

Both give the same logits on all p² inputs of the mainline network (freshly initialised: the work is the same). Prints
milliseconds and the ratio, and how long a whole explanation takes, on this machine.
"""

import statistics
import time
from collections.abc import Callable

import torch

from grokscope.analysis.modular.coordinates import find_coordinates
from grokscope.analysis.modular.last_layer import record_last_layer
from grokscope.explanation import Program, Subject, explain
from grokscope.explanation.synthetic.planted import plant
from grokscope.models import TransformerConfig
from grokscope.tasks import FiniteData, ModularConfig


def milliseconds(call: Callable[[], object], repeats: int = 7) -> float:
    call()
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - began))
    return statistics.median(times)


@torch.no_grad()
def main() -> None:
    task = ModularConfig(data=FiniteData(train_fraction=1)).build()
    coordinates = find_coordinates(task.table)
    assert coordinates is not None
    program = Program("clock", (14, 35, 41, 42, 52), (6.0, 6.0, 6.0, 9.0, 9.0), (0.0,) * 5, coordinates)
    model = plant(program, TransformerConfig())
    layer = record_last_layer(model, task, coordinates)
    assert layer.post is not None
    tokens, p, post = task.all_pairs.tokens, task.p, layer.post
    name = "blocks.0.mlp.hook_post"

    def with_hooks() -> torch.Tensor:
        return model.run_with_hooks(tokens, {name: lambda value: 0.5 * value})[:, -1, :p].unflatten(0, (p, p))

    difference = float((layer.with_post(0.5 * post) - with_hooks()).abs().max())
    hooks, recorded = milliseconds(with_hooks, 3), milliseconds(lambda: layer.with_post(0.5 * post))
    recording = milliseconds(lambda: record_last_layer(model, task, coordinates), 3)
    subject = Subject("planted", model, task)
    whole = milliseconds(lambda: explain(subject), 3)
    print(f"largest difference between the two: {difference:.1e}")
    print(f"neurons replaced, forward pass with hooks   {hooks:8.1f} ms")
    print(f"neurons replaced, recorded activations      {recorded:8.1f} ms")
    print(f"recording, once for all interventions       {recording:8.1f} ms")
    print(f"a whole explanation                         {whole:8.1f} ms")
    print(f"{hooks / recorded:.0f} times as fast as with hooks; {torch.get_num_threads()} threads")


if __name__ == "__main__":
    main()
