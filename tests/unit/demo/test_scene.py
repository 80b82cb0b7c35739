"""The rows of the live table, out of objects as Kubernetes gives them."""

from __future__ import annotations

from demo.scene import Row, parse, rows
from demo.tally import Answer, Tally
from tests.unit.demo.objects import canary, condition, deployment, ended, revision, version

ROLLING = {
    "stable": revision(2),
    "canary": canary(3, 25),
    "previous": revision(1, until="2026-01-01T00:10:00Z"),
    "conditions": [condition("Reconciling", "True", "InsufficientEvidence", "More requests are needed.")],
}


def test_a_version_has_its_role_its_weight_and_its_requests() -> None:
    tally = Tally(sent=3)
    for status, server in ((200, "flights-r2"), (200, "flights-r3"), (400, "flights-r3")):
        tally.add(Answer(0.01, status, server))
    scene = parse([version(1), version(2, "0.91"), version(3), deployment(ROLLING)])
    assert rows(scene, tally, scene.services()) == [
        Row(1, "roc_auc=0.9", "Approved", "previous", "0 %", 0, 0),
        Row(2, "roc_auc=0.91", "Approved", "stable", "75 %", 1, 0),
        Row(3, "roc_auc=0.9", "Approved", "canary", "25 %", 2, 1),
    ]


def test_a_version_that_was_rolled_back_says_so_and_keeps_its_counts() -> None:
    tally = Tally(sent=1)
    tally.add(Answer(0.01, 400, "flights-r3"))
    scene = parse([version(3), deployment({"stable": revision(2), "history": [ended(3, "RolledBack")]})])
    assert rows(scene, tally, {"flights-r3": 3}) == [Row(3, "roc_auc=0.9", "Approved", "rolled back", "", 1, 1)]


def test_before_there_is_anything_the_table_is_empty() -> None:
    scene = parse([])
    assert rows(scene, Tally(), {}) == []
    assert scene.condition("Ready") == ("", "", "")


def test_other_deployments_of_the_namespace_are_not_in_the_story() -> None:
    other = deployment({"stable": revision(7)}) | {"metadata": {"name": "other"}}
    assert parse([other]).deployment.stable is None


def test_runs_are_known_by_name() -> None:
    status = {"conditions": [condition("Succeeded", "False", "Failed", "No such column.")]}
    run = {"kind": "TrainingRun", "metadata": {"name": "january"}, "spec": {}, "status": status}
    assert parse([run]).runs["january"].conditions[0].message == "No such column."
