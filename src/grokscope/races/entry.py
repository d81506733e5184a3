"""What takes part in a race: settings that differ from the division's, and those that are tuned."""

from typing import Any, Literal

from pydantic import Field, field_validator

from grokscope.config import Config
from grokscope.sweeps.plan import Distribution

FIXED = (
    "task",
    "seeds",
    "seed",
    "stop",
    "evaluate_every",
    "checkpoint_every",
    "checkpoints_per_decade",
    "dtype",
    "name",
    "description",
)
"""Settings of the protocol, which no entry may change: data, seeds, length, and what is looked at."""


class Entry(Config):
    """An optimiser or a trick, and the space in which it is tuned.

    Example:
        >>> Entry(
        ...     name="lion",
        ...     description="Lion",
        ...     settings={"optimizer.kind": "external", "optimizer.path": "pytorch_optimizer:Lion"},
        ...     search={"optimizer.lr": {"kind": "log-uniform", "low": 1e-4, "high": 1e-2}},
        ... )
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    description: str = ""
    source: str = Field(default="", description="who proposed it")
    settings: dict[str, Any] = Field(default={}, description="in what it differs from the division, by dotted name")
    search: dict[str, Distribution] = Field(default={}, description="settings that are tuned, and where")
    networks: tuple[Literal["transformer", "mlp"], ...] = Field(
        default=("transformer", "mlp"), description="kinds of network that it is for"
    )
    package: str = Field(default="", description="that must be installed for it")

    @field_validator("settings", "search")
    @classmethod
    def _leaves_the_protocol_alone(cls, given: dict[str, Any]) -> dict[str, Any]:
        for name in given:
            if name.partition(".")[0] in FIXED:
                raise ValueError(
                    f"{name} belongs to the protocol, which is the same for all entries (rules that stop a run look at "
                    f"the test set); change optimizer, schedule, loss, l1 or model settings only"
                )
        return given

    @property
    def in_words(self) -> str:
        """What it is, and who proposed it."""
        return f"{self.description} ({self.source})" if self.source else self.description

    @property
    def changes_network(self) -> bool:
        """Whether the network itself, or its initial weights, differ from the other entries'."""
        return any(name.startswith("model.") for name in (*self.settings, *self.search))
