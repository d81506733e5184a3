"""Tiny runs of every odd kind, trained once."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from odd_runs import ODD, TINY

from grokscope.errors import DivergenceError
from grokscope.runs import Execution, Run, record_run


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
