"""What may be written beside other managers of the same object."""

from __future__ import annotations

import json
from typing import Any

import pytest

from perennial.cli.ownership import LAST_APPLIED, MANAGER, NOTHING, PAUSED, PROMOTE, REJECT, Path, Refused, intent
from tests.unit.cli.objects import CANARY, managed, obj

GIT = managed("argocd-controller", "Apply", "paused")


@pytest.mark.parametrize(
    ("given", "change", "applied"),
    [
        (obj(), {PAUSED: True}, {"paused": True}),
        (obj(), {PAUSED: False}, None),
        (obj(), {PROMOTE: CANARY}, {"rollout": {"promote": CANARY}}),
        (obj(spec={"rollout": {"promote": CANARY}}), {PROMOTE: CANARY}, None),
        # What it owns already stays in the intent, or it would be taken away.
        (
            obj(spec={"paused": True}, fields=(managed(MANAGER, "Apply", "paused"),)),
            {PROMOTE: CANARY},
            {"paused": True, "rollout": {"promote": CANARY}},
        ),
        (
            obj(
                spec={"paused": True, "rollout": {"reject": CANARY}},
                fields=(managed(MANAGER, "Apply", "paused", "rollout.reject"),),
            ),
            {PROMOTE: CANARY, REJECT: None},
            {"paused": True, "rollout": {"promote": CANARY}},
        ),
        # Others' own values are not taken over by the way.
        (obj(spec={"paused": True}, fields=(GIT,)), {PROMOTE: CANARY}, {"rollout": {"promote": CANARY}}),
        # Said once, by hand or by a default that came with a client-side apply.
        (obj(fields=(managed("kubectl-client-side-apply", "Update", "paused"),)), {PAUSED: True}, {"paused": True}),
        (
            obj(spec={"rollout": {"reject": CANARY}}, fields=(managed("argocd-server", "Update", "rollout.reject"),)),
            {REJECT: None},
            {"rollout": {"reject": NOTHING}},
        ),
        # Of a status nothing is owned that matters here.
        (obj(fields=({**GIT, "subresource": "status"},)), {PAUSED: True}, {"paused": True}),
    ],
)
def test_the_intent(given: dict[str, Any], change: dict[Path, Any], applied: dict[str, Any] | None) -> None:
    assert intent(given, change) == applied


def test_what_git_declares_stays_gits() -> None:
    with pytest.raises(Refused, match=r"spec\.paused of late is declared by 'argocd-controller'"):
        intent(obj(fields=(GIT,)), {PAUSED: True})
    # The same value needs no write, so there is nothing to refuse.
    assert intent(obj(spec={"paused": True}, fields=(GIT,)), {PAUSED: True}) is None


def test_what_is_in_an_applied_file_would_come_back() -> None:
    given = obj(fields=(managed("kubectl-client-side-apply", "Update", "paused"),))
    given["metadata"]["annotations"] = {LAST_APPLIED: json.dumps({"spec": {"paused": False}})}
    with pytest.raises(Refused, match="written in the file that was applied with kubectl"):
        intent(given, {PAUSED: True})
    assert intent(given, {PROMOTE: CANARY}) == {"rollout": {"promote": CANARY}}
    given["metadata"]["annotations"] = {LAST_APPLIED: "no JSON"}
    assert intent(given, {PAUSED: True}) == {"paused": True}
