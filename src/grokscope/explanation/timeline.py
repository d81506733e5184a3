"""When each claim became true: the explanation at many steps of a run."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from grokscope.analysis.trajectories.measure_run import chosen_steps
from grokscope.display import facts_table, few, list_table
from grokscope.explanation.base import Explanation
from grokscope.explanation.claims import Claim
from grokscope.explanation.explain import explain
from grokscope.explanation.subject import subject_of_run
from grokscope.progress import SILENT, Progress
from grokscope.run import Run


@dataclass(frozen=True, eq=False)
class Timeline:
    """Explanations over training, all with the key frequencies of the last network."""

    final: Explanation
    table: pd.DataFrame
    """One row a step and claim: step, verdict, id, claim (its name), value, threshold, holds."""

    def __repr__(self) -> str:
        return f"Timeline({self._verdicts_in_words()})"

    def _repr_html_(self) -> str:
        rows = (
            (claim.statement, "never" if first is None else f"{first:,}") for claim, first in self.first_steps().items()
        )
        verdicts = facts_table("verdict", [("over training", self._verdicts_in_words())])
        return verdicts + list_table(("claim", "true from step"), rows)

    def _verdicts_in_words(self) -> str:
        return few([f"{verdict} from step {step:,}" for step, verdict in self.verdicts().items()])

    def verdicts(self) -> dict[int, str]:
        """Return each verdict that differs from the one before, by the step of its network."""
        found: dict[int, str] = {}
        for step, verdict in self.table.drop_duplicates("step")[["step", "verdict"]].itertuples(index=False):
            if not found or verdict != found[max(found)]:
                found[int(step)] = verdict
        return found

    def first_steps(self) -> dict[Claim, int | None]:
        """Return for each claim the first step from which on it holds to the end; None where it does not."""
        return {claim: holds_from(self.table, claim.name) for claim in self.final.claims}


def holds_from(table: pd.DataFrame, claim: str) -> int | None:
    """Return the first step from which on the claim of that name holds to the end; None where it does not.

    ``table`` is a :attr:`Timeline.table`.
    """
    since = None
    rows = table.loc[table["claim"] == claim, ["step", "holds"]].to_numpy()
    for step, holds in sorted(rows.tolist()):
        since = (step if since is None else since) if holds else None
    return since if since is None else int(since)


def explain_over_training(
    run: Run,
    *,
    every: int | None = None,
    frequencies: Sequence[int] | None = None,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Timeline:
    """Return the claims' fate at the run's checkpoints.

    Every step is tested for the frequencies of the last network: the question is when *that* circuit came.

    Args:
        run: opened to be read.
        every: only checkpoints at multiples of this step, and the last [all].
        frequencies: the key frequencies [those of the last network].
        seed: draws the controls.
        progress: counts the checkpoints.

    Raises:
        RunError: there are no checkpoints.
    """
    steps = chosen_steps(run, every)
    progress.start(len(steps), "explaining")
    final = explain(subject_of_run(run, steps[-1]), frequencies=frequencies, seed=seed)
    rows = _rows(steps[-1], final)
    progress.advance(detail=f"step {steps[-1]:,}")
    keys = final.key_frequencies or None
    for step in steps[:-1]:
        rows += _rows(step, explain(subject_of_run(run, step), frequencies=keys, seed=seed))
        progress.advance(detail=f"step {step:,}")
    table = pd.DataFrame(rows).sort_values("step", kind="stable").reset_index(drop=True)
    return Timeline(final, table)


def _rows(step: int, explanation: Explanation) -> list[dict[str, object]]:
    return [
        {
            "step": step,
            "verdict": explanation.verdict,
            "id": claim.id,
            "claim": claim.name,
            "value": claim.value,
            "threshold": claim.threshold,
            "holds": claim.holds,
        }
        for claim in explanation.claims
    ]
