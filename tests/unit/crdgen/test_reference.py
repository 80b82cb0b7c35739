"""docs/reference.md: the tables that people read."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from perennial.api.base import ApiModel, Resource, Rule, cel
from perennial.crdgen import custom_resource_definition
from perennial.crdgen.reference import reference


class Part(ApiModel):
    name: str = Field(max_length=9, description="Its name.")
    share: Annotated[int, Field(ge=0, le=100)] | None = Field(None, description="In percent.")


class WholeSpec(ApiModel):
    """What is wanted."""

    mode: Literal["One", "Two"] = Field("One", description="One | Two.")
    parts: list[Part] = Field(
        max_length=3, json_schema_extra=cel(Rule("self.size() > 1", "give two parts")), description="Its parts."
    )
    notes: dict[str, Part] = Field(default_factory=dict, max_length=3, description="By name.")
    least: int = Field(gt=0, description="More than none.")


class WholeStatus(ApiModel):
    """What is there."""

    since: str | None = Field(None, json_schema_extra={"format": "date-time"}, description="Since when.")


@pytest.fixture(scope="module")
def text() -> str:
    whole = Resource(
        kind="Whole",
        plural="wholes",
        short_names=("wh",),
        description="A whole.",
        spec=WholeSpec,
        status=WholeStatus,
        columns=(),
        rules=(Rule("self.metadata.name != 'x'", "do not name it x"),),
    )
    return reference([custom_resource_definition(whole)])


@pytest.mark.parametrize(
    "line",
    [
        "## Whole",
        "A whole. Short name: wh.",
        "What is wanted.",
        '| `spec.mode` | `One` or `Two` | `"One"` | One \\| Two. |',
        "| **`spec.parts`** | list of object |  | Its parts. |",
        "| **`spec.parts[].name`** | string |  | Its name. |",
        "| `spec.parts[].share` | integer 0–100 |  | In percent. |",
        "| `spec.notes` | map to object |  | By name. |",
        "| **`spec.notes{}.name`** | string |  | Its name. |",
        "| **`spec.least`** | integer > 0 |  | More than none. |",
        "| `status.since` | time |  | Since when. |",
        "- `object`: do not name it x",
        "- `spec.parts`: give two parts",
    ],
)
def test_line(text: str, line: Any) -> None:
    assert line in text.splitlines()
