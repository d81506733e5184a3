"""Numbers about a network on all pairs of a binary operation."""
