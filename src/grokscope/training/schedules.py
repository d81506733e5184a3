"""How the learning rate changes over a run."""

import math
from typing import Literal

from pydantic import Field, StrictInt, model_validator

from grokscope.config import Config


class Schedule(Config):
    """Linear warm-up, then a constant rate, then (if asked for) a decay to a share of it."""

    warmup_steps: StrictInt = Field(
        default=10, ge=0, description="update s has min(s / warmup_steps, 1) of the rate: the first has none"
    )
    decay: Literal["none", "linear", "cosine"] = "none"
    decay_from: StrictInt = Field(default=0, ge=0, description="step at which the decay begins")
    decay_to: StrictInt | None = Field(default=None, ge=1, description="step at which it ends")
    final_share: float = Field(default=0.0, ge=0, le=1, description="share of the rate that is left from then on")

    @model_validator(mode="after")
    def _decay_has_length(self) -> "Schedule":
        if self.decay != "none" and (self.decay_to is None or self.decay_to <= self.decay_from):
            raise ValueError(
                f"decay {self.decay!r} from step {self.decay_from} needs decay_to after it, got {self.decay_to}"
            )
        return self

    def multiplier(self, step: int) -> float:
        """Return the share of the learning rate that update ``step`` (0, 1, …) uses."""
        warm = min(step / self.warmup_steps, 1.0) if self.warmup_steps else 1.0
        if self.decay == "none" or self.decay_to is None or step <= self.decay_from:
            return warm
        progress = min((step - self.decay_from) / (self.decay_to - self.decay_from), 1.0)
        left = 1 - progress if self.decay == "linear" else (1 + math.cos(math.pi * progress)) / 2
        return warm * (self.final_share + (1 - self.final_share) * left)
