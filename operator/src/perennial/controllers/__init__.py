"""One package per kind: observe (reads), decide (pure), children (pure), reconcile."""
