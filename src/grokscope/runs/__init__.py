"""What is kept: experiments, run folders, and the recording of a training run."""

from grokscope.runs.ensemble_recording import ensemble_key as ensemble_key
from grokscope.runs.ensemble_recording import record_ensemble as record_ensemble
from grokscope.runs.execution import Execution as Execution
from grokscope.runs.experiment import Experiment as Experiment
from grokscope.runs.experiment import Seeds as Seeds
from grokscope.runs.folder import find_runs as find_runs
from grokscope.runs.folder import load_experiment as load_experiment
from grokscope.runs.recording import record_run as record_run
from grokscope.runs.run import Run as Run
