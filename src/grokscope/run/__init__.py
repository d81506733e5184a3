"""What is kept: experiments, run folders, and the recording of a training run."""

from grokscope.run.experiment import Experiment as Experiment
from grokscope.run.experiment import Seeds as Seeds
from grokscope.run.folder import load_experiment as load_experiment
from grokscope.run.folder import run_folders as run_folders
from grokscope.run.recording.ensemble import ensemble_key as ensemble_key
from grokscope.run.recording.ensemble import record_ensemble as record_ensemble
from grokscope.run.recording.execution import Execution as Execution
from grokscope.run.recording.single import record_run as record_run
from grokscope.run.run import Run as Run
