"""Which cluster `make` acts on: the devcluster, a kind cluster or the kubeconfig's, behind one face.

Uses Python's standard library only, since it runs before any environment exists.
"""
