"""``grokscope show``: one run in a dozen lines."""

from grokscope.cli.options import RunArgument, StepOption


def show(run: RunArgument, step: StepOption = None) -> None:
    """Show a run's settings, how its training went, and which frequencies its network uses.

    Examples:

    \b
      grokscope show runs/mainline
      grokscope show runs/mainline --step 9400
    """
    from rich.console import Console

    from grokscope.cli.render.summary import print_summary
    from grokscope.run import Run

    print_summary(Run(run), Console(), step=step)
