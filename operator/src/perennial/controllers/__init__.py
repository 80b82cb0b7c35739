"""One package per kind: observe (reads) -> decide (pure) -> children (manifests) -> reconcile (writes)."""
