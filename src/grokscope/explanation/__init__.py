"""A claim and its evidence: which algorithm a network computes, tested causally and against controls."""

from grokscope.explanation import families as families
from grokscope.explanation.base import Explanation as Explanation
from grokscope.explanation.claims import Claim as Claim
from grokscope.explanation.claims import ClaimSpec as ClaimSpec
from grokscope.explanation.claims import Control as Control
from grokscope.explanation.explain import explain as explain
from grokscope.explanation.explain import explain_network as explain_network
from grokscope.explanation.identify import identify as identify
from grokscope.explanation.modular.explanation import ModularExplanation as ModularExplanation
from grokscope.explanation.modular.program import Program as Program
from grokscope.explanation.open import open_subject as open_subject
from grokscope.explanation.own_claims import claim as claim
from grokscope.explanation.sequences.explanation import CircuitExplanation as CircuitExplanation
from grokscope.explanation.subject import Subject as Subject
from grokscope.explanation.subject import subject_of_run as subject_of_run
from grokscope.explanation.timeline import Timeline as Timeline
from grokscope.explanation.timeline import explain_over_training as explain_over_training
