"""Networks that somebody else trained: read from their files, written as ours."""

from grokscope.interop.files import read_tensors as read_tensors
from grokscope.interop.imported import ImportedNetwork as ImportedNetwork
from grokscope.interop.load import load_network as load_network
from grokscope.interop.native import save_network as save_network
from grokscope.interop.settings import UnseenSettings as UnseenSettings
