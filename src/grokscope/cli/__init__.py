"""The person: thin commands over the library."""
