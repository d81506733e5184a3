"""A grid is trained once, and its outcomes follow from its curves."""

import pandas as pd
import pytest

from grokscope.errors import ConfigError
from grokscope.recipe import recipe
from grokscope.run import Run
from grokscope.run.metrics import COLUMNS
from grokscope.sweeps import GridPoint, outcome_of, train_grid

TINY = recipe("small").experiment.override(
    {
        "task.p": 5,
        "model.d_model": 8,
        "model.d_head": 4,
        "model.n_heads": 1,
        "model.d_mlp": 8,
        "stop.steps": 4,
        "evaluate_every": 1,
        "stop.test_accuracy": None,
    }
)


@pytest.fixture
def trained(tmp_path) -> tuple[pd.DataFrame, list[GridPoint]]:
    seen: list[GridPoint] = []
    fractions, decays = [0.5, 0.3], [0.0, 1.0]
    table = train_grid(TINY, tmp_path, train_fractions=fractions, weight_decays=decays, on_point=seen.append)
    return table, seen


def test_every_cell_is_one_run(trained, tmp_path):
    table, seen = trained
    assert table[["train_fraction", "weight_decay"]].to_numpy().tolist() == [[0.3, 0], [0.3, 1], [0.5, 0], [0.5, 1]]
    assert len(seen) == 4
    assert Run(tmp_path / "fraction0.3-decay1").experiment.optimizer.model_dump()["weight_decay"] == 1


def test_what_is_finished_is_not_trained_again(trained, tmp_path):
    first = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("00000000.safetensors")}
    again = train_grid(TINY, tmp_path, train_fractions=[0.3, 0.5], weight_decays=[0.0, 1.0], workers=2)
    pd.testing.assert_frame_equal(again, trained[0])
    assert len(first) == 4
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in first.items())


@pytest.mark.parametrize(
    ("train", "test", "outcome"),
    [
        ([0.5, 1.0, 1.0, 1.0, 1.0], [0.1, 0.1, 0.1, 1.0, 1.0], "grokked"),
        ([0.5, 0.9, 1.0, 1.0, 1.0], [0.1, 0.4, 0.9, 1.0, 1.0], "generalised at once"),
        ([0.5, 1.0, 1.0, 1.0, 1.0], [0.1, 0.1, 0.97, 0.1, 0.1], "memorised"),
        ([0.5, 0.6, 0.6, 0.6, 0.6], [0.1, 0.1, 0.1, 0.1, 0.1], "not fitted"),
    ],
)
def test_outcomes(trained, tmp_path, train, test, outcome):
    run = Run(tmp_path / "fraction0.3-decay1")
    rows = [[step, 1.0, a, 1.0, b] for step, (a, b) in enumerate(zip(train, test, strict=True))]
    pd.DataFrame(rows, columns=COLUMNS).to_csv(run.folder.metrics, index=False)
    assert outcome_of(run).outcome == outcome


def test_a_grid_needs_something_to_vary(tmp_path):
    with pytest.raises(ConfigError, match=r"skip-trigrams has task.data.kind 'infinite'"):
        train_grid(recipe("skip-trigrams").experiment, tmp_path, train_fractions=[0.3], weight_decays=[1.0])
