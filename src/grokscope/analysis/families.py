"""The modules that register measures, and how networks of each family of tasks are looked at."""

from importlib import import_module

for _module in ("measures", "modular.measures", "sequences.measures", "weight_measures"):
    import_module(f"grokscope.analysis.{_module}")
