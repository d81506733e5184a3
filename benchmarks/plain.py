"""A training step as anyone would write it first: the yardstick of the benchmarks.

Every position of every example goes through every layer, the loss is a float64 log-softmax, and the optimiser is
PyTorch's default. It shares no code with the package but the initial weights and the data.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from grokscope.models import Transformer
from grokscope.tasks import Task
from grokscope.tasks.examples import NO_TARGET, Examples


class PlainTraining:
    """The same network and data in plain PyTorch.

    Args:
        model: gives the initial weights and the options of the network; it is not changed.
        task: gives the examples.
        fused: attention by PyTorch's fused kernel; else by scores, mask and softmax, as the published loop has it.
    """

    def __init__(self, model: Transformer, task: Task, *, fused: bool) -> None:
        self.weights = {name: value.detach().clone().requires_grad_() for name, value in model.named_parameters()}
        self.config, self.task, self.fused = model.config, task, fused
        self.mask = torch.ones(task.n_ctx, task.n_ctx, dtype=torch.bool).triu(1)
        self.optimizer = torch.optim.AdamW(self.weights.values(), lr=1e-3, weight_decay=1.0, betas=(0.9, 0.98))
        self.scheduler = torch.optim.lr_scheduler.LambdaLR(self.optimizer, lambda step: min(step / 10, 1))
        self.n_steps = 0

    def logits(self, tokens: Tensor) -> Tensor:
        """Return the logits at the scored positions."""
        w, config = self.weights, self.config
        x = w["embed.W_E"][tokens] + w["pos_embed.W_pos"][: tokens.shape[1]]
        for layer in range(config.n_layers):
            block = f"blocks.{layer}"
            x = config.residual_scale * x + self.attention(self.norm(x, f"{block}.ln1"), f"{block}.attn")
            if not config.attention_only:
                pre = self.plus(self.norm(x, f"{block}.ln2") @ w[f"{block}.mlp.W_in"], f"{block}.mlp.b_in")
                x = x + self.plus(self.activation(pre) @ w[f"{block}.mlp.W_out"], f"{block}.mlp.b_out")
        W_U = w["embed.W_E"][: self.task.d_vocab_out].T if config.tied_embeddings else w["unembed.W_U"]
        return self.plus(self.norm(x, "ln_final") @ W_U, "unembed.b_U")[:, list(self.task.target_positions)]

    def attention(self, x: Tensor, name: str) -> Tensor:
        """Return what the heads add to the residual stream."""
        w = self.weights
        q, k, v = (
            self.plus(torch.einsum("bpd,hde->bphe", x, w[f"{name}.W_{letter}"]), f"{name}.b_{letter}").transpose(1, 2)
            for letter in "QKV"
        )
        if self.fused:
            z = F.scaled_dot_product_attention(q, k, v, is_causal=self.config.causal)
        else:
            scores = torch.einsum("bhqe,bhke->bhqk", q, k) / math.sqrt(q.shape[-1])
            if self.config.causal:
                scores = scores.masked_fill(self.mask, -1e10)
            z = torch.einsum("bhqk,bhke->bhqe", scores.softmax(dim=-1), v)
        return self.plus(torch.einsum("bhqe,hed->bqd", z, w[f"{name}.W_O"]), f"{name}.b_O")

    def activation(self, pre: Tensor) -> Tensor:
        """Return the neurons."""
        kind = self.config.activation
        return pre.square() if kind == "quadratic" else F.gelu(pre) if kind == "gelu" else F.relu(pre)

    def norm(self, x: Tensor, name: str) -> Tensor:
        """Return ``x`` after the layer norm of that name, if there is one."""
        gain = self.weights.get(f"{name}.w")
        return x if gain is None else F.layer_norm(x, x.shape[-1:], gain, self.weights[f"{name}.b"], 1e-5)

    def plus(self, x: Tensor, bias: str) -> Tensor:
        """Return ``x`` and the bias of that name, if there is one."""
        return x + self.weights[bias] if bias in self.weights else x

    def loss(self, examples: Examples) -> Tensor:
        """Return the mean loss of all answers."""
        logits = self.logits(examples.tokens).double().flatten(0, 1)
        return F.cross_entropy(logits, examples.targets.flatten(), ignore_index=NO_TARGET)

    def step(self) -> float:
        """Take a step and return the loss before it."""
        loss = self.loss(self.task.batches(self.n_steps))
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.scheduler.step()
        self.n_steps += 1
        return loss.item()

    def epoch(self) -> tuple[float, float]:
        """Take a step and return the losses of training and test before it, as the published loop does."""
        assert self.task.test is not None
        with torch.no_grad():
            test_loss = self.loss(self.task.test).item()
        return self.step(), test_loss
