"""Measures, change points and facts of whole runs."""
