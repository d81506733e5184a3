"""The verbs sweep and compare return objects with a table, groups, figures and a page."""

from pathlib import Path

import pytest
from matplotlib.figure import Figure
from short_runs import ONE_THREAD, SHORT

import grokscope as gs
from grokscope.errors import ConfigError, RunError
from grokscope.sweeps import Serial, SweepBackend
from grokscope.workflows.sweep import open_sweep


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """Two weight decays of two seeds each."""
    return gs.sweep(
        SHORT,
        seeds=range(2),
        vary={"weight_decay": [0.0, 1.0]},
        settings={"steps": 20},
        out=tmp_path_factory.mktemp("api") / "sweep",
        explained=False,
        backend=SweepBackend(Serial(), ONE_THREAD),
    )


class TestSweep:
    def test_has_a_table_and_groups(self, swept):
        assert swept.table["optimizer.weight_decay"].tolist() == [0.0, 1.0, 0.0, 1.0]
        assert swept.table["last_step"].tolist() == [20] * 4
        assert [group.settings for group in swept.groups] == [
            {"optimizer.weight_decay": 0.0},
            {"optimizer.weight_decay": 1.0},
        ]
        assert swept.time_to_grok.summary["runs"].tolist() == [2, 2]

    def test_is_drawn_where_it_is_asked_for(self, swept):
        part = Figure().subfigures()
        assert swept.figure("survival", ax=part) is not None
        assert part.axes
        assert swept.figure("settings").axes

    def test_writes_its_page(self, swept, tmp_path):
        written = swept.report(str(tmp_path / "page.html"))
        assert Path(written).read_text().startswith("<!DOCTYPE html>")
        assert Path(swept.report()) == Path(str(swept.folder.storage)) / "sweep.html"

    def test_can_be_opened_again(self, swept):
        again = open_sweep(str(swept.folder.storage))
        assert again.outcomes == swept.outcomes
        assert again.plan == swept.plan


class TestCompare:
    def test_runs_of_a_pattern(self, swept, tmp_path):
        found = gs.compare(f"{swept.folder.storage}/runs/*")
        assert [group.label for group in found.groups] == ["weight decay 0", "weight decay 1"]
        assert found.table["seed"].tolist() == [0, 1, 0, 1]
        assert found.time_to("grokked").summary["runs"].tolist() == [2, 2]
        assert found.figure("curves").axes
        assert found.figure("survival").axes
        assert found.report(str(tmp_path / "page.html")).read_text().startswith("<!DOCTYPE html>")
        with pytest.raises(ConfigError, match="no picture 'curve' of a comparison; did you mean curves"):
            found.figure("curve")

    def test_runs_and_folders(self, swept):
        first, second = (Path(str(swept.folder.storage)) / "runs" / each.run for each in swept.outcomes[:2])
        assert len(gs.compare(first, gs.Run(second)).runs) == 2
        assert len(gs.compare([first, second]).runs) == 2

    def test_nothing_matches(self, tmp_path):
        with pytest.raises(RunError, match="no run is in a folder that matches"):
            gs.compare(f"{tmp_path}/*")
