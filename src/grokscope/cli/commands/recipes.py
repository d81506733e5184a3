"""``grokscope recipes``: the named experiments."""

from typing import Annotated

import typer

from grokscope.cli.options import recipe_names


def recipes(
    name: Annotated[
        str | None,
        typer.Argument(help="Show this one: its settings and published numbers.", autocompletion=recipe_names),
    ] = None,
) -> None:
    """List the recipes (named experiments), or show one.

    Examples:

    \b
      grokscope recipes
      grokscope recipes mainline
    """
    from rich.console import Console

    from grokscope.cli.render.tables import list_table
    from grokscope.recipe import recipe
    from grokscope.recipe import recipe_names as names

    if name is not None:
        chosen = recipe(name)
        console = Console(soft_wrap=True)
        console.print(chosen.experiment.to_yaml(), end="", markup=False, highlight=False)
        for key, value in chosen.published.items():
            console.print(f"# published {key}: {value}", markup=False, highlight=False)
        return
    table = list_table("name")
    for heading in ("data", "on two cores", "description"):
        table.add_column(heading)
    for each in names():
        chosen = recipe(each)
        table.add_row(each, chosen.experiment.task.data.kind, chosen.duration, chosen.experiment.description)
    Console().print(table)
