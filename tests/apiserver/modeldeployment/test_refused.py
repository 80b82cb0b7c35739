"""A part that a quota, a policy, a webhook, a missing right or a namespace on its way out refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from perennial.controllers.guard import Guarded
from perennial.controllers.modeldeployment import ModelDeploymentReconciler
from perennial.core.events import EventRecorder
from perennial.core.metrics import Metrics
from perennial.core.services import Services
from perennial.ports.kinds import (
    INFERENCE_SERVICE,
)
from perennial.ports.kube import KubeClient
from tests.apiserver.modeldeployment.stage import NAME, Stage
from tests.apiserver.modeldeployment.test_bad_input import (
    THEIRS,
    assert_still_serves,
    attempt,
    stalled,
    until_stalled,
    until_steady,
)
from tests.apiserver.modeldeployment.test_main_job import first
from tests.apiserver.support import Kubectl, eventually
from tests.unit.controllers.modeldeployment.world import SETTINGS

# What refuses a part.


async def refused(stage: Stage, words: str) -> None:
    """The new version's InferenceService is refused in these words, and nothing else has changed."""
    await until_stalled(stage, "ChildRefused")
    said = await stage.says("Stalled")
    assert said.startswith("The cluster refuses InferenceService late-")
    assert words in said
    await assert_still_serves(stage)


async def mended(stage: Stage) -> None:
    async def goes_on() -> bool:
        await attempt(stage)
        return await stalled(stage) == ""

    await eventually(goes_on, "it goes on by itself", 30)
    await stage.until_followed(-1)


async def test_a_quota(stage: Stage, installed: Kubectl) -> None:
    await first(stage)
    limit = {"count/inferenceservices.serving.kserve.io": "1"}
    metadata = {"namespace": stage.namespace, "name": "team"}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata}
    installed("apply", "--server-side", "-f", "-", stdin=json.dumps({**quota, "spec": {"hard": limit}}))
    counted = json.dumps({**quota, "status": {"hard": limit, "used": limit}})
    installed("apply", "--server-side", "--subresource=status", "-f", "-", stdin=counted)
    await stage.release(2)
    await refused(stage, "exceeded quota: team")
    installed("-n", stage.namespace, "delete", "resourcequota", "team")
    await mended(stage)


async def test_a_policy(stage: Stage, installed: Kubectl) -> None:
    await first(stage)
    match = {
        "resourceRules": [
            {
                "apiGroups": [INFERENCE_SERVICE.group],
                "apiVersions": ["*"],
                "operations": ["CREATE", "UPDATE"],
                "resources": [INFERENCE_SERVICE.plural],
            }
        ],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": stage.namespace}},
    }
    rule = {"expression": "false", "message": "Only on Mondays."}
    head = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": "mondays"}}
    policy = {**head, "kind": "ValidatingAdmissionPolicy", "spec": {"matchConstraints": match, "validations": [rule]}}
    binding = {**head, "kind": "ValidatingAdmissionPolicyBinding"}
    binding["spec"] = {"policyName": "mondays", "validationActions": ["Deny"]}
    installed("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump_all([policy, binding]))
    await applied(stage, "Only on Mondays.")
    await stage.release(2)
    await refused(stage, "Only on Mondays.")
    for kind in ("validatingadmissionpolicybinding", "validatingadmissionpolicy"):
        installed("delete", kind, "mondays")
    await mended(stage)


async def test_a_webhook_that_does_not_answer(stage: Stage, installed: Kubectl) -> None:
    await first(stage)
    rule = {"apiGroups": [INFERENCE_SERVICE.group], "apiVersions": ["*"], "operations": ["CREATE"]}
    webhook = {
        "name": "away.example.com",
        "clientConfig": {"url": "https://127.0.0.1:1/"},
        "rules": [{**rule, "resources": [INFERENCE_SERVICE.plural]}],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": stage.namespace}},
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    head = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration"}
    configuration = {**head, "metadata": {"name": "away"}, "webhooks": [webhook]}
    installed("apply", "--server-side", "-f", "-", stdin=json.dumps(configuration))
    await applied(stage, "failed calling webhook")
    await stage.release(2)
    await refused(stage, 'failed calling webhook "away.example.com"')
    installed("delete", head["kind"], "away")
    await mended(stage)


async def applied(stage: Stage, words: str) -> None:
    """Until the apiserver acts on what admission was just told: a dry creation is refused in these words."""
    metadata = {"namespace": stage.namespace, "generateName": "probe-"}
    obj = {"apiVersion": INFERENCE_SERVICE.api_version, "kind": "InferenceService", "metadata": metadata}
    obj |= THEIRS["InferenceService"]
    kubectl = stage.kubectl

    async def acts() -> bool:
        return words in kubectl.fails("create", "--dry-run=server", "-f", "-", stdin=json.dumps(obj))

    await eventually(acts, f"admission says {words}", 30)


async def test_a_namespace_that_is_being_deleted(stage: Stage, installed: Kubectl) -> None:
    await first(stage)
    installed("delete", "namespace", stage.namespace, "--wait=false")
    await stage.deploy(serving={"env": [{"name": "A", "value": "1"}]})
    await until_stalled(stage, "ChildRefused")
    assert "is being terminated" in await stage.says("Stalled")
    assert await stage.weights() == {1: 100}


async def test_a_permission_that_the_operator_lacks(stage: Stage, installed: Kubectl, tmp_path: Path) -> None:
    await first(stage)
    rules = [
        {"apiGroups": ["perennial.dev"], "resources": ["modeldeployments"], "verbs": ["get"]},
        {"apiGroups": ["perennial.dev"], "resources": ["modeldeployments/status"], "verbs": ["patch"]},
    ]
    head = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"namespace": stage.namespace, "name": "little"}}
    role = {**head, "kind": "Role", "rules": rules}
    subject = {"kind": "ServiceAccount", "namespace": stage.namespace, "name": "little"}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "little"}
    binding = {**head, "kind": "RoleBinding", "roleRef": reference, "subjects": [subject]}
    installed("-n", stage.namespace, "create", "serviceaccount", "little")
    installed("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump_all([role, binding]))
    kubeconfig = installed.kubeconfig_of(stage.namespace, "little", tmp_path)
    kube = await KubeClient.connect(kubeconfig=str(kubeconfig))
    try:
        result = await guarded(stage, kube).reconcile(stage.namespace, NAME)
    finally:
        await kube.close()
    assert result.requeue_after == 30
    assert await stalled(stage) == "PermissionMissing"
    assert "cannot list resource" in await stage.says("Stalled")
    await assert_still_serves(stage)
    await until_steady(stage)


def guarded(stage: Stage, kube: KubeClient) -> Guarded:
    """The reconciler as the operator runs it, as the user of `kube`."""
    events = EventRecorder(kube, stage.clock, "operator-0")
    analysis: Any = stage.analysis
    inner = ModelDeploymentReconciler(kube, stage.clock, SETTINGS, events, analysis, Metrics())
    return Guarded(inner, Services(kube, stage.clock, SETTINGS, events, Metrics(), lambda _: None))
