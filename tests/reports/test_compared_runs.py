"""What is said of several runs: in words, in tables and on a page."""

import re
import shutil

import pandas as pd
import pytest
from odd_runs import TINY

from grokscope.analysis.trajectories.measure_run import measure_run
from grokscope.errors import ConfigError, RunError
from grokscope.reports.comparison.page import curves_of, read_compared, render_compared
from grokscope.reports.comparison.runs import compare_runs, difference_rows, group_rows, run_rows
from grokscope.run import Execution, Run, record_run
from grokscope.run.metrics import COLUMNS


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    """Return a run of TINY in a folder of its own, with planted test accuracies and settings that are only said."""
    folder = tmp_path_factory.mktemp("compared")
    trained = record_run(TINY, folder / "trained", execution=Execution(device="cpu", threads=1))

    def make(name: str, accuracies: list[float], **settings: object) -> Run:
        path = folder / name
        if not path.exists():
            shutil.copytree(trained.path, path)
            run = Run(path)
            changed = TINY.override({key.replace("__", "."): value for key, value in settings.items()})
            run.folder.experiment.write_text(changed.to_yaml())
            n = len(accuracies)
            losses = [3.0 - 2.9 * share for share in accuracies]
            columns = ([10 * at for at in range(n)], losses, [1.0] * n, losses, accuracies)
            pd.DataFrame(dict(zip(COLUMNS, columns, strict=True))).to_csv(run.folder.metrics, index=False)
        return Run(path)

    return make


GROKS, NEVER = [0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 0.1, 0.1]


@pytest.fixture
def seeds(copies) -> list[Run]:
    """Three runs of which two grok, and two of another weight decay of which none does."""
    runs = [copies(f"one{seed}", accuracies, seed=seed) for seed, accuracies in enumerate([GROKS, NEVER, GROKS])]
    return runs + [copies(f"none{seed}", NEVER, seed=seed, optimizer__weight_decay=0.0) for seed in range(2)]


def test_words_and_tables_say_how_many_grokked(seeds):
    compared = compare_runs(seeds)
    assert compared.headline == "5 runs in 2 groups: weight decay 0 and weight decay 1"
    assert "The groups differ in optimizer.weight_decay." in compared.sentences[0]
    assert compared.sentences[1:] == (
        "“weight decay 0”: 0 of 2 runs grokked.",
        "“weight decay 1”: 2 of 3 runs grokked, half of all by step\N{NO-BREAK SPACE}20.",
    )
    groups = group_rows(compared)
    assert groups is not None
    cells = [dict(zip(groups.columns, row, strict=True)) for row in groups.rows]
    assert [row["grokked"] for row in cells] == ["0 of 2", "2 of 3"]
    assert [row["grokked at"] for row in cells] == ["not reached", "20"]
    assert cells[1]["test loss"] == "0.1 (0.1 to 2.71)"
    assert "memorised" not in groups.columns  # none of the planted curves has a peak
    rows = run_rows(compared)
    assert [row[0] for row in rows.rows] == [str(run.path) for run in [*seeds[3:], *seeds[:3]]]
    assert [dict(zip(rows.columns, row, strict=True))["grokked at"] for row in rows.rows] == ["–", "–", "20", "–", "20"]


def test_fewer_than_half_are_not_reached_but_told(copies):
    runs = [copies(f"few{seed}", accuracies, seed=seed) for seed, accuracies in enumerate([GROKS, NEVER, NEVER])]
    groups = group_rows(compare_runs(runs))
    assert groups is not None
    assert dict(zip(groups.columns, groups.rows[0], strict=True))["grokked at"] == "not reached (20)"


def test_cautions(copies, seeds):
    assert compare_runs(seeds).cautions == ()
    longer = copies("longer", [*GROKS, 1.0], seed=5)
    [ends] = compare_runs([*seeds, longer]).cautions
    assert ends.startswith("The median curves of “weight decay 1” end at step")
    assert f"its longest run, {longer.path}, goes on to 40" in ends
    twin = copies("twin", GROKS, seed=0)
    [same] = compare_runs([*seeds, twin]).cautions
    assert same == (
        f"{seeds[0].path} and {twin.path} have the same settings and seeds: they are one network, counted 2 times in "
        f"medians."
    )
    assert compare_runs([seeds[0], seeds[3]]).cautions == (
        "Every group is one run: how much seeds differ cannot be seen.",
    )
    assert compare_runs(seeds[:4]).cautions == (
        "“weight decay 0” is one run: how much its seeds differ cannot be seen.",
    )


def test_runs_that_did_not_finish_are_named(run_of):
    compared = compare_runs([run_of("plain"), run_of("interrupted"), run_of("diverged")])
    assert any(f"{run_of('diverged').path}: This run did not finish" in text for text in compared.cautions)
    assert any(f"{run_of('interrupted').path}: This run was interrupted" in text for text in compared.cautions)
    assert render_compared(read_compared(compared)).startswith("<!DOCTYPE html>")


def test_one_run_is_no_comparison(seeds):
    with pytest.raises(ConfigError, match=r"one run, .*one0, cannot be compared"):
        compare_runs(seeds[:1])


def test_where_names_do_not_say_everything_a_table_does(copies, seeds):
    assert difference_rows(compare_runs(seeds).groups) is None
    settings = {"l1": 0.1, "optimizer.lr": 0.5, "schedule.warmup_steps": 3, "optimizer.weight_decay": 2.0}
    other = copies("other", NEVER, **{name.replace(".", "__"): value for name, value in settings.items()})
    table = difference_rows(compare_runs([seeds[0], other]).groups)
    assert table is not None
    assert {row[0] for row in table.rows} == set(settings)
    assert table.columns[0] == "setting"


def test_the_page_has_everything_and_needs_nothing(seeds):
    html = render_compared(read_compared(compare_runs(seeds)))
    headings = re.findall(r"<h2>(.*?)</h2>", html)
    assert headings == [
        "What differs, and what came out",
        "Training curves",
        "Groups",
        "Each two groups",
        "Runs",
        "How this was made",
    ]
    assert html.count("<svg") == 1
    assert html.count("<details>") == 2
    assert "://" not in html
    assert "<script" not in html
    assert "5 of 5 runs have none. “grokscope measure RUN” takes them" in html
    assert all(str(run.path) in html for run in seeds)
    assert "grokscope 0." in html


@pytest.mark.slow
def test_measures_are_drawn_if_every_run_has_them(planted, with_history, tmp_path):
    other = Run(shutil.copytree(with_history.path, tmp_path / "other"))
    other.folder.experiment.write_text(with_history.experiment.override({"seed": 1}).to_yaml())
    measure_run(other, every=20).to_csv(other.folder.measures, index=False)
    content = read_compared(compare_runs([with_history, other]))
    assert [picture.name for picture in content.pictures] == ["curves", "measures"]
    assert content.missing == ""
    titles = [axes.get_title(loc="left") for axes in content.pictures[1].figure.axes]
    assert titles[0].startswith("restricted loss")
    assert len(titles) == 5
    without = read_compared(compare_runs([with_history, planted]))
    assert [picture.name for picture in without.pictures] == ["curves"]
    assert f"1 of 2 runs have none. “grokscope measure RUN” takes them, beginning with {planted.path}." in (
        without.missing
    )
    assert (
        dict(zip(run_rows(content.compared).columns, run_rows(content.compared).rows[0], strict=True))[
            "key frequencies"
        ]
        == "2 5"
    )
    other.folder.measures.write_text("step,excluded_loss\n")
    with pytest.raises(RunError, match="is damaged"):
        read_compared(compare_runs([with_history, other]))


def test_the_parts_of_a_task_on_sequences(trigrams, tmp_path):
    other = Run(shutil.copytree(trigrams.path, tmp_path / "other"))
    other.folder.experiment.write_text(trigrams.experiment.override({"seed": 1}).to_yaml())
    content = read_compared(compare_runs([trigrams, other]))
    assert [picture.name for picture in content.pictures] == ["curves", "parts"]
    assert len(content.pictures[1].figure.axes) == 4
    assert "infinite" in content.pictures[0].caption


def test_no_run_has_a_test_set(run_of, tmp_path):
    run = run_of("no-test-set")
    other = Run(shutil.copytree(run.path, tmp_path / "other"))
    other.folder.experiment.write_text(run.experiment.override({"seed": 1}).to_yaml())
    compared = compare_runs([run, other])
    assert "0 of 2 runs grokked" in compared.sentences[1]
    assert "NaN" not in render_compared(read_compared(compared))


def test_markup_in_names_is_escaped(copies, seeds, tmp_path):
    odd = Run(shutil.copytree(seeds[0].path, tmp_path / "<b>$x_$[red]{{ 7 * 7 }}"))
    changed = odd.experiment.override({"seed": 9, "description": "<script>alert(1)</script>"})
    odd.folder.experiment.write_text(changed.to_yaml())
    odd = Run(odd.path)  # which reads the changed experiment
    html = render_compared(read_compared(compare_runs([*seeds, odd])))
    assert "&lt;b&gt;$x_$[red]{{ 7 * 7 }}" in html
    assert "<b>" not in html
    only = render_compared(read_compared(compare_runs([odd, seeds[3]])))
    assert "&lt;script&gt;alert(1)" in only
    assert "<script" not in only


def test_too_many_groups_for_a_picture_still_have_a_table(copies):
    runs = [copies(f"wide{at}", NEVER, optimizer__weight_decay=float(at)) for at in range(13)]
    compared = compare_runs(runs)
    assert len(run_rows(compared).rows) == 13
    assert compared.headline == "13 runs in 13 groups"
    assert compared.sentences[1:] == ("0 of 13 runs grokked, in 0 of 13 groups; the tables say which, and when.",)
    with pytest.raises(ConfigError, match="13 groups are too many"):
        curves_of(compared)
