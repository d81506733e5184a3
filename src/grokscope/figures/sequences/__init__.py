"""Pictures of networks on sequences."""
