"""What a network's weights do not show, searched for: activation, mask, residual scale and attention coefficient.

The measure is the loss on the whole table, for whichever operation fits; all are varied together, the attention
coefficient continuously. Two things temper it. Of settings whose losses are within a factor of two of the smallest, the
most usual are taken, and the others judged beside them: ReLU and GELU often fit alike. And the loss cannot decide about
the residual scale, which multiplies the logits and so lowers the loss of any network that is right; the margin of the
right answer in standard deviations of the logits does.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from grokscope.analysis.binary.all_pairs import all_pairs_table
from grokscope.analysis.modular.operation import FoundOperation, find_operation
from grokscope.analysis.modular.progress_measures import answer_losses
from grokscope.display import brief_repr
from grokscope.interop import ImportedNetwork
from grokscope.tasks import FiniteData, ModularConfig, ModularTask

Settings = dict[str, Any]

ALIKE = 2.0
"""Settings with at most so many times the smallest loss fit alike."""
CLEARER = 1.02
"""How many times the margin must be for something to be taken that makes logits larger."""
UNFITTED, LOWER = 0.01, 10.0
"""With the same margin they are taken if the usual ones leave a loss above the first, in nats, and they so many times
less."""
_CONVERGED = 1e-4
"""A network that was trained to generalise has a smaller loss than this, in nats, with its own settings."""
_VALUES: dict[str, tuple[Any, ...]] = {
    "activation": ("relu", "gelu", "quadratic"),
    "causal": (True, False),
    "residual_scale": (1.0, 2.0),
    "attention_coefficient": (1.0, 0.5, 0.0),
}
"""What is tried, the usual value first."""
USUAL: Settings = {name: values[0] for name, values in _VALUES.items()}
_COEFFICIENT = "attention_coefficient"
_GOLDEN = 0.6180339887498949
_ROUNDS = 11
"""Of the search for the coefficient, each of which leaves 62 % of the interval."""
_SAMPLE = 256
"""Pairs whose logits are compared."""
_ROUND = 1.01
"""A coefficient of 0 or 1 is taken if its loss is at most so many times the smallest."""


@dataclass(frozen=True, eq=False)
class Trial:
    """A network with some settings, and how well it then fits the operation that fits best."""

    settings: Settings
    """Those that differ from the usual."""
    imported: ImportedNetwork
    found: FoundOperation
    loss: float
    """Mean cross-entropy, in nats."""
    margin: float
    """The lead of the right answer over the best other one, in standard deviations of the logits, on average."""
    sample: Float[Tensor, "pairs p"]
    """The logits of some pairs, by which it is told from other networks."""

    __repr__ = brief_repr


@dataclass(frozen=True, eq=False)
class SearchResult:
    """The settings taken, and those beside them."""

    best: Trial
    usual: Trial
    alike: tuple[Trial, ...] = ()
    """Others that fit alike and are another network, the best first."""
    next_loss: float | None = None
    """The smallest loss with other values of the settings taken; None where nothing else was tried."""

    __repr__ = brief_repr


def search_settings(imported: ImportedNetwork, task: ModularTask, operation: str | None) -> SearchResult:
    """Return the settings with which a network fits best.

    Args:
        imported: the network.
        task: on its pairs; the operation does not matter.
        operation: what it is said to compute; found anew for each setting if None.
    """
    return _Search(imported, task, operation).result()


@dataclass
class _Search:
    imported: ImportedNetwork
    task: ModularTask
    operation: str | None
    tried: dict[tuple[tuple[str, Any], ...], Trial] = field(default_factory=dict)

    def result(self) -> SearchResult:
        values = {name: _VALUES[name] for name in self.imported.open_settings if name in _VALUES}
        usual = self.trial({})
        for name, some in list(values.items()):
            single = [self.trial({name: value}) for value in some[1:]]
            if not any(_differs(trial, usual) for trial in single):  # as a mask does in a network of one layer
                del values[name]
                self.tried = {key: trial for key, trial in self.tried.items() if name not in trial.settings}
        if usual.loss > _CONVERGED or min(trial.loss for trial in self.tried.values()) * ALIKE < usual.loss:
            for settings in _combinations(values):
                self.trial(settings)
            if _COEFFICIENT in values and _COEFFICIENT in self._best().settings:  # with 1, others fit no better
                self._refine()
        best = self._best()
        others = [each for each in self.tried.values() if _size(each) == _size(best) and _is_another(each, best)]
        others.sort(key=_loss)
        alike = [
            each
            for each in others
            if each.loss <= ALIKE * best.loss and CLEARER * each.margin >= best.margin and _differs(each, best)
        ]
        return SearchResult(best, usual, tuple(alike[:1]), others[0].loss if others else None)

    def _best(self) -> Trial:
        """Return the most usual of the settings that fit alike; of those that differ in size, by the margin."""
        sizes: dict[tuple[Any, ...], list[Trial]] = {}
        for trial in self.tried.values():
            sizes.setdefault(_size(trial), []).append(trial)
        best, *others = [self._rounded(_most_usual(trials)) for _, trials in sorted(sizes.items())]
        for other in others:
            if other.found.agreement >= best.found.agreement and _is_clearer(other, best):
                best = other
        return best

    def _rounded(self, trial: Trial) -> Trial:
        """Return the trial with a coefficient of 0 or 1, where that makes no difference to the loss."""
        at = trial.settings.get(_COEFFICIENT, 1.0)
        if at == 1:
            return trial
        others = {name: value for name, value in trial.settings.items() if name != _COEFFICIENT}
        nearest = self.trial(others if at > 0.5 else {**others, _COEFFICIENT: 0.0})
        return nearest if nearest.loss <= _ROUND * trial.loss else trial

    def trial(self, settings: Settings) -> Trial:
        """Return how well the network fits with ``settings`` in place of the usual; each is tried once."""
        key = tuple(sorted(settings.items()))
        if key not in self.tried:
            network = self.imported.with_settings(**settings) if settings else self.imported
            logits = all_pairs_table(network.model, self.task).logits.double()
            answers = logits.argmax(2)
            if self.operation is None:
                found = find_operation(answers)
            else:
                found = FoundOperation(
                    self.operation, self.task.table, float((answers == self.task.table).double().mean()), 0.0
                )
            loss = float(answer_losses(logits, found.table).mean())
            sample = logits.flatten(0, 1)[:: max(1, logits.shape[0] ** 2 // _SAMPLE)].clone()
            self.tried[key] = Trial(settings, network, found, loss, _margin(logits, found.table), sample)
        return self.tried[key]

    def _refine(self) -> None:
        """Search for the coefficient with the two best sets of the other settings."""
        begun: list[Settings] = []
        for trial in sorted(self.tried.values(), key=_loss):
            others = {name: value for name, value in trial.settings.items() if name != _COEFFICIENT}
            if others not in begun:
                begun.append(others)
                self._narrow(others, trial.settings.get(_COEFFICIENT, 1.0))
            if len(begun) == 2:
                return

    def _narrow(self, others: Settings, middle: float) -> None:
        """Search for the best coefficient around ``middle`` by golden sections."""

        def loss(at: float) -> float:
            return self.trial(others if at == 1 else {**others, _COEFFICIENT: at}).loss

        low, high = max(0.0, middle - 0.5), min(1.0, middle + 0.5)
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        for _ in range(_ROUNDS):
            if loss(left) < loss(right):
                high, right = right, left
                left = high - _GOLDEN * (high - low)
            else:
                low, left = left, right
                right = low + _GOLDEN * (high - low)


def _combinations(values: Mapping[str, Sequence[Any]]) -> Iterator[Settings]:
    for chosen in product(*values.values()):
        named = dict(zip(values, chosen, strict=True))
        yield {name: value for name, value in named.items() if value != USUAL[name]}


def _margin(logits: Float[Tensor, "p p p"], table: Int[Tensor, "p p"]) -> float:
    """Return the margin of a trial; row by row, for copies of all logits would be large."""
    leads = []
    for row, right in zip(logits, table.unsqueeze(2), strict=True):
        others = row.scatter(1, right, -torch.inf).max(1).values
        leads.append((row.gather(1, right).squeeze(1) - others) / row.std(1).clamp_min(1e-30))
    return float(torch.stack(leads).mean())


def _loss(trial: Trial) -> float:
    return trial.loss


def _size(trial: Trial) -> tuple[Any, ...]:
    """Return the settings of a trial that make logits larger or smaller, the usual ones first in order."""
    return trial.settings.get("residual_scale", 1.0), trial.settings.get("activation") == "quadratic"


def _is_clearer(trial: Trial, usual: Trial) -> bool:
    """Return whether settings that make logits larger are taken in place of the usual."""
    unfitted = usual.loss > UNFITTED and trial.loss * LOWER < usual.loss and CLEARER * trial.margin > usual.margin
    return unfitted or trial.margin > CLEARER * usual.margin


def _most_usual(trials: Sequence[Trial]) -> Trial:
    """Return the trial with the fewest unusual settings, of those that fit alike."""
    least = min(map(_loss, trials))
    alike = [trial for trial in trials if trial.loss <= ALIKE * least]
    return min(alike, key=lambda trial: (len(trial.settings), trial.loss))


def _is_another(trial: Trial, best: Trial) -> bool:
    """Return whether two trials differ in more than how near they are to one coefficient."""
    ours, theirs = ({**USUAL, **each.settings} for each in (best, trial))
    if any(ours[name] != theirs[name] for name in ours if name != _COEFFICIENT):
        return True
    return abs(ours[_COEFFICIENT] - theirs[_COEFFICIENT]) > 0.1


def _differs(trial: Trial, best: Trial) -> bool:
    """Return whether two trials are different networks: of some settings others make no difference."""
    spread = float(best.sample.std())
    return float((trial.sample - best.sample).abs().max()) > 1e-3 * spread


def task_on_pairs(imported: ImportedNetwork, operation: str, table: Tensor | None = None) -> ModularTask:
    """Return the task of an operation on the pairs that a network reads, all of them trained on.

    Args:
        imported: gives the modulus, and whether '=' follows.
        operation: its name or expression.
        table: of answers, where no name gives them.
    """
    config = ModularConfig(
        p=imported.p or 0, operation=operation, equals_token=imported.equals_token, data=FiniteData(train_fraction=1)
    )
    return config.build(artifacts=None if table is None else {"table": table})
