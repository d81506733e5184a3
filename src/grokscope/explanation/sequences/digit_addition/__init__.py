"""Sums of numbers written digit by digit: columns and carries."""
