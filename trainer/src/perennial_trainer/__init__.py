"""What runs in the pods of Perennial: train, verify, preflight and serve."""
