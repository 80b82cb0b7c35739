"""manifests/ as applied: what the operator's pod may be, and what its account may not do."""

from typing import Any

import pytest
import yaml

from perennial.core.settings import Settings
from tests.apiserver.support import Kubectl

SYSTEM = "perennial-system"


def read(kubectl: Kubectl, what: str) -> dict[str, Any]:
    answer: dict[str, Any] = yaml.safe_load(kubectl("-n", SYSTEM, "get", what, "-o", "yaml"))
    return answer


@pytest.fixture
def template(kubectl: Kubectl) -> dict[str, Any]:
    found: dict[str, Any] = read(kubectl, "deployment/perennial-operator")["spec"]["template"]
    return found


def test_the_namespace_enforces_the_restricted_standard_and_the_pod_meets_it(
    kubectl: Kubectl, template: dict[str, Any]
) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "operator"}, "spec": template["spec"]}
    kubectl("-n", SYSTEM, "create", "--dry-run=server", "-f", "-", stdin=yaml.safe_dump(pod))
    del pod["spec"]["containers"][0]["securityContext"]
    with pytest.raises(AssertionError, match="violates PodSecurity"):
        kubectl("-n", SYSTEM, "create", "--dry-run=server", "-f", "-", stdin=yaml.safe_dump(pod))


def test_the_root_file_system_is_read_only(template: dict[str, Any]) -> None:
    assert template["spec"]["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True


def test_images_and_settings_come_from_the_installation(kubectl: Kubectl, template: dict[str, Any]) -> None:
    (container,) = template["spec"]["containers"]
    assert container["image"] == "localhost/perennial-operator:test"
    data = read(kubectl, f"configmap/{container['envFrom'][0]['configMapRef']['name']}")["data"]
    values = {name.removeprefix("PERENNIAL_").lower(): value for name, value in data.items()}
    settings = Settings(**values, namespace=SYSTEM, pod_name="pod")
    assert settings.trainer_image == "localhost/perennial-trainer:test"
    assert settings.prometheus_url == "http://prometheus.monitoring:9090"


@pytest.mark.parametrize(
    ("verb", "resource"),
    [
        ("get", "secrets"),
        ("list", "configmaps"),
        ("create", "pods"),
        ("get", "pods/log"),
        ("patch", "trainingruns.perennial.dev"),
        ("patch", "modelversions.perennial.dev"),
        ("patch", "modeldeployments.perennial.dev"),
        ("delete", "modelversions.perennial.dev"),
        ("patch", "jobs.batch"),
        ("list", "namespaces"),
        ("list", "customresourcedefinitions.apiextensions.k8s.io"),
        ("create", "serviceaccounts/token"),
        ("create", "leases.coordination.k8s.io"),
    ],
)
def test_what_the_operator_may_not_do_in_users_namespaces(
    kubectl: Kubectl, namespace: str, verb: str, resource: str
) -> None:
    account = f"system:serviceaccount:{SYSTEM}:perennial-operator"
    with pytest.raises(AssertionError):  # kubectl exits 1 for a no
        kubectl("auth", "can-i", verb, resource, f"--namespace={namespace}", f"--as={account}")
