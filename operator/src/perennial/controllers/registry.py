"""All controllers of the operator."""

from perennial.core.services import Program, Services


def build(services: Services) -> Program:  # noqa: ARG001
    """The reconcilers of every kind and the loops that feed them."""
    return Program(reconcilers=[])
