"""Numbers: pure functions from tensors to tensors and small frozen results."""

from grokscope.analysis.circuit import Circuit as Circuit
from grokscope.analysis.circuit import neurons_of as neurons_of
from grokscope.analysis.circuit import read_circuit as read_circuit
from grokscope.analysis.fourier import fourier_basis as fourier_basis
from grokscope.analysis.fourier import frequency_norms as frequency_norms
from grokscope.analysis.fourier import transform as transform
from grokscope.analysis.fourier import transform_2d as transform_2d
from grokscope.analysis.neurons import NeuronFrequencies as NeuronFrequencies
from grokscope.analysis.neurons import key_frequencies as key_frequencies
from grokscope.analysis.neurons import neuron_frequencies as neuron_frequencies
from grokscope.analysis.phases import Phases as Phases
from grokscope.analysis.phases import find_phases as find_phases
from grokscope.analysis.run_facts import phase_facts as phase_facts
from grokscope.analysis.whole_table import WholeTable as WholeTable
from grokscope.analysis.whole_table import whole_table as whole_table
