"""The claims about a network of modular arithmetic: what each asserts and measures, and from which value it holds."""

from enum import StrEnum

from grokscope.explanation.claims import DOES_TASK, ClaimSpec, required_ids

ACCURATE = 0.99
"""A network, or what is left of it, gives the answers if it gets this share of the pairs right."""
DROP = 0.5
"""A part is needed if without it this share of the pairs is lost."""
SPARSE_SHARE = 0.9
"""The key frequencies must hold this share of what all frequencies together account for."""
FORMULA_FVE = 0.9
"""The formula must account for this share of the logits' variance (the published mainline: 0.95)."""
EACH_GROWTH = 1.5
"""Without any one of the key frequencies the loss must grow by so much more than without any other frequency."""
NEURON_SHARE = 0.75
"""The circuit's frequencies must explain this share of what the neurons write to the logits. A quadratic neuron of one
frequency k has exactly 0.8; the rest is 2k (Gromov 2023)."""


class ModularClaim(StrEnum):
    """The ids of the claims."""

    TASK = DOES_TASK
    SPARSE = "sparse"
    FORMULA = "formula"
    PROGRAM = "program"
    SUFFICIENT = "sufficient"
    NECESSARY = "necessary"
    EACH_FREQUENCY = "each-frequency"
    NEURONS_ENOUGH = "neurons-enough"
    NEURONS_NEEDED = "neurons-needed"
    NEURONS_PERIODIC = "neurons-periodic"
    NEURONS_POLYNOMIALS = "neurons-polynomials"
    ATTENTION_LINEAR = "attention-linear"


TASK = ClaimSpec(
    ModularClaim.TASK,
    "task",
    "The network does the task",
    "share of all pairs answered right",
    ACCURATE,
    required=True,
)
SPARSE = ClaimSpec(
    ModularClaim.SPARSE,
    "sparse",
    "Its logits hold few frequencies",
    "share of what all frequencies cos(w_k(i + j − c)) account for that the circuit's do",
    SPARSE_SHARE,
    required=True,
)
FORMULA = ClaimSpec(
    ModularClaim.FORMULA,
    "formula",
    "Its logits are the formula of the {algorithm}",
    "share of the logits' variance that the formula accounts for (FVE)",
    FORMULA_FVE,
)
PROGRAM = ClaimSpec(
    ModularClaim.PROGRAM,
    "program",
    "The exported program gives the network's answers",
    "share of all pairs on which program and network agree",
    ACCURATE,
)
SUFFICIENT = ClaimSpec(
    ModularClaim.SUFFICIENT,
    "sufficient",
    "The circuit's frequencies are enough",
    "share answered right with only their directions and the mean kept",
    ACCURATE,
)
NECESSARY = ClaimSpec(
    ModularClaim.NECESSARY,
    "necessary",
    "Without them it fails",
    "share of the pairs lost when their directions are removed",
    DROP,
    required=True,
)
EACH_FREQUENCY = ClaimSpec(
    ModularClaim.EACH_FREQUENCY,
    "each frequency",
    "Every key frequency matters, and more than any other",
    "growth of the loss without the least important key, over that without the most important other frequency",
    EACH_GROWTH,
)
NEURONS_ENOUGH = ClaimSpec(
    ModularClaim.NEURONS_ENOUGH,
    "neurons: enough",
    "The neurons act through the key frequencies' directions of W_L",
    "share answered right with the neurons projected on these {rank} directions (and their mean)",
    ACCURATE,
)
NEURONS_NEEDED = ClaimSpec(
    ModularClaim.NEURONS_NEEDED,
    "neurons: needed",
    "Without those directions the neurons are of no use",
    "share of the pairs lost with the neurons projected on the directions' null space",
    DROP,
)
NEURONS_PERIODIC = ClaimSpec(
    ModularClaim.NEURONS_PERIODIC,
    "neurons: periodic",
    "Each neuron computes with one of the circuit's frequencies",
    "share of the neurons' variance, weighted by W_L², that one circuit frequency per neuron explains",
    NEURON_SHARE,
)
NEURONS_POLYNOMIALS = ClaimSpec(
    ModularClaim.NEURONS_POLYNOMIALS,
    "neurons: polynomials",
    "Neurons can be replaced by their degree-2 polynomials of cos and sin",
    "share answered right with every neuron replaced by its fit in one circuit frequency",
    ACCURATE,
)
ATTENTION_LINEAR = ClaimSpec(
    ModularClaim.ATTENTION_LINEAR,
    "attention: linear",
    "The softmax can be replaced by a linear map of the scores",
    "share answered right with each head's attention replaced by its linear fit",
    ACCURATE,
)

REQUIRED = required_ids((TASK, SPARSE, NECESSARY))
"""Without these a network is not even partly explained: it does the task, its logits hold few frequencies, and without
those it fails. A lookup table and a network that only looks periodic fail one of them."""
