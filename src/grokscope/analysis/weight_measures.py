"""Measures of weights alone, which any network has."""

from grokscope.analysis.measures import Look, measure
from grokscope.analysis.weights import sums_of_squares


@measure("sum_of_squares", unit="", chance="that of the initial weights", index="parameter", separator=".")
def _sum_of_squares(look: Look) -> dict[str, float]:
    squares = sums_of_squares(look.model)
    return {"": sum(squares.values()), **(squares if look.weights_apart else {})}
