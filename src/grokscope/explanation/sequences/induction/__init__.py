"""Repeated subsequences: previous-token heads and induction heads."""
