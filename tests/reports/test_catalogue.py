"""Every figure of every task by its name."""

import re
from pathlib import Path

import pytest
import torch
from matplotlib.figure import Figure

from grokscope.errors import ConfigError, NotApplicableError, RunError
from grokscope.figures import FIGURES, RunSource, canvas, draw_figure, to_svg
from grokscope.figures import figure as register
from grokscope.figures.catalogue import figures_of, first_of_each_name, pictures
from grokscope.figures.document import with_table
from grokscope.run import Run
from grokscope.tasks import DigitAdditionTask, ModularTask, SkipTrigramsTask

OVER_TRAINING = ("curves", "parts", "measures", "claims", "coefficients", "excluded")


def draw_picture(name: str, run: Run, step: int | None = None, **options: bool):
    """Draw a figure of a run."""
    return draw_figure(name, RunSource(run, step), **options)


@pytest.fixture
def example(with_history, trigrams, sums, name):
    """A run whose task has the figure, with all that it needs."""
    runs = {ModularTask: with_history, SkipTrigramsTask: trigrams, DigitAdditionTask: sums}
    if name == "parts":
        return trigrams
    return next(run for task, run in runs.items() if issubclass(task, first_of_each_name()[name].tasks))


@pytest.mark.parametrize("name", [name for name, spec in first_of_each_name().items() if spec.scope != "sweep"])
class TestEveryFigure:
    @pytest.mark.slow
    def test_is_drawn_the_same_twice(self, example, name):
        drawn = draw_picture(name, example)
        assert drawn.axes
        assert to_svg(drawn) == to_svg(draw_picture(name, example))

    def test_is_of_the_step_if_it_is_of_a_network(self, example, name):
        if name in OVER_TRAINING:
            with pytest.raises(ConfigError, match=f"step = 0 does not change the figure '{name}'; leave it out"):
                draw_picture(name, example, 0)
        else:
            assert to_svg(draw_picture(name, example, 0)) != to_svg(draw_picture(name, example))

    def test_says_in_few_words_what_it_shows(self, name):
        assert 10 < len(first_of_each_name()[name].summary) < 80

    def test_is_refused_for_another_task(self, with_history, sums, name):
        for run in (with_history, sums):
            if not any(isinstance(run.task, spec.tasks) for spec in FIGURES.values() if spec.name == name):
                with pytest.raises(NotApplicableError, match=rf"no figure '{name}' of .* there are curves, "):
                    draw_picture(name, run)

    @pytest.mark.slow
    def test_can_be_drawn_in_somebodys_grid(self, example, name):
        figure = Figure(layout="constrained", figsize=(12, 9))
        grid = figure.subplots(1, 2)
        assert draw_figure(name, RunSource(example), ax=grid[0]) is figure
        figure.draw_without_rendering()


def test_the_documentation_has_every_figure():
    text = (Path(__file__).parents[2] / "docs" / "figures.md").read_text(encoding="utf-8")
    assert with_table(text) == text, "run 'python -m grokscope.figures.document docs/figures.md'"


def test_circles_are_in_the_planes_of_the_last_network(with_history):
    """In planes of its own an untrained embedding would look like circles: that it does not is the control."""

    def disorder(step: int | None) -> float:
        figure = draw_picture("circles", with_history, step)
        axes = next(axes for axes in figure.axes if axes.get_title(loc="left") == "k = 2")
        points = torch.tensor(axes.collections[0].get_offsets().filled())
        turn = torch.atan2(points[:, 1], points[:, 0]) - 2 * torch.pi * 2 * torch.arange(13) / 13
        return 1 - float(torch.complex(turn.cos(), turn.sin()).mean().abs())

    assert disorder(None) < 0.01
    assert disorder(0) > 0.3


def test_without_key_frequencies_the_strongest_of_the_embedding_have_circles(run_of):
    titles = [axes.get_title(loc="left") for axes in draw_picture("circles", run_of("plain")).axes]
    assert sorted(title for title in titles if title) == ["k = 1", "k = 2", "k = 3"]


def test_axes_are_as_asked(with_history, trigrams, sums):
    def scales(run: Run, **options: bool) -> tuple[str, str]:
        axes = draw_picture("curves", run, **options).axes[0]
        return axes.get_xscale(), axes.get_yscale()

    assert scales(with_history) == ("linear", "log")
    assert scales(with_history, log_loss=False, log_steps=True) == ("symlog", "linear")
    assert scales(trigrams, log_steps=False)[0] == "linear"
    assert draw_picture("parts", sums, log_steps=True).axes[0].get_xscale() == "symlog"
    with pytest.raises(ConfigError, match="log_loss = False does not change the figure 'parts'"):
        draw_picture("parts", sums, log_loss=False)


def test_an_unknown_name_is_refused_with_the_nearest(with_history):
    with pytest.raises(ConfigError, match=r"no figure 'wieghts'.*weights"):
        draw_picture("wieghts", with_history)


@pytest.mark.parametrize(
    ("name", "kind", "error", "message"),
    [
        ("measures", "plain", RunError, "has no measures.csv to draw; 'grokscope measure .*plain' writes it"),
        ("coefficients", "plain", RunError, "has no measures.csv to draw"),
        ("claims", "plain", RunError, "has no claims.csv to draw; 'grokscope explain .*plain --every 10' writes it"),
        ("attention", "mlp", ConfigError, "no attention"),
        ("attention-spectra", "mlp", ConfigError, "no attention"),
        ("neurons", "attention-only", ConfigError, "no neurons"),
        ("shares", "attention-only", ConfigError, "no neurons"),
        ("ablations", "attention-only", ConfigError, "'multiply mod 8' is no addition in other coordinates"),
        ("ablations", "memorises", ConfigError, "'random mod 7' is no addition in other coordinates"),
        ("circles", "smallest", ConfigError, "no circles"),
    ],
)
def test_what_a_run_has_not_is_said(run_of, name, kind, error, message):
    with pytest.raises(error, match=message):
        draw_picture(name, run_of(kind))


def test_tables_that_are_not_the_network_are_not_drawn(tmp_path):
    from sequence_runs import SEQUENCES

    from grokscope.run import Execution, Experiment, record_run

    changed = {**SEQUENCES["trigrams"], "model.n_layers": 2}
    run = record_run(
        Experiment(name="two").override(changed), tmp_path / "two", execution=Execution(device="cpu", threads=1)
    )
    with pytest.raises(ConfigError, match=re.escape("one layer of attention without MLP and LayerNorm")):
        draw_picture("trigrams", run)


def test_a_step_without_a_checkpoint_is_named(with_history):
    with pytest.raises(RunError, match="no checkpoint at step 7; the nearest is 10"):
        draw_picture("weights", with_history, 7)


def test_a_figure_of_ones_own_is_listed_drawn_and_on_the_page(with_history, monkeypatch):
    monkeypatch.setattr(FIGURES, "_entries", dict(FIGURES._entries))
    monkeypatch.setattr(FIGURES, "_origins", dict(FIGURES._origins))

    @register(
        "mine", summary="a figure of one's own", title="Mine", caption=lambda source: source.name, tasks=(ModularTask,)
    )
    def mine(source, *, ax=None, colour: str = "red"):
        with canvas(ax) as sheet:
            sheet.panel(10.0).plot([0, source.task.p], color=colour)
        return sheet.figure

    assert first_of_each_name()["mine"].options == ("colour",)
    drawn = draw_figure("mine", RunSource(with_history), colour="blue")
    assert drawn.axes[0].lines[0].get_color() == "blue"
    [picture] = [each for each in pictures(RunSource(with_history), "network") if each.name == "mine"]
    assert picture.caption == str(with_history.path)
    with pytest.raises(ConfigError, match="is taken by another figure"):
        register("curves", summary="", title="", caption="")(mine)


def test_of_figures_of_one_name_the_one_of_the_nearer_class_counts(with_history, trigrams, sums):
    titles = {run: [spec.title for spec in figures_of(run.task, "training")] for run in (with_history, sums)}
    assert "Progress measures" in titles[with_history]
    assert "How the circuit grew" not in titles[with_history]
    assert "How the circuit grew" in titles[sums]
    [patterns] = [spec for spec in figures_of(trigrams.task, "network") if spec.name == "patterns"]
    assert "rings" in str(patterns.caption)
