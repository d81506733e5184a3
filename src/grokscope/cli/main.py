"""The command ``grokscope``: parse, call the library, print.

Nothing heavy is imported before the arguments are read: help, completion and wrong arguments come at once.
"""

import sys

import typer
from typer.exceptions import Abort, TyperException

from grokscope.cli.commands.changes import changes
from grokscope.cli.commands.compare import compare
from grokscope.cli.commands.explain import explain
from grokscope.cli.commands.figure import figure
from grokscope.cli.commands.grid import grid
from grokscope.cli.commands.import_ import import_
from grokscope.cli.commands.measure import measure
from grokscope.cli.commands.race import race
from grokscope.cli.commands.recipes import recipes
from grokscope.cli.commands.report import report
from grokscope.cli.commands.reproduce import reproduce
from grokscope.cli.commands.runs import runs
from grokscope.cli.commands.show import show
from grokscope.cli.commands.sweep import sweep
from grokscope.cli.commands.train import train
from grokscope.cli.commands.watch import watch
from grokscope.cli.options import RENAMED_COMMANDS
from grokscope.cli.plugins import load_plugins, plugins_first
from grokscope.errors import DivergenceError, GrokscopeError

app = typer.Typer(
    name="grokscope",
    help="Train small networks until they grok, watch the circuit form, and prove what they learned.",
    epilog="Begin with:  grokscope train fast",
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.callback()(load_plugins)
_TRAINING = (train, watch, grid, sweep, race, reproduce)
_LOOKING = (recipes, runs, show, explain, measure, changes, compare, figure, report)
for command in (*_TRAINING, *_LOOKING):
    app.command()(command)
app.command("import")(import_)


def main() -> None:
    """Run the command line; every expected error is one line on standard error.

    Exit codes: 0 done, 1 training diverged, 2 the input was wrong, 130 stopped by Ctrl-C.
    """
    try:
        code = app(args=plugins_first(sys.argv[1:]) or ["--help"], standalone_mode=False)
    except DivergenceError as error:
        code = _fail(str(error), 1)
    except GrokscopeError as error:
        code = _fail(str(error), 2)
    except TyperException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "grokscope"
        code = _fail(f"{error.format_message().rstrip('.')}{_new_name(error)}; see '{command} --help'", 2)
    except (Abort, KeyboardInterrupt):
        code = _fail("stopped", 130)
    except BrokenPipeError:  # the reader of our output has gone, as in 'grokscope runs | head'
        sys.stderr.close()
        code = 0
    sys.exit(code)


def _new_name(error: TyperException) -> str:
    """Return what a renamed command is called now; empty if the error is about something else."""
    for old, new in RENAMED_COMMANDS.items():
        if f"No such command '{old}'" in error.format_message():
            return f"; it is called '{new}' now"
    return ""


def _fail(message: str, code: int) -> int:
    print(f"grokscope: {' '.join(message.split())}", file=sys.stderr)  # noqa: T201
    return code
