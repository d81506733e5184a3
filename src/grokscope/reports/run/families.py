"""The families of tasks that have words of their own in reports; importing their modules registers them."""

from importlib import import_module

for _module in ("modular", "sequences"):
    import_module(f"grokscope.reports.run.{_module}")
