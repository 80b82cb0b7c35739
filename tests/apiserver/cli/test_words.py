"""What people say with `kubectl perennial`, and what comes of it on a real apiserver."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import yaml

from perennial.ports.kinds import MODEL_DEPLOYMENT
from perennial.rollout import Verdict
from tests.apiserver.cli.conftest import Person
from tests.apiserver.modeldeployment.stage import NAME, Stage
from tests.apiserver.modeldeployment.test_main_job import STEADY, canary, first
from tests.apiserver.support import Kubectl, eventually

OURS = "kubectl-perennial"


async def owned(stage: Stage) -> dict[str, Any]:
    """The fields of the spec that the plugin owns."""
    entries = (await stage.get())["metadata"]["managedFields"]
    fields = [each["fieldsV1"]["f:spec"] for each in entries if each["manager"] == OURS]
    assert len(fields) <= 1
    assert all(each["operation"] == "Apply" for each in entries if each["manager"] == OURS)
    return fields[0] if fields else {}


async def spec(stage: Stage) -> dict[str, Any]:
    found: dict[str, Any] = (await stage.get())["spec"]
    return found


async def until_reads(stage: Stage, holds: Callable[[dict[str, Any]], bool]) -> None:
    async def probe() -> bool:
        return holds(await spec(stage))

    await eventually(probe, "the word is written")


async def rest(stage: Stage) -> None:
    await stage.play()
    await stage.settle()


async def test_promote_names_the_canary_and_waits_for_it(stage: Stage, editor: Person) -> None:
    await first(stage)
    await canary(stage)
    revision = (await stage.status())["canary"]["revision"]
    waiting = await editor.start("promote", NAME, "--wait", "--timeout=60s")
    await until_reads(stage, lambda now: now["rollout"].get("promote") == revision)
    assert await owned(stage) == {"f:rollout": {"f:promote": {}}}
    await rest(stage)
    said = await editor.end(waiting)
    assert (said.code, said.err) == (0, "")
    told, serves = said.out.splitlines()
    assert told.startswith(f"Version 2 (revision {revision}) takes over from version 1 as soon as it is ready")
    assert serves == f"Version 2 of {NAME} serves."
    again = await editor("promote", NAME)
    assert (again.code, again.out) == (1, "")
    assert again.err == (
        f"There is no canary of {NAME} to promote: version 2 serves, and nothing is being rolled out.\n"
    )


async def test_a_promotion_that_is_rolled_back_ends_with_3(stage: Stage, editor: Person) -> None:
    await first(stage)
    await canary(stage)
    waiting = await editor.start("promote", NAME, "--wait", "--timeout=60s")
    await until_reads(stage, lambda now: "promote" in now["rollout"])
    said = await editor("reject", NAME)
    assert "rolled back at once" in said.out
    await stage.step()
    await rest(stage)
    said = await editor.end(waiting)
    assert said.code == 3
    assert "was rejected by hand (spec.rollout.reject)" in said.err
    assert (await stage.conditions())["Stalled"] == ("True", "RolledBack")


async def test_pausing_and_promoting_own_what_they_say_and_nothing_else(stage: Stage, editor: Person) -> None:
    await first(stage)
    await canary(stage)
    said = await editor("pause", f"mdep/{NAME}")
    assert (said.code, said.out) == (
        0,
        f"Version 2 stays at 10 % of requests until `kubectl perennial resume {NAME}`; it is still rolled back if it"
        " is worse.\n",
    )
    assert (await editor("pause", NAME)).out.startswith("It is paused already. ")
    await rest(stage)
    assert (await stage.conditions())["Reconciling"] == ("True", "Paused")
    await editor("promote", NAME)
    assert (await spec(stage))["paused"] is True, "a word before is not taken back by the next"
    assert await owned(stage) == {"f:paused": {}, "f:rollout": {"f:promote": {}}}
    await rest(stage)
    assert await stage.conditions() == STEADY
    await editor("resume", NAME)
    assert (await spec(stage))["paused"] is False
    # The file of a person, who applies it again and again, makes no difference.
    await stage.deploy()
    assert await owned(stage) == {"f:paused": {}, "f:rollout": {"f:promote": {}}}


async def test_reject_and_retry(stage: Stage, editor: Person) -> None:
    await first(stage)
    await canary(stage)
    waiting = await editor.start("reject", NAME, "--wait")
    await until_reads(stage, lambda now: "reject" in now["rollout"])
    await stage.step()
    await rest(stage)
    said = await editor.end(waiting)
    assert (said.code, said.out.splitlines()[1]) == (0, f"It is no canary of {NAME} any more; version 1 serves.")
    again = await editor("retry", NAME)
    assert (again.code, again.err) == (0, "")
    assert "is tried once more" in again.out
    assert set((await spec(stage))["rollout"]) == {"retry"}, "a rejection would win over it"
    stage.clock.advance(60)
    await stage.until_followed(-1)
    stage.analysis.says(Verdict.HOLD)
    await stage.until_followed(0)
    assert await stage.weights() == {1: 90, 2: 10}
    assert (await editor("retry", NAME)).err.startswith("Nothing is to be tried again")


async def test_undo_goes_back_in_one_write_and_retry_comes_again(stage: Stage, editor: Person) -> None:
    await first(stage)
    await canary(stage)
    await editor("promote", NAME)
    await rest(stage)
    earlier = (await stage.status())["previous"]["revision"]
    undoing = await editor.start("undo", NAME, "--wait", "--timeout=60s")
    await until_reads(stage, lambda now: now["rollout"].get("promote") == earlier)
    await stage.step()
    assert (await stage.weights())[1] == 100
    await rest(stage)
    said = await editor.end(undoing)
    assert (said.code, said.err) == (0, "")
    told, serves = said.out.splitlines()
    assert "takes over again: its pods are still there" in told
    assert serves == f"Version 1 of {NAME} serves."
    assert (await stage.conditions())["Stalled"] == ("True", "RolledBack")
    assert "is tried once more" in (await editor("retry", NAME)).out
    stage.clock.advance(7200)
    await stage.until_followed(-1)
    assert (await stage.status())["canary"]["version"] == 2


async def test_advance_opens_the_gate_that_the_canary_waits_at(stage: Stage, editor: Person) -> None:
    steps = [{"weight": 10, "gate": "Manual"}, {"weight": 50}]
    await first(stage, strategy={"canary": {"steps": steps}})
    await canary(stage)
    early = await editor("advance", NAME)
    assert (early.code, early.out) == (1, "")
    assert early.err.startswith(f"Version 2 of {NAME} does not wait for a person: it goes on by the evidence")
    stage.analysis.says(Verdict.ADVANCE)
    await rest(stage)
    assert (await stage.conditions())["Reconciling"] == ("True", "AwaitingPromotion")
    said = await editor("advance", NAME)
    assert (said.code, said.err) == (0, "")
    assert "goes on from 10 % of requests as soon as the evidence allows" in said.out
    assert (await spec(stage))["rollout"] == {"advance": f"{(await stage.status())['canary']['revision']}/0"}
    await stage.until_followed(1)
    assert await stage.weights() == {1: 50, 2: 50}


async def test_who_may_only_look_is_told_what_to_ask_for(stage: Stage, viewer: Person) -> None:
    await first(stage)
    await canary(stage)
    before = await stage.get()
    said = await viewer("promote", NAME)
    assert (said.code, said.out) == (1, "")
    expected = f"You may not change ModelDeployments in namespace {stage.namespace}: ask for the role perennial-edit"
    assert said.err.startswith(expected)
    assert len(said.err.splitlines()) == 1
    assert (await stage.get())["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]


async def test_what_git_declares_is_refused_with_the_name_of_who_declares_it(stage: Stage, editor: Person) -> None:
    await first(stage)
    found = await stage.get()
    metadata = {key: found["metadata"][key] for key in ("namespace", "name")}
    kept = {**(await spec(stage)), "paused": False}
    await stage.admin.apply(MODEL_DEPLOYMENT, {"metadata": metadata, "spec": kept}, manager="argocd-controller")
    said = await editor("pause", NAME)
    assert said.code == 1
    assert said.err == (
        f"spec.paused of {NAME} is declared by 'argocd-controller', which would put it back: change it where that takes"
        " it from, or take it out there and try again.\n"
    )
    assert (await spec(stage))["paused"] is False


async def test_defaults_that_came_with_a_file_are_nobodys_word(
    stage: Stage, editor: Person, installed: Kubectl
) -> None:
    await stage.release(1)
    wanted = await stage.deploy()
    await stage.admin.delete(MODEL_DEPLOYMENT, wanted)
    fields = {key: value for key, value in wanted["spec"].items() if key not in ("paused", "rollout")}
    metadata = {"namespace": stage.namespace, "name": NAME}
    file = yaml.safe_dump({**{k: wanted[k] for k in ("apiVersion", "kind")}, "metadata": metadata, "spec": fields})
    installed("apply", "-f", "-", stdin=file)
    await stage.settle()
    owners = [each for each in (await stage.get())["metadata"]["managedFields"] if "f:spec" in each["fieldsV1"]]
    assert "f:paused" in owners[0]["fieldsV1"]["f:spec"], "or this test shows nothing"
    assert (await editor("pause", NAME)).code == 0
    assert (await spec(stage))["paused"] is True
    installed("apply", "-f", "-", stdin=file)
    assert (await spec(stage))["paused"] is True
    installed("-n", stage.namespace, "patch", "mdep", NAME, "--type=merge", "-p", '{"spec":{"paused":false}}')
    assert (await editor("pause", NAME)).code == 0
    assert (await spec(stage))["paused"] is True


async def test_what_is_not_there_is_said(stage: Stage, editor: Person) -> None:
    said = await editor("promote", "nobody")
    assert said.code == 1
    assert said.err == (
        f"There is no ModelDeployment nobody in namespace {stage.namespace}: `kubectl get mdep -A` lists those there"
        " are.\n"
    )
    usage = await editor("promote", "pod/nobody")
    assert usage.code == 2
    assert "is no ModelDeployment: give its name" in usage.err


async def test_the_shell_is_offered_names(stage: Stage, editor: Person) -> None:
    await first(stage)
    environment = {"PATH": "/usr/bin:/bin", "KUBECONFIG": str(editor.kubeconfig)}
    command = (editor.plugins / "kubectl_complete-perennial", "promote", "-n", stage.namespace, "")
    asked = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env=environment)
    out, _ = await asked.communicate()
    assert out.decode().split() == [NAME, ":4"]
