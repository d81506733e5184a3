"""Pictures: one function a picture, from plain results to a matplotlib figure that belongs to nobody else.

Every function takes ``ax``, where to draw; without it, it draws a new figure of the size of the :class:`Theme`.
"""
# ruff: noqa: I001 - figures are listed, and stand on pages, in the order in which they are imported

from grokscope.figures.canvas import Target as Target
from grokscope.figures.canvas import canvas as canvas
from grokscope.figures.export import save_figure as save_figure
from grokscope.figures.export import to_pdf as to_pdf
from grokscope.figures.export import to_png as to_png
from grokscope.figures.export import to_svg as to_svg
from grokscope.figures.theme import Theme as Theme
from grokscope.figures.source import RunSource as RunSource
from grokscope.figures.source import Source as Source

from grokscope.figures.training.curves import training_curves as training_curves
from grokscope.figures.training.subtasks import subtask_curves as subtask_curves
from grokscope.figures.training.measures import measures_over_training as measures_over_training
from grokscope.figures.modular.progress_measures import progress_measures as progress_measures
from grokscope.figures.training.claims import claims_over_training as claims_over_training
from grokscope.figures.modular import claims as claims
from grokscope.figures.modular.progress_measures import coefficients_over_training as coefficients_over_training
from grokscope.figures.modular.progress_measures import excluded_losses_over_training as excluded_losses_over_training
from grokscope.figures.training.phase_changes import TrainedRun as TrainedRun
from grokscope.figures.training.phase_changes import infinite_against_finite as infinite_against_finite

from grokscope.figures.modular.spectra import weight_spectra as weight_spectra
from grokscope.figures.modular.circles import embedding_circles as embedding_circles
from grokscope.figures.modular.neurons import neuron_shares as neuron_shares
from grokscope.figures.modular.maps import attention_maps as attention_maps
from grokscope.figures.modular.maps import neuron_maps as neuron_maps
from grokscope.figures.modular.attention_spectra import attention_spectra as attention_spectra
from grokscope.figures.modular.logits import logit_spectrum as logit_spectrum
from grokscope.figures.modular.ablations import frequency_ablations as frequency_ablations

from grokscope.figures.sequences.attention import attention_patterns as attention_patterns
from grokscope.figures.sequences.trigrams import trigram_tables as trigram_tables

from grokscope.figures.many_runs.survival import survival_curves as survival_curves
from grokscope.figures.many_runs.phase_diagram import phase_diagram as phase_diagram
from grokscope.figures.many_runs.settings import key_frequency_counts as key_frequency_counts
from grokscope.figures.many_runs.settings import time_to_grok as time_to_grok
from grokscope.figures.many_runs.comparison import compared_curves as compared_curves
from grokscope.figures.many_runs.comparison import compared_panels as compared_panels

from grokscope.figures.catalogue import FIGURES as FIGURES
from grokscope.figures.catalogue import FigureSpec as FigureSpec
from grokscope.figures.catalogue import draw_figure as draw_figure
from grokscope.figures.catalogue import draw_sweep_figure as draw_sweep_figure
from grokscope.figures.catalogue import figure as figure
