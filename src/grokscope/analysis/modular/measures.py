"""The measures of a network of modular arithmetic.

Losses (nats) and accuracies are over the n answers, ``train_…`` on the training pairs, ``test_…`` on the rest.
``excluded_loss`` (without all key frequencies, and without each) and ``excluded_loss_cube`` are on the training pairs
(all pairs where there is no training set), ``restricted_loss`` on all pairs, as in the paper. See each function that is
called for its definition.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from jaxtyping import Bool, Float
from torch import Tensor

from grokscope.analysis.binary.all_pairs import AllPairsTable, all_pairs_table, train_mask
from grokscope.analysis.binary.unembedding import neuron_logit_map
from grokscope.analysis.fourier import transform
from grokscope.analysis.measures import Look, look_at, measure
from grokscope.analysis.modular.clock_pizza import distance_irrelevance, gradient_symmetricity
from grokscope.analysis.modular.coordinates import Coordinates, coordinate_embedding, find_coordinates
from grokscope.analysis.modular.key_frequencies import network_key_frequencies
from grokscope.analysis.modular.logit_fits import Alignment, LogitFit, align, clock_fit, pizza_fit
from grokscope.analysis.modular.neuron_fits import effective_rank
from grokscope.analysis.modular.neurons import CLUSTER_SHARE, neuron_frequencies
from grokscope.analysis.modular.progress_measures import (
    accuracy,
    answer_losses,
    excluded_loss,
    excluded_loss_of_cube,
    logit_margins,
    restricted_loss,
)
from grokscope.analysis.modular.sum_directions import over_sums
from grokscope.analysis.precision import widened_network
from grokscope.analysis.weights import gini, inverse_participation_ratio
from grokscope.display import brief_repr
from grokscope.errors import ConfigError, NotApplicableError
from grokscope.models import MLP, Transformer
from grokscope.tasks import ModularTask
from grokscope.training import Evaluation

MODULAR = (ModularTask,)


@dataclass(frozen=True, eq=False, repr=False)
class ModularLook(Look):
    """A network of modular arithmetic on all pairs, in the coordinates in which its task is addition."""

    task: ModularTask
    coordinates: Coordinates
    frequencies: tuple[int, ...]
    """The key frequencies."""
    train: Bool[Tensor, "n n"] | None
    """The training pairs; None where all pairs are."""
    weights_apart = True

    __repr__ = brief_repr

    @property
    def _post_name(self) -> str:
        return f"blocks.{len(self.model.blocks) - 1}.mlp.hook_post"

    @cached_property
    def _table(self) -> AllPairsTable:
        return all_pairs_table(self.model, self.task, {self._post_name} if self.logit_map is not None else ())

    @cached_property
    def logits(self) -> Float[Tensor, "n n n"]:
        """Of all pairs."""
        return self.coordinates.of_logits(self._table.logits)

    @cached_property
    def neuron_shares(self) -> Float[Tensor, " m"] | None:
        """How much of each neuron its best frequency explains; None without neurons."""
        post = self._table.activations.get(self._post_name)
        return None if post is None else neuron_frequencies(self.coordinates.of_inputs(post)).share

    @cached_property
    def logit_map(self) -> Float[Tensor, "n m"] | None:
        """W_L, over the answers; None without neurons."""
        found = neuron_logit_map(self.model, self.task.p)
        return None if found is None else found[:, self.coordinates.c].T.double()

    @cached_property
    def losses(self) -> Float[Tensor, "n n"]:
        """Of every pair."""
        return answer_losses(self.logits)

    @cached_property
    def margins(self) -> Float[Tensor, "n n"]:
        """Of every pair."""
        return logit_margins(self.logits).double()

    @cached_property
    def alignment(self) -> Alignment:
        """With the key frequencies."""
        return align(self.logits, self.frequencies)

    @cached_property
    def fit(self) -> LogitFit:
        """Of the clock."""
        return clock_fit(self.alignment)

    @cached_property
    def score(self) -> Evaluation:
        """Loss and accuracy over all pairs, of the n answers."""
        return Evaluation(float(self.losses.mean()), accuracy(self.logits))

    def of_pairs(self, part: str) -> Bool[Tensor, "n n"] | None:
        """Return the pairs of the training set (``train``) or of the test set; None where there is none."""
        if self.train is None:
            return None
        pairs = self.train if part == "train" else ~self.train
        return pairs if bool(pairs.any()) else None


@look_at.register
def _(
    task: ModularTask, last: Transformer | MLP, *, frequencies: Sequence[int] | None = None, required: bool = True
) -> Callable[[Transformer | MLP], ModularLook]:
    coordinates = coordinates_of(task)
    if frequencies is None:
        keys = network_key_frequencies(last, task)
        frequencies = keys.candidates
        if required and not frequencies:
            raise NotApplicableError(
                f"the network has no key frequencies ({keys.reason}), and without them the progress measures are not "
                f"defined; name some with --frequencies"
            )
    check_frequencies(frequencies, coordinates.n)
    train, chosen = train_mask(task), tuple(frequencies)
    mask = None if train is None else coordinates.of_inputs(train)
    return lambda model: ModularLook(task, widened_network(model), coordinates, chosen, mask)


def check_frequencies(frequencies: Sequence[int], n: int) -> None:
    """Raise unless there are such frequencies among n residues.

    Raises:
        ConfigError: one does not exist.
    """
    for k in frequencies:
        if not 1 <= k <= n // 2:
            raise ConfigError(f"there is no frequency {k} modulo {n}; use 1 to {n // 2}")


def coordinates_of(task: ModularTask) -> Coordinates:
    """Return the coordinates in which the task is addition.

    Raises:
        NotApplicableError: there are none.
    """
    found = find_coordinates(task.table)
    if found is None:
        raise NotApplicableError(
            f"{task.name} is not addition in any coordinates: Fourier measures are defined for sums, differences, "
            f"other linear forms, and products modulo a prime"
        )
    return found


def _on_part(part: str) -> None:
    """Register loss and accuracy on the training pairs, or on the others."""

    @measure(f"{part}_loss", unit="nats", chance="ln n", tasks=MODULAR)
    def loss(look: ModularLook) -> float | None:
        pairs = look.of_pairs(part)
        return None if pairs is None else float(look.losses[pairs].mean())

    @measure(f"{part}_accuracy", unit="share", chance="1/n", tasks=MODULAR)
    def share(look: ModularLook) -> float | None:
        pairs = look.of_pairs(part)
        return None if pairs is None else float((look.margins[pairs] > 0).double().mean())


_on_part("train")
_on_part("test")


@measure("margin_mean", unit="nats", chance="below 0", tasks=MODULAR)
def _margin_mean(look: ModularLook) -> float:
    return float(look.margins.mean())


@measure("margin_min", unit="nats", chance="below 0", tasks=MODULAR)
def _margin_min(look: ModularLook) -> float:
    return float(look.margins.min())


@measure("restricted_loss", unit="nats", chance="ln n or more", tasks=MODULAR)
def _restricted(look: ModularLook) -> float:
    return restricted_loss(look.logits, look.frequencies)


@measure("excluded_loss", unit="nats", chance="the network's own loss", tasks=MODULAR, index="frequency")
def _excluded(look: ModularLook) -> dict[str, float]:
    sets = {"": list(look.frequencies), **{str(k): [k] for k in look.frequencies}}
    sums = over_sums(look.logits)
    return {name: excluded_loss(look.logits, removed, look.train, sums=sums) for name, removed in sets.items()}


@measure("excluded_loss_cube", unit="nats", chance="the network's own loss", tasks=MODULAR)
def _excluded_cube(look: ModularLook) -> float:
    return excluded_loss_of_cube(look.logits, look.frequencies, look.train, fit=look.fit)


@measure("logit_fve", unit="share", chance="f/n³", tasks=MODULAR)
def _logit_fve(look: ModularLook) -> float:
    return look.fit.fve


@measure("pizza_fve", unit="share", chance="f/n³", tasks=MODULAR)
def _pizza_fve(look: ModularLook) -> float:
    return pizza_fit(look.alignment).fve


@measure("alpha", unit="nats", chance="0", tasks=MODULAR, index="frequency")
def _alpha(look: ModularLook) -> dict[str, float]:
    """Return the coefficients of cos(w_k(a + b − c))."""
    return {str(k): alpha for k, alpha in zip(look.fit.frequencies, look.fit.amplitudes, strict=True)}


@measure("neurons_in_clusters", unit="share", chance="0", tasks=MODULAR)
def _in_clusters(look: ModularLook) -> float | None:
    shares = look.neuron_shares
    return None if shares is None else float((shares > CLUSTER_SHARE).double().mean())


@measure("neuron_share_mean", unit="share", chance="below 0.3", tasks=MODULAR)
def _neuron_share(look: ModularLook) -> float | None:
    return None if look.neuron_shares is None else float(look.neuron_shares.mean())


@measure("gini_W_E", unit="", chance="1/√(2πd)", tasks=MODULAR)
def _gini_embedding(look: ModularLook) -> float:
    return gini(transform(coordinate_embedding(look.model, look.coordinates).double()).norm(dim=1))


@measure("gini_W_L", unit="", chance="1/√(2πd)", tasks=MODULAR)
def _gini_logit_map(look: ModularLook) -> float | None:
    return None if look.logit_map is None else gini(transform(look.logit_map).norm(dim=1))


@measure("rest_W_L", unit="share", chance="near 1", tasks=MODULAR)
def _rest(look: ModularLook) -> float | None:
    """Return the share of W_L's norm beyond two dimensions a frequency."""
    return None if look.logit_map is None else effective_rank(look.logit_map, 2 * len(look.frequencies))[1]


@measure("ipr_W_L", unit="", chance="2/(number of frequencies)", tasks=MODULAR)
def _participation(look: ModularLook) -> float | None:
    return None if look.logit_map is None else float(inverse_participation_ratio(look.logit_map).mean())


@measure("gradient_symmetricity", unit="", chance="about 1", tasks=MODULAR)
def _symmetricity(look: ModularLook) -> float:
    return gradient_symmetricity(look.model, look.task)


@measure("distance_irrelevance", unit="", chance="about 1", tasks=MODULAR)
def _irrelevance(look: ModularLook) -> float:
    return distance_irrelevance(look.logits)
