"""Every figure by its name: the list that commands, pages and documents read."""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from matplotlib.figure import Figure

from grokscope.errors import ConfigError, NotApplicableError, nearest
from grokscope.figures.canvas import Target
from grokscope.figures.source import Source
from grokscope.registry import Registry
from grokscope.sweeps import SweepOutcomes
from grokscope.tasks import Task

Scope = Literal["training", "network", "sweep"]
"""What a figure is of: a run over training, one network, or the runs of a sweep."""

Draw = TypeVar("Draw", bound=Callable[..., Figure])
Words = str | Callable[[Any], str]


@dataclass(frozen=True, eq=False)
class FigureSpec:
    """A figure: what it is called and said to be, of what it is, and how it is drawn."""

    name: str
    summary: str
    """In a few words, for lists."""
    title: Words
    caption: Words
    """What a reader should see in it; as a function, of the source."""
    scope: Scope
    draw: Callable[..., Figure]
    """Takes the source; ``ax`` by keyword, where to draw; and its options by keyword."""
    tasks: tuple[type[Task], ...] = (Task,)
    """The classes of tasks that have it; of several figures of one name, the more specific class decides."""
    after: str = ""
    """The publication that it follows."""
    on_page: Callable[[Any], bool] = lambda source: True
    """Whether pages show it of a source."""

    @property
    def options(self) -> tuple[str, ...]:
        """The names of the options that change it."""
        parameters = inspect.signature(self.draw).parameters.values()
        return tuple(each.name for each in parameters if each.kind is each.KEYWORD_ONLY and each.name != "ax")

    def picture(self, source: Any) -> "Picture":
        """Return the figure of ``source`` with its words, as pages show it."""
        drawn = self.draw(source)
        title, caption = (words if isinstance(words, str) else words(source) for words in (self.title, self.caption))
        return Picture(self.name, title, caption, drawn)


@dataclass(frozen=True, eq=False)
class Picture:
    """A figure that has been drawn, and its words."""

    name: str
    title: str
    caption: str
    figure: Figure


FIGURES: Registry[FigureSpec] = Registry("figure")
"""In the order in which they are listed, and stand on pages."""


def figure(
    name: str,
    *,
    summary: str,
    title: Words,
    caption: Words,
    scope: Scope = "network",
    tasks: tuple[type[Task], ...] = (Task,),
    after: str = "",
    on_page: Callable[[Any], bool] = lambda source: True,
) -> Callable[[Draw], Draw]:
    """Return a decorator that registers a function as a figure: ``draw(source, *, ax=None, …)``.

    The figure is then drawn by ``grokscope figure NAME`` and ``gs.figure``, and stands in the reports of runs whose
    task has it. The other fields are those of :class:`FigureSpec`.

    Example:
        >>> @figure("embedding", summary="W_E as a map", title="The embedding", caption="…")
        ... def embedding(source, *, ax=None):
        ...     with canvas(ax) as sheet:
        ...         sheet.panel(20).imshow(source.model.embed.W_E)
        ...     return sheet.figure
    """

    def register(draw: Draw) -> Draw:
        spec = FigureSpec(name, summary, title, caption, scope, draw, tasks, after, on_page)
        FIGURES.add(_key(spec), spec, origin=draw)
        return draw

    return register


def draw_figure(name: str, source: Source, *, ax: Target = None, **options: Any) -> Figure:
    """Return the figure of this name.

    Args:
        name: as :data:`FIGURES` and ``grokscope figure`` list them.
        source: what it is drawn from: a :class:`~grokscope.figures.source.RunSource`, for example.
        ax: where to draw [a new figure].
        options: those of the figure; None is as the figure has it by itself.

    Raises:
        ConfigError: there is no such figure, or an option does not change it.
        NotApplicableError: the task has no such figure.
        RunError: the run lacks the data for it; the message names the command that makes them.

    Example:
        >>> draw_figure("weights", RunSource(Run("runs/mainline"), step=9400))
    """
    spec = find_figure(name, source)
    given = {option: value for option, value in options.items() if value is not None}
    wrong = [option for option in given if option not in spec.options]
    if spec.scope != "network" and source.step is not None:
        given, wrong = {"step": source.step}, ["step"]
    if wrong:
        raise ConfigError(f"{wrong[0]} = {given[wrong[0]]} does not change the figure {name!r}; leave it out")
    return spec.draw(source, ax=ax, **given)


def draw_sweep_figure(name: str, sweep: SweepOutcomes, *, ax: Target = None) -> Figure:
    """Return the figure of a sweep that has this name.

    Args:
        name: ``survival``, for example.
        sweep: with the outcomes of its runs.
        ax: where to draw [a new figure].

    Raises:
        ConfigError: there is no such figure, or nothing to draw.
    """
    known = sweep_figures()
    if name not in known:
        raise ConfigError(f"there is no figure {name!r} of a sweep{nearest(name, known)}")
    return known[name].draw(sweep, ax=ax)


def sweep_figures() -> dict[str, FigureSpec]:
    """Return the figures of sweeps by name, in the order of the catalogue."""
    return {spec.name: spec for spec in FIGURES.values() if spec.scope == "sweep"}


def find_figure(name: str, source: Source) -> FigureSpec:
    """Return the figure of this name of a source's task.

    Raises:
        ConfigError: there is no such figure.
        NotApplicableError: the task has no such figure, or it is one of a sweep.
    """
    known = first_of_each_name()
    if name not in known:
        raise ConfigError(f"there is no figure {name!r}{nearest(name, known)}")
    found = {spec.name: spec for scope in ("training", "network") for spec in figures_of(source.task, scope)}
    if name not in found:
        raise NotApplicableError(
            f"there is no figure {name!r} of {source.task.name}, the task of {source.name}; "
            f"there are {', '.join(found)}"
        )
    return found[name]


def first_of_each_name() -> dict[str, FigureSpec]:
    """Return the figure that was registered first under each name, in order."""
    found: dict[str, FigureSpec] = {}
    for spec in FIGURES.values():
        found.setdefault(spec.name, spec)
    return found


def tasks_in_words(name: str) -> str:
    """Return what has the figure of this name: ``every task``, ``modular, sequence``, or ``a sweep``."""
    if name in sweep_figures():
        return "a sweep"
    classes = [task for spec in FIGURES.values() if spec.name == name for task in spec.tasks]
    if Task in classes:
        return "every task"
    widest = [task for task in classes if not any(task is not other and issubclass(task, other) for other in classes)]
    words = [re.sub(r"(?<=[a-z])(?=[A-Z])", " ", task.__name__.removesuffix("Task")).lower() for task in widest]
    return ", ".join(dict.fromkeys(words))


def figures_of(task: Task, scope: Scope) -> list[FigureSpec]:
    """Return the figures of a task, one for each name, in the order of the catalogue."""
    found: dict[str, FigureSpec] = {}
    for spec in FIGURES.values():
        if spec.scope == scope and isinstance(task, spec.tasks):
            known = found.get(spec.name)
            if known is None or _depth(task, spec) < _depth(task, known):
                found[spec.name] = spec
    return list(found.values())


def pictures(source: Source, scope: Scope) -> tuple[Picture, ...]:
    """Return the pictures that pages show of ``source``, in the order of the catalogue.

    What does not apply to this network is left out.
    """
    drawn = []
    for spec in figures_of(source.task, scope):
        try:
            if spec.on_page(source):
                drawn.append(spec.picture(source))
        except NotApplicableError:
            continue
    return tuple(drawn)


def _depth(task: Task, spec: FigureSpec) -> int:
    """Return how far above the task's own class the nearest class is that has the figure."""
    return min(at for at, owner in enumerate(type(task).__mro__) if owner in spec.tasks)


def _key(spec: FigureSpec) -> str:
    return spec.name if spec.tasks == (Task,) else f"{spec.name} of {', '.join(task.__name__ for task in spec.tasks)}"
