"""Clock, pizza, or neither."""

from dataclasses import dataclass
from typing import Literal

from grokscope.analysis.modular.circle_fits import CircleFit
from grokscope.explanation.modular.program import Algorithm

AlgorithmName = Literal["clock-like", "pizza-like", "neither"]

PIZZA_SYMMETRICITY = 0.98
"""A pizza's gradients are at least so symmetric (Zhong et al. 2023, section 5)."""
PIZZA_IRRELEVANCE = 0.6
"""A pizza's distance irrelevance is at most this (Zhong et al. 2023, section 5)."""


@dataclass(frozen=True)
class AlgorithmEvidence:
    """What tells the clock from the pizza."""

    clock_fve: float
    """Of the whole logits, as the clock's formula."""
    pizza_fve: float
    """Of the whole logits, as the pizza's formula."""
    any_envelope_fve: float
    """The FVE of the best formula e_k(i − j) cos(w_k(i + j − c)) there is, of which both are cases."""
    circles: tuple[CircleFit, ...]
    """Both formulas on each frequency's circle alone, which tells more than the whole logits do: several pizzas whose
    envelopes complement each other add up to a clock."""
    gradient_symmetricity: float
    distance_irrelevance: float
    frozen_attention_drop: float | None
    """Share of the pairs lost with attention frozen at its mean; None without attention. A clock multiplies by its
    attention or in its neurons; a pizza needs no attention that varies."""

    @property
    def better_formula(self) -> Algorithm:
        """The formula that accounts for more of the whole logits."""
        return "pizza" if self.pizza_fve > self.clock_fve else "clock"

    @property
    def circles_clock_fve(self) -> float:
        """The mean FVE of the clock on single circles, weighted by their share of the logits."""
        return sum(circle.share * circle.clock_fve for circle in self.circles)

    @property
    def circles_pizza_fve(self) -> float:
        """The mean FVE of the pizza on single circles, weighted by their share of the logits."""
        return sum(circle.share * circle.pizza_fve for circle in self.circles)

    @property
    def name(self) -> AlgorithmName:
        """The algorithm on which single circles, gradients and distances agree; ``neither`` where they do not.

        Neither gradient symmetricity nor distance irrelevance is proof alone (an untrained network has a symmetricity
        of about 1), so all three must agree.
        """
        symmetric = self.gradient_symmetricity >= PIZZA_SYMMETRICITY
        relevant = self.distance_irrelevance <= PIZZA_IRRELEVANCE
        pizza = self.circles_pizza_fve > self.circles_clock_fve
        if pizza and symmetric and relevant:
            return "pizza-like"
        if not pizza and not symmetric and not relevant:
            return "clock-like"
        return "neither"
