"""The page of a reproduction."""
