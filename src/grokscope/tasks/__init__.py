"""What is learned: tasks, their data, and their ground truth."""

from grokscope.tasks.binary.config import FiniteData as FiniteData
from grokscope.tasks.binary.config import InfiniteData as InfiniteData
from grokscope.tasks.binary.task import BinaryOperationTask as BinaryOperationTask
from grokscope.tasks.config import DataConfig as DataConfig
from grokscope.tasks.config import TaskConfig as TaskConfig
from grokscope.tasks.examples import Examples as Examples
from grokscope.tasks.modular.config import ModularConfig as ModularConfig
from grokscope.tasks.modular.task import ModularTask as ModularTask
from grokscope.tasks.modular.task import require_modular as require_modular
from grokscope.tasks.registry import TASKS as TASKS
from grokscope.tasks.registry import AnyTaskConfig as AnyTaskConfig
from grokscope.tasks.registry import register_task as register_task
from grokscope.tasks.sequences.digit_addition import DigitAdditionConfig as DigitAdditionConfig
from grokscope.tasks.sequences.digit_addition import DigitAdditionTask as DigitAdditionTask
from grokscope.tasks.sequences.repeated_subsequences import RepeatedSubsequencesConfig as RepeatedSubsequencesConfig
from grokscope.tasks.sequences.repeated_subsequences import RepeatedSubsequencesTask as RepeatedSubsequencesTask
from grokscope.tasks.sequences.skip_trigrams import SkipTrigramsConfig as SkipTrigramsConfig
from grokscope.tasks.sequences.skip_trigrams import SkipTrigramsTask as SkipTrigramsTask
from grokscope.tasks.task import SequenceTask as SequenceTask
from grokscope.tasks.task import Task as Task
