"""One HTML file about a race, which needs no network."""

from pathlib import Path

from grokscope import figures
from grokscope.config import dump_yaml
from grokscope.errors import ConfigError
from grokscope.figures.catalogue import Picture
from grokscope.figures.many_runs.race import draw_race
from grokscope.races import Standings
from grokscope.races.plan import LEVELS
from grokscope.reports.html.inline import inline_svg
from grokscope.reports.race.tables import LEARNED, MEANING, learned_table, standings_table
from grokscope.reports.run.page import page_environment
from grokscope.run.atomic import write_atomically

PAGE = "race.html"
"""The page, in the race's folder."""
TITLE = "Steps to 95 % test accuracy"
CAPTION = (
    "Every scored run at the step from which on it keeps 95 % of the test set, and the median with its 95 % interval; "
    "diamonds: the median of the first crossings. Runs right of the dashed line never kept it."
)


def write_race_page(standings: Standings, path: Path) -> None:
    """Write the page of a race.

    Raises:
        ConfigError: no entry has been scored.
        RunError: the file cannot be written.
    """
    write_atomically(path, render_race(standings).encode())


def render_race(standings: Standings) -> str:
    """Return the HTML of a race; every text is escaped.

    Raises:
        ConfigError: no entry has been scored.
    """
    if not standings.scored:
        raise ConfigError("there is nothing to report: no entry of this race has been scored")
    race = standings.race
    picture = Picture("race", TITLE, CAPTION, draw_race(standings))
    return page_environment().get_template("race/page.html.j2").render(
        title=f"Race: {race.base.name}",
        sentences=_sentences(standings),
        picture=picture,
        drawing=inline_svg(figures.to_svg(picture.figure), picture.name, picture.title),
        tables=((standings_table(standings), MEANING), (learned_table(standings), LEARNED)),
        entries=[(each.entry.name, each.entry.in_words) for each in standings.ranked],
        plan=dump_yaml(race.model_dump(mode="json")),
        script_sources="",
    )  # fmt: skip


def _sentences(standings: Standings) -> list[str]:
    race = standings.race
    n_scored, n_entries = len(standings.scored), len(race.entries)
    texts = [
        f"{n_scored} of {n_entries} entries have been scored on {race.base.task.summary}: {race.n_trials} random "
        f"trials of each on {len(race.tuning_seeds)} seeds, the best of which was run on {len(race.seeds)} other "
        f"seeds for {race.base.stop.steps:,} steps."
    ]
    first = standings.ranked[0]
    middle = first.median(LEVELS[0], kept=True)
    if middle.estimate < float("inf"):
        texts.append(f"The soonest to keep 95 %: {first.entry.name}, at step {middle.estimate:,.0f} in the median.")
    return texts
