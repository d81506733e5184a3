"""Tiny runs of every odd kind, trained once, and one whose last network is written by hand."""

import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from odd_runs import ODD, PLANTED, TINY
from sequence_runs import experiment, write_trigrams

from grokscope.analysis.modular.coordinates import find_coordinates
from grokscope.analysis.trajectories.measure_run import measure_run
from grokscope.errors import DivergenceError
from grokscope.explanation import Explanation, Program, explain, explain_over_training, subject_of_run
from grokscope.explanation.synthetic.planted import plant
from grokscope.models import Transformer, TransformerConfig
from grokscope.run import Execution, Run, record_run
from grokscope.run.atomic import save_tensors
from grokscope.tasks import ModularTask, SkipTrigramsTask


def _train(kind: str, path: Path) -> Run:
    def interrupt(row: object) -> None:
        if kind == "interrupted":
            signal.raise_signal(signal.SIGINT)

    try:
        record_run(TINY.override(ODD[kind]), path, execution=Execution(device="cpu", threads=1), on_row=interrupt)
    except DivergenceError:
        assert kind == "diverged"
    return Run(path)


@pytest.fixture(scope="session")
def run_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Run]:
    """Return the run of an odd kind; it is shared, so write no file into its folder."""
    folder = tmp_path_factory.mktemp("odd")

    def run(kind: str) -> Run:
        path = folder / kind
        return Run(path) if path.exists() else _train(kind, path)

    return run


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that at its last step computes a clock of two frequencies; it is shared, so write no file into it."""
    run = record_run(PLANTED, tmp_path_factory.mktemp("planted") / "run", execution=Execution(device="cpu", threads=1))
    assert isinstance(run.task, ModularTask)
    coordinates = find_coordinates(run.task.table)
    assert coordinates is not None
    assert isinstance(PLANTED.model, TransformerConfig)
    network = plant(Program("clock", (2, 5), (12.0, 10.0), (0.0, 0.0), coordinates), PLANTED.model)
    save_tensors(run.folder.checkpoint(run.checkpoints[-1]), dict(network.named_parameters()))
    return run


@pytest.fixture(scope="session")
def explanation(planted: Run) -> Explanation:
    """What the planted run's last network computes."""
    return explain(subject_of_run(planted))


@pytest.fixture(scope="session")
def with_history(planted: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The planted run with the tables of ``measure`` and ``explain --every``; it is shared too."""
    run = Run(shutil.copytree(planted.path, tmp_path_factory.mktemp("history") / "run"))
    measure_run(run).to_csv(run.folder.measures, index=False)
    explain_over_training(run).table.to_csv(run.folder.claims, index=False)
    return run


@pytest.fixture(scope="session")
def sums(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run on a few one-digit sums that has learned nothing; it is shared, so write no file into it."""
    path = tmp_path_factory.mktemp("sums") / "run"
    return record_run(experiment("sums"), path, execution=Execution(device="cpu", threads=1))


@pytest.fixture(scope="session")
def trigrams(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run on fresh skip trigrams that answers them at its last step, with the tables of other commands; shared."""
    path = tmp_path_factory.mktemp("trigrams") / "run"
    run = record_run(experiment("trigrams"), path, execution=Execution(device="cpu", threads=1))
    network = run.model()
    assert isinstance(network, Transformer)
    assert isinstance(run.task, SkipTrigramsTask)
    write_trigrams(network, run.task)
    save_tensors(run.folder.checkpoint(run.checkpoints[-1]), dict(network.named_parameters()))
    measure_run(run).to_csv(run.folder.measures, index=False)
    explain_over_training(run, every=20).table.to_csv(run.folder.claims, index=False)
    return run
