"""Numbers: pure functions from tensors to tensors and small frozen results."""

from grokscope.analysis import families as families
from grokscope.analysis.binary.all_pairs import AllPairsTable as AllPairsTable
from grokscope.analysis.binary.all_pairs import all_pairs_table as all_pairs_table
from grokscope.analysis.fourier import fourier_basis as fourier_basis
from grokscope.analysis.fourier import frequency_norms as frequency_norms
from grokscope.analysis.fourier import transform as transform
from grokscope.analysis.fourier import transform_2d as transform_2d
from grokscope.analysis.modular.fourier_summary import FourierSummary as FourierSummary
from grokscope.analysis.modular.fourier_summary import fourier_summary as fourier_summary
from grokscope.analysis.modular.key_frequencies import KeyFrequencies as KeyFrequencies
from grokscope.analysis.modular.key_frequencies import network_key_frequencies as network_key_frequencies
from grokscope.analysis.modular.neurons import NeuronFrequencies as NeuronFrequencies
from grokscope.analysis.modular.neurons import cluster_frequencies as cluster_frequencies
from grokscope.analysis.modular.neurons import neuron_frequencies as neuron_frequencies
from grokscope.curves.phases import Phases as Phases
from grokscope.curves.phases import find_phases as find_phases
