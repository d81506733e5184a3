"""Networks that other people trained and published: what they are known to do, they do here."""

import pytest
import torch
import torch.nn.functional as F

from grokscope.interop import ImportedNetwork, load_network, save_network
from grokscope.models import MLPConfig, TransformerConfig
from grokscope.tasks import FiniteData, ModularConfig
from grokscope.tasks.examples import Examples

pytestmark = pytest.mark.reference

NANDA, CHUGHTAI, PIZZA = "models/nanda", "models/chughtai", "models/pizza"
FILES = {
    f"{NANDA}/mod_addition_no_wd.pth": (113, True),
    f"{NANDA}/low_precision_mod_addition.pth": (113, True),
    f"{NANDA}/5_digit_addition_infinite.pth": (None, False),
    f"{NANDA}/induction_head_infinite.pth": (None, False),
    f"{CHUGHTAI}/C113_T_seed1/model.pt": (113, True),
    f"{CHUGHTAI}/C113_MLP_seed1/model.pt": (113, False),
    f"{PIZZA}/model_l8k1hzciux.pt": (59, False),
    f"{PIZZA}/model_p99zdpze5l.pt": (59, False),
    f"{PIZZA}/model_amw6ox6bzn.pt": (59, False),
    f"{PIZZA}/model_7r4zst7evs.pt": (59, False),
}


def all_pairs(imported: ImportedNetwork) -> Examples:
    assert imported.p is not None
    return ModularConfig(p=imported.p, equals_token=imported.equals_token).build().all_pairs


def loss_and_accuracy(imported: ImportedNetwork, examples: Examples) -> tuple[float, float]:
    """Return mean cross-entropy over all logits, in float64, and the share of right answers."""
    logits = imported.model(examples.tokens, [1 + imported.equals_token])[:, 0].double()
    targets = examples.targets[:, 0]
    return F.cross_entropy(logits, targets).item(), (logits.argmax(1) == targets).double().mean().item()


@pytest.mark.parametrize(("file", "task"), FILES.items(), ids=lambda x: str(x).rpartition("/")[2])
def test_every_file_is_read_and_written(reference, tmp_path, file, task):
    imported = load_network(reference / file)
    assert (imported.p, imported.equals_token) == task
    save_network(imported, tmp_path / "a.safetensors", operation=None)
    again = load_network(tmp_path / "a.safetensors")
    tokens = torch.randint(imported.model.d_vocab, (50, imported.model.n_ctx))
    assert torch.equal(again.model(tokens), imported.model(tokens))


def test_all_files_are_tested(reference):
    found = {path.relative_to(reference).as_posix() for path in (reference / "models").rglob("*.pt*")}
    assert found == FILES.keys()


class TestNanda:
    def test_modular_addition_has_its_published_losses(self, reference):
        imported = load_network(reference / NANDA / "mod_addition_no_wd.pth")
        assert imported.model.config == TransformerConfig()
        task = ModularConfig(data=FiniteData(train_fraction=0.9)).build(split_seed=0)
        assert task.train is not None
        assert task.test is not None
        assert loss_and_accuracy(imported, all_pairs(imported))[1] == 1
        train, test = (loss_and_accuracy(imported, part)[0] for part in (task.train, task.test))
        assert (train, test) == (pytest.approx(1.6809e-10, rel=1e-3), pytest.approx(1.1096e-6, rel=1e-3))
        # what they stored is of the weights before the last update
        assert (train, test) == pytest.approx((imported.stored["train_loss"], imported.stored["test_loss"]), rel=1e-3)

    def test_low_precision(self, reference):
        imported = load_network(reference / NANDA / "low_precision_mod_addition.pth")
        assert loss_and_accuracy(imported, all_pairs(imported))[1] == pytest.approx(0.9995, abs=1e-4)

    def test_induction_heads_need_the_doubled_residual(self, reference):
        """On repeated subsequences drawn as theirs, loss over repeats 2 and 3 from their second token on."""
        file = reference / NANDA / "induction_head_infinite.pth"
        generator = torch.Generator().manual_seed(0)
        tokens = torch.randint(1, 128, (100, 85), generator=generator)
        tokens[:, 0] = 0
        starts = 1 + 28 * torch.arange(3) + torch.randint(13, (100, 3), generator=generator)
        places = starts[:, :, None] + torch.arange(16)  # [example, repeat, place in it]
        rows = torch.arange(100)[:, None]
        for repeat in (1, 2):
            tokens[rows, places[:, repeat]] = tokens[rows, places[:, 0]]
        losses = {}
        for scale in (2, 1):
            imported = load_network(file, residual_scale=scale)
            config = imported.model.config
            assert isinstance(config, TransformerConfig)
            assert (config.n_layers, config.attention_only, config.residual_scale) == (2, True, scale)
            log_probabilities = imported.model(tokens).double().log_softmax(-1)
            predicted = places[:, 1:, 1:].flatten(1)
            answers = log_probabilities[rows, predicted - 1].gather(2, tokens[rows, predicted].unsqueeze(2))
            losses[scale] = -answers.mean().item()
        assert 0.25 < losses[2] < 0.4
        assert 1.6 < losses[1] < 2.1

    def test_five_digit_addition(self, reference):
        imported = load_network(reference / NANDA / "5_digit_addition_infinite.pth")
        generator = torch.Generator().manual_seed(0)
        a, b = torch.randint(100_000, (2, 500), generator=generator)

        def digits(number: torch.Tensor, length: int) -> torch.Tensor:
            return torch.stack([number // 10**place % 10 for place in reversed(range(length))], dim=1)

        sign = torch.full((500, 1), 10)
        answer = digits(a + b, 6)
        tokens = torch.cat([digits(a, 5), sign, digits(b, 5), sign + 1, answer], dim=1)
        right = imported.model(tokens, range(11, 17)).argmax(-1) == answer
        assert right.all(1).double().mean() > 0.96


class TestChughtai:
    def test_transformer(self, reference):
        imported = load_network(reference / CHUGHTAI / "C113_T_seed1" / "model.pt")
        assert loss_and_accuracy(imported, all_pairs(imported))[1] == 1
        assert imported.model.config == TransformerConfig(biases="none")  # all of its biases are zero
        assert imported.notes == (
            "tensors in the file that are no part of the network were left out: x_embed, y_embed",
        )

    def test_perceptron(self, reference):
        imported = load_network(reference / CHUGHTAI / "C113_MLP_seed1" / "model.pt")
        assert loss_and_accuracy(imported, all_pairs(imported))[1] == 1
        assert imported.model.config == MLPConfig(d_model=256, d_mlp=128, shared_embedding=False, biases="none")


class TestClockAndPizza:
    """The weights do not say the attention coefficient; the loss does, which was trained for one."""

    def test_clock(self, reference):
        file = reference / PIZZA / "model_l8k1hzciux.pt"
        right, wrong = (load_network(file, attention_coefficient=c, causal=False) for c in (1, 0))
        loss, accuracy = loss_and_accuracy(right, all_pairs(right))
        assert accuracy == 1
        assert loss < 1e-6
        assert loss_and_accuracy(wrong, all_pairs(wrong))[1] < 0.6

    def test_pizza(self, reference):
        """W_Q and W_K have decayed to 1e-19, so with coefficient 1 its attention is 1/2 instead of 1: all answers are
        right with either, and the loss tells them apart.
        """
        file = reference / PIZZA / "model_p99zdpze5l.pt"
        right, wrong = (load_network(file, attention_coefficient=c, causal=False) for c in (0, 1))
        loss, accuracy = loss_and_accuracy(right, all_pairs(right))
        assert accuracy == 1
        assert loss < 1e-6
        assert loss_and_accuracy(wrong, all_pairs(wrong))[0] > 1000 * loss

    @pytest.mark.parametrize(
        ("file", "config"),
        [
            ("model_amw6ox6bzn.pt", MLPConfig(n_layers=2, d_model=256, d_mlp=256, combine="sum", biases="hidden")),
            ("model_7r4zst7evs.pt", MLPConfig(d_model=128, d_mlp=256, combine="concat", biases="hidden")),
        ],
    )
    def test_perceptrons(self, reference, file, config):
        imported = load_network(reference / PIZZA / file)
        assert imported.model.config == config
        assert loss_and_accuracy(imported, all_pairs(imported))[1] >= 0.99
