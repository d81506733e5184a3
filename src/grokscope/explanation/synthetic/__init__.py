"""Networks written by hand: planted circuits that must be found, and decoys that must not."""
