"""The control that every explanation has: a network of the same shape that learned nothing."""

from grokscope.models import MLP, Transformer, build_model


def untrained_twin(model: Transformer | MLP, *, seed: int) -> Transformer | MLP:
    """Return a network of the same shape and type with fresh weights."""
    sizes = {"d_vocab": model.d_vocab, "d_vocab_out": model.d_vocab_out, "n_ctx": model.n_ctx}
    dtype = next(model.parameters()).dtype
    return build_model(model.config, **sizes, seed=seed, dtype=dtype).requires_grad_(False)
