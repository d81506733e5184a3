"""What of a network of modular arithmetic is compared: its circuit, and its explanation."""

from dataclasses import replace

from grokscope.analysis import fourier_summary
from grokscope.errors import NotApplicableError
from grokscope.explanation import ModularExplanation, explain, subject_of_run
from grokscope.reproduction.family import with_network
from grokscope.reproduction.measurement import Measured
from grokscope.run import Run
from grokscope.tasks import ModularTask


@with_network.register
def _(task: ModularTask, measured: Measured, run: Run) -> Measured:
    try:
        explanation = explain(subject_of_run(run))
    except NotApplicableError:
        explanation = None
    found = explanation if isinstance(explanation, ModularExplanation) else None
    return replace(measured, circuit=fourier_summary(run.model(), task), explanation=found)
