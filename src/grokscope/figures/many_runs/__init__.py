"""Pictures of several runs."""
