"""Training that goes wrong, on a real kubelet: the run says why, and goes on by itself where it can.

All runs are started together, in a namespace of their own, because most of what they do is wait.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from demo.kubectl import Kubectl, TooLateError, until
from tests.e2e.conftest import CLUSTER

NAMESPACE = "bad-training"
SECONDS = 90
ESTIMATOR = {"name": "LogisticRegression", "target": "late", "numeric": ["delay", "distance"]}
# 400 flights that are late when they leave late.
ROWS = "delay,distance,late\n" + "".join(f"{n % 40},{100 + 7 * n},{int(n % 40 > 20)}\n" for n in range(400))


def trains(**spec: Any) -> dict[str, Any]:
    """A run that would succeed."""
    run = {
        "modelName": "flights",
        "data": {"uri": "pvc://data/flights.csv"},
        "trainer": {"estimator": ESTIMATOR, "resources": {"requests": {"cpu": "10m"}}},
        "output": {"storageUri": "pvc://models"},
        "backoffLimit": 0,
    }
    return run | spec


def runs(script: str, memory: str = "128Mi", logs: str = "Quoted", **spec: Any) -> dict[str, Any]:
    """A run of a program of one's own."""
    resources = {"requests": {"cpu": "10m"}, "limits": {"memory": memory}}
    return trains(trainer={"command": ["python3", "-c", script], "resources": resources, "logs": logs}, **spec)


# The first process of a container gets no SIGTERM unless it asks for it, and would be waited for.
HEARS = "import os, pathlib, signal, sys, time; signal.signal(15, lambda *_: sys.exit(143))\n"
SLEEPS = HEARS + "time.sleep(3600)"
# Sleeps when it is tried for the first time, so that there is something to take away; ends when it is tried again.
SLEEPS_ONCE = f"""{HEARS}
mark = pathlib.Path(os.environ["PERENNIAL_OUTPUT_PATH"]) / "tried"
if not mark.exists():
    mark.touch()
    time.sleep(3600)
sys.exit("it was tried again")
"""
SUCCEEDS = """
import json, os, pathlib
digest = "ab" * 32
artifact = {"uri": os.environ["PERENNIAL_OUTPUT_URI"] + "/" + digest, "sha256": digest}
outcome = {"outcome": "Succeeded", "artifact": artifact}
pathlib.Path(os.environ["PERENNIAL_OUTCOME_PATH"]).write_text(json.dumps(outcome))
"""
RUNS = {
    "no-image": trains(trainer={"image": "localhost/nobody/nothing:1", "command": ["x"]}),
    "exits": runs("raise SystemExit('the script gave up')"),
    "private": runs("raise SystemExit('the password is hunter2')", logs="Private"),
    "hangs": runs(SLEEPS, activeDeadlineSeconds=25),
    "eats": runs("b'x' * 10**9", memory="32Mi"),
    "evicted": runs(SLEEPS_ONCE),
    "killed": runs(SLEEPS),
    "no-column": trains(trainer={"estimator": ESTIMATOR | {"numeric": ["delay", "altitude"]}}),
    "no-file": trains(data={"uri": "pvc://data/missing.csv"}),
    "waits": trains(data={"uri": "pvc://later/flights.csv"}, output={"storageUri": "pvc://later-models"}),
}


class Place:
    """The namespace and what its runs say."""

    def __init__(self, kubectl: Kubectl) -> None:
        self.kubectl = kubectl

    def make(self, name: str, spec: dict[str, Any]) -> None:
        metadata = {"name": name, "namespace": self.kubectl.namespace}
        run = {"apiVersion": "perennial.dev/v1alpha1", "kind": "TrainingRun", "metadata": metadata, "spec": spec}
        self.kubectl.apply(json.dumps(run))

    def condition(self, name: str, kind: str = "Succeeded") -> tuple[str, str, str]:
        """Status, reason and message."""
        run = self.kubectl.get("trainingrun", name) or {}
        conditions = run.get("status", {}).get("conditions", [])
        found = next((each for each in conditions if each["type"] == kind), {})
        return found.get("status", ""), found.get("reason", ""), found.get("message", "")

    def says(self, name: str, status: str, reason: str, seconds: float = SECONDS) -> str:
        """The message, once the run says this."""
        seen: list[tuple[str, str, str]] = [("", "", "")]

        def said() -> bool:
            seen[0] = self.condition(name)
            return seen[0][:2] == (status, reason)

        try:
            until(said, what=f"{name} is {status} {reason}", seconds=seconds)
        except TooLateError as late:
            raise AssertionError(f"{late}; it is {seen[0]}") from None
        return seen[0][2]

    def pod(self, run: str) -> str:
        """The name of the run's pod, once it runs."""
        labels = f"perennial.dev/controller=TrainingRun,perennial.dev/name={run}"
        found: list[str] = []

        def running() -> bool:
            pods = self.kubectl.list("pods", "-l", labels, "--field-selector=status.phase=Running")
            found[:] = [each["metadata"]["name"] for each in pods]
            return bool(found)

        until(running, what=f"a pod of {run} runs", seconds=SECONDS)
        return found[0]

    def claim(self, name: str) -> None:
        """A claim with the flights."""
        spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
        metadata = {"name": name, "namespace": self.kubectl.namespace}
        claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}
        self.kubectl.apply(json.dumps(claim))

    def fill(self, claim: str) -> None:
        """A Job that writes the flights to a claim."""
        self.kubectl.apply(json.dumps(writes(self.kubectl.namespace, claim)))
        self.kubectl("wait", "--for=condition=complete", "--timeout=60s", f"job/fill-{claim}")


def writes(namespace: str, claim: str) -> dict[str, Any]:
    """The Job of `Place.fill`."""
    script = f"open('/data/flights.csv', 'w').write({ROWS!r})"
    restricted = {"runAsNonRoot": True, "fsGroup": 65532, "seccompProfile": {"type": "RuntimeDefault"}}
    container = {
        "name": "fill",
        "image": CLUSTER.image("trainer"),
        "command": ["python3", "-c", script],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    pod = {
        "restartPolicy": "Never",
        "securityContext": restricted,
        "containers": [container],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}],
    }
    metadata = {"name": f"fill-{claim}", "namespace": namespace}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"template": {"spec": pod}}}


@contextmanager
def namespace(kubectl: Kubectl, name: str) -> Iterator[Place]:
    """A namespace that holds nothing, gone in the end with all that is in it."""
    place = Place(replace(kubectl, namespace=name))
    # What a test left behind that was ended before its own end.
    place.kubectl("delete", "namespace", name, "--ignore-not-found", "--timeout=100s")
    place.kubectl("create", "namespace", name)
    try:
        place.kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
        yield place
    finally:
        place.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="module")
def place(kubectl: Kubectl) -> Iterator[Place]:
    """Every run has been started."""
    with namespace(kubectl, NAMESPACE) as place:
        place.claim("models")
        place.claim("data")
        place.fill("data")
        for name, spec in RUNS.items():
            place.make(name, spec)
        yield place


@pytest.fixture(scope="module")
def full(kubectl: Kubectl, place: Place) -> Iterator[Place]:
    """A namespace whose quota allows no pod, and a run in it; it waits while the others are looked at."""
    with namespace(kubectl, f"{NAMESPACE}-quota") as full:
        full.kubectl("create", "quota", "pods", "--hard=pods=0")
        full.claim("models")
        full.claim("data")
        full.make("waits", runs(SUCCEEDS))
        yield full


def test_evicted_it_goes_on(place: Place, full: Place) -> None:
    pod = place.pod("evicted")
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": NAMESPACE}}
    path = f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}/eviction"
    place.kubectl("create", "--raw", path, "-f", "-", given=json.dumps(eviction))
    # Not counted as a failure: with no retry allowed, the next pod comes all the same.
    assert "it was tried again" in place.says("evicted", "False", "Failed")


def test_a_job_killed_in_the_middle_is_a_clear_failure(place: Place) -> None:
    place.pod("killed")
    place.kubectl("delete", "job", "killed")
    assert "create a new run" in place.says("killed", "False", "JobLost")
    assert place.kubectl.get("job", "killed") is None


def test_data_that_arrives_later(place: Place) -> None:
    assert "goes on by itself" in place.says("waits", "Unknown", "DataNotFound")
    assert place.condition("waits", "DataReady")[:2] == ("False", "DataNotFound")
    # The run waits for the other claim while this one is filled.
    place.claim("later")
    place.fill("later")
    assert "goes on by itself" in place.says("waits", "Unknown", "OutputNotFound")
    place.claim("later-models")
    place.says("waits", "True", "Completed")


@pytest.mark.parametrize(
    ("run", "status", "reason", "words"),
    [
        ("no-image", "Unknown", "ImageUnavailable", "localhost/nobody/nothing:1"),
        ("exits", "False", "Failed", "exit code 1: the script gave up."),
        ("private", "False", "Failed", "its log is private"),
        ("eats", "False", "OutOfMemory", "trainer.resources.limits.memory"),
        ("no-column", "False", "ColumnMissing", "altitude"),
        ("no-file", "False", "DataNotFound", "missing.csv"),
        ("hangs", "False", "DeadlineExceeded", "(25 s)"),
    ],
)
def test_it_says_why(place: Place, run: str, status: str, reason: str, words: str) -> None:
    assert words in place.says(run, status, reason)


def test_a_quota_that_is_raised(place: Place, full: Place) -> None:
    assert "quota" in full.says("waits", "Unknown", "PodNotCreated")
    full.kubectl("patch", "quota", "pods", "--type=merge", "-p", '{"spec":{"hard":{"pods":"5"}}}')
    full.says("waits", "True", "Completed")


def test_each_success_is_one_version_and_nothing_else_is(place: Place, full: Place) -> None:
    made = [each["spec"]["trainingRunRef"]["name"] for each in place.kubectl.list("modelversions")]
    assert made == ["waits"]
    assert len(full.kubectl.list("modelversions")) == 1


def test_a_private_log_is_nowhere_but_in_the_log(place: Place) -> None:
    (pod,) = place.kubectl.list("pods", "-l", "perennial.dev/name=private")
    assert "hunter2" not in json.dumps(pod["status"])
    assert "hunter2" in place.kubectl("logs", pod["metadata"]["name"])
    run = place.kubectl.get("trainingrun", "private") or {}
    assert "hunter2" not in json.dumps([run["status"], *place.kubectl.list("events")])
