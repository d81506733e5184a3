"""When a run ends."""

from collections.abc import Sequence

from pydantic import Field, StrictInt

from grokscope.config import Config


class Stop(Config):
    """A number of steps, or earlier, when the network has been good enough for long enough."""

    steps: StrictInt = Field(default=40_000, ge=1, description="updates at most")
    test_loss: float | None = Field(default=None, gt=0, description="stop once the test loss stays below this")
    test_accuracy: float | None = Field(
        default=None, gt=0, le=1, description="stop once the test accuracy stays at or above this"
    )
    patience: StrictInt = Field(default=1, ge=1, description="for how many evaluations in a row")

    def reason(self, test_losses: Sequence[float], test_accuracies: Sequence[float]) -> str | None:
        """Return why to stop now, or None to go on.

        Args:
            test_losses: of every evaluation so far (at least the last ``patience``).
            test_accuracies: likewise.
        """
        losses, accuracies = test_losses[-self.patience :], test_accuracies[-self.patience :]
        if len(losses) < self.patience:
            return None
        if self.test_loss is not None and all(loss < self.test_loss for loss in losses):
            return f"test loss below {self.test_loss:g}"
        if self.test_accuracy is not None and all(accuracy >= self.test_accuracy for accuracy in accuracies):
            return f"test accuracy at least {self.test_accuracy:g}"
        return None
