"""The artifact: a content-addressed folder with a model, its card, its golden rows and a manifest of them all."""
