"""The replay of a run: its network's pictures at the checkpoints."""

import torch

from grokscope.errors import ConfigError
from grokscope.models import MLP, Transformer
from grokscope.progress import SILENT, Progress
from grokscope.reports.replay.camera import replay_camera
from grokscope.reports.replay.frames import Frame, Replay, evenly_chosen, join_frames
from grokscope.run import Run
from grokscope.run.parallel import map_checkpoints

MOST_FRAMES = 150
"""Steps of a replay."""


@torch.no_grad()
def collect_frames(
    run: Run,
    step: int | None = None,
    *,
    most: int = MOST_FRAMES,
    progress: Progress = SILENT,
) -> Replay | None:
    """Return the pictures of a run's network over training; None of a run with fewer than two usable checkpoints.

    What is watched, key frequencies, neurons, planes, is chosen on the network at ``step``. Checkpoints whose weights
    are not finite are left out.

    Args:
        run: finished or not.
        step: the checkpoint on which is chosen what to watch [the last].
        most: frames at most; of more checkpoints, evenly chosen ones are looked at.
        progress: shows how many checkpoints are read.

    Raises:
        ConfigError: ``most`` is below 2.
        NotApplicableError: there is nothing to watch in networks of this kind on the run's task.
        RunError: a checkpoint is damaged, or there is none at ``step``.
    """
    if most < 2:
        raise ConfigError(f"a replay needs at least 2 frames, got {most}")
    task, steps = run.task, evenly_chosen(run.checkpoints, most)
    if len(steps) < 2:
        return None
    chosen = run.model(step)
    camera = replay_camera(task, chosen, n_frames=len(steps))
    steps = evenly_chosen(run.checkpoints, min(most, camera.most_frames or most))

    @torch.no_grad()  # here too: it holds in one thread only
    def look(at: int) -> tuple[int, Frame] | None:
        model = run.model(at)
        return (at, camera.frame(model)) if _is_finite(model) else None

    seen = [each for each in map_checkpoints(steps, look, task, progress) if each is not None]
    return join_frames([at for at, _ in seen], [frame for _, frame in seen]) if len(seen) > 1 else None


def _is_finite(model: Transformer | MLP) -> bool:
    return all(bool(torch.isfinite(weights).all()) for weights in model.parameters())
