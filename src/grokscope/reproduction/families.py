"""The families of tasks of whose networks something is published; importing their modules registers them."""

from importlib import import_module

for _module in ("modular",):
    import_module(f"grokscope.reproduction.{_module}")
