"""How other people name and orient the weights of their networks."""
