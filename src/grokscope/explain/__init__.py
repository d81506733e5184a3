"""A claim and its evidence: which algorithm a network computes, tested causally and against controls."""

from grokscope.explain.claims import Claim as Claim
from grokscope.explain.claims import Control as Control
from grokscope.explain.explaining import explain as explain
from grokscope.explain.explanation import CircuitExplanation as CircuitExplanation
from grokscope.explain.explanation import Explanation as Explanation
from grokscope.explain.explanation import ModularExplanation as ModularExplanation
from grokscope.explain.opening import open_subject as open_subject
from grokscope.explain.opening import subject_of_import as subject_of_import
from grokscope.explain.program import Program as Program
from grokscope.explain.subject import ModularSubject as ModularSubject
from grokscope.explain.subject import SequenceSubject as SequenceSubject
from grokscope.explain.subject import Subject as Subject
from grokscope.explain.subject import subject_of_run as subject_of_run
from grokscope.explain.timeline import Timeline as Timeline
from grokscope.explain.timeline import explain_over_training as explain_over_training
