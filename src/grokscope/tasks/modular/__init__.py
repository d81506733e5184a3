"""Arithmetic modulo p on pairs of residues."""
