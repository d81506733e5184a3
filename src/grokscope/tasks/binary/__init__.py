"""Binary operations given by their tables: what modular arithmetic and finite groups have in common."""
