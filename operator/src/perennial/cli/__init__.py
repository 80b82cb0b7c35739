"""The kubectl plugin: what people decide about a rollout, and a view of it."""
