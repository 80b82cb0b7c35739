"""The story, chapter by chapter: train, register, serve, canary, promote, roll back."""

from __future__ import annotations

import json

from demo.kubectl import KubectlError, until
from demo.scene import Scene
from demo.stage import Stage, StoryError
from demo.tally import Tally


def prepare(stage: Stage) -> None:
    """An empty namespace with two claims, the data on its claim, and the flights for the replay on this machine."""
    _check_installed(stage)
    if stage.kubectl.get("namespace", stage.kubectl.namespace):
        stage.view.say("Removing what an earlier run left (kubectl delete namespace flights)")
        remove(stage)
    stage.view.say("1. The data: flights that left New York in 2013, brought to a claim by a Job")
    stage.apply("namespace.yaml", "data.yaml")
    until(lambda: _finished(stage), what="the Job flights-data completes", seconds=180)
    log = stage.kubectl("logs", "job/flights-data").splitlines()
    flights = [line for line in log if line.startswith("{")]
    stage.rows_file.parent.mkdir(parents=True, exist_ok=True)
    stage.rows_file.write_text("\n".join(flights))
    for line in log:
        if not line.startswith("{"):
            stage.view.say(f"   {line}")
    stage.view.say(f"   and {len(flights):,} flights of April to December to replay")


def remove(stage: Stage) -> None:
    """Delete the namespace of the example and wait until it is gone."""
    name = stage.kubectl.namespace
    stage.kubectl("delete", "namespace", name, "--wait=false", "--ignore-not-found")
    until(lambda: not stage.kubectl.get("namespace", name), what=f"namespace {name} is gone", seconds=180)


def serve_first(stage: Stage) -> None:
    """v1 is trained, registered and deployed; from here on flights are replayed without a pause."""
    stage.view.say("2. v1: trained on January, registered, served")
    stage.apply("v1.yaml", "deployment.yaml")
    stage.follow(lambda scene: _serves(scene, 1), what="v1 serves", seconds=240)
    stage.start_traffic()
    stage.view.say(
        f"   v1 answers at http://{stage.host}; from now on {stage.rate:.0f} flights a second, without a pause"
    )


def promote_second(stage: Stage) -> None:
    """v2 becomes a canary and, on evidence, the stable version."""
    stage.view.say("3. v2: trained on January to March; a canary, step by step, then promoted")
    stage.apply("v2.yaml")
    stage.follow(lambda scene: _serves(scene, 2), what="v2 is promoted", seconds=360)
    stage.view.say(f"   {_told(stage.look(), 2)}")


def roll_back_third(stage: Stage) -> None:
    """v3 becomes a canary and is rolled back by its errors."""
    stage.view.say("4. v3: trained on a sample, with an encoder that refuses what it has not seen")
    stage.apply("v3.yaml")
    stage.follow(lambda scene: outcome(scene, 3) == "RolledBack", what="v3 is rolled back", seconds=300)
    stage.view.say(f"   {_told(stage.look(), 3)}")


def end(stage: Stage) -> tuple[Scene, Tally]:
    """Stop the replay, print what people see, and return the last scene and the final counts."""
    if stage.traffic is None:
        raise StoryError("no flight was ever replayed")
    scene = stage.look()
    tally = stage.traffic.stop()
    stage.view.say("5. What there is now")
    for kind in ("modelversions", "modeldeployments"):
        stage.view.say(f"$ kubectl get {kind} -n {stage.kubectl.namespace}\n{stage.kubectl('get', kind).rstrip()}")
    v3_errors, v3_served = stage.record.errors(3, tally), stage.record.served(3, tally)
    stage.view.say(f"Why v3 was rolled back: {_told(scene, 3)}")
    stage.view.say(f"Requests: {tally.sent:,} sent, {tally.finished:,} over, {tally.lost_total or 'none'} lost.")
    share = 100 * v3_errors / tally.sent if tally.sent else 0
    stage.view.say(
        f"Users who saw v3's errors: {v3_errors} of the {v3_served:,} it answered, {share:.2f} % of all users."
    )
    return scene, tally


def steps(stage: Stage) -> list[int]:
    """The canary weights that the deployment declares."""
    found = stage.kubectl.get("modeldeployment", "flights") or {}
    return [each["weight"] for each in found["spec"]["strategy"]["canary"]["steps"]]


def outcome(scene: Scene, version: int) -> str:
    """How the last rollout of a version ended; empty while it has not."""
    return next((each.outcome for each in scene.deployment.history if each.version == version), "")


def _told(scene: Scene, version: int) -> str:
    return next((each.message for each in scene.deployment.history if each.version == version), "(no history)")


def _serves(scene: Scene, version: int) -> bool:
    stable = scene.deployment.stable
    return bool(stable and stable.version == version and scene.condition("UpToDate")[0] == "True")


def _finished(stage: Stage) -> bool:
    job = stage.kubectl.get("job", "flights-data") or {}
    for each in job.get("status", {}).get("conditions", []):
        if each["type"] == "Failed" and each["status"] == "True":
            raise StoryError(f"The Job flights-data failed: {json.dumps(each)}")
    return bool(job.get("status", {}).get("succeeded"))


def _check_installed(stage: Stage) -> None:
    try:
        stage.kubectl("get", "crd", "modeldeployments.perennial.dev", "-o", "name")
    except KubectlError as error:
        raise StoryError(f"Perennial is not installed on this cluster, or it is not there: {error}") from error
