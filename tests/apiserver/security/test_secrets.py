"""A secret that is planted wherever one can be is in no status, event, log line or metric afterwards."""

from __future__ import annotations

import json
import secrets
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from perennial.ports.kinds import JOB, TRAINING_RUN
from perennial.ports.kube import KubeClient, Object
from tests.apiserver import playing
from tests.apiserver.modeldeployment.stage import Stage
from tests.apiserver.security import cluster, mainjob
from tests.apiserver.support import Kubectl, OperatorProcess, eventually, until

KINDS = "trainingruns,modelversions,modeldeployments,jobs,inferenceservices,servingruntimes,controllerrevisions"
KINDS += ",httproutes,events.events.k8s.io,persistentvolumeclaims,configmaps,gateways,services"
# What people put into a spec goes on to what makes the pod, and to the record of what the pod was made of.
MAKES_PODS = {"Job", "ServingRuntime", "InferenceService", "ControllerRevision"}


def word() -> str:
    """Nothing else looks like it."""
    return "hush" + secrets.token_hex(12)


@dataclass(frozen=True)
class Planted:
    """Secrets, by where they are."""

    secret: str
    spec: str
    url: str
    token: str

    def everywhere(self) -> list[str]:
        """All that must be nowhere, in the forms in which they travel."""
        basic = b64encode(f"someone:{self.url}".encode()).decode()
        stored = b64encode(self.secret.encode()).decode()
        return [self.secret, stored, self.url, basic, self.token, self.token.rpartition(".")[2]]

    def env(self) -> list[dict[str, Any]]:
        """For a container: one of a Secret, one written down."""
        reference = {"secretKeyRef": {"name": "hidden", "key": "password"}}
        return [{"name": "OF_SECRET", "valueFrom": reference}, {"name": "WRITTEN_DOWN", "value": self.spec}]


@contextmanager
def echoing() -> Iterator[int]:
    """A Prometheus that fails and repeats all that it was sent."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(500)
            self.end_headers()
            self.wfile.write(json.dumps(dict(self.headers)).encode())

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
async def planted(secured: Kubectl, admin: KubeClient, namespace: str) -> Planted:
    token = await cluster.token(admin, cluster.SYSTEM, "perennial-operator")
    planted = Planted(word(), word(), word(), token)
    secured("-n", namespace, "create", "secret", "generic", "hidden", f"--from-literal=password={planted.secret}")
    return planted


async def test_a_planted_secret_is_nowhere_afterwards(
    secured: Kubectl, admin: KubeClient, planted: Planted, namespace: str, tmp_path: Path
) -> None:
    secured("-n", cluster.SYSTEM, "delete", "lease", "--all")
    cluster.write_kubeconfig(secured.kubeconfig, planted.token, tmp_path / "kubeconfig")
    with echoing() as port:
        url = f"http://someone:{planted.url}@127.0.0.1:{port}"
        serving = f"{namespace}-serving"
        secured("create", "namespace", serving)
        served = f"{namespace},{serving}"
        settings = {"prometheus_url": url, "verbose": "yes", "namespaces": served, "poll_seconds": 0.5}
        process = OperatorProcess(tmp_path / "kubeconfig", tmp_path / "log", "operator-0", settings)
        try:
            await _failing_run(secured, admin, namespace, planted)
            await _canary(admin, serving, planted)
            shown = process.fetch("/metrics")[1]
        finally:
            process.end()
    assert "DEBUG".lower() in process.log
    _search(process.log, planted, planted.spec)
    _search(shown, planted, planted.spec)
    found = [obj for each in (namespace, serving) for obj in _all(secured, each)]
    assert {"TrainingRun", "Event", "ServingRuntime", "ControllerRevision"} <= {each["kind"] for each in found}
    for each in found:
        _search(json.dumps(each), planted)
        _search(json.dumps(_said(each)), planted, planted.spec)
    _search(secured("-n", cluster.SYSTEM, "get", "leases,events,configmaps", "-o", "json"), planted, planted.spec)


def _all(kubectl: Kubectl, namespace: str) -> list[Object]:
    items: list[Object] = json.loads(kubectl("-n", namespace, "get", KINDS, "-o", "json"))["items"]
    return items


def _search(text: str, planted: Planted, *more: str) -> None:
    for each in (*planted.everywhere(), *more):
        assert each not in text, text[max(0, text.index(each) - 300) :][:700]


def _said(obj: Object) -> Object:
    """Without what people have written: their spec, and the pods that are made of it."""
    theirs = ("spec", "data") if obj["kind"] in MAKES_PODS else ("spec",)
    return {key: value for key, value in obj.items() if key not in theirs}


async def _failing_run(kubectl: Kubectl, admin: KubeClient, namespace: str, planted: Planted) -> None:
    """Three runs: one that fails, one whose container cannot be made, one whose Job the apiserver refuses."""
    for claim in ("flights-data", "models"):
        await playing.make_claim(admin, namespace, claim)
    for name, status in (
        ("fails", playing.ended("train", 1, "ValueError: no such column", "Error")),
        ("stuck", playing.waiting("train", "CreateContainerConfigError", 'secret "hidden" not found')),
    ):
        await _run(admin, namespace, name, planted)
        job = await eventually(partial(admin.get, JOB, namespace, name), f"the Job of {name}")
        await playing.make_pod(admin, job, status)
        if name == "fails":
            await playing.end_job(admin, job, "Failed")
    _no_more_jobs(kubectl, namespace)
    await _run(admin, namespace, "refused", planted)
    for name, words in (("fails", "no such column"), ("stuck", "not found"), ("refused", "exceeded quota")):
        await eventually(partial(_says, admin, namespace, name, words), f"{name}: {words}", 60)


async def _run(admin: KubeClient, namespace: str, name: str, planted: Planted) -> None:
    run = mainjob.run(namespace, name)
    run["spec"]["trainer"]["env"] = planted.env()
    await admin.create(TRAINING_RUN, run)


def _no_more_jobs(kubectl: Kubectl, namespace: str) -> None:
    """A quota, in force; the status is written by a controller that is not here."""
    hard = {"count/jobs.batch": "2"}
    kubectl("-n", namespace, "create", "quota", "jobs", "--hard=count/jobs.batch=2")
    patch = ["--subresource=status", "--type=merge", "-p", json.dumps({"status": {"hard": hard, "used": hard}})]
    kubectl("-n", namespace, "patch", "quota", "jobs", *patch)

    def refused() -> bool:
        try:
            kubectl("-n", namespace, "create", "job", "one-more", "--image=x", "--dry-run=server")
        except AssertionError as error:
            return "exceeded quota" in str(error)
        return False

    until(refused, "the quota is in force")


async def _says(admin: KubeClient, namespace: str, name: str, words: str) -> bool:
    run = await admin.get(TRAINING_RUN, namespace, name)
    return words in str((run or {}).get("status"))


async def _canary(admin: KubeClient, namespace: str, planted: Planted) -> None:
    """Evidence cannot be read, and the status says why."""
    stage = Stage(namespace, admin, admin)
    await stage.release(1)
    await stage.deploy(serving={"env": planted.env()})

    async def steady() -> bool:
        await stage.play()
        return ((await stage.get()).get("status") or {}).get("stable") is not None

    await eventually(steady, "the first version serves", 60)
    await stage.release(2)

    async def blind() -> bool:
        await stage.play()
        return "Prometheus at" in str((await stage.get())["status"])

    await eventually(blind, "it is said that Prometheus fails", 60)


def test_what_a_user_wrote_is_searched_for_at_all() -> None:
    """The search fails when there is something to find."""
    planted = Planted(word(), word(), word(), "a.b." + word())
    for each in (*planted.everywhere(), planted.spec):
        with pytest.raises(AssertionError):
            _search(yaml.safe_dump({"message": f"it was {each}!"}), planted, planted.spec)
