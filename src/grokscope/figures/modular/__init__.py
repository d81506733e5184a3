"""Pictures of networks of modular arithmetic."""
