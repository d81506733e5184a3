"""Explanations of networks on sequences."""
