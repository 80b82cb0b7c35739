"""Reading, deciding, applying: what happens when the object changes meanwhile, and how waits end."""

from __future__ import annotations

import copy
from argparse import Namespace
from collections.abc import Callable
from typing import Any

import pytest

from perennial.cli import acting
from perennial.cli.ending import DONE, LATE, WENT_BACK
from perennial.cli.ownership import MANAGER, Refused
from perennial.ports.kinds import Kind
from perennial.ports.kube import Conflict, Object, Unavailable
from tests.unit.cli.objects import CANARY, condition, entry, managed, obj, rolled_back, rolling

Change = Callable[[dict[str, Any]], None]


class Cluster:
    """One ModelDeployment; `operator` changes it at each read, which makes a new resourceVersion."""

    def __init__(self, given: dict[str, Any], *operator: Change | Exception) -> None:
        self.obj, self.operator = copy.deepcopy(given), list(operator)
        self.applied: list[dict[str, Any]] = []
        self.conflicts = 0

    async def get(self, _: Kind, __: str, name: str) -> Object | None:
        if name != "late":
            return None
        read = copy.deepcopy(self.obj)
        if self.operator:
            change = self.operator.pop(0)
            if isinstance(change, Exception):
                raise change
            change(self.obj)
            self.obj["metadata"]["resourceVersion"] += "1"
        return read

    async def list(self, _: Kind, namespace: str) -> list[Object]:
        return [{"metadata": {"uid": "uid-5", "namespace": namespace}, "spec": {"approval": {"decision": "Approved"}}}]

    async def apply(self, _: Kind, given: Object, *, manager: str) -> Object:
        assert manager == MANAGER
        if given["metadata"]["resourceVersion"] != self.obj["metadata"]["resourceVersion"]:
            self.conflicts += 1
            raise Conflict("the object has been modified")
        self.applied.append(given["spec"])
        rollout = given["spec"].get("rollout", {})
        self.obj["spec"] = {**self.obj["spec"], **given["spec"], "rollout": rollout}
        self.obj["metadata"]["generation"] += 1
        return copy.deepcopy(self.obj)


def options(command: str, *, wait: bool = False, timeout: float = 5, name: str = "late") -> Namespace:
    return Namespace(command=command, namespace="flights", name=name, wait=wait, timeout=timeout)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acting, "POLL_SECONDS", 0.001)


def counted(given: dict[str, Any]) -> None:
    """The operator writes its numbers."""
    given["status"]["analysis"] = {"verdict": "Hold"}


def seen(given: dict[str, Any]) -> None:
    """The operator has looked at the spec."""
    given["status"]["observedGeneration"] = given["metadata"]["generation"]


def another(given: dict[str, Any]) -> None:
    """A newer version takes the canary's place."""
    given["status"]["canary"] = {"version": 3, "revision": "newer", "weight": 1}


def promoted(given: dict[str, Any]) -> None:
    seen(given)
    given["status"]["stable"] = {"version": 2, "revision": CANARY}


def worse(given: dict[str, Any]) -> None:
    seen(given)
    given["status"] = {**rolled_back().obj["status"], "observedGeneration": given["metadata"]["generation"]}


async def test_a_write_of_the_operator_in_between_makes_it_read_again() -> None:
    cluster = Cluster(dict(rolling().obj), counted, counted)
    assert await acting.act(cluster, options("promote")) == DONE  # type: ignore[arg-type]
    assert (cluster.applied, cluster.conflicts) == ([{"rollout": {"promote": CANARY}}], 2)


async def test_another_canary_than_the_one_that_was_shown_is_never_promoted() -> None:
    cluster = Cluster(dict(rolling().obj), another)
    with pytest.raises(Refused, match="The rollout of late changed just now"):
        await acting.act(cluster, options("promote"))  # type: ignore[arg-type]
    assert cluster.applied == []


async def test_an_object_that_never_rests_is_left_alone() -> None:
    cluster = Cluster(dict(rolling().obj), *[counted] * 50)
    with pytest.raises(Refused, match="changes all the time"):
        await acting.act(cluster, options("promote"))  # type: ignore[arg-type]
    assert cluster.applied == []


async def test_a_word_that_was_used_up_counts_again_after_the_operator_saw_it_gone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = rolling(
        spec={"rollout": {"promote": CANARY}},
        fields=(managed(MANAGER, "Apply", "rollout.promote"),),
        history=[entry(2, CANARY, "Promoted")],
    )
    cluster = Cluster(dict(given.obj))
    applied = cluster.apply

    async def and_looks(*words: Any, **more: Any) -> Object:
        answer = await applied(*words, **more)
        cluster.operator = [seen]
        return answer

    cluster.apply = and_looks  # type: ignore[method-assign]
    assert await acting.act(cluster, options("promote")) == DONE  # type: ignore[arg-type]
    assert cluster.applied == [{}, {"rollout": {"promote": CANARY}}]
    assert "takes over from version 1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("operator", "code", "said"),
    [
        ((counted, Unavailable("gone"), seen, promoted), DONE, "Version 2 of late serves."),
        ((seen, worse), WENT_BACK, "So it was."),
    ],
)
async def test_waiting(
    operator: tuple[Change | Exception, ...], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = Cluster(dict(rolling().obj))
    applied = cluster.apply

    async def then(*words: Any, **more: Any) -> Object:
        cluster.operator = list(operator)
        return await applied(*words, **more)

    cluster.apply = then  # type: ignore[method-assign]
    assert await acting.act(cluster, options("promote", wait=True)) == code  # type: ignore[arg-type]
    shown = capsys.readouterr()
    assert (shown.err if code else shown.out).splitlines()[-1] == said


async def test_waiting_has_an_end(capsys: pytest.CaptureFixture[str]) -> None:
    stuck = rolling().obj | {"status": {**rolling().obj["status"], "conditions": []}}
    stuck["status"]["conditions"] = [condition("Reconciling", "True", "Preparing", "No pod is ready.")]
    code = await acting.act(Cluster(dict(stuck)), options("promote", wait=True, timeout=0.05))  # type: ignore[arg-type]
    assert code == LATE
    assert capsys.readouterr().err == "Not within 0 s. No pod is ready.\n"


async def test_undo_asks_the_registry_only_where_it_must(capsys: pytest.CaptureFixture[str]) -> None:
    history = [entry(5, "earlierrevision", "Promoted")]
    cluster = Cluster(obj(history=history))
    assert await acting.act(cluster, options("undo")) == DONE  # type: ignore[arg-type]
    assert cluster.applied == [{"rollout": {"promote": "earlierrevision"}}]
    assert "as soon as its pods are ready" in capsys.readouterr().out


async def test_no_such_deployment() -> None:
    with pytest.raises(Refused, match="There is no ModelDeployment early in namespace flights"):
        await acting.act(Cluster(obj()), options("pause", name="early"))  # type: ignore[arg-type]
