"""Shapes and types are checked at run time here, and only here; everything runs on one thread."""

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jaxtyping
import pytest
import torch
from hypothesis import settings

jaxtyping.install_import_hook("grokscope", "beartype.beartype")
torch.set_num_threads(1)
os.environ.setdefault("OMP_NUM_THREADS", "1")  # of the processes that tests begin

from grokscope.training.ensemble import EnsembleTrainer  # noqa: E402  # after the hook that checks it
from grokscope.training.trainer import Trainer  # noqa: E402


def _checked_now_and_then(method: Callable[..., Any]) -> Callable[..., Any]:
    """Check shapes in the first steps and in every fiftieth: they stay as they are, and checking takes longer."""

    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self.step < 3 or self.step % 50 == 0:
            return method(self, *args, **kwargs)
        jaxtyping.config.update("jaxtyping_disable", True)
        try:
            return method(self, *args, **kwargs)
        finally:
            jaxtyping.config.update("jaxtyping_disable", False)

    return call


for _trainer in (Trainer, EnsembleTrainer):
    for _name in ("gradient", "update", "test"):
        setattr(_trainer, _name, _checked_now_and_then(getattr(_trainer, _name)))
# no deadline: a test machine may be busy; the same examples every time: a failure can be seen again
settings.register_profile("grokscope", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("grokscope")


LONGEST = ("test_tutorial.py", "test_end_to_end.py", "test_in_browser.py", "test_paper.py", "test_sequence_commands.py")
"""Files that take a minute and more: begun first, or one process would be left with them at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in LONGEST)


class RecordedProgress:
    """Progress as a list: what long-running functions report."""

    def __init__(self) -> None:
        self.totals: list[int | None] = []
        self.details: list[str] = []
        self.messages: list[str] = []

    def start(self, total: int | None, label: str) -> None:
        self.totals.append(total)

    def advance(self, amount: int = 1, detail: str = "") -> None:
        self.details.append(detail)

    def message(self, text: str) -> None:
        self.messages.append(text)

    def done(self) -> None:
        pass


@pytest.fixture
def progress() -> RecordedProgress:
    return RecordedProgress()


@pytest.fixture(scope="session")
def reference() -> Path:
    """The folder of published models and curves; a test that needs it skips where there is none."""
    beside = Path(__file__).parents[2] / "shared" / "reference"
    folder = Path(os.environ.get("GROKSCOPE_REFERENCE", beside))
    if not (folder / "curves").is_dir():
        pytest.skip(f"the published data are not in {folder}; set GROKSCOPE_REFERENCE to their folder")
    return folder
