"""The mainline step as anyone would write it first: the yardstick of the benchmarks.

Every position of every example goes through every layer, the loss is a float64 log-softmax, the
optimiser is PyTorch's default, and train and test loss are computed every epoch, as the published
loop does. It shares no code with the package but the initial weights and the data.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from grokscope.models import Transformer
from grokscope.tasks import ModularTask


class PlainTraining:
    """The same network and data in plain PyTorch."""

    def __init__(self, model: Transformer, task: ModularTask) -> None:
        assert task.train is not None
        assert task.test is not None
        self.weights = {name: value.detach().clone().requires_grad_() for name, value in model.named_parameters()}
        self.train, self.test = task.train, task.test
        self.mask = torch.ones(task.n_ctx, task.n_ctx, dtype=torch.bool).triu(1)
        self.optimizer = torch.optim.AdamW(self.weights.values(), lr=1e-3, weight_decay=1.0, betas=(0.9, 0.98))
        self.scheduler = torch.optim.lr_scheduler.LambdaLR(self.optimizer, lambda step: min(step / 10, 1))

    def loss(self, tokens: Tensor, targets: Tensor) -> Tensor:
        w = self.weights
        x = w["embed.W_E"][tokens] + w["pos_embed.W_pos"]
        q = torch.einsum("bpd,hde->bhpe", x, w["blocks.0.attn.W_Q"])
        k = torch.einsum("bpd,hde->bhpe", x, w["blocks.0.attn.W_K"])
        v = torch.einsum("bpd,hde->bhpe", x, w["blocks.0.attn.W_V"])
        scores = torch.einsum("bhqe,bhke->bhqk", q, k) / 32**0.5
        pattern = scores.masked_fill(self.mask, -1e10).softmax(dim=-1)
        z = torch.einsum("bhqk,bhke->bhqe", pattern, v)
        x = x + torch.einsum("bhqe,hed->bqd", z, w["blocks.0.attn.W_O"])
        post = F.relu(x @ w["blocks.0.mlp.W_in"] + w["blocks.0.mlp.b_in"])
        x = x + post @ w["blocks.0.mlp.W_out"] + w["blocks.0.mlp.b_out"]
        logits = (x @ w["unembed.W_U"])[:, -1]
        return F.cross_entropy(logits.double(), targets.squeeze(1))

    def epoch(self) -> tuple[float, float]:
        train_loss = self.loss(self.train.tokens, self.train.targets)
        with torch.no_grad():
            test_loss = self.loss(self.test.tokens, self.test.targets)
        train_loss.backward()
        self.optimizer.step()
        self.scheduler.step()
        self.optimizer.zero_grad()
        return train_loss.item(), test_loss.item()
