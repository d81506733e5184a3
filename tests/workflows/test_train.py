"""``gs.train``: what it may be given."""

import pytest

import grokscope as gs
from grokscope.errors import ConfigError, RunError

ONE_THREAD = gs.Execution(device="cpu", threads=1)


def test_the_file_of_an_experiment_is_trained_as_the_experiment_is(tmp_path):
    experiment = gs.recipes()["small"].experiment.override({"task.p": 7, "model.d_mlp": 16, "stop.steps": 5})
    (tmp_path / "mine.yaml").write_text(experiment.to_yaml())
    for name, given in (("path", tmp_path / "mine.yaml"), ("text", str(tmp_path / "mine.yaml"))):
        run = gs.train(given, out=tmp_path / name, execution=ONE_THREAD, progress=False)
        assert run.experiment == experiment


def test_what_is_neither(tmp_path):
    with pytest.raises(ConfigError, match="no recipe is called 'smal'; did you mean small"):
        gs.train("smal", out=tmp_path / "run")
    with pytest.raises(RunError, match=r"cannot read .*none\.yaml"):
        gs.train(tmp_path / "none.yaml", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
