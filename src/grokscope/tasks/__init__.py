"""What is learned: tasks, their data, and their ground truth."""

from grokscope.tasks.examples import Examples as Examples
from grokscope.tasks.modular.task import FiniteData as FiniteData
from grokscope.tasks.modular.task import InfiniteData as InfiniteData
from grokscope.tasks.modular.task import ModularConfig as ModularConfig
from grokscope.tasks.modular.task import ModularTask as ModularTask
from grokscope.tasks.modular.task import modular_task as modular_task
from grokscope.tasks.modular.task import require_modular as require_modular
from grokscope.tasks.registry import TaskConfig as TaskConfig
from grokscope.tasks.registry import build_task as build_task
from grokscope.tasks.sequences.digit_addition import DigitAdditionConfig as DigitAdditionConfig
from grokscope.tasks.sequences.digit_addition import DigitAdditionTask as DigitAdditionTask
from grokscope.tasks.sequences.repeated_subsequences import RepeatedSubsequencesConfig as RepeatedSubsequencesConfig
from grokscope.tasks.sequences.repeated_subsequences import RepeatedSubsequencesTask as RepeatedSubsequencesTask
from grokscope.tasks.sequences.skip_trigrams import SkipTrigramsConfig as SkipTrigramsConfig
from grokscope.tasks.sequences.skip_trigrams import SkipTrigramsTask as SkipTrigramsTask
from grokscope.tasks.task import SequenceTask as SequenceTask
from grokscope.tasks.task import Task as Task
