"""Several runs together: outcomes, medians, survival."""
