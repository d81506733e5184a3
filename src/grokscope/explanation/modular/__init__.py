"""The explanation of a network of modular arithmetic."""
