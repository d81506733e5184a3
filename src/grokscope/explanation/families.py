"""The families of tasks whose networks can be explained; importing their modules registers how.

Of somebody else's network, pairs of residues are looked for first.
"""

from importlib import import_module

for _module in (
    "modular.explain",
    "modular.identify",
    "sequences.digit_addition.explain",
    "sequences.induction.explain",
    "sequences.skip_trigrams.explain",
    "sequences.identify",
):
    import_module(f"grokscope.explanation.{_module}")
