"""The edges of the operator: each has a Protocol, the real one, and where tests need it a recording fake."""
