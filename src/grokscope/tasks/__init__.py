"""What is learned: tasks, their data, and their ground truth."""

from grokscope.tasks.build import TaskConfig as TaskConfig
from grokscope.tasks.build import build_task as build_task
from grokscope.tasks.digit_addition import DigitAdditionConfig as DigitAdditionConfig
from grokscope.tasks.digit_addition import DigitAdditionTask as DigitAdditionTask
from grokscope.tasks.examples import Examples as Examples
from grokscope.tasks.modular import EndlessData as EndlessData
from grokscope.tasks.modular import FiniteData as FiniteData
from grokscope.tasks.modular import ModularConfig as ModularConfig
from grokscope.tasks.modular import ModularTask as ModularTask
from grokscope.tasks.modular import modular_task as modular_task
from grokscope.tasks.modular import require_modular as require_modular
from grokscope.tasks.repeated_subsequences import RepeatedSubsequencesConfig as RepeatedSubsequencesConfig
from grokscope.tasks.repeated_subsequences import RepeatedSubsequencesTask as RepeatedSubsequencesTask
from grokscope.tasks.skip_trigrams import SkipTrigramsConfig as SkipTrigramsConfig
from grokscope.tasks.skip_trigrams import SkipTrigramsTask as SkipTrigramsTask
from grokscope.tasks.task import SequenceTask as SequenceTask
from grokscope.tasks.task import Task as Task
