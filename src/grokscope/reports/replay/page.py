"""The replay of a run alone, for a notebook: one slider that moves the network's pictures through training."""

import os
from dataclasses import dataclass
from html import escape
from pathlib import Path

from grokscope.analysis import find_phases
from grokscope.errors import RunError
from grokscope.figures.source import NO_PHASES
from grokscope.progress import SILENT, Progress
from grokscope.reports.replay.collect import MOST_FRAMES, collect_frames
from grokscope.reports.replay.player import Player, make_player
from grokscope.reports.run.history import read_history
from grokscope.reports.run.page import page_environment, page_scripts, script_sources
from grokscope.run import Run
from grokscope.run.atomic import write_atomically


@dataclass(frozen=True, eq=False)
class TrainingReplay:
    """The pictures of a network over its training; a notebook shows them with a slider."""

    title: str
    player: Player

    @property
    def steps(self) -> tuple[int, ...]:
        """The checkpoints that are shown."""
        return tuple(self.player.data["steps"])

    def to_html(self) -> str:
        """Return a page that needs no network and no other file."""
        scripts = page_scripts()
        return page_environment().get_template("replay/page.html.j2").render(
            title=self.title, player=self.player, scripts=scripts, script_sources=script_sources(scripts)
        )  # fmt: skip

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the page to ``path``.

        Raises:
            RunError: the file cannot be written.
        """
        write_atomically(Path(path), self.to_html().encode())

    def __repr__(self) -> str:
        steps, names = self.steps, ", ".join(panel.name for panel in self.player.panels)
        return (
            f"TrainingReplay({self.title!r}, {len(steps):,} checkpoints, steps {steps[0]:,} to {steps[-1]:,}: {names})"
        )

    def _repr_html_(self) -> str:
        # in a frame of its own, where neither the notebook's style nor its scripts reach it, nor it them
        return (
            f'<iframe srcdoc="{escape(self.to_html())}" title="{escape(self.title)}" sandbox="allow-scripts" '
            f'style="width: 100%; height: 48rem; border: 0"></iframe>'
        )


def replay_run(
    run: Run,
    step: int | None = None,
    *,
    most: int = MOST_FRAMES,
    progress: Progress = SILENT,
) -> TrainingReplay:
    """Return the replay of ``run``: frequencies, neurons, attention and circles, or heads and tables, as they form.

    The same as in a report, from the same numbers. The chart library alone has 5 MB, which a notebook keeps with it.

    Args:
        run: finished or not.
        step: the checkpoint on which is chosen what to watch [the last].
        most: frames at most; of more checkpoints, evenly chosen ones are shown.
        progress: shows how many checkpoints are read.

    Raises:
        RunError: there is nothing to watch: fewer than two checkpoints, or no transformer on sequences.
        ConfigError: ``most`` is below 2.

    Example:
        >>> replay_run(Run("runs/fast"))
    """
    metrics, history = run.metrics, read_history(run)
    replay = collect_frames(run, step, most=most, progress=progress)
    if replay is None or metrics.empty:
        raise RunError(
            f"{run.path} has nothing to watch: a replay needs two checkpoints with finite weights, and on sequences a "
            f"transformer; it has {len(run.checkpoints)}"
        )
    phases = NO_PHASES if run.task.train is None else find_phases(metrics, run.task.chance_loss)
    return TrainingReplay(run.experiment.name, make_player(replay, metrics, history.measures, phases))
