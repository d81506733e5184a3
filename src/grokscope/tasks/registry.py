"""From settings to a task, whichever it is."""

from typing import Annotated

from jaxtyping import Int
from pydantic import Field
from torch import Tensor

from grokscope.tasks.modular.task import ModularConfig, modular_task
from grokscope.tasks.sequences.digit_addition import DigitAdditionConfig, digit_addition_task
from grokscope.tasks.sequences.repeated_subsequences import RepeatedSubsequencesConfig, repeated_subsequences_task
from grokscope.tasks.sequences.skip_trigrams import SkipTrigramsConfig, skip_trigrams_task
from grokscope.tasks.task import Task

TaskConfig = Annotated[
    ModularConfig | DigitAdditionConfig | RepeatedSubsequencesConfig | SkipTrigramsConfig,
    Field(discriminator="kind"),
]


def build_task(
    config: TaskConfig, *, split_seed: int = 0, data_seed: int = 0, table: Int[Tensor, "p p"] | None = None
) -> Task:
    """Return the task that ``config`` describes.

    Args:
        config: of any task.
        split_seed: chooses what is trained on and what is tested on.
        data_seed: draws batches, and random labels.
        table: the answers of a modular operation, where they are already known (a stored run).

    Raises:
        ConfigError: the settings ask for what there is not.
    """
    match config:
        case ModularConfig():
            return modular_task(config, split_seed=split_seed, data_seed=data_seed, table=table)
        case DigitAdditionConfig():
            return digit_addition_task(config, split_seed=split_seed, data_seed=data_seed)
        case RepeatedSubsequencesConfig():
            return repeated_subsequences_task(config, split_seed=split_seed, data_seed=data_seed)
        case SkipTrigramsConfig():
            return skip_trigrams_task(config, split_seed=split_seed, data_seed=data_seed)
