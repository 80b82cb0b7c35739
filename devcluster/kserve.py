"""KServe's controller in Standard mode, without what it can do without: cert-manager, Istio, Knative."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from . import go
from .kubectl import Kubectl
from .pki import Certificate, issue

NAMESPACE = "kserve"
_NAME = "kserve-controller-manager"
_LABELS = {"control-plane": _NAME}
_SERVICE = "kserve-webhook-server-service"
_SECRET = "kserve-webhook-server-cert"  # noqa: S105 - the name of one
_OUR_HOOKS = {"inferenceservice.serving.kserve.io", "servingruntime.serving.kserve.io"}

Object = dict[str, Any]


def install(kubectl: Kubectl, image: str, pki: Path) -> None:
    """Apply the controller; its webhooks follow when it answers (`install_webhooks`).

    Args:
        kubectl: the cluster.
        image: the controller's.
        pki: a folder with an authority, which signs the certificate of the webhooks.
    """
    _issue_certificate(pki)
    kubectl.apply_objects([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}])
    kubectl.apply_files([_module() / "config/rbac/role.yaml"])
    certificate, deployment = _certificate(pki), _deployment(image)
    kubectl.apply_objects([_configuration(), _account(), _binding(), certificate, _service(), deployment])


def install_webhooks(kubectl: Kubectl, pki: Path) -> None:
    """Wait for the controller, then let the apiserver ask it."""
    kubectl.wait_for("condition=Available", f"--namespace={NAMESPACE}", f"deployment/{_NAME}", seconds=120)
    hooks = kubectl.read_files(_module() / "config/webhook/manifests.yaml")
    kubectl.apply_objects(_addressed(hook, pki) for hook in hooks if hook["metadata"]["name"] in _OUR_HOOKS)


def _module() -> Path:
    return go.module("kserve", "github.com/kserve/kserve")


def _issue_certificate(pki: Path) -> None:
    if not (pki / "kserve-webhook.crt").exists():
        host = f"{_SERVICE}.{NAMESPACE}.svc"
        issue(pki, Certificate("kserve-webhook", f"/CN={host}", ("serverAuth",), (f"DNS:{host}",)))


def _encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def _addressed(hook: Object, pki: Path) -> Object:
    """A webhook configuration with the placeholders for its Service filled in, and our authority."""
    for each in hook["webhooks"]:
        each["clientConfig"]["service"] |= {"name": _SERVICE, "namespace": NAMESPACE}
        each["clientConfig"]["caBundle"] = _encoded(pki / "ca.crt")
    hook["metadata"] = {"name": hook["metadata"]["name"]}
    return hook


def _object(version: str, kind: str, name: str, **rest: Any) -> Object:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE}, **rest}


def _configuration() -> Object:
    unused = {  # has to parse, though nothing of it runs here
        "image": "localhost/unused:1",
        "memoryRequest": "32Mi",
        "memoryLimit": "1Gi",
        "cpuRequest": "10m",
        "cpuLimit": "1",
    }
    ingress = {
        "enableGatewayApi": False,
        "disableIngressCreation": True,
        "disableIstioVirtualHost": True,
        "ingressGateway": "unused/unused",
        "kserveIngressGateway": "unused/unused",
        "ingressDomain": "example.test",
        "urlScheme": "http",
    }
    values: dict[str, Object] = {
        "deploy": {"defaultDeploymentMode": "Standard"},
        "ingress": ingress,
        "storageInitializer": {**unused, "enableModelcar": False},
        "agent": unused,
        "logger": {**unused, "defaultUrl": "http://unused"},
        "batcher": {**unused, "maxBatchSize": "32", "maxLatency": "5000"},
        "credentials": {},
        "metricsAggregator": {"enableMetricAggregation": "false", "enablePrometheusScraping": "false"},
        "security": {"autoMountServiceAccountToken": False},
        "inferenceService": {
            "resource": {"cpuLimit": "1", "memoryLimit": "1Gi", "cpuRequest": "20m", "memoryRequest": "128Mi"}
        },
    }
    data = {name: json.dumps(value) for name, value in values.items()}
    return _object("v1", "ConfigMap", "inferenceservice-config", data=data)


def _account() -> Object:
    return _object("v1", "ServiceAccount", _NAME)


def _binding() -> Object:
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "kserve-manager-rolebinding"},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "kserve-manager-role"},
        "subjects": [{"kind": "ServiceAccount", "name": _NAME, "namespace": NAMESPACE}],
    }


def _certificate(pki: Path) -> Object:
    data = {"tls.crt": _encoded(pki / "kserve-webhook.crt"), "tls.key": _encoded(pki / "kserve-webhook.key")}
    return _object("v1", "Secret", _SECRET, type="kubernetes.io/tls", data=data)


def _service() -> Object:
    return _object("v1", "Service", _SERVICE, spec={"ports": [{"port": 443, "targetPort": 9443}], "selector": _LABELS})


def _deployment(image: str) -> Object:
    pod = {
        "serviceAccountName": _NAME,
        "terminationGracePeriodSeconds": 2,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [_container(image)],
        "volumes": [{"name": "certificate", "secret": {"secretName": _SECRET}}],
    }
    template = {"metadata": {"labels": _LABELS}, "spec": pod}
    return _object("apps/v1", "Deployment", _NAME, spec={"selector": {"matchLabels": _LABELS}, "template": template})


def _container(image: str) -> Object:
    return {
        "name": "manager",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "args": ["--metrics-addr=127.0.0.1:8080"],
        "env": [{"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}}],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        # upstream waits 30 s before it looks
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": 8081}, "periodSeconds": 1, "failureThreshold": 60},
        "resources": {"requests": {"cpu": "20m", "memory": "64Mi"}, "limits": {"memory": "512Mi"}},
        "volumeMounts": [
            {"name": "certificate", "mountPath": "/tmp/k8s-webhook-server/serving-certs", "readOnly": True}  # noqa: S108
        ],
    }
