"""What an analysis adds to the table that a notebook shows of a run: its phases."""

from grokscope.analysis.curves.phases import find_phases
from grokscope.display import Facts, tells_of
from grokscope.run import Run


@tells_of(Run)
def phase_facts(run: Run) -> Facts:
    """Return the step at which each phase that was reached ended, of a run with a test set."""
    phases = find_phases(run.metrics, run.task.chance_loss)
    return [(name, f"from step {step:,}") for name, step in phases.reached().items()]
