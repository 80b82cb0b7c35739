"""`spec.paused` and `spec.rollout` on a real apiserver, said with the very commands of docs/rollouts-by-hand.md."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perennial.ports.kinds import CONTROLLER_REVISION, HTTP_ROUTE
from perennial.rollout import Verdict
from tests.apiserver.modeldeployment.stage import NAME, Stage
from tests.apiserver.modeldeployment.test_main_job import STEADY, assert_idle, canary, first
from tests.apiserver.support import Kubectl

PAGE = Path(__file__).parents[3] / "docs/rollouts-by-hand.md"
SHOW, PAUSE, GO_ON, PROMOTE, ADVANCE, UNDO, REJECT, TRY_AGAIN, TAKE_BACK = re.findall(
    r"^```sh\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE
)
Say = Callable[[str], str]


@pytest.fixture
def say(stage: Stage, installed: Kubectl, tmp_path: Path) -> Say:
    """A person's shell in the namespace of the test: runs one block of the page."""
    command = [*installed.command, f"--kubeconfig={installed.kubeconfig}", f"--namespace={stage.namespace}"]
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(f'#!/bin/sh\nexec {" ".join(command)} "$@"\n')
    kubectl.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": str(tmp_path)}

    def run(block: str) -> str:
        script = block.replace("mdep flights", f"mdep {NAME}")
        done = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


async def history(stage: Stage) -> list[str]:
    return [each["outcome"] for each in (await stage.status())["history"]]


async def settled(stage: Stage) -> dict[str, Any]:
    """The status at rest; what the operator wrote is never part of the spec."""
    before = (await stage.get())["spec"]
    await stage.settle()
    assert (await stage.get())["spec"] == before
    await assert_idle(stage)
    return await stage.status()


async def test_pausing_holds_the_weight_until_it_goes_on(stage: Stage, say: Say) -> None:
    await first(stage)
    await canary(stage)
    say(PAUSE)
    stage.analysis.says(Verdict.ADVANCE)
    await settled(stage)
    assert await stage.weights() == {1: 90, 2: 10}
    paused = {**STEADY, "UpToDate": ("False", "RollingOut"), "Reconciling": ("True", "Paused")}
    assert await stage.conditions() == paused
    await stage.deploy()
    await settled(stage)
    assert await stage.conditions() == paused, "the YAML that does not name it leaves it alone"
    say(GO_ON)
    await stage.until_followed(1)
    assert await stage.weights() == {1: 50, 2: 50}


async def test_nothing_is_begun_while_paused(stage: Stage, say: Say) -> None:
    await first(stage)
    say(PAUSE)
    assert await settled(stage)
    assert await stage.conditions() == STEADY
    await stage.release(2)
    await settled(stage)
    assert (await stage.conditions())["Reconciling"] == ("True", "Paused")
    assert [each["kind"] for each in await stage.children()].count("InferenceService") == 1


async def test_promoting_takes_over_without_evidence(stage: Stage, say: Say) -> None:
    await first(stage)
    await canary(stage)
    stage.analysis.says(Verdict.HOLD)
    revision = (await stage.status())["canary"]["revision"]
    assert say(SHOW) == f"{revision}\n"
    say(PROMOTE)
    status = await settled(stage)
    assert await stage.weights() == {1: 0, 2: 100}
    assert await stage.conditions() == STEADY
    assert status["history"][0]["outcome"] == "Promoted"
    assert "promoted by hand (spec.rollout.promote)" in status["history"][0]["message"]
    await canary(stage, 3)
    assert await stage.weights() == {1: 0, 2: 90, 3: 10}, "what is left over promotes nothing else"


async def test_rejecting_rolls_back_and_is_remembered(stage: Stage, say: Say) -> None:
    await first(stage)
    await canary(stage)
    say(REJECT)
    await stage.step()
    assert await stage.weights() == {1: 100, 2: 0}
    route = await stage.admin.get(HTTP_ROUTE, stage.namespace, NAME)
    assert route is not None
    assert "perennial.dev/rolled-back" in route["metadata"]["annotations"]
    await stage.play()
    await settled(stage)
    assert (await stage.conditions())["Stalled"] == ("True", "RolledBack")
    assert "Reconciling" not in await stage.conditions()
    say(TAKE_BACK)
    await settled(stage)
    assert (await stage.conditions())["Stalled"] == ("True", "RolledBack")
    assert await history(stage) == ["RolledBack", "Deployed"]


async def test_trying_again_works_once_for_each_token(stage: Stage, say: Say) -> None:
    await first(stage)
    await canary(stage)
    say(REJECT)
    await stage.step()
    await stage.play()
    await settled(stage)
    started = say(TRY_AGAIN)
    assert started
    stage.clock.advance(60)
    await stage.until_followed(-1)
    record = await record_of(stage, 2)
    token = (await stage.get())["spec"]["rollout"]["retry"]
    assert record["annotations"] == {"perennial.dev/retried": token}
    assert "perennial.dev/outcome" not in record["labels"]
    stage.analysis.says(Verdict.HOLD)
    await stage.until_followed(0)
    assert await stage.weights() == {1: 90, 2: 10}
    stage.analysis.says(Verdict.ROLL_BACK)
    await stage.step()
    await stage.play()
    await settled(stage)
    assert (await stage.conditions())["Stalled"] == ("True", "RolledBack")
    record = await record_of(stage, 2)
    assert record["labels"]["perennial.dev/outcome"] == "RolledBack"
    assert record["annotations"]["perennial.dev/retried"] == token


async def record_of(stage: Stage, number: int) -> dict[str, Any]:
    """The metadata of a version's record."""
    records = await stage.admin.list(CONTROLLER_REVISION, stage.namespace)
    found: dict[str, Any] = next(each["metadata"] for each in records if each["data"]["version"] == number)
    return found


async def test_a_gate_is_opened_by_hand(stage: Stage, say: Say) -> None:
    gated = {"canary": {"steps": [{"weight": 10, "gate": "Manual"}, {"weight": 50}]}}
    await first(stage, strategy=gated)
    await canary(stage)
    stage.analysis.says(Verdict.ADVANCE)
    await stage.step()
    assert (await stage.conditions())["Reconciling"] == ("True", "AwaitingPromotion")
    say(ADVANCE)
    await stage.until_followed(1)
    assert await stage.weights() == {1: 50, 2: 50}


async def test_the_undo(stage: Stage, say: Say) -> None:
    await first(stage)
    await canary(stage)
    say(PROMOTE)
    await settled(stage)
    assert await stage.weights() == {1: 0, 2: 100}
    say(UNDO)
    await settled(stage)
    assert await stage.weights() == {1: 100}
    assert "undone by hand" in await stage.says("Stalled")
    assert await history(stage) == ["Promoted", "Promoted", "Deployed"]
