"""The one error of this package that a person is meant to read."""


class WorkError(Exception):
    """Work that cannot be done, for a cause outside this program.

    Args:
        reason: CamelCase word that stays the same from release to release, such as ``ColumnMissing``.
        message: one sentence that a person can act on.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
