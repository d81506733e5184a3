"""A real network trained to grokking by the command line, and a look at what it learned."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import grokscope as gs
from grokscope.analysis import fourier_basis, fourier_summary
from grokscope.analysis.fourier import row_frequencies
from grokscope.explanation import explain, subject_of_run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def fast_run(tmp_path_factory: pytest.TempPathFactory) -> gs.Run:
    folder = tmp_path_factory.mktemp("runs") / "fast"
    command = [sys.executable, "-m", "grokscope", "train", "fast", "--out", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "key frequencies" in done.stdout
    assert f"Report: {folder / 'report.html'}" in done.stdout.replace("\n", "")
    return gs.Run(folder)


@pytest.mark.slow
def test_it_starts_at_the_published_losses_and_groks_for_good(fast_run: gs.Run) -> None:
    metrics = fast_run.metrics
    assert metrics["train_loss"].iloc[0] == pytest.approx(4.764052265, abs=1e-6)
    assert metrics["test_loss"].iloc[0] == pytest.approx(4.768347310, abs=1e-6)
    memorised = metrics.loc[metrics["train_accuracy"] >= 0.99, "step"].iloc[0]
    grokked = metrics.loc[metrics["test_accuracy"] >= 0.999, "step"].iloc[0]
    assert memorised < grokked
    assert metrics.loc[metrics["step"] >= grokked, "test_accuracy"].min() > 0.999


@pytest.mark.slow
def test_neurons_gather_in_few_frequencies_and_did_not_at_first(fast_run: gs.Run) -> None:
    last = fourier_summary(fast_run.model(), fast_run.task)
    first = fourier_summary(fast_run.model(step=0), fast_run.task)
    assert 3 <= len(last.key_frequencies) <= 12
    assert last.neurons is not None
    assert (last.neurons.share > 0.85).double().mean() > 0.5
    assert first.key_frequencies == []


@pytest.mark.slow
def test_the_network_needs_its_key_frequencies_and_no_others(fast_run: gs.Run) -> None:
    task = fast_run.task
    keys = fourier_summary(fast_run.model(), task).key_frequencies

    def accuracy_with_embedding_in(frequencies: list[int]) -> float:
        model = fast_run.model()
        assert isinstance(model, gs.Transformer)
        basis = fourier_basis(task.p, dtype=torch.float32)
        kept = basis[torch.isin(row_frequencies(task.p), torch.tensor([0, *frequencies]))]
        model.embed.W_E[: task.p] = kept.T @ (kept @ model.embed.W_E[: task.p])
        pairs = task.all_pairs
        return (model(pairs.tokens, [2])[:, 0].argmax(1) == pairs.targets[:, 0]).float().mean().item()

    others = [k for k in range(1, task.p // 2 + 1) if k not in keys]
    generator = torch.Generator().manual_seed(0)
    controls = [
        accuracy_with_embedding_in([others[i] for i in torch.randperm(len(others), generator=generator)[: len(keys)]])
        for _ in range(3)
    ]
    assert accuracy_with_embedding_in(keys) > 0.95
    assert accuracy_with_embedding_in(others) < 0.1
    assert max(controls) < 0.1


@pytest.mark.slow
def test_the_report_is_one_file_that_fetches_nothing(fast_run: gs.Run) -> None:
    page = Path(fast_run.path / "report.html").read_text()
    assert "<svg" in page
    assert "content=\"default-src 'none';" in page
    page = re.sub(r"<script[^>]*>.*?</script>", "", page, flags=re.DOTALL)  # the policy above binds what scripts do
    for fetching in ('src="http', 'href="http', "url(http", "<script src"):
        assert fetching not in page


@pytest.mark.slow
def test_it_is_explained_when_it_has_grokked_and_not_before(fast_run: gs.Run) -> None:
    last = explain(subject_of_run(fast_run))
    holding = {claim.name for claim in last.claims if claim.holds}
    # how much of the logits the formula is after 500 steps differs by rounding: 0.887 or 0.92 for this seed, 0.91 to
    # 0.97 for the next five, and the claim needs 0.9
    assert last.verdict in {"explained", "partly explained"}
    assert {"task", "sparse", "program", "necessary", "each frequency", "neurons: periodic"} <= holding
    formula = next(claim for claim in last.claims if claim.name == "formula")
    assert formula.value > 0.8
    assert max(control.value for control in formula.controls) < 0.2
    assert last.algorithm == "clock-like"
    keys = last.frequencies.keys
    untrained = explain(subject_of_run(fast_run, 0), frequencies=keys)
    assert untrained.verdict == "not explained"
    assert not any(claim.holds for claim in untrained.claims if claim.name != "attention: linear")
    metrics = fast_run.metrics
    knows = metrics.loc[metrics["train_accuracy"] >= 0.95, "step"].iloc[0]
    memorised = min((step for step in fast_run.checkpoints), key=lambda step: abs(step - knows))
    assert explain(subject_of_run(fast_run, memorised), frequencies=keys).verdict == "not explained"


@pytest.mark.slow
def test_the_fastest_recipe_groks_within_eighty_steps_and_stays_there(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "grokscope", "train", "fastest", "--steps", "120", "--no-report", "--out", "run"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    metrics = gs.Run(tmp_path / "run").metrics
    assert metrics["train_loss"].iloc[0] == pytest.approx(4.736, abs=0.001)  # from small weights
    first = metrics.loc[metrics["test_accuracy"] >= 0.95, "step"].iloc[0]
    assert first <= 80
    assert metrics.loc[metrics["step"] >= 80, "test_accuracy"].min() >= 0.95
