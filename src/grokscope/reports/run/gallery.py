"""Every picture of a run that can be asked for by its name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from matplotlib.figure import Figure

from grokscope import figures
from grokscope.analysis.modular.attention_fits import attention_fits
from grokscope.analysis.modular.attention_spectra import attention_spectra
from grokscope.analysis.modular.coordinates import coordinate_embedding
from grokscope.analysis.modular.embedding_planes import embedding_planes, project_tokens
from grokscope.analysis.modular.frequency_ablations import frequency_ablations
from grokscope.analysis.sequences.attention_examples import example_attention
from grokscope.analysis.sequences.skip_trigrams import is_readable, readout
from grokscope.analysis.sequences.token_labels import token_labels
from grokscope.errors import ConfigError, nearest
from grokscope.models import Transformer
from grokscope.reports.run.source import Source
from grokscope.run import Run
from grokscope.tasks import ModularTask, SkipTrigramsTask

MODULAR = ("modular",)
SEQUENCES = ("digit-addition", "repeated-subsequences", "skip-trigrams")
ANY = (*MODULAR, *SEQUENCES)
"""Kinds of tasks."""

MOST_CIRCLES, FEW_CIRCLES = 12, 4
"""Key frequencies whose circles are drawn; and how many of the embedding's strongest, where there are none."""
Option = Literal["step", "log_loss", "log_steps"]


@dataclass(frozen=True)
class Entry:
    """A picture."""

    shows: str
    """In a few words."""
    kinds: tuple[str, ...]
    """Of the tasks that have it."""
    draw: Callable[[Source], Figure]
    takes: tuple[Option, ...] = ()
    """The fields of a :class:`Source` that change it."""


def draw_picture(
    name: str,
    run: Run,
    step: int | None = None,
    *,
    log_loss: bool | None = None,
    log_steps: bool | None = None,
) -> Figure:
    """Return the picture of ``run`` that has this name in :data:`GALLERY`.

    Args:
        name: of the picture.
        run: finished or not.
        step: the checkpoint whose network is drawn; the last if None.
        log_loss: a logarithmic axis of losses, or a linear one; what the picture has by itself if None.
        log_steps: a logarithmic axis of steps, or a linear one; the same.

    Raises:
        ConfigError: there is no such picture, the task has none, or an option does not change it.
        RunError: the run has not the data for it; the text names the command that makes them.

    Example:
        >>> draw_picture("weights", Run("runs/mainline"), step=9400)
    """
    entry = GALLERY.get(name)
    if entry is None:
        raise ConfigError(f"there is no picture {name!r}{nearest(name, GALLERY)}")
    given: dict[Option, object] = {"step": step, "log_loss": log_loss, "log_steps": log_steps}
    for option, value in given.items():
        if value is not None and option not in entry.takes:
            raise ConfigError(f"{option} = {value} does not change the picture {name!r}; leave it out")
    kind = run.experiment.task.kind
    if kind not in entry.kinds:
        known = [each for each, other in GALLERY.items() if kind in other.kinds]
        raise ConfigError(
            f"there is no picture {name!r} of {kind}, which {run.path} was trained on; there are {', '.join(known)}"
        )
    return entry.draw(Source(run, step, log_loss, log_steps))


def _curves(source: Source) -> Figure:
    return figures.training_curves(
        source.metrics,
        source.phases,
        chance_loss=source.task.chance_loss,
        log_loss=source.log_loss is not False,
        log_steps=source.steps_are_log,
    )


def _parts(source: Source) -> Figure:
    task = source.task
    return figures.subtask_curves(
        source.metrics, task.subtasks, train=task.train is not None, log_steps=source.steps_are_log
    )


def _measures(source: Source) -> Figure:
    if isinstance(source.task, ModularTask):
        return figures.progress_measures(source.measures, source.history.phases)
    return figures.measures_over_training(source.measures, log_steps=source.steps_are_log)


def _coefficients(source: Source) -> Figure:
    return figures.coefficients_over_training(source.measures, source.history.phases)


def _excluded(source: Source) -> Figure:
    return figures.excluded_losses_over_training(source.measures, source.history.phases)


def _circles(source: Source) -> Figure:
    of_last = source.last.circuit
    n, coordinates = of_last.n, of_last.coordinates
    found = [k for k in of_last.key_frequencies if 2 * k != n]  # n/2 has a cos alone, and no plane
    strongest = of_last.embedding_norms[: (n - 1) // 2].argsort(descending=True, stable=True) + 1
    frequencies = found[:MOST_CIRCLES] or sorted(strongest[:FEW_CIRCLES].tolist())
    planes = embedding_planes(coordinate_embedding(source.last.model, coordinates), frequencies)
    points = project_tokens(coordinate_embedding(source.model, coordinates), planes)
    return figures.embedding_circles(points, frequencies, coordinates)


def _spectra(source: Source) -> Figure:
    circuit = source.circuit
    fits = () if circuit.pattern is None else attention_fits(circuit.pattern)
    return figures.attention_spectra(
        attention_spectra(source.model, source.modular), fits, keys=circuit.key_frequencies
    )


def _ablations(source: Source) -> Figure:
    return figures.frequency_ablations(frequency_ablations(source.layer, source.claimed_frequencies))


def _patterns(source: Source) -> Figure:
    return figures.attention_patterns(example_attention(source.model, source.sequence, source.examples))


def _trigrams(source: Source) -> Figure:
    task, model = source.sequence, source.model
    assert isinstance(task, SkipTrigramsTask)
    if not isinstance(model, Transformer) or not is_readable(model):
        raise ConfigError("the tables are the network only if that is one layer of attention without MLP and LayerNorm")
    tables = readout(model, task).above_noise(task.background)
    return figures.trigram_tables(tables, token_labels(task, torch.arange(task.d_vocab)))


def _of_network(shows: str, draw: Callable[[Source], Figure], kinds: tuple[str, ...] = MODULAR) -> Entry:
    return Entry(shows, kinds, draw, ("step",))


GALLERY: dict[str, Entry] = {
    "curves": Entry("loss and accuracy over training, with the phases", ANY, _curves, ("log_loss", "log_steps")),
    "parts": Entry("the loss of each digit or trigger alone over training", SEQUENCES, _parts, ("log_steps",)),
    "measures": Entry("what 'grokscope measure' found, over training", ANY, _measures),
    "claims": Entry(
        "when each claim of 'grokscope explain --every' became true",
        ANY,
        lambda of: figures.claims_over_training(of.claims),
    ),
    "coefficients": Entry("the coefficient of each key frequency in the logits over training", MODULAR, _coefficients),
    "excluded": Entry("the training loss without each key frequency over training", MODULAR, _excluded),
    "weights": _of_network("W_E and W_L in the Fourier basis", lambda of: figures.weight_spectra(of.circuit)),
    "circles": _of_network("the tokens in the planes of the last network's key frequencies", _circles),
    "shares": _of_network("how far one frequency explains each neuron", lambda of: figures.neuron_shares(of.circuit)),
    "neurons": _of_network("neurons on every input", lambda of: figures.neuron_maps(of.circuit)),
    "attention": _of_network(
        "each head's attention to a on every input", lambda of: figures.attention_maps(of.circuit)
    ),
    "attention-spectra": _of_network("each head's attention scores in the Fourier basis", _spectra),
    "logits": _of_network("the logits in the 2-D Fourier basis", lambda of: figures.logit_spectrum(of.circuit)),
    "ablations": _of_network("the loss without each frequency of the neurons", _ablations),
    "patterns": _of_network("each head's attention in an example", _patterns, SEQUENCES),
    "trigrams": _of_network("which tokens a head looks for, and what it says then", _trigrams, ("skip-trigrams",)),
}
"""By name, in the order in which they are listed: first over training, then of one network."""
