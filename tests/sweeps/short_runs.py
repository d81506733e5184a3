"""An experiment of a moment, and one that nobody waits for."""

from grokscope.models import MLPConfig
from grokscope.run import Execution, Experiment
from grokscope.tasks import FiniteData, ModularConfig
from grokscope.training import AdamWConfig, Stop

SHORT = Experiment(
    name="short",
    task=ModularConfig(p=11, data=FiniteData(train_fraction=0.8)),
    model=MLPConfig(d_model=24, d_mlp=64),
    optimizer=AdamWConfig(lr=1e-2, weight_decay=1.0),
    stop=Stop(steps=40),
    checkpoint_every=20,
)
LONG = SHORT.override({"stop.steps": 1_000_000, "checkpoint_every": 1_000_000})
"""Longer than anybody waits."""
ONE_THREAD = Execution(device="cpu", threads=1)
