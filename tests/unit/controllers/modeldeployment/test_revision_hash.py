"""The hash that names a revision does not change for the same inputs, and what counts as an input never does.

Running InferenceServices carry the hash in their names; the evidence and the memory of a rollback are kept under it. A
revision that is recorded is found again by its inputs. Were those written in another way after an upgrade of the
operator (a field with a default, another order), every model of every user would be rolled out anew, all at once. So a
change that fails one of the tests of inputs is to be mended, never the test.

The hash also covers the operator's own part of the runtime. Who changes that on purpose, for revisions made later,
writes new values here: recorded revisions keep theirs.
"""

from __future__ import annotations

from typing import Any

import pytest

from perennial.api.modelversion import ModelVersionSpec
from perennial.api.serving import Serving
from perennial.controllers.modeldeployment.revision import Version, inputs_of, resolve
from perennial.core.names import short_hash

IMAGE = "localhost/perennial-trainer:0123456789ab"
UID = "2d0f6a5e-6f0c-4a51-9a0e-2f8f1c3b7d10"
ARTIFACT = {"uri": "pvc://models/serve/late/run/" + "ab" * 32, "sha256": "ab" * 32}
LARGE = {"resources": {"requests": {"cpu": "300m", "memory": "256Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}}}
ENV = {"env": [{"name": "OMP_NUM_THREADS", "value": "1"}]}
OWN = {"image": "registry.example/server:1.2.3"}


def revision(serving: dict[str, Any]) -> str:
    spec = ModelVersionSpec.model_validate({"modelName": "late", "version": 7, "artifact": ARTIFACT})
    version = Version("late-7", UID, spec, verified=True)
    return resolve("late", version, Serving.model_validate(serving), (), IMAGE).revision


@pytest.mark.parametrize(
    ("serving", "expected"),
    [
        ({}, "emxvftd6sk"),
        (LARGE, "35wconlz4c"),
        (ENV, "tvkrsi3r7u"),
        (OWN, "qyc5f4pu2k"),
        ({**LARGE, **ENV, **OWN}, "7cokl77xch"),
    ],
)
def test_the_revision_of_the_same_inputs_is_always_the_same(serving: dict[str, Any], expected: str) -> None:
    assert revision(serving) == expected


def test_what_does_not_reach_the_pod_is_not_hashed() -> None:
    assert revision({"replicas": 3}) == revision({})


@pytest.mark.parametrize(
    ("serving", "expected"),
    [
        ({}, {"env": []}),
        ({"replicas": 3, "readyDeadlineSeconds": 30}, {"env": []}),
        (LARGE, {"env": [], **LARGE}),
        ({**LARGE, **ENV, **OWN}, {**LARGE, **ENV, **OWN}),
    ],
)
def test_inputs_are_what_people_wrote_and_no_more(serving: dict[str, Any], expected: dict[str, Any]) -> None:
    spec = ModelVersionSpec.model_validate({"modelName": "late", "version": 7, "artifact": ARTIFACT})
    inputs = inputs_of(Version("late-7", UID, spec, verified=True), Serving.model_validate(serving))
    assert inputs == {"versionUid": UID, "sha256": "ab" * 32, "serving": expected}


def test_the_hash_of_a_record_is_always_the_same() -> None:
    assert (
        short_hash({"inputs": {"serving": {"env": []}}, "runtime": {"containers": [{"image": IMAGE}]}}) == "fwmm7cdj37"
    )
