"""Networks of ours with random weights, and the same as other people write them down."""

from pathlib import Path

import torch
from torch import Tensor

from grokscope.models import MLP, MLPConfig, Transformer, TransformerConfig, build_model

State = dict[str, Tensor]

P = 11
TRANSFORMER = TransformerConfig(d_model=12, n_heads=3, d_head=5, d_mlp=20)
PERCEPTRON = MLPConfig(d_model=6, d_mlp=10, biases="hidden", combine="sum")


def network(config: TransformerConfig | MLPConfig, *, equals: bool = False, **sizes: int) -> Transformer | MLP:
    """Return a network on pairs modulo 11 whose every weight, bias and gain is random, so that each one matters."""
    sizes = {"d_vocab": P + equals, "d_vocab_out": P + equals, "n_ctx": 2 + equals, **sizes}
    model = build_model(config, **sizes, seed=0)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weights in model.parameters():
            weights.copy_(torch.randn(weights.shape, generator=generator) / 3)
    return model.requires_grad_(False)


def logits(model: Transformer | MLP, *, equals: bool = False) -> Tensor:
    """Return the answers to all pairs modulo 11."""
    pairs = torch.cartesian_prod(torch.arange(P), torch.arange(P))
    tokens = torch.cat([pairs, torch.full((P * P, 1), P)], dim=1) if equals else pairs
    return model(tokens, [1 + equals])


def as_authors(model: Transformer, blocks: str = "blocks") -> State:
    """Return the weights as Nanda & Lieberum's code keeps them."""
    turned = {}
    for name, weight in model.state_dict().items():
        part = name.rpartition(".")[2]
        if name == "unembed.W_U" or weight.ndim == 1 or part == "W_pos":
            turned[name] = weight
        elif part == "W_O":  # [h, e, d] there [d, h·e]
            turned[name] = weight.reshape(-1, weight.shape[2]).T
        else:
            turned[name] = weight.transpose(-1, -2)
    for layer in range(model.config.n_layers):
        turned[f"blocks.{layer}.attn.mask"] = torch.ones(model.n_ctx, model.n_ctx).tril()
    return {name.replace("blocks", blocks, 1): weight.clone() for name, weight in turned.items()}


def as_transformer_lens(model: Transformer) -> State:
    """Return the weights as TransformerLens keeps them: all biases, and buffers."""
    c, state = model.config, dict(model.state_dict())
    for layer in range(c.n_layers):
        attention = f"blocks.{layer}.attn"
        for letter in "QKV":
            state.setdefault(f"{attention}.b_{letter}", torch.zeros(c.n_heads, c.d_head))
        state.setdefault(f"{attention}.b_O", torch.zeros(c.d_model))
        state[f"{attention}.mask"] = torch.ones(model.n_ctx, model.n_ctx).tril().bool()
        state[f"{attention}.IGNORE"] = torch.tensor(-torch.inf)
        if not c.attention_only:
            state.setdefault(f"blocks.{layer}.mlp.b_in", torch.zeros(c.d_mlp))
            state.setdefault(f"blocks.{layer}.mlp.b_out", torch.zeros(c.d_model))
    state.setdefault("unembed.b_U", torch.zeros(model.d_vocab_out))
    return state


def as_flat(model: Transformer, *, heads_turned: bool = False) -> State:
    """Return the weights of one layer under names without it, with embeddings and maps as modules of PyTorch."""
    names = {
        "embed.W_E": "tok_emb.weight", "pos_embed.W_pos": "pos_emb.weight", "unembed.W_U": "head.weight",
        "blocks.0.mlp.W_in": "fc1.weight", "blocks.0.mlp.b_in": "fc1.bias",
        "blocks.0.mlp.W_out": "fc2.weight", "blocks.0.mlp.b_out": "fc2.bias",
    }  # fmt: skip
    state = {}
    for name, weight in model.state_dict().items():
        theirs = names.get(name, name.rpartition(".")[2])
        turned = weight.T if name in ("unembed.W_U", "blocks.0.mlp.W_in", "blocks.0.mlp.W_out") else weight
        state[theirs] = (turned.transpose(1, 2) if heads_turned and turned.ndim == 3 else turned).clone()
    return state


def as_one_hot(model: MLP, *, embedded: bool) -> State:
    """Return the weights of an MLP on the sum of one-hot tokens, or of their embeddings; with a buffer."""
    state = {"mlp.W_in": model.blocks[0].mlp.W_in.T, "mlp.W_out": model.W_U.T, "mlp.basis": torch.eye(P)}
    if embedded:
        state["embed.W_E"] = model.embed.W_E.T
    return {name: weight.detach().clone() for name, weight in state.items()}


def as_clock_and_pizza(model: MLP) -> State:
    """Return the weights as PyTorch's linear layers keep them."""
    state = {"embed.weight": model.embed.W_E, "unembed.weight": model.W_U.T}
    for layer, block in enumerate(model.blocks, start=1):
        state[f"l{layer}.weight"] = block.mlp.W_in.T
        if block.mlp.b_in is not None:
            state[f"l{layer}.bias"] = block.mlp.b_in
    if model.unembed.b_U is not None:
        state["unembed.bias"] = model.unembed.b_U
    return {name: weight.detach().clone() for name, weight in state.items()}


def as_chughtai(model: MLP) -> State:
    """Return the weights as Chughtai et al. keep those of their multilayer perceptron."""
    W_x, W_y = model.embed.W_E.clone()
    return {"W_x": W_x, "W_y": W_y, "W": model.blocks[0].mlp.W_in.clone(), "W_U": model.W_U.clone()}


def written(folder: Path, content: object, name: str = "network.pt") -> Path:
    """Write ``content`` as PyTorch does and return the file."""
    torch.save(content, folder / name)
    return folder / name
