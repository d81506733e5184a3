"""Recording a training run as it happens: metrics, checkpoints, the state to resume from."""
