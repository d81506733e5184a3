"""The page of one network, without a run: somebody else's, say."""
