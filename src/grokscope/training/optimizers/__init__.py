"""Optimisers: their settings, and the same rule for one network and for a stack of them."""
