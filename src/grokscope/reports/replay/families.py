"""The families of tasks whose networks can be replayed; importing their modules registers how."""

from importlib import import_module

for _module in ("modular", "sequences"):
    import_module(f"grokscope.reports.replay.{_module}")
