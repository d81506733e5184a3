"""What is learned: tasks, their data, and their ground truth."""

from grokscope.tasks.examples import Examples as Examples
from grokscope.tasks.modular import EndlessData as EndlessData
from grokscope.tasks.modular import FiniteData as FiniteData
from grokscope.tasks.modular import ModularConfig as ModularConfig
from grokscope.tasks.modular import ModularTask as ModularTask
from grokscope.tasks.modular import modular_task as modular_task
from grokscope.tasks.task import Task as Task
