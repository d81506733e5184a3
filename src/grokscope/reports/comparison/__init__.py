"""The page of several runs compared."""
