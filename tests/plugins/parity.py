"""k-sparse parity of n bits: a family of tasks in one file, added to grokscope without touching it.

    grokscope --plugin parity.py train sparse-parity

The answer is the parity of k of the n bits, the same k in every example; a network that generalises has found which.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pandas as pd
import torch
from matplotlib.figure import Figure
from pydantic import Field, StrictInt, model_validator
from torch import Tensor, nn

from grokscope.analysis.measures import Look, measure
from grokscope.explanation.base import Explanation, Facts, Findings
from grokscope.explanation.claims import DOES_TASK, ClaimSpec, Control, required_ids
from grokscope.explanation.explain import explain_network
from grokscope.explanation.own_claims import claim
from grokscope.explanation.subject import Subject
from grokscope.explanation.untrained import untrained_twin
from grokscope.figures.canvas import Target, canvas
from grokscope.figures.catalogue import figure
from grokscope.figures.source import Source
from grokscope.models import MLP, Transformer, TransformerConfig
from grokscope.progress import Progress
from grokscope.randomness import stream
from grokscope.recipe import Recipe, register_recipe
from grokscope.reports.replay.camera import Camera, replay_camera
from grokscope.reports.replay.frames import Bars
from grokscope.run import Experiment
from grokscope.tasks import Examples, Task, TaskConfig, register_task
from grokscope.tasks.sampling import FiniteSamples, InfiniteSamples, sampled
from grokscope.training import OptimizerConfig, Schedule, Stop, register_optimizer

EQUALS = 2
"""The token after the bits, at which the answer is read."""


# --- the task


@dataclass(frozen=True, eq=False, repr=False)
class ParityTask(Task):
    """Bits, ``=``, and the parity of some of them."""

    subset: Tensor
    """The places of the bits that count."""

    def answers(self, bits: Tensor) -> Tensor:
        """Return the parity of the bits that count."""
        return bits[:, self.subset].sum(1) % 2

    def artifacts(self) -> dict[str, Tensor]:
        """Return the places of the bits that count: a run keeps them."""
        return {"subset": self.subset}


@register_task
class ParityConfig(TaskConfig):
    """The parity of k of n bits."""

    kind: Literal["sparse-parity"] = "sparse-parity"
    n_bits: StrictInt = Field(default=8, ge=2, le=30, description="bits in each example")
    k: StrictInt = Field(default=2, ge=1, description="bits that count")
    data: Annotated[FiniteSamples | InfiniteSamples, Field(discriminator="kind")] = FiniteSamples(
        train_size=120, test_size=80
    )

    @model_validator(mode="after")
    def _enough_bits(self) -> "ParityConfig":
        if self.k > self.n_bits:
            raise ValueError(f"{self.k} of {self.n_bits} bits cannot count; lower k or raise n_bits")
        return self

    @property
    def summary(self) -> str:
        """What is learned, for people."""
        return f"parity of {self.k} of {self.n_bits} bits, {self.data.summary}"

    def build(
        self, *, split_seed: int = 0, data_seed: int = 0, artifacts: Mapping[str, Tensor] | None = None
    ) -> ParityTask:
        """Return the task; ``data_seed`` chooses the bits that count, unless a run has kept them."""
        if artifacts:
            subset = artifacts["subset"]
        else:
            subset = torch.randperm(self.n_bits, generator=stream("parity", data_seed))[: self.k].sort().values

        def draw(size: int, generator: torch.Generator) -> Examples:
            bits = torch.randint(2, (size, self.n_bits), generator=generator)
            tokens = torch.cat([bits, torch.full((size, 1), EQUALS)], dim=1)
            return Examples(tokens, bits[:, subset].sum(1, keepdim=True) % 2)

        data = sampled(self.data, draw, n_possible=2**self.n_bits, split_seed=split_seed, data_seed=data_seed)
        return ParityTask(
            name=f"parity of {self.k} of {self.n_bits} bits",
            d_vocab=3,
            d_vocab_out=2,
            n_ctx=self.n_bits + 1,
            target_positions=(self.n_bits,),
            train=data.train,
            test=data.test,
            batches=data.batches,
            chance_loss=math.log(2),
            subtasks=(),
            subtask_chance_losses=(),
            subset=subset,
        )


# --- an optimiser


class _SignDescent(torch.optim.Optimizer):
    def __init__(self, parameters: Iterable[nn.Parameter], lr: float, momentum: float) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Move every weight by the learning rate along the sign of a running mean of its gradients."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    mean = self.state[weight].setdefault("mean", torch.zeros_like(weight))
                    mean.lerp_(weight.grad, 1 - group["momentum"])
                    weight.sub_(group["lr"] * mean.sign())


@register_optimizer
class SignConfig(OptimizerConfig):
    """Descent along the sign of the gradient."""

    kind: Literal["parity-sign"] = "parity-sign"
    lr: float = Field(default=3e-3, gt=0, description="learning rate")
    momentum: float = Field(default=0.9, ge=0, lt=1)

    @property
    def summary(self) -> str:
        """Name and numbers."""
        return f"sign descent, learning rate {self.lr:g}, momentum {self.momentum:g}"

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Return the optimiser of one network."""
        return _SignDescent(parameters, self.lr, self.momentum)


# --- a recipe


@register_recipe("sparse-parity")
def sparse_parity() -> Recipe:
    """A network that finds the two bits within seconds."""
    experiment = Experiment(
        name="sparse-parity",
        description="The parity of 2 of 8 bits, from 120 examples",
        task=ParityConfig(),
        model=TransformerConfig(d_model=16, n_heads=2, d_head=8, d_mlp=32),
        optimizer=SignConfig(),
        schedule=Schedule(decay="linear", decay_to=200),
        stop=Stop(steps=200),
        evaluate_every=20,
        checkpoint_every=50,
    )
    return Recipe(experiment, "5 seconds")


# --- what is measured


def bit_influences(model: Transformer | MLP, task: ParityTask) -> Tensor:
    """Return for each bit the share of the test examples whose answer another value of the bit changes."""
    examples = task.test or task.train
    assert examples is not None
    at = task.target_positions[0]
    answers = model(examples.tokens)[:, at].argmax(-1)
    influences = []
    for place in range(examples.tokens.shape[1] - 1):
        flipped = examples.tokens.clone()
        flipped[:, place] = 1 - flipped[:, place]
        influences.append((model(flipped)[:, at].argmax(-1) != answers).double().mean())
    return torch.stack(influences)


@measure("bit_influence", unit="share", chance="0 or 1 of every bit alike", tasks=(ParityTask,), index="bit")
def bit_influence(look: Look) -> dict[str, float]:
    """Return the influence of each bit; of the bits that count, it is 1 in a network that has found them."""
    assert isinstance(look.task, ParityTask)
    return {str(bit): float(value) for bit, value in enumerate(bit_influences(look.model, look.task))}


@measure("subset_margin", unit="share", chance="about 0", tasks=(ParityTask,))
def subset_margin(look: Look) -> float:
    """Return by how much the least influence of a bit that counts exceeds the largest of another bit: 1 at best."""
    assert isinstance(look.task, ParityTask)
    return margin(look.model, look.task)


@torch.no_grad()
def margin(model: Transformer | MLP, task: ParityTask) -> float:
    """Return by how much the bits that count stand out."""
    influences = bit_influences(model, task)
    counts = torch.zeros(len(influences), dtype=torch.bool).index_fill(0, task.subset, True)
    others = influences[~counts]
    return float(influences[counts].min() - (others.max() if len(others) else 0.0))


# --- a figure


@figure(
    "bit-influences",
    summary="the influence of each bit on the answer",
    title="Which bits count",
    caption="The share of examples whose answer changes with the bit; the bits that count are named at the axis.",
    tasks=(ParityTask,),
)
def bit_influences_figure(source: Source[ParityTask], *, ax: Target = None) -> Figure:
    """Return a bar for each bit."""
    with torch.no_grad():
        influences = bit_influences(source.model, source.task)
    counting = set(source.task.subset.tolist())
    with canvas(ax) as sheet:
        axes = sheet.panel(16)
        axes.bar(range(len(influences)), influences.tolist(), color=["C0"])
        axes.set_xticks(range(len(influences)), [f"{bit}{'*' * (bit in counting)}" for bit in range(len(influences))])
        axes.set_ylim(0, 1.05)
        sheet.label(x="bit (* counts)", y="share of answers that change")
    return sheet.figure


# --- a replay


@replay_camera.register
def parity_camera(task: ParityTask, model: Transformer | MLP, *, n_frames: int) -> Camera:
    """Return the camera of the bits' influences."""
    labels = tuple(map(str, range(task.n_ctx - 1)))

    def frame(model: Transformer | MLP) -> tuple[Bars, ...]:
        values = bit_influences(model, task).numpy()[None, None]
        caption = "The share of the inputs whose answer changes with the bit."
        return (Bars("bits", "Influence of each bit", "bit", "share", labels, ("influence",), values, caption),)

    return Camera(frame)


# --- an explanation, and a claim of its own

TASK = ClaimSpec(DOES_TASK, "does the task", "It answers examples that it was not trained on", "accuracy", 0.95, True)
FOUND = ClaimSpec(
    "subset",
    "the bits that count",
    "Its answers depend on the bits that count, and on no others",
    "least influence of a bit that counts, less the largest of another",
    0.8,
    True,
)
LENGTH = ClaimSpec("few-bits", "few bits", "Fewer than half of the bits count", "bits that do not count, of all", 0.5)


@dataclass(frozen=True, kw_only=True, repr=False)
class ParityExplanation(Explanation):
    """Which bits a network uses."""

    influences: tuple[float, ...]

    @property
    def headline(self) -> str:
        """What was found, in a few words."""
        used = [str(bit) for bit, influence in enumerate(self.influences) if influence > 0.5]
        return f"the parity of the bits {', '.join(used)}" if used else "none of the bits"

    @property
    def summary(self) -> str:
        """The verdict in a sentence."""
        found = f"The network computes {self.headline}."
        return found if self.verdict == "explained" else f"{found} {self.which_fail()}."

    def facts(self) -> Facts:
        """Return what was found besides the claims."""
        return (("accuracy", f"{self.accuracy:.1%}"), ("computes", self.headline))

    def tables(self) -> tuple[Findings, ...]:
        """Return the influence of each bit."""
        table = pd.DataFrame({"bit": range(len(self.influences)), "influence": self.influences})
        return (Findings("Influence of the bits", table),)

    def to_dict(self) -> dict[str, Any]:
        """Return the explanation as JSON takes it."""
        return {
            "subject": self.subject,
            "step": self.step,
            "accuracy": self.accuracy,
            "loss": self.loss,
            "verdict": self.verdict,
            "influences": list(self.influences),
            "claims": [each.to_dict() for each in self.claims],
        }


@explain_network.register
def explain_parity(
    task: ParityTask, subject: Subject, *, frequencies: Any, seed: int, progress: Progress
) -> ParityExplanation:
    """Return which bits the network uses, against a network that was not trained."""
    with torch.no_grad():
        control = untrained_twin(subject.model, seed=seed)
        look, untrained = Look(task, subject.model), Look(task, control)
        influences = bit_influences(subject.model, task)
        claims = (
            TASK.tested(look.score.accuracy, [Control("untrained network", untrained.score.accuracy)]),
            FOUND.tested(margin(subject.model, task), [Control("untrained network", margin(control, task))]),
        )
    return ParityExplanation(
        subject=subject.name,
        step=subject.step,
        accuracy=look.score.accuracy,
        loss=look.score.loss,
        claims=claims,
        required=required_ids([TASK, FOUND]),
        influences=tuple(influences.tolist()),
    )


@claim(LENGTH, tasks=(ParityTask,))
def few_bits(subject: Subject) -> Any:
    """Return whether most bits do not count."""
    assert isinstance(subject.task, ParityTask)
    n = subject.task.n_ctx - 1
    return LENGTH.tested(1 - len(subject.task.subset) / n, [Control("every bit counts", 0.0)])
