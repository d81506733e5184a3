"""Networks that somebody else trained: read from their files, written as ours."""

from grokscope.interop.imported import Imported as Imported
from grokscope.interop.importing import import_network as import_network
from grokscope.interop.reading import read_tensors as read_tensors
from grokscope.interop.saving import save_network as save_network
