"""What a user asks for by one verb, from a name to its result."""

from grokscope.workflows.train import default_folder as default_folder
from grokscope.workflows.train import train as train
