import os

import pytest

from grokscope.models import TransformerConfig
from grokscope.run import Execution, Experiment, Run, record_run
from grokscope.run.metrics import MetricsFile, Row
from grokscope.run.monitor import PACE_SECONDS, Pace, RunMonitor
from grokscope.tasks import ModularConfig
from grokscope.training import Stop

SMALL = Experiment(
    task=ModularConfig(p=7),
    model=TransformerConfig(d_model=8, n_heads=1, d_head=8, d_mlp=8),
    stop=Stop(steps=4),
    evaluate_every=2,
)


class TestLook:
    def test_while_the_run_is_trained(self, tmp_path):
        """Every look from inside the training sees the rows up to the one that was just written."""
        looks = []

        def look(row: Row) -> None:
            following = RunMonitor(Run(tmp_path / "run"))
            looks.append((row.step, following.look()))

        run = record_run(SMALL, tmp_path / "run", execution=Execution(device="cpu", threads=1), on_row=look)
        assert [(step, seen.step, seen.status, len(seen.metrics)) for step, seen in looks] == [
            (0, 0, "running", 1),
            (2, 2, "running", 2),
            (4, 4, "running", 3),
        ]
        end = RunMonitor(run).look()
        assert (end.status, end.reason, end.step) == ("finished", "reached 4 steps", 4)
        assert end.steps_per_second == pytest.approx(4 / run.record["training_seconds"])

    def test_before_the_first_row(self, tmp_path):
        run = record_run(SMALL, tmp_path / "run", execution=Execution(device="cpu", threads=1))
        run.folder.metrics.unlink()
        run.folder.record.unlink()
        lock = run.folder.lock()
        seen = RunMonitor(run).look()
        assert (seen.status, seen.step, len(seen.metrics), seen.steps_per_second) == ("running", 0, 0, None)
        lock.release()

    def test_pace_is_of_the_rows_that_come_while_it_is_followed(self, tmp_path):
        run = record_run(SMALL, tmp_path / "run", execution=Execution(device="cpu", threads=1))
        following, metrics, now = RunMonitor(run), MetricsFile(run.folder.metrics), 1_000_000.0
        for step in (10, 30):
            metrics.append(Row(step, 1.0, 0.0))
            now += 4
            os.utime(run.folder.metrics, (now, now))
            seen = following.look()
        metrics.close()
        assert seen.steps_per_second == pytest.approx(20 / 4)


class TestPace:
    def test_nothing_to_tell_it_from(self):
        pace = Pace()
        assert pace.per_second() is None
        for at in (1.0, 2.0):
            pace.note(100, at)
        assert pace.per_second() is None

    def test_is_that_of_the_last_seconds(self):
        pace = Pace()
        for second in range(100):
            pace.note(10 * second if second < 50 else 500 + 2 * (second - 50), float(second))
            if second == 49:
                assert pace.per_second() == 10
        assert PACE_SECONDS < 100 - 50
        assert pace.per_second() == 2

    def test_of_rows_that_are_minutes_apart(self):
        pace = Pace()
        for row in range(5):
            pace.note(60 * row, 120.0 * row)
        assert pace.per_second() == 0.5

    def test_rows_at_the_same_moment(self):
        pace = Pace()
        pace.note(1, 5.0)
        pace.note(2, 5.0)
        assert pace.per_second() is None

    def test_a_run_that_is_resumed_goes_back(self):
        pace = Pace()
        for at, step in ((0.0, 0), (1.0, 500), (2.0, 100), (3.0, 107)):
            pace.note(step, at)
        assert pace.per_second() == 7
