"""Pictures of several groups show medians, bands, single runs, and say what they are."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import FillBetweenPolyCollection
from matplotlib.colors import to_hex

from grokscope.analysis.many_runs.groups import RunGroup
from grokscope.errors import ConfigError
from grokscope.figures import compared_curves, compared_panels, save_figure
from grokscope.figures.many_runs.comparison import GroupData, Panel

STEPS = np.arange(0, 101, 10)


def metrics(level: float, last: int = 100) -> pd.DataFrame:
    steps = STEPS[last >= STEPS]
    return pd.DataFrame(
        {
            "step": steps,
            "train_loss": level / 100 + 0 * steps,
            "train_accuracy": 1.0 + 0 * steps,
            "test_loss": level + 0.0 * steps,
            "test_accuracy": 0.5 + 0 * steps,
        }
    )


def group(name: str, *levels: float, **settings: object) -> GroupData:
    return GroupData(RunGroup(settings, (), name, tuple(settings)), tuple(metrics(level) for level in levels))


def lines_of(axes) -> list[tuple[str, float, int]]:
    """Return the colour, level and number of points of every drawn line."""
    return [
        (to_hex(line.get_color()), float(np.asarray(line.get_ydata())[0]), len(line.get_xdata())) for line in axes.lines
    ]


def legends(figure) -> list[list[str]]:
    return [[text.get_text() for text in legend.get_texts()] for legend in figure.legends]


def test_a_median_a_band_and_every_run():
    figure = compared_curves([group("one", 1.0, 3.0, 2.0), group("two", 5.0)], chance_loss=4.0)
    losses, accuracies = figure.axes
    solid = [line for line in losses.lines if line.get_linestyle() == "-"]
    assert sorted(float(np.asarray(line.get_ydata())[0]) for line in solid) == [1, 2, 2, 3, 5]
    [median] = [line for line in losses.lines if line.get_label() == "one"]
    assert set(np.asarray(median.get_ydata())) == {2.0}
    [band] = [each for each in losses.collections if isinstance(each, FillBetweenPolyCollection)]
    assert (band.get_datalim(losses.transData).y0, band.get_datalim(losses.transData).y1) == (1, 3)
    assert losses.get_yscale() == "log"
    assert accuracies.get_ylabel() == "accuracy"
    assert legends(figure) == [
        ["one", "two"],
        ["test, median", "training, median", "lowest to highest", "one run", "guessing"],
    ]
    [first], [second] = (
        {line.get_color() for line in losses.lines if line.get_label() == name} for name in ("one", "two")
    )
    assert first != second


def test_a_run_goes_on_where_the_median_has_ended():
    data = GroupData(RunGroup({}, (), "one"), (metrics(1.0), metrics(3.0, last=50)))
    losses = compared_curves([data]).axes[0]
    [median] = [line for line in losses.lines if line.get_label() == "one"]
    assert max(np.asarray(median.get_xdata())) == 50
    assert max(max(np.asarray(line.get_xdata())) for line in losses.lines) == 100


def test_of_many_runs_none_is_drawn_alone():
    figure = compared_curves([group("many", *range(1, 12))])
    assert len([line for line in figure.axes[0].lines if line.get_linestyle() == "-"]) == 1
    assert legends(figure)[1] == ["test, median", "training, median", "middle half"]


def test_single_runs_have_neither_medians_nor_bands():
    figure = compared_curves([group("one", 1.0), group("two", 2.0)])
    assert not [each for each in figure.axes[0].collections if isinstance(each, FillBetweenPolyCollection)]
    assert legends(figure)[1] == ["test", "training"]


def test_training_curves_of_infinite_data_are_left_out():
    infinite = GroupData(RunGroup({}, (), "infinite"), (metrics(1.0),), is_infinite=True)
    assert len(compared_curves([infinite]).axes[0].lines) == 1
    assert legends(compared_curves([infinite]))[1] == ["test"]


def test_values_of_one_number_go_from_dark_to_light():
    groups = [group(f"weight decay {decay:g}", 1.0, decay=decay) for decay in (0.1, 1.0, 10.0)]
    figure = compared_curves(groups)
    by_name = {line.get_label(): to_hex(line.get_color()) for line in figure.axes[0].lines}
    lightness = [sum(int(by_name[each.group.label][at : at + 2], 16) for at in (1, 3, 5)) for each in groups]
    assert lightness == sorted(lightness)
    words = [group(name, 1.0, activation=name) for name in ("relu", "gelu", "quadratic")]
    unordered = {line.get_color() for line in compared_curves(words).axes[0].lines if line.get_linestyle() == "-"}
    assert unordered == {"#0072B2", "#D55E00", "#009E73"}


def test_a_grid_of_two_settings_has_a_column_for_each_value_of_one():
    groups = [
        group(f"{fraction} {decay}", fraction, **{"task.train_fraction": fraction, "optimizer.weight_decay": decay})
        for decay in (0.0, 1.0)
        for fraction in (0.5, 0.3, 0.4, 0.6, 0.7)
    ]
    figure = compared_curves(groups)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert [title for title in titles if title] == [f"train fraction {each}" for each in (0.3, 0.4, 0.5, 0.6, 0.7)]
    assert legends(figure)[0] == ["weight decay 0", "weight decay 1"]
    for axes, title in zip(figure.axes, titles, strict=True):
        if title:
            assert {level for _, level, _ in lines_of(axes)} >= {float(title.rpartition(" ")[2])}


def test_too_many_groups_are_refused():
    with pytest.raises(ConfigError, match="13 groups are too many for one picture"):
        compared_curves([group(str(at), 1.0, kind=str(at)) for at in range(13)])
    with pytest.raises(ConfigError, match="no runs"):
        compared_curves([])


def test_panels_of_measures():
    panels = [Panel("test_loss", "a loss", "nats", logarithmic=True), Panel("test_accuracy", "b", "share")]
    figure = compared_panels([group("one", 1.0, 3.0), group("two", 2.0, 4.0)], panels)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["a loss", "b"]
    assert [axes.get_yscale() for axes in figure.axes] == ["log", "linear"]
    assert {line.get_label(): float(np.asarray(line.get_ydata())[0]) for line in figure.axes[0].lines}["two"] == 3
    assert legends(figure) == [["one", "two"], ["median", "lowest to highest", "one run"]]
    assert len(compared_panels([group("one", 1.0), group("two", 1.0)], panels).legends) == 1
    with pytest.raises(ConfigError, match="no measures"):
        compared_panels([group("one", 1.0)], [])


def test_runs_without_a_test_set_and_names_with_markup_can_be_drawn(tmp_path):
    table = metrics(1.0).assign(test_loss=np.nan, test_accuracy=np.nan)
    figure = compared_curves(
        [GroupData(RunGroup({}, (), "$x_$ <b>"), (table, table)), group("one", 1.0)], log_steps=True
    )
    assert figure.axes[0].get_xscale() == "symlog"
    save_figure(figure, tmp_path / "figure.svg")
    assert (tmp_path / "figure.svg").read_text().startswith("<?xml")
