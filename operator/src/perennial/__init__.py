"""Perennial: an operator that keeps machine-learning models alive in production."""
