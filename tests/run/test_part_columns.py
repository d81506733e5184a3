"""The losses of a task's parts in a recorded run: written, read back, resumed."""

import csv
import math
from pathlib import Path

import pytest

from grokscope.errors import RunError
from grokscope.models import TransformerConfig
from grokscope.run import Execution, Experiment, Run, record_run
from grokscope.run.metrics import COLUMNS, MetricsFile, Row, keep_rows_before, part_columns, read_metrics
from grokscope.tasks import DigitAdditionConfig, SkipTrigramsConfig
from grokscope.training import AdamWConfig, Evaluator, Stop

SUMS = Experiment(
    name="sums",
    task=DigitAdditionConfig(n_digits=1, base=5, data={"kind": "finite", "train_size": 12, "test_size": 8}),
    model=TransformerConfig(d_model=16, n_heads=2, d_head=8, d_mlp=32),
    optimizer=AdamWConfig(lr=1e-2),
    stop=Stop(steps=12),
    evaluate_every=3,
    checkpoint_every=4,
)
FRESH_SUMS = SUMS.override({"task.data.kind": "infinite", "task.data.batch_size": 7, "task.data.test_size": 8})
TRIGRAMS = SUMS.model_copy(
    update={
        "task": SkipTrigramsConfig(
            length=3, n_background=4, n_triggers=5, data={"kind": "infinite", "batch_size": 3, "test_size": 40}
        )
    }
)
"""With three examples in a step, and five parts."""
PARTS = ["train_loss_digit_1", "train_loss_digit_0", "test_loss_digit_1", "test_loss_digit_0"]
HEADER = ",".join([*COLUMNS, *PARTS]) + "\n"


def record(experiment: Experiment, path: Path, **options) -> Run:
    return record_run(experiment, path, execution=Execution(device="cpu", threads=1), **options)


@pytest.fixture(scope="module", params=[SUMS, FRESH_SUMS], ids=["finite", "infinite"])
def recorded(request, tmp_path_factory) -> tuple[Run, list[Row]]:
    rows: list[Row] = []
    return record(request.param, tmp_path_factory.mktemp("runs") / "run", on_row=rows.append), rows


class TestColumns:
    def test_every_part_has_one_on_each_side(self, recorded):
        run, _ = recorded
        assert run.folder.metrics.read_text().startswith(HEADER)
        assert list(run.metrics.columns) == [*COLUMNS, *PARTS]
        assert [str(dtype) for dtype in run.metrics.dtypes] == ["int64"] + ["float64"] * 8
        assert run.metrics["step"].tolist() == [0, 3, 6, 9, 12]
        assert run.metrics.notna().all(axis=None)

    def test_they_are_those_that_the_task_has_a_loss_of_guessing_for(self, recorded):
        run, _ = recorded
        losses = [name for name in run.metrics.columns if "loss" in name]
        assert sorted(run.task.chance_losses()) == sorted(losses)

    def test_numbers_come_back_to_the_last_bit(self, recorded):
        run, rows = recorded
        with run.folder.metrics.open(newline="") as file:
            written = [[float(value) for value in line] for line in list(csv.reader(file))[1:]]
        assert run.metrics.to_numpy().tolist() == written == [row.values() for row in rows]
        assert list(rows[0].subtasks) == PARTS

    def test_both_digits_together_are_the_whole(self, recorded):
        metrics = recorded[0].metrics
        for data in ("train", "test"):
            mean = (metrics[f"{data}_loss_digit_1"] + metrics[f"{data}_loss_digit_0"]) / 2
            assert mean.tolist() == pytest.approx(metrics[f"{data}_loss"].tolist(), rel=1e-6)

    def test_they_belong_to_the_weights_of_their_step(self, recorded):
        run, _ = recorded
        for step in (0, 12):
            row = run.metrics.set_index("step").loc[step]
            for data, examples in (("train", run.task.batches(step)), ("test", run.task.test)):
                score = Evaluator(run.model(step), examples, run.task.target_positions, 2)()
                found = [row[f"{data}_loss_digit_1"], row[f"{data}_loss_digit_0"]]
                assert found == pytest.approx(score.subtasks, rel=1e-5)

    def test_a_task_without_parts_has_none(self, tmp_path):
        run = record(Experiment(model=SUMS.model, stop=Stop(steps=1)).override({"task.p": 7}), tmp_path / "run")
        assert list(run.metrics.columns) == COLUMNS == run.folder.metrics.read_text().splitlines()[0].split(",")


class TestResumed:
    @pytest.mark.parametrize("experiment", [SUMS, FRESH_SUMS, TRIGRAMS], ids=["finite", "infinite", "skip trigrams"])
    @pytest.mark.parametrize("first", [5, 6, 8])
    def test_to_the_same_bytes(self, experiment, first, tmp_path):
        """Also where the first sitting ended between two evaluations, whose last row is then no scheduled one."""
        whole = record(experiment, tmp_path / "whole")
        record(experiment.override({"stop.steps": first}), tmp_path / "resumed")
        resumed = record(experiment, tmp_path / "resumed", resume=True)
        for name in ("metrics.csv", "resume.safetensors", "checkpoints/00000012.safetensors"):
            assert (resumed.path / name).read_bytes() == (whole.path / name).read_bytes(), name

    def test_a_stream_does_not_depend_on_the_checkpoints(self, tmp_path):
        often = FRESH_SUMS.model_copy(update={"checkpoint_every": 1})
        one, other = record(FRESH_SUMS, tmp_path / "one"), record(often, tmp_path / "other")
        assert one.folder.metrics.read_bytes() == other.folder.metrics.read_bytes()

    def test_half_a_line_is_written_again(self, tmp_path):
        run = record(SUMS, tmp_path / "run")
        whole = run.folder.metrics.read_bytes()
        run.folder.metrics.write_bytes(whole[:-9])
        assert len(run.metrics) == 4
        record(SUMS, run.path, resume=True)
        assert run.folder.metrics.read_bytes() == whole

    def test_damage_is_named_and_nothing_is_overwritten(self, tmp_path):
        run = record(SUMS, tmp_path / "run")
        damaged = run.folder.metrics.read_text().replace("train_loss_digit_0", "train_loss digit_0")
        run.folder.metrics.write_text(damaged)
        with pytest.raises(RunError, match=r"metrics\.csv is damaged: its first line should be 'step,train_loss"):
            record(SUMS.override({"stop.steps": 20}), run.path, resume=True)
        assert run.folder.metrics.read_text() == damaged


def test_a_part_that_did_not_occur_is_an_empty_field(tmp_path):
    run = record(TRIGRAMS, tmp_path / "run")
    names = part_columns([f"trigger_{answer}" for answer in range(5)])
    assert list(run.metrics.columns) == [*COLUMNS, *names]
    for row, line in zip(run.metrics.to_dict("records"), run.folder.metrics.read_text().splitlines()[1:], strict=True):
        present = set(run.task.batches(row["step"]).targets.flatten().tolist())
        assert len(present) < 5
        for answer, text in enumerate(line.split(",")[len(COLUMNS) : len(COLUMNS) + 5]):
            assert (text == "") == math.isnan(row[f"train_loss_trigger_{answer}"]) == (answer not in present)
            assert row[f"test_loss_trigger_{answer}"] > 0


class TestFile:
    @pytest.fixture
    def file(self, tmp_path) -> Path:
        metrics = MetricsFile(tmp_path / "metrics.csv", ["digit_1", "digit_0"])
        for step in (0, 5, 10):
            metrics.append(Row(step, 1.0, 0.5, 2.0, 0.25, dict(zip(PARTS, (0.1, 0.2, 0.3, math.nan), strict=True))))
        metrics.close()
        return tmp_path / "metrics.csv"

    def test_what_is_in_it(self, file):
        assert file.read_text() == HEADER + "".join(f"{n},1.0,0.5,2.0,0.25,0.1,0.2,0.3,\n" for n in (0, 5, 10))

    def test_opened_again_it_goes_on_without_another_header(self, file):
        metrics = MetricsFile(file, ["digit_1", "digit_0"])
        metrics.append(Row(15, 1.0, 0.5, 2.0, 0.25, dict.fromkeys(PARTS, 0.5)))
        metrics.close()
        assert read_metrics(file)["step"].tolist() == [0, 5, 10, 15]

    def test_rows_from_a_step_on_are_dropped(self, file):
        lines = file.read_text().splitlines(keepends=True)
        keep_rows_before(file, 6)
        assert file.read_text() == "".join(lines[:3])

    @pytest.mark.parametrize(
        ("header", "message"),
        [
            ("step,train_loss,train_accuracy,test_loss,train_loss_digit_1\n", "its first line should be"),
            (",".join([*PARTS, *COLUMNS]) + "\n", "its first line should be"),
            (HEADER.replace("test_loss_digit_0", "loss_digit_0"), "its first line should be"),
            (HEADER.replace("test_loss_digit_0", "test_loss_"), "its first line should be"),
            (HEADER.replace("test_loss_digit_0", "test_accuracy_digit_0"), "its first line should be"),
            (HEADER.replace("test_loss_digit_0", ""), "its first line should be"),
            (HEADER.replace("test_loss_digit_0", "test loss digit 0"), "its first line should be"),
            (HEADER.replace("test_loss_digit_0", "test_loss_digit\0"), "its first line should be"),
            (HEADER.replace(",test_loss_digit_0", ""), "at line 2"),
            (HEADER.replace("\n", ",test_loss_digit_7\n"), "at line 2"),
            (",".join(COLUMNS) + "\n", "at line 2"),
        ],
    )
    def test_a_damaged_header_is_refused(self, file, header, message):
        file.write_text(file.read_text().replace(HEADER, header))
        with pytest.raises(RunError, match=rf"metrics\.csv is damaged.*{message}"):
            read_metrics(file)
        before = file.read_bytes()
        with pytest.raises(RunError, match=r"metrics\.csv is damaged"):
            keep_rows_before(file, 6)
        assert file.read_bytes() == before
