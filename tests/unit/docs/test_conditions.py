"""docs/conditions.md is true: every condition and reason of the API is in it, and it names no others."""

import re
from pathlib import Path
from types import ModuleType

import pytest

from perennial.api import conditions, modeldeployment, modelversion, trainingrun
from perennial.rollout import HoldReason

TEXT = (Path(__file__).parents[3] / "docs/conditions.md").read_text()
SECTIONS = {part.partition("\n")[0]: part for part in TEXT.split("\n## ")[1:]}
KINDS = {"ModelDeployment": modeldeployment, "TrainingRun": trainingrun, "ModelVersion": modelversion}


def constants(module: ModuleType) -> set[str]:
    """The words that a module defines: its constants that are one CamelCase word."""
    own = {name: value for name, value in vars(module).items() if name.isupper() and isinstance(value, str)}
    return {value for value in own.values() if re.fullmatch(r"([A-Z][A-Za-z]+)", value)}


def named(text: str) -> set[str]:
    return set(re.findall(r"`([A-Z][A-Za-z]+)`", text))


@pytest.mark.parametrize("kind", KINDS)
def test_every_reason_is_explained_under_its_kind(kind: str) -> None:
    assert constants(KINDS[kind]) - named(SECTIONS[kind]) == set()


def test_every_reason_to_hold_is_explained() -> None:
    assert {reason.value for reason in HoldReason} - named(SECTIONS["ModelDeployment"]) == set()


def test_every_condition_is_named() -> None:
    assert all(re.search(rf"\b{each}\b", TEXT) for each in constants(conditions))


def test_no_other_reason_is_named() -> None:
    known = {reason.value for reason in HoldReason}.union(*map(constants, (*KINDS.values(), conditions)))
    assert named(TEXT) - known == {"ColumnMissing", "EstimatorUnknown"}
