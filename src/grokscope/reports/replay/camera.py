"""What is looked at in every frame of a replay: a family of tasks registers its own."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import singledispatch

from grokscope.display import brief_repr
from grokscope.errors import NotApplicableError
from grokscope.models import MLP, Transformer
from grokscope.reports.replay.frames import Frame
from grokscope.tasks import Task


@dataclass(frozen=True, eq=False)
class Camera:
    """Makes the pictures of one network after the other, of the same things each time."""

    frame: Callable[[Transformer | MLP], Frame]
    """Returns the pictures of a network; the same ones, of the same sizes, of every network."""
    most_frames: int | None = None
    """How many frames a page of these pictures may have; None for as many as there are."""

    __repr__ = brief_repr


@singledispatch
def replay_camera(task: Task, model: Transformer | MLP, *, n_frames: int) -> Camera:
    """Return what to look at over the training of networks on ``task``.

    A family registers its own: ``@replay_camera.register`` on a function of the same arguments.

    Args:
        task: what the networks are trained on.
        model: the network on which is chosen what to watch.
        n_frames: how many frames there will be at most.

    Raises:
        NotApplicableError: there is nothing to watch in such networks.
    """
    raise NotApplicableError(f"there is no replay of networks on {task.name}")
