"""The last layer at the position where the answer is read, as a chain that can be entered anywhere.

An intervention on the last layer changes nothing before it, and at one position only. Done here on recorded
activations it costs a tenth of a forward pass with hooks (benchmarks/interventions.py); a test holds the two equal.

Shape letters: n residues in coordinates, x example (all n² pairs, i·n + j), h head, e head width, k key,
d residual stream, m neuron.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.analysis.binary.all_pairs import all_pairs_table
from grokscope.analysis.binary.unembedding import neuron_logit_map
from grokscope.analysis.modular.coordinates import Coordinates
from grokscope.analysis.precision import widened_network
from grokscope.display import brief_repr
from grokscope.models import MLP, Transformer
from grokscope.models.activations import activate
from grokscope.models.transformer import Block
from grokscope.tasks import ModularTask


@dataclass(frozen=True, eq=False)
class LastLayer:
    """Recorded activations of the last layer, and the maps between them."""

    model: Transformer | MLP
    coordinates: Coordinates
    logits: Float[Tensor, "n n n"]
    resid_pre: Float[Tensor, "x d"] | None
    """The residual stream before the layer; None for an MLP."""
    scores: Float[Tensor, "x h k"] | None
    pattern: Float[Tensor, "x h k"] | None
    v: Float[Tensor, "x k h e"] | None
    resid_mid: Float[Tensor, "x d"] | None
    """The residual stream between attention and neurons."""
    post: Float[Tensor, "x m"] | None
    """The neurons; None for a network without."""

    __repr__ = brief_repr

    @property
    def has_attention(self) -> bool:
        """Whether the layer attends."""
        return self.pattern is not None

    def attn_out(self, pattern: Float[Tensor, "x h k"]) -> Float[Tensor, "x d"]:
        """Return what the heads would write with this attention."""
        attention = self._block.attn
        assert self.v is not None
        z = torch.einsum("xhk,xkhe->xhe", pattern, self.v)
        out = z.flatten(1) @ attention.W_O.flatten(0, 1)
        return out if attention.b_O is None else out + attention.b_O

    def mid(self, resid_pre: Float[Tensor, "x d"], attn_out: Float[Tensor, "x d"]) -> Float[Tensor, "x d"]:
        """Return the residual stream after the heads have written to it."""
        return self._block.residual_scale * resid_pre + attn_out

    def neurons(self, resid_mid: Float[Tensor, "x d"]) -> Float[Tensor, "x m"] | None:
        """Return the neurons' activations on this stream; None without neurons."""
        block = self._block
        if block.mlp is None:
            return None
        x = resid_mid if block.ln2 is None else block.ln2.fast(resid_mid)
        pre = x @ block.mlp.W_in
        return activate(block.mlp.activation, pre if block.mlp.b_in is None else pre + block.mlp.b_in)

    def read_out(
        self, resid_mid: Float[Tensor, "x d"] | None, post: Float[Tensor, "x m"] | None
    ) -> Float[Tensor, "n n n"]:
        """Return the logits of a residual stream and neurons."""
        model, n, answers = self.model, self.coordinates.n, self.coordinates.c
        bias = model.unembed.b_U
        if isinstance(model, MLP):
            assert post is not None
            flat = post @ model.W_U[:, answers]
        else:
            assert resid_mid is not None
            stream, mlp = resid_mid, self._block.mlp
            if mlp is not None and post is not None:
                stream = stream + post @ mlp.W_out
                stream = stream if mlp.b_out is None else stream + mlp.b_out
            stream = stream if model.ln_final is None else model.ln_final.fast(stream)
            flat = stream @ model.W_U[:, answers]
        return (flat if bias is None else flat + bias[answers]).unflatten(0, (n, n))

    def with_pattern(self, pattern: Float[Tensor, "x h k"]) -> Float[Tensor, "n n n"]:
        """Return the logits of the network with this attention in its last layer."""
        assert self.resid_pre is not None
        return self.with_mid(self.mid(self.resid_pre, self.attn_out(pattern)))

    def with_mid(self, resid_mid: Float[Tensor, "x d"]) -> Float[Tensor, "n n n"]:
        """Return the logits of the network with this residual stream after its last attention."""
        return self.read_out(resid_mid, self.neurons(resid_mid))

    def with_post(self, post: Float[Tensor, "x m"]) -> Float[Tensor, "n n n"]:
        """Return the logits of the network with these neurons in its last layer."""
        return self.read_out(self.resid_mid, post)

    def split_by(self, subspace: Float[Tensor, "m r"]) -> tuple[Float[Tensor, "n n n"], Float[Tensor, "n n n"]]:
        """Return the logits with the neurons' variation kept in a subspace only, and with it removed from there.

        Args:
            subspace: orthonormal columns.
        """
        assert self.post is not None
        subspace = subspace.to(self.post.dtype)
        mean = self.post.mean(0, keepdim=True)
        coordinates = (self.post - mean) @ subspace
        if isinstance(self.model, Transformer) and self.model.ln_final is not None:
            inside = coordinates @ subspace.T
            return self.with_post(mean + inside), self.with_post(self.post - inside)
        assert self.logit_map is not None
        # the read-out is linear: what the subspace adds to the logits has its rank
        inside = (coordinates @ (subspace.T @ self.logit_map)).unflatten(0, self.logits.shape[:2])
        return self.with_post(mean.expand_as(self.post)) + inside, self.logits - inside

    @property
    def logit_map(self) -> Float[Tensor, "m n"] | None:
        """W_L, from the neurons straight to the answers in coordinates; None without neurons."""
        whole = neuron_logit_map(self.model, int(self.coordinates.c.max()) + 1)
        return None if whole is None else whole[:, self.coordinates.c]

    @property
    def _block(self) -> Block:
        block = self.model.blocks[-1]
        assert isinstance(block, Block)
        return block


@torch.no_grad()
def record_last_layer(model: Transformer | MLP, task: ModularTask, coordinates: Coordinates) -> LastLayer:
    """Return the last layer's activations on all pairs, at the position where the answer is read.

    Args:
        model: the network.
        task: gives the inputs.
        coordinates: which pairs, in which order.
    """
    model = widened_network(model)
    last = f"blocks.{len(model.blocks) - 1}"
    names = {"post": f"{last}.mlp.hook_post"}
    if isinstance(model, Transformer):
        if model.config.attention_only:
            del names["post"]
        else:
            names["resid_mid"] = f"{last}.hook_resid_mid"
        names |= {
            "resid_pre": f"{last}.hook_resid_pre",
            "scores": f"{last}.attn.hook_attn_scores",
            "pattern": f"{last}.attn.hook_pattern",
            "v": f"{last}.attn.hook_v",
        }
        if model.config.attention_only:
            names["resid_mid"] = f"{last}.hook_resid_post"
    table = all_pairs_table(model, task, set(names.values()))
    found = {short: coordinates.of_inputs(table.activations[name]).flatten(0, 1) for short, name in names.items()}
    absent = dict.fromkeys(("resid_pre", "scores", "pattern", "v", "resid_mid", "post"))
    return LastLayer(model, coordinates, coordinates.of_logits(table.logits), **{**absent, **found})
