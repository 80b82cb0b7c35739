"""The reconcilers: each kind observes, decides without side effects, and applies."""
