from __future__ import annotations

from typing import Any

import pytest

from perennial.controllers.modelversion.usage import usage


def deployment(name: str, **status: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"modelName": "flights"}, "status": status}


def entry(version: int, outcome: str, time: str) -> dict[str, Any]:
    return {"version": version, "revision": "r", "outcome": outcome, "time": time, "message": ""}


@pytest.mark.parametrize(
    ("deployments", "by", "text"),
    [
        ([], (), None),
        ([deployment("a")], (), None),
        ([deployment("a", stable={"version": 2})], (), None),
        ([deployment("a", stable={"version": 3})], ("a",), "a (stable)"),
        ([deployment("a", canary={"version": 3, "weight": 5})], ("a",), "a (canary)"),
        ([deployment("a", previous={"version": 3})], ("a",), "a (previous)"),
        ([deployment("a", stable={"version": 3, "versionUid": "the-uid"})], ("a",), "a (stable)"),
        ([deployment("a", stable={"version": 3, "versionUid": "of-the-one-before"})], (), None),
        ([deployment("a", stable={"version": 3}, canary={"version": 3})], ("a",), "a (stable, canary)"),
        (
            [deployment("b", stable={"version": 3}), deployment("a", previous={"version": 3})],
            ("a", "b"),
            "a (previous), b (stable)",
        ),
    ],
)
def test_who_serves_it(make: Any, deployments: Any, by: Any, text: str | None) -> None:
    found = usage(deployments, 3, "the-uid", make.at())
    assert (found.in_use_by, found.in_use) == (by, text)


@pytest.mark.parametrize(
    ("history", "rejecting"),
    [
        ([], ()),
        ([("RolledBack", 3, 10)], ("a",)),
        ([("RolledBack", 2, 10)], ()),
        ([("Promoted", 3, 20), ("RolledBack", 3, 10)], ()),
        ([("RolledBack", 3, 20), ("Promoted", 3, 10)], ("a",)),
        ([("RolledBack", 3, -10)], ()),
    ],
)
def test_who_rolled_it_back(make: Any, history: Any, rejecting: Any) -> None:
    entries = [entry(version, outcome, make.stamp(seconds)) for outcome, version, seconds in history]
    assert usage([deployment("a", history=entries)], 3, "the-uid", make.at()).rejected_by == rejecting


@pytest.mark.parametrize(("uid", "rejecting"), [("the-uid", ("a",)), ("of-the-one-before", ())])
def test_who_rolled_it_back_is_by_uid(make: Any, uid: str, rejecting: Any) -> None:
    entries = [{**entry(3, "RolledBack", make.stamp(10)), "versionUid": uid}]
    assert usage([deployment("a", history=entries)], 3, "the-uid", make.at()).rejected_by == rejecting


def test_many_deployments_fit_the_column(make: Any) -> None:
    many = [deployment(f"deployment-{each:03}", stable={"version": 3}) for each in range(200)]
    text = usage(many, 3, "the-uid", make.at()).in_use
    assert text is not None
    assert len(text) <= 1024
