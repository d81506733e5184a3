"""Whether a network treats its two inputs as a clock does or as a pizza does."""

import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.analysis.precision import widened_network
from grokscope.models import Network
from grokscope.randomness import stream
from grokscope.tasks import ModularTask

_TRIPLES = 1000


def gradient_symmetricity(model: Network, task: ModularTask, *, seed: int = 0, n_triples: int = _TRIPLES) -> float:
    """Return s_g, the mean cosine similarity of ∂logit_c/∂E_a and ∂logit_c/∂E_b over random (a, b, c).

    1: the embeddings enter only by their sum, as in a pizza; a clock multiplies them, and gives .33 in the paper's
    Model B. An untrained network has about 1 as well: this is no proof alone.

    Source: Zhong et al. (2023), definition 4.1.
    """
    drawn = torch.randint(task.p, (n_triples, 3), generator=stream("triples", seed))
    tokens = task.all_pairs.tokens[drawn[:, 0] * task.p + drawn[:, 1]]
    leaves: list[Tensor] = []

    def as_leaf(embedded: Tensor) -> Tensor:
        leaves.append(embedded.detach().requires_grad_())
        return leaves[-1]

    with torch.enable_grad():
        answer = [task.target_positions[-1]]
        logits = widened_network(model).run_with_hooks(tokens, {"hook_embed": as_leaf}, answer)
        chosen = logits[:, -1].gather(1, drawn[:, 2:]).sum()
        (gradient,) = torch.autograd.grad(chosen, leaves)
    return float(torch.cosine_similarity(gradient[:, 0].double(), gradient[:, 1].double(), dim=1).mean())


def distance_irrelevance(logits: Float[Tensor, "n n n"]) -> float:
    """Return q: how little the correct logit depends on a − b.

    With M[d, s] the correct logit at a − b = d, a + b = s: the mean over d of the standard deviation over s,
    divided by the standard deviation of all of M. 1: the distance explains nothing (a clock); 0: it explains
    everything (a pizza).

    Args:
        logits: in the coordinates where the answer is i + j.

    Source: Zhong et al. (2023), definition 4.2. Noise gives about 1.
    """
    n = logits.shape[0]
    x = torch.arange(n)
    correct = logits.double()[x[:, None], x, (x[:, None] + x) % n]
    by_difference = correct[x, (x - x[:, None]) % n]  # [d, a]: every a is another sum
    return float(by_difference.std(dim=1, correction=0).mean() / correct.std(correction=0).clamp_min(1e-300))
