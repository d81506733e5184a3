"""A run replayed: pictures that move through training together."""
