"""The tutorial runs from its first cell to its last, shows its pictures, and finds what its text says."""

import re

import nbformat
import pytest
from run_tutorial import NOTEBOOK, run_tutorial

pytestmark = pytest.mark.slow

VERDICTS = ["explained", "not explained", "not explained", "explained"]
"""Of the network that grokked, of random labels, of the first before it grokked, and of the skip trigrams."""


@pytest.fixture(scope="module")
def committed():
    return nbformat.read(NOTEBOOK, as_version=4)


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tutorial")
    notebook = run_tutorial(folder)
    assert {entry.name for entry in folder.iterdir()} <= {"ipython"}, "the tutorial writes outside its own folder"
    return notebook


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def printed(notebook):
    return "".join(
        output.text for cell in code_cells(notebook) for output in cell.outputs if output.output_type == "stream"
    )


def kinds(cell):
    """What each output is: its name for a stream, its media types for anything that was shown."""
    return [output.get("name") or sorted(output.data) for output in cell.outputs]


def check_pictures(notebook):
    drawing = [cell for cell in code_cells(notebook) if cell.source.splitlines()[-1].startswith("figures.")]
    assert len(drawing) >= 10
    for cell in drawing:
        assert any("image/png" in output.get("data", {}) for output in cell.outputs), cell.source


def check_verdicts(notebook):
    found = []
    for cell, following in zip(notebook.cells, notebook.cells[1:], strict=False):
        for verdict in re.findall(
            r"^verdict: (.+)$", "".join(o.get("text", "") for o in cell.get("outputs", [])), re.M
        ):
            found.append(verdict)
            assert following.cell_type == "markdown"
            assert re.search(r"verdict is \*\*(.+?)\*\*", following.source)[1] == verdict
    assert found == VERDICTS


@pytest.mark.slow
class TestRunFromTheSource:
    def test_says_nothing_on_standard_error(self, executed):
        assert not [cell.source for cell in code_cells(executed) if "stderr" in kinds(cell)]

    def test_pictures_are_shown(self, executed):
        check_pictures(executed)

    def test_verdicts_are_those_of_the_text(self, executed):
        check_verdicts(executed)

    def test_the_replay_is_shown_with_every_checkpoint(self, executed):
        [cell] = [cell for cell in code_cells(executed) if cell.source == "gs.replay(run)"]
        [output] = cell.outputs
        found = re.fullmatch(
            r"TrainingReplay\('tutorial', (\d+) checkpoints, steps 0 to 800: (.+)\)", output.data["text/plain"]
        )
        assert int(found[1]) > 10
        assert {"curves", "embedding", "circles", "neurons"} <= set(found[2].split(", "))

    def test_mirror_images_are_what_a_memory_knows(self, executed):
        known, unknown = map(int, re.findall(r"^right with.*?: +(\d+)%$", printed(executed), re.M))
        assert known >= 90
        assert unknown <= 5

    def test_key_frequencies_are_needed_and_others_are_not(self, executed):
        assert "every key frequency costs more than any other: True" in printed(executed)

    def test_committed_outputs_are_of_this_source(self, executed, committed):
        assert [kinds(cell) for cell in code_cells(committed)] == [kinds(cell) for cell in code_cells(executed)]


class TestAsCommitted:
    def test_was_run_in_order(self, committed):
        counts = [cell.execution_count for cell in code_cells(committed)]
        assert counts == list(range(1, len(counts) + 1))
        check_pictures(committed)
        check_verdicts(committed)

    def test_is_a_valid_notebook_of_moderate_size(self, committed):
        nbformat.validate(committed)
        assert NOTEBOOK.stat().st_size < 2_500_000  # a dozen pictures, at the density of present screens

    def test_has_no_trace_of_where_it_was_run(self, committed):
        for cell in code_cells(committed):
            assert not cell.metadata.get("execution"), "times of execution; write it with: python tests/run_tutorial.py"
            for output in cell.outputs:
                data = {kind: value for kind, value in output.get("data", {}).items() if kind != "image/png"}
                for text in (output.get("text", ""), *data.values()):
                    assert not re.search(r"/(home|root|tmp|Users|private|var)/|[A-Z]:\\| at 0x", text)
