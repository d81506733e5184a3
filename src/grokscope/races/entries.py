"""The entries that come with the package; untuned baselines are this field's plague, so AdamW comes first."""

from typing import Any

from grokscope.races.entry import Entry
from grokscope.sweeps.plan import Distribution, LogUniform, Uniform

PACKAGE = "pytorch-optimizer"
"""The well-kept collection of other people's optimisers; the extra ``race`` installs it."""

Search = dict[str, Distribution]

_ADAMW_RATE, _MUON_RATE = LogUniform(low=1e-3, high=5e-2), LogUniform(low=3e-2, high=1)
_LR: Search = {"optimizer.lr": _ADAMW_RATE}
_BOUND: Search = {"optimizer.bound": LogUniform(low=0.3, high=2)}
_DECAY: Search = {"optimizer.weight_decay": LogUniform(low=0.3, high=10)}
_ARGUMENT_DECAY: Search = {"optimizer.arguments.weight_decay": LogUniform(low=0.3, high=10)}


def _external(path: str, around: str | None = None, **arguments: Any) -> dict[str, Any]:
    """Return the settings of an optimiser of the package."""
    return {
        "optimizer.kind": "external",
        "optimizer.path": f"pytorch_optimizer:{path}",
        "optimizer.around": around,
        "optimizer.arguments": {"weight_decay": 1.0, **arguments},
    }


def _bounded(constraint: str, inner: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of an optimiser under a bound, which is tuned."""
    return {
        "optimizer.kind": "constrained",
        "optimizer.constraint": constraint,
        "optimizer.lr": 1.0,
        **inner,
    }


_ALL = (
    Entry(
        name="adamw",
        description="AdamW with its rate and its decay tuned",
        source="Loshchilov & Hutter 2019, arXiv 1711.05101",
        search=_LR | _DECAY,
    ),
    Entry(
        name="sgd",
        description="gradient descent with momentum",
        source="",
        settings={"optimizer.kind": "sgd", "optimizer.momentum": 0.9},
        search={
            "optimizer.lr": LogUniform(low=3e-2, high=10),
            "optimizer.l2": LogUniform(low=1e-5, high=1e-2),
        },
    ),
    Entry(
        name="muon",
        description="Muon on all matrices",
        source="Jordan et al. 2024",
        settings={"optimizer.kind": "muon"},
        search={
            "optimizer.lr": _MUON_RATE,
            "optimizer.weight_decay": LogUniform(low=3e-2, high=3),
            "optimizer.momentum": Uniform(low=0.5, high=0.95),
        },
    ),
    Entry(
        name="egalitarian",
        description="all directions of the gradient of a matrix move at the same speed: Muon without momentum",
        source="Pasand & Dohmatob 2025, arXiv 2510.04930",
        settings={"optimizer.kind": "muon", "optimizer.momentum": 0.0},
        search={
            "optimizer.lr": _MUON_RATE,
            "optimizer.weight_decay": LogUniform(low=3e-3, high=3),
        },
    ),
    Entry(
        name="muon-then-adamw",
        description="Muon from small weights until step 60, then AdamW: the recipe 'fastest'",
        source="this project",
        networks=("transformer",),
        settings={
            "model.init_scale": 0.13,
            "optimizer.kind": "switched",
            "optimizer.first": {
                "kind": "muon",
                "momentum": 0.6,
                "weight_decay": 0.2,
                "rates": {"embed.W_E": 2.0, "pos_embed.W_pos": 0.05},
            },
            "optimizer.second": {"kind": "adamw", "betas": [0.9, 0.9], "eps": 1e-6},
            "optimizer.lr": 1.0,
            "optimizer.at": 60,
            "optimizer.anneal": 20,
            "optimizer.warmup": 20,
        },
        search={
            "optimizer.first.lr": LogUniform(low=0.1, high=1),
            "optimizer.second.lr": LogUniform(low=2e-3, high=2e-2),
            "optimizer.second.weight_decay": LogUniform(low=1, high=10),
        },
    ),
    Entry(
        name="lion",
        description="the sign of a mean of gradients",
        source="Chen et al. 2023, arXiv 2302.06675",
        settings=_external("Lion"),
        search={
            "optimizer.lr": LogUniform(low=1e-4, high=1e-2),
            "optimizer.arguments.weight_decay": LogUniform(low=1, high=100),
        },
        package=PACKAGE,
    ),
    Entry(
        name="soap",
        description="Adam in the eigenbasis of Shampoo",
        source="Vyas et al. 2024, arXiv 2409.11321",
        settings=_external("SOAP"),
        search=_LR | _ARGUMENT_DECAY,
        package=PACKAGE,
    ),
    Entry(
        name="psgd",
        description="a preconditioner of Kronecker factors, fitted by gradient descent",
        source="Li 2018, arXiv 1512.04202",
        settings=_external("Kron"),
        search={"optimizer.lr": LogUniform(low=1e-4, high=1e-2)} | _ARGUMENT_DECAY,
        package=PACKAGE,
    ),
    Entry(
        name="schedule-free",
        description="AdamW with averaging in place of a schedule; evaluated where its gradients are taken",
        source="Defazio et al. 2024, arXiv 2405.15682",
        settings=_external("ScheduleFreeAdamW") | {"schedule.decay": "none"},
        search={"optimizer.lr": LogUniform(low=1e-3, high=1e-1)} | _ARGUMENT_DECAY,
        package=PACKAGE,
    ),
    Entry(
        name="grokfast",
        description="AdamW on gradients whose slow part is amplified",
        source="Lee et al. 2024, arXiv 2405.20233",
        settings=_external("GrokFastAdamW", grokfast_alpha=0.9, grokfast_lamb=2.0, normalize_lr=False),
        search=_LR
        | _ARGUMENT_DECAY
        | {
            "optimizer.arguments.grokfast_alpha": Uniform(low=0.5, high=0.98),
            "optimizer.arguments.grokfast_lamb": Uniform(low=0.5, high=5),
        },
        package=PACKAGE,
    ),
    Entry(
        name="orthogonal-gradient",
        description="AdamW on the part of the gradient that is orthogonal to the weights",
        source="Prieto et al. 2025, arXiv 2501.04697",
        settings=_external("OrthoGrad", around="torch.optim:AdamW"),
        search=_LR | _ARGUMENT_DECAY,
        package=PACKAGE,
    ),
    Entry(
        name="stablemax",
        description="AdamW on the cross-entropy of StableMax in place of softmax",
        source="Prieto et al. 2025, arXiv 2501.04697",
        settings={"loss": "stablemax"},
        search=_LR | _DECAY,
    ),
    Entry(
        name="norm-clamp",
        description="AdamW without decay, the norm of all weights clamped",
        source="Liu et al. 2023, arXiv 2210.01117",
        settings=_bounded("norm", {"optimizer.inner.weight_decay": 0.0}),
        search={"optimizer.inner.lr": _ADAMW_RATE} | _BOUND,
    ),
    Entry(
        name="spectral",
        description="Muon without decay, the spectral norm of each matrix bounded",
        source="Cesista 2025",
        settings=_bounded("spectral", {"optimizer.inner": {"kind": "muon", "weight_decay": 0.0, "momentum": 0.6}}),
        search={"optimizer.inner.lr": _MUON_RATE} | _BOUND,
    ),
    Entry(
        name="unit-norm",
        description="AdamW without decay, every row of every matrix normalised",
        source="Loshchilov et al. 2024, arXiv 2410.01131",
        settings=_bounded("vectors", {"optimizer.inner.weight_decay": 0.0}),
        search={"optimizer.inner.lr": _ADAMW_RATE} | _BOUND,
    ),
    Entry(
        name="uniform-attention",
        description="AdamW on a network that attends to all tokens alike",
        source="Zhong et al. 2023, arXiv 2306.17844",
        networks=("transformer",),
        settings={"model.attention_coefficient": 0.0},
        search=_LR | _DECAY,
    ),
    Entry(
        name="small-init",
        description="AdamW from small weights",
        source="Liu et al. 2023, arXiv 2210.01117",
        settings={"model.init_scale": 0.5},
        search=_LR | _DECAY | {"model.init_scale": LogUniform(low=0.05, high=1)},
    ),
    Entry(
        name="embedding-rate",
        description="AdamW with four times the rate on the embedding",
        source="AlQuabeh et al. 2025, arXiv 2505.15624",
        settings={"optimizer.rates": {"embed.W_E": 4.0}},
        search=_LR | _DECAY,
    ),
)

ENTRIES: dict[str, Entry] = {entry.name: entry for entry in _ALL}
"""By name."""
