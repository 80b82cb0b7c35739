"""Argo CD's actions on recorded objects: which can be chosen, and what they change."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest

from tests.unit.argocd.argo import CUSTOMIZATIONS, Actions, LuaError, merged
from tests.unit.argocd.records import Record, records

ACTIONS = Actions((CUSTOMIZATIONS / "actions/ModelDeployment.yaml").read_text())
DEPLOYMENTS = [each for each in records() if each.kind == "ModelDeployment"]
BY_NAME = {each.name: each for each in DEPLOYMENTS}
ROLLING = BY_NAME["insufficient-evidence"].object
ROLLED_BACK = BY_NAME["rolled-back"].object
REVISION = ROLLING["status"]["canary"]["revision"]


def act(obj: dict[str, Any], *names: str) -> dict[str, Any]:
    """The object after these actions, each of which could be chosen."""
    for name in names:
        assert name in ACTIONS.enabled(obj)
        obj = merged(obj, ACTIONS.patch(name, obj))
    return obj


@pytest.mark.parametrize("record", DEPLOYMENTS, ids=str)
def test_what_can_be_chosen(record: Record) -> None:
    wanted = {"resume" if record.object["spec"].get("paused") else "pause"}
    if "canary" in record.object.get("status", {}):
        wanted |= {"promote", "reject"}
    if record.conditions.get("Stalled") == ("True", "RolledBack"):
        wanted |= {"retry"}
    assert ACTIONS.enabled(record.object) == wanted


@pytest.mark.parametrize("name", ["promote", "reject"])
def test_the_canary_is_named_once(name: str) -> None:
    assert ACTIONS.patch(name, ROLLING) == {"spec": {"rollout": {name: REVISION}}}
    assert name not in ACTIONS.enabled(act(ROLLING, name))


def test_a_word_about_an_earlier_canary_is_no_word_about_this_one() -> None:
    earlier = merged(ROLLING, {"spec": {"rollout": {"promote": "earlier", "reject": "another"}}})
    assert {"promote", "reject"} <= ACTIONS.enabled(earlier)
    assert act(earlier, "promote")["spec"]["rollout"] == {"promote": REVISION, "reject": "another"}


def test_the_last_word_counts() -> None:
    assert act(ROLLING, "promote", "reject")["spec"]["rollout"] == {"reject": REVISION}
    assert act(ROLLING, "reject", "promote")["spec"]["rollout"] == {"promote": REVISION}


def test_a_retry_has_a_token_and_takes_a_rejection_back() -> None:
    rejected = merged(ROLLED_BACK, {"spec": {"rollout": {"reject": "revision"}}})
    rollout = act(rejected, "retry")["spec"]["rollout"]
    assert set(rollout) == {"retry"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", rollout["retry"])


def test_pause_and_resume() -> None:
    assert ACTIONS.patch("pause", ROLLING) == {"spec": {"paused": True}}
    paused = act(ROLLING, "pause")
    assert "pause" not in ACTIONS.enabled(paused)
    assert act(paused, "resume")["spec"]["paused"] is False


@pytest.mark.parametrize("name", ["promote", "reject"])
def test_without_a_canary_there_is_nothing_to_decide(name: str) -> None:
    with pytest.raises(LuaError, match="There is no canary"):
        ACTIONS.patch(name, BY_NAME["serves"].object)


@pytest.mark.parametrize("name", sorted(ACTIONS.names))
def test_an_action_touches_nothing_else(name: str) -> None:
    record = BY_NAME["paused"].object if name == "resume" else ROLLING
    obj = copy.deepcopy(record)
    assert set(ACTIONS.patch(name, obj)) == {"spec"}
    assert set(ACTIONS.patch(name, obj)["spec"]) <= {"rollout", "paused"}
    assert obj == record


def test_every_action_can_be_discovered() -> None:
    scripts = {path.stem for path in (CUSTOMIZATIONS / "actions/ModelDeployment").glob("*.lua")}
    assert scripts == ACTIONS.names | {"discovery"}
