"""The one error of the generator."""


class SchemaError(ValueError):
    """A model says something that a CustomResourceDefinition cannot say.

    ``where`` names the model and the field (``Canary.steps[]``), ``why`` what is wrong and what to write instead.
    """

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"{where}: {why}")
        self.where = where
        self.why = why
