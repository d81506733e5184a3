"""Numbers about a network on sequences: heads, induction, carries, triggers."""
