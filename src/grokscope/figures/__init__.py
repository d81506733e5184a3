"""Pictures: one function a picture, from plain results to a matplotlib figure that belongs to nobody else."""

from grokscope.figures.ablations import frequency_ablations as frequency_ablations
from grokscope.figures.attention_spectra import attention_spectra as attention_spectra
from grokscope.figures.circles import embedding_circles as embedding_circles
from grokscope.figures.claims import claims_over_training as claims_over_training
from grokscope.figures.comparison import compared_curves as compared_curves
from grokscope.figures.comparison import compared_panels as compared_panels
from grokscope.figures.curves import training_curves as training_curves
from grokscope.figures.export import save_figure as save_figure
from grokscope.figures.export import to_png as to_png
from grokscope.figures.export import to_svg as to_svg
from grokscope.figures.groups import measures_over_training as measures_over_training
from grokscope.figures.maps import attention_maps as attention_maps
from grokscope.figures.maps import neuron_maps as neuron_maps
from grokscope.figures.measures import coefficients_over_training as coefficients_over_training
from grokscope.figures.measures import excluded_losses_over_training as excluded_losses_over_training
from grokscope.figures.measures import progress_measures as progress_measures
from grokscope.figures.neurons import neuron_shares as neuron_shares
from grokscope.figures.parts import part_curves as part_curves
from grokscope.figures.patterns import attention_patterns as attention_patterns
from grokscope.figures.phase_changes import TrainedRun as TrainedRun
from grokscope.figures.phase_changes import endless_against_finite as endless_against_finite
from grokscope.figures.phase_grid import phase_grid as phase_grid
from grokscope.figures.spectra import logit_spectrum as logit_spectrum
from grokscope.figures.spectra import weight_spectra as weight_spectra
from grokscope.figures.trigrams import trigram_tables as trigram_tables
