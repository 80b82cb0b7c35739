"""What a TrainingRun runs: a scikit-learn estimator by name, or a command of one's own."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from perennial.api.base import ApiModel, Image, Rule, cel
from perennial.api.pods import NAMED_ONCE, EnvVar, Resources

ColumnName = Annotated[str, Field(min_length=1, max_length=128)]


class Estimator(ApiModel):
    """A scikit-learn estimator behind the usual preprocessing."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            Rule(
                "has(self.numeric) && size(self.numeric) > 0 || has(self.categorical) && size(self.categorical) > 0",
                "give the estimator at least one column to learn from, in numeric or categorical",
            ),
            Rule(
                "!(has(self.numeric) && self.target in self.numeric)"
                " && !(has(self.categorical) && self.target in self.categorical)",
                "the target cannot be among the columns that it is predicted from",
            ),
        )
    )

    name: str = Field(
        pattern=r"^[A-Z][A-Za-z0-9]+$",
        max_length=64,
        description="The class name of a scikit-learn classifier or regressor, for example LogisticRegression.",
    )
    target: ColumnName = Field(description="The column to predict.")
    numeric: list[ColumnName] = Field(
        default_factory=list,
        max_length=500,
        description="Columns used as numbers; missing values become the column's median.",
    )
    categorical: list[ColumnName] = Field(
        default_factory=list, max_length=500, description="Columns used as categories; each is one-hot encoded."
    )
    unknown_categories: Literal["Ignore", "Error"] = Field(
        "Ignore",
        description="What the model does with a category that its training data lacked: Ignore it, or answer an Error.",
    )


class Trainer(ApiModel):
    """What is run to make the model: an estimator by name, or a command of your own."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            Rule(
                "has(self.estimator) != has(self.command)",
                "give exactly one of trainer.estimator (scikit-learn by name) and trainer.command (your own)",
            ),
            Rule(
                "!has(self.args) || has(self.command)", "trainer.args belongs to trainer.command; give both or neither"
            ),
        )
    )

    image: Image | None = Field(
        None, description="The image to run; Perennial's trainer image when left out. Name it by digest or a fixed tag."
    )
    estimator: Estimator | None = Field(None, description="A scikit-learn estimator by name.")
    command: list[Annotated[str, Field(max_length=1024)]] | None = Field(
        None,
        min_length=1,
        max_length=32,
        description="Your own command in the image. docs/contracts.md says what it is given and what it must write.",
    )
    args: list[Annotated[str, Field(max_length=1024)]] | None = Field(
        None, max_length=64, description="Arguments of the command."
    )
    params: Annotated[
        dict[str, Annotated[str, Field(max_length=256)]],
        Field(
            max_length=64, description='Hyperparameters; each value is read as a JSON scalar, as in max_iter: "200".'
        ),
    ] = Field(default_factory=dict)
    env: list[EnvVar] = Field(
        default_factory=list,
        max_length=64,
        json_schema_extra=cel(NAMED_ONCE),
        description="Environment variables for the container.",
    )
    logs: Literal["Quoted", "Private"] = Field(
        "Quoted",
        description="When training fails without an outcome that says why: Quoted shows the end of its log as the "
        "reason, Private keeps the log in the pod.",
    )
    resources: Resources | None = Field(None, description="CPU and memory of the training container.")
    threads: int = Field(1, ge=1, le=256, description="Threads that numeric libraries may use.")
