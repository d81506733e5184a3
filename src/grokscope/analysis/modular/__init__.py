"""Numbers about a network of modular arithmetic: its Fourier picture and its fits."""
