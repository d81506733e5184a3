"""What a user asks for by one verb, from a name to its result."""
