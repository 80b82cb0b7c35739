"""Outcomes are JSON from code that we did not write."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.controllers.jobs.claims import parse_claim_path
from perennial.controllers.jobs.said import NotUnderstoodError
from perennial.controllers.trainingrun.outcome import read_success

DIGEST = "ab" * 32


def read(make: Any, text: str, pinned: str | None = None) -> Any:
    return read_success(text, parse_claim_path(make.folder), pinned)


def refusal(make: Any, text: str, pinned: str | None = None) -> str:
    with pytest.raises(NotUnderstoodError) as error:
        read(make, text, pinned)
    return str(error.value)


def test_an_outcome_by_the_contract(make: Any) -> None:
    success = read(make, make.outcome())
    assert success.artifact.uri == f"{make.folder}/{make.sha}"
    assert success.metrics == {"accuracy": "0.81", "roc_auc": "0.9123"}
    assert success.lineage.data_rows == 27004


def test_what_the_contract_does_not_name_is_ignored(make: Any) -> None:
    assert read(make, make.outcome(surprise={"x": [1]})).outcome == "Succeeded"


def test_an_image_of_ones_own_may_say_less(make: Any) -> None:
    artifact = {"uri": f"{make.folder}/model", "sha256": DIGEST}
    success = read(make, json.dumps({"outcome": "Succeeded", "artifact": artifact}))
    assert (success.metrics, success.artifact.format, success.lineage.data_rows) == ({}, "skops", None)


@pytest.mark.parametrize(
    "uri",
    [
        "pvc://models/registry/flights/flights/another-run/abc",
        "pvc://models/registry/other/flights/x/abc",
        "pvc://secrets/abc",
    ],
)
def test_an_artifact_of_someone_else(make: Any, uri: str) -> None:
    words = refusal(make, make.outcome(artifact={"uri": uri}))
    assert "own folder" in words
    assert uri in words


@pytest.mark.parametrize("uri", ["/etc/passwd", "s3://bucket/x", "https://example.com/x", "", 7, None])
def test_an_artifact_nowhere(make: Any, uri: Any) -> None:
    assert "artifact.uri" in refusal(make, make.outcome(artifact={"uri": uri}))


def test_a_way_out_of_the_folder(make: Any) -> None:
    assert "artifact.uri" in refusal(make, make.outcome(artifact={"uri": f"{make.folder}/../../x"}))


@pytest.mark.parametrize("sha256", ["ab", "AB" * 32, "ab" * 32 + "\n", 5, None, ["ab" * 32]])
def test_a_digest_that_is_none(make: Any, sha256: Any) -> None:
    assert "artifact.sha256" in refusal(make, make.outcome(artifact={"sha256": sha256}))


@pytest.mark.parametrize(
    "metrics",
    [
        {"roc_auc": 0.9},
        {"roc_auc": "NaN"},
        {"roc_auc": "Infinity"},
        {"roc_auc": "0.9; rm -rf"},
        {"roc_auc": "1" * 33},
        {"roc_auc": None},
        {"Roc-Auc": "0.9"},
        {"x" * 65: "0.9"},
        {f"m{each}": "1" for each in range(21)},
        ["0.9"],
    ],
)
def test_metrics_that_are_none(make: Any, metrics: Any) -> None:
    assert refusal(make, make.outcome(metrics=metrics)).startswith("metrics")


@pytest.mark.parametrize("size", [-1, 1.5, "12", True, 2**60])
def test_a_size_that_is_none(make: Any, size: Any) -> None:
    assert "sizeBytes" in refusal(make, make.outcome(artifact={"sizeBytes": size}))


@pytest.mark.parametrize("text", ["", "   ", "null", "[]", '"Succeeded"', "{", "Traceback: boom", "{}", "\ud800"])
def test_what_is_no_outcome(make: Any, text: str) -> None:
    assert refusal(make, text)


def test_nesting_does_not_exhaust_the_reader(make: Any) -> None:
    assert refusal(make, "[" * 4000)
    assert refusal(make, '{"a":' * 800)


def test_a_message_that_is_too_long(make: Any) -> None:
    assert "4096" in refusal(make, make.outcome(padding="x" * 4096))


def test_refusals_do_not_repeat_what_was_said(make: Any) -> None:
    assert "sekret" not in refusal(make, make.outcome(metrics={"roc_auc": "sekret"}))


def test_control_characters_of_the_framework(make: Any) -> None:
    success = read(make, make.outcome(artifact={"framework": "scikit\x1b[31m\n1.9"}))
    assert success.artifact.framework == "scikit [31m 1.9"


def test_other_data_than_the_pinned(make: Any) -> None:
    assert "of the spec" in refusal(make, make.outcome(), pinned="00" * 32)
    assert read(make, make.outcome(), pinned="ef" * 32).outcome == "Succeeded"


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_any_json_is_read_or_refused(value: Any) -> None:
    with pytest.raises(NotUnderstoodError):
        read_success(json.dumps(value), parse_claim_path("pvc://models/a"), None)
