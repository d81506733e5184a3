"""grokscope: train small networks until they grok, watch the circuit form, and prove what they learned.

>>> import grokscope as gs
>>> run = gs.train("fast", seed=1)
>>> run.metrics            # a data frame
>>> run.model(step=100)    # the network at that step
>>> gs.explain(run).verdict

Names are loaded on first use (SPEC 1), so that importing the package is cheap; ``__init__.pyi`` lists them.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

__version__ = "0.1.0"
