"""Whose a pod is."""

from __future__ import annotations

from typing import Any

import pytest

from perennial.controllers.jobs.state import is_pod_of


def test_a_pod_that_its_job_made(make: Any) -> None:
    assert is_pod_of(make.pod(), make.job())


@pytest.mark.parametrize(
    "owners",
    [
        None,
        [],
        [{"kind": "Job", "name": "flights-january", "uid": "of-an-earlier-job", "controller": True}],
        [{"kind": "Job", "name": "flights-january", "uid": "4f9c2a51-0000-4000-8000-000000000002"}],
        [{"kind": "ReplicaSet", "name": "x", "uid": "4f9c2a51-0000-4000-8000-000000000002", "controller": True}],
    ],
)
def test_labels_prove_nothing(make: Any, owners: Any) -> None:
    pod = make.pod()
    pod["metadata"]["ownerReferences"] = owners
    assert not is_pod_of(pod, make.job())
